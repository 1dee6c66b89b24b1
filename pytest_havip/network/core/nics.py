"""Requests about NICs."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from pytest_havip.network.core import announcements, drift
from pytest_havip.network.core.addresses import check_secondary
from pytest_havip.network.core.arguments import check_id, check_name
from pytest_havip.network.core.effects import Cause, Change, Effect
from pytest_havip.network.core.identities import new_identity_with_mac
from pytest_havip.network.core.model import Nic
from pytest_havip.network.core.refusal import Code, Refused
from pytest_havip.network.core.state import State

__all__ = ["Nics"]


class Nics(State):
    """The NICs of a network: their addresses, and the instances that they are attached to."""

    def create_nic(
        self,
        subnet_id: str,
        name: str,
        *,
        addresses: Sequence[IPv4Address] = (),
        secondary_count: int = 0,
        now: float,
    ) -> Nic:
        """A NIC, attached to nothing.

        Args:
            subnet_id: where it is.
            name: any text.
            addresses: wanted addresses, the first one primary; without any the lowest free one is the primary.
            secondary_count: how many more are chosen automatically.
            now: epoch seconds.
        """
        subnet = self._inventory.subnet(subnet_id)
        check_name(name, longest=self.profile.name_length)
        if secondary_count < 0:
            raise Refused(Code.RANGE, f"a NIC cannot have {secondary_count} secondary addresses")
        automatic = secondary_count + (0 if addresses else 1)
        chosen = self._inventory.pools[subnet_id].choose(addresses, automatic=automatic)
        identity, mac = new_identity_with_mac("eni", self._new_token, self.nics, self._inventory.macs)
        return self._create(Nic(identity, subnet.vpc_id, subnet_id, name, mac, chosen, "", now))

    def assign_addresses(
        self, nic_id: str, *, addresses: Sequence[IPv4Address] = (), count: int = 0
    ) -> tuple[IPv4Address, ...]:
        """Give a NIC more addresses of its own: the wanted ones, and ``count`` that are chosen; return them."""
        nic = self._inventory.nic(nic_id)
        if count < 0 or not (addresses or count):
            raise Refused(Code.INVALID, f"name the addresses that {nic_id} is to get, or say how many")
        chosen = self._inventory.pools[nic.subnet_id].choose(addresses, automatic=count)
        self._commit(Change(nic, replace(nic, addresses=(*nic.addresses, *chosen))))
        return chosen

    def unassign_addresses(self, nic_id: str, addresses: Sequence[IPv4Address]) -> Nic:
        """Take addresses from a NIC, but never its primary one; they are free again."""
        nic = self._inventory.nic(nic_id)
        check_secondary(nic, addresses)
        after = replace(nic, addresses=tuple(address for address in nic.addresses if address not in addresses))
        self._commit(Change(nic, after))
        return after

    def migrate_address(self, source_id: str, destination_id: str, address: IPv4Address) -> None:
        """Move an address that is not the primary one to another NIC of the subnet."""
        source, destination = self._inventory.nic(source_id), self._inventory.nic(destination_id)
        check_secondary(source, (address,))
        if source.subnet_id != destination.subnet_id or source_id == destination_id:
            raise Refused(Code.INVALID, f"{destination_id} is not another NIC of {source.subnet_id}")
        rest = tuple(other for other in source.addresses if other != address)
        self._commit(
            Change(source, replace(source, addresses=rest)),
            Change(destination, replace(destination, addresses=(*destination.addresses, address))),
        )

    def set_forwarding(self, nic_id: str, *, forwards: bool) -> Nic:
        """Switch the source check of a NIC off or on: whether packets may name a sender that is not its own.

        What it may announce, or say by ARP at all, stays the same; so does its MAC.
        """
        nic = self._inventory.nic(nic_id)
        after = replace(nic, forwards=forwards)
        self._commit(Change(nic, after))
        return after

    def attach_nic(self, nic_id: str, instance_id: str) -> Nic:
        """Give a NIC to an instance; only then has it a port, and may send."""
        nic = self._inventory.nic(nic_id)
        check_id("ins", instance_id)
        if nic.instance_id:
            raise Refused(Code.INVALID_STATE, f"{nic_id} is attached to {nic.instance_id}; detach it first")
        after = replace(nic, instance_id=instance_id)
        self._commit(Change(nic, after), *self._readmissions(nic, after))
        return after

    def detach_nic(self, nic_id: str, *, now: float) -> Nic:
        """Take a NIC from its instance; it loses its HAVIPs, and gets them back only by announcing again.

        One that is a member of a drift range stays attached until it is dissociated.
        """
        nic = self._inventory.nic(nic_id)
        if not nic.instance_id:
            raise Refused(Code.INVALID_STATE, f"{nic_id} is attached to no instance")
        drift.check_no_member(nic, self.havips.values())
        after = replace(nic, instance_id="")
        self._release(nic, after, Cause.DETACHED, now)
        return after

    def migrate_nic(self, nic_id: str, instance_id: str, *, now: float) -> Nic:
        """Detach a NIC and attach it to another instance."""
        check_id("ins", instance_id)
        detached = self.detach_nic(nic_id, now=now)
        return self.attach_nic(detached.id, instance_id)

    def delete_nic(self, nic_id: str, *, now: float) -> Nic:
        """Remove a NIC, attached or not, that is no member of a drift range; it loses its HAVIPs and its addresses."""
        nic = self._inventory.nic(nic_id)
        drift.check_no_member(nic, self.havips.values())
        self._release(nic, None, Cause.DELETED, now)
        return nic

    def _release(self, nic: Nic, after: Nic | None, cause: Cause, now: float) -> None:
        """Take a NIC from its instance, or away; first from all that depends on it."""
        self._commit(*self._unbind_all(nic, cause, now))
        self._commit(*self._readmissions(nic, after), Change(nic, after))

    def _readmissions(self, before: Nic, after: Nic | None) -> tuple[Change, ...]:
        return tuple(Change(*pair) for pair in drift.followed(before, after, self.havips.values()))

    def _unbind_all(self, nic: Nic, cause: Cause, now: float) -> list[Effect]:
        return [
            effect
            for havip in self.havips.values()
            if havip.binding is not None and havip.binding.nic_id == nic.id
            for effect in announcements.unbind(havip, cause, now)
        ]
