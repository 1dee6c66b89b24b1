"""Requests about HAVIPs. None of them binds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from pytest_havip.network.core import announcements, drift
from pytest_havip.network.core.arguments import check_name
from pytest_havip.network.core.effects import Cause, Change, Effect, Moved
from pytest_havip.network.core.identities import new_identity
from pytest_havip.network.core.model import DriftRange, Havip
from pytest_havip.network.core.refusal import Code, Refused
from pytest_havip.network.core.state import State

__all__ = ["Havips"]


class Havips(State):
    """The HAVIPs of a network, and their drift ranges."""

    def create_havip(
        self,
        vpc_id: str,
        subnet_id: str,
        name: str,
        *,
        address: IPv4Address | None = None,
        check_associate: bool | None = None,
        members: Sequence[str] = (),
        tags: Sequence[tuple[str, str]] = (),
        now: float,
    ) -> Havip:
        """A HAVIP, unbound.

        Args:
            vpc_id: its VPC.
            subnet_id: its subnet.
            name: any text.
            address: the wanted one, checked exactly as an ordinary one; else the lowest free one is it.
            check_associate: whether its drift range is in force; None leaves it to the profile.
            members: of its drift range.
            tags: keys and values, for the owner's own use.
            now: epoch seconds.
        """
        self.check_admitted()
        vpc = self._inventory.vpc(vpc_id)
        subnet = self._inventory.subnet(subnet_id)
        check_name(name, longest=self.profile.name_length)
        if subnet.vpc_id != vpc_id:
            raise Refused(Code.SUBNET_NOT_IN_VPC, f"{subnet_id} is not in {vpc_id}; it is in {subnet.vpc_id}")
        held = sum(havip.vpc_id == vpc_id for havip in self.havips.values())
        if held >= vpc.havip_quota:
            raise Refused(
                Code.LIMIT_EXCEEDED,
                f"{vpc_id} has {held} HAVIPs, its quota is {vpc.havip_quota}; release one or ask for a higher quota",
            )
        wanted = () if address is None else (address,)
        (chosen,) = self._inventory.pools[subnet_id].choose(wanted, automatic=1 - len(wanted))
        is_enforced = self.profile.check_associate if check_associate is None else check_associate
        draft = Havip("", name, vpc_id, subnet_id, chosen, now, drift_range=DriftRange(is_enforced), tags=tuple(tags))
        drift_range = drift.extended(draft, members, self.nics, self.profile)
        identity = new_identity("havip", self._new_token, self.havips)
        return self._create(replace(draft, id=identity, drift_range=drift_range))

    def associate(self, members: Mapping[str, Sequence[str]]) -> None:
        """Add members to drift ranges, all or none; by HAVIP. It binds nothing and unbinds nothing."""
        self.check_admitted()
        changes = []
        for havip_id, added in members.items():
            havip = self._inventory.havip(havip_id)
            extended = drift.extended(havip, added, self.nics, self.profile)
            changes.append(Change(havip, replace(havip, drift_range=extended)))
        self._commit(*changes)

    def dissociate(self, members: Mapping[str, Sequence[str]], *, now: float) -> None:
        """Take members out of drift ranges, all or none; by HAVIP. The profile says what becomes of an owner."""
        effects: list[Effect] = []
        for havip_id, removed in members.items():
            effects += drift.dissociate(self._inventory.havip(havip_id), removed, self.nics, self.profile, now)
        self._commit(*effects)

    def rename_havip(self, havip_id: str, name: str) -> Havip:
        """Change the name, the only thing about a HAVIP that can be changed."""
        havip = self._inventory.havip(havip_id)
        check_name(name, longest=self.profile.name_length)
        after = replace(havip, name=name)
        self._commit(Change(havip, after))
        return after

    def unbind_havip(self, havip_id: str, *, now: float) -> None:
        """Take a HAVIP from its owner, by hand; whoever announces it next has it again. Nothing if it is unbound."""
        self._commit(*announcements.unbind(self._inventory.havip(havip_id), Cause.UNBOUND, now))

    def delete_havip(self, havip_id: str, *, now: float) -> Havip:
        """Release a HAVIP, bound or not; whoever announces it afterwards announces an address that is not its own.

        One that has an elastic IP, or is the next hop of a route, stays until it is not; the profile may say the same
        of one that is bound.
        """
        havip = self._inventory.havip(havip_id)
        if havip.eip is not None:
            raise Refused(Code.UNSUPPORTED, f"{havip_id} has the elastic IP {havip.eip}; dissociate it first")
        if havip.is_next_hop:
            raise Refused(Code.UNSUPPORTED, f"{havip_id} is the next hop of routes; delete them first")
        if havip.binding is not None and not self.profile.bound_is_released:
            raise Refused(Code.INVALID_STATE, f"{havip_id} is bound to {havip.binding.nic_id}; unbind it first")
        effects: list[Effect] = [Change(havip, None)]
        if havip.binding is not None:
            effects.append(Moved(havip, havip.binding.nic_id, None, Cause.RELEASED, now))
        self._commit(*effects)
        return havip
