"""Requests about elastic IPs: public addresses, each of which may lead to one HAVIP and follows its binding."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from pytest_havip.network.core.arguments import check_name
from pytest_havip.network.core.effects import Change
from pytest_havip.network.core.identities import new_identity
from pytest_havip.network.core.model import Eip
from pytest_havip.network.core.refusal import Code, Refused
from pytest_havip.network.core.state import State

__all__ = ["PUBLIC_RANGE", "Eips"]

PUBLIC_RANGE = IPv4Network("203.0.113.0/24")
"""Where elastic IPs are taken from: addresses that are nobody's in the world (RFC 5737, TEST-NET-3)."""


class Eips(State):
    """The elastic IPs of the account. They belong to no VPC; the HAVIP that one is associated with does."""

    def allocate_eips(self, name: str, count: int, *, now: float) -> tuple[Eip, ...]:
        """Get elastic IPs that lead nowhere yet.

        Args:
            name: any text, the same for all.
            count: how many.
            now: epoch seconds.
        """
        check_name(name, longest=self.profile.name_length)
        most = self.profile.eip_quota
        if count < 1:
            raise Refused(Code.RANGE, f"{count} elastic IPs cannot be allocated; ask for one at least")
        if len(self.eips) + count > most:
            raise Refused(
                Code.EIP_LIMIT_EXCEEDED,
                f"there are {len(self.eips)} elastic IPs, {count} more are wanted, the quota is {most}; release some",
            )
        used = {eip.address for eip in self.eips.values()}
        free = (address for address in PUBLIC_RANGE.hosts() if address not in used)
        return tuple(self._allocate(name, next(free), now) for _ in range(count))

    def _allocate(self, name: str, address: IPv4Address, now: float) -> Eip:
        return self._create(Eip(new_identity("eip", self._new_token, self.eips), name, address, now))

    def release_eips(self, identifiers: Sequence[str]) -> None:
        """Give elastic IPs back, all or none; one that leads to a HAVIP is kept until it is dissociated."""
        if len(set(identifiers)) < len(identifiers):
            raise Refused(Code.DUPLICATE, "an elastic IP is named twice; name each once")
        released = []
        for identifier in identifiers:
            eip = self._inventory.eip(identifier)
            if eip.havip_id:
                raise Refused(Code.EIP_STATUS, f"{identifier} leads to {eip.havip_id}; dissociate it first")
            released.append(Change(eip, None))
        self._commit(*released)

    def associate_eip(self, havip_id: str, address: IPv4Address) -> None:
        """Let an elastic IP lead to a HAVIP, whoever owns that, and nowhere while nobody does.

        Raises:
            Refused: BindEIP (the HAVIP has one), ResourceNotFound, UnsupportedOperation (it leads to another HAVIP).
        """
        self.check_admitted()
        havip = self._inventory.havip(havip_id)
        eip = next((eip for eip in self.eips.values() if eip.address == address), None)
        if havip.eip is not None:
            raise Refused(Code.HAS_EIP, f"{havip_id} has the elastic IP {havip.eip}; dissociate it first")
        if eip is None:
            raise Refused(Code.NOT_FOUND, f"{address} is no elastic IP of this account; allocate one")
        if eip.havip_id:
            raise Refused(Code.UNSUPPORTED, f"{address} leads to {eip.havip_id}; dissociate it first")
        self._commit(Change(eip, replace(eip, havip_id=havip_id)), Change(havip, replace(havip, eip=address)))

    def dissociate_eip(self, havip_id: str) -> None:
        """Let the elastic IP of a HAVIP lead nowhere again.

        Raises:
            Refused: UnbindEIP (the HAVIP has none), ResourceNotFound.
        """
        havip = self._inventory.havip(havip_id)
        eip = next((eip for eip in self.eips.values() if eip.havip_id == havip_id), None)
        if eip is None:
            raise Refused(Code.HAS_NO_EIP, f"{havip_id} has no elastic IP")
        self._commit(Change(eip, replace(eip, havip_id="")), Change(havip, replace(havip, eip=None)))
