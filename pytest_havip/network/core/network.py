"""The network without its wires: resources in and out, frames in, verdicts and effects out.

No clock, no entropy and no input or output of its own: time and tokens are arguments, what is to be done is returned.
A refused request changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from pytest_havip.network.core import announcements, drift, guard
from pytest_havip.network.core.addresses import check_secondary
from pytest_havip.network.core.arguments import check_id, check_name
from pytest_havip.network.core.effects import Cause, Change, Effect, Moved, Resend
from pytest_havip.network.core.forwarding import Forwarding
from pytest_havip.network.core.identities import new_identity, new_identity_with_mac
from pytest_havip.network.core.inventory import Inventory
from pytest_havip.network.core.model import DriftRange, Havip, Nic, Record, Subnet, Vpc
from pytest_havip.network.core.profile import TENCENT, Profile
from pytest_havip.network.core.refusal import Code, Refused
from pytest_havip.network.core.verdict import Action, Decision, Verdict

__all__ = ["Network"]

_Created = TypeVar("_Created", Vpc, Subnet, Nic, Havip)

_NOTHING = Forwarding()
_LONGEST_SUBNET_PREFIX = 29
_RANK: Mapping[type, int] = {Vpc: 0, Subnet: 1, Nic: 2, Havip: 3}


class Network:
    """The state of a HAVIP network, and every rule about it.

    Methods that change resources return the record and collect effects for ``take_effects``; they raise Refused, with
    the code of the Tencent API, and have then changed nothing. ``receive`` returns its effects directly.

    Args:
        new_token: gives that many random characters of [0-9a-z]; ids and MAC addresses are made from them.
        profile: the cloud's settings.
    """

    def __init__(self, *, new_token: Callable[[int], str], profile: Profile = TENCENT) -> None:
        self.profile = profile
        self._new_token = new_token
        self._inventory = Inventory()
        self._effects: list[Effect] = []

    @classmethod
    def restore(
        cls, records: Iterable[Record], *, new_token: Callable[[int], str], profile: Profile = TENCENT
    ) -> "Network":
        """A network that goes on from stored records, in whatever order; nothing of it is an effect."""
        network = cls(new_token=new_token, profile=profile)
        for record in sorted(records, key=lambda record: _RANK[type(record)]):
            network._inventory.apply(None, record)
        return network

    @property
    def vpcs(self) -> Mapping[str, Vpc]:
        """All VPCs by id."""
        return self._inventory.vpcs

    @property
    def subnets(self) -> Mapping[str, Subnet]:
        """All subnets by id."""
        return self._inventory.subnets

    @property
    def nics(self) -> Mapping[str, Nic]:
        """All NICs by id."""
        return self._inventory.nics

    @property
    def havips(self) -> Mapping[str, Havip]:
        """All HAVIPs by id."""
        return self._inventory.havips

    def take_effects(self) -> tuple[Effect, ...]:
        """What the requests since the last call want done, in order; they are the caller's now."""
        effects = tuple(self._effects)
        self._effects.clear()
        return effects

    def undo(self, effects: Sequence[Effect]) -> None:
        """Take back the latest effects: they cannot be carried out."""
        for effect in reversed(effects):
            if isinstance(effect, Change):
                self._inventory.apply(effect.after, effect.before)

    def recover(self, vpc_id: str, owners: Mapping[IPv4Address, str], *, now: float) -> tuple[Effect, ...]:
        """Follow the data path of a VPC, which is right about owners, after a service was killed.

        Args:
            vpc_id: the VPC.
            owners: the owner's MAC by HAVIP, as the data path was found. If that is no attached NIC of the subnet,
                a request that did not reach the data path took it away, and the record holds.
            now: epoch seconds.
        """
        nics = {nic.mac: nic for nic in self.nics.values() if nic.vpc_id == vpc_id and nic.instance_id}
        effects: list[Effect] = []
        for havip in self.havips.values():
            if havip.vpc_id == vpc_id:
                owner = nics.get(owners.get(havip.address, ""))
                if havip.address not in owners or (owner is not None and owner.subnet_id == havip.subnet_id):
                    effects += announcements.recover(havip, owner, now)
        self._apply(effects)
        return tuple(effects)

    # VPCs and subnets

    def create_vpc(self, name: str, cidr: IPv4Network, *, now: float) -> Vpc:
        """A VPC; its range may be the same as another VPC's."""
        check_name(name, longest=self.profile.name_length)
        if cidr.is_multicast or cidr.is_loopback or cidr.is_link_local or cidr.is_unspecified:
            raise Refused(Code.RANGE, f"{cidr} is reserved for other uses; take a part of 10.0.0.0/8 or the like")
        if cidr.prefixlen > _LONGEST_SUBNET_PREFIX:
            raise Refused(Code.RANGE, f"{cidr} is too small; a prefix has at most {_LONGEST_SUBNET_PREFIX} bits")
        identity = new_identity("vpc", self._new_token, self.vpcs)
        return self._create(Vpc(identity, name, cidr, now, self.profile.havip_quota))

    def set_havip_quota(self, vpc_id: str, quota: int) -> Vpc:
        """How many HAVIPs the VPC may hold from now on; those beyond a lower number stay."""
        vpc = self._inventory.vpc(vpc_id)
        if quota < 0:
            raise Refused(Code.RANGE, f"a quota is not negative; {quota} is")
        after = replace(vpc, havip_quota=quota)
        self._commit(Change(vpc, after))
        return after

    def delete_vpc(self, vpc_id: str) -> Vpc:
        """Remove a VPC that has no subnet."""
        vpc = self._inventory.vpc(vpc_id)
        if any(subnet.vpc_id == vpc_id for subnet in self.subnets.values()):
            raise Refused(Code.IN_USE, f"{vpc_id} has subnets; delete them first")
        self._commit(Change(vpc, None))
        return vpc

    def create_subnet(self, vpc_id: str, name: str, cidr: IPv4Network, *, now: float) -> Subnet:
        """A subnet inside the VPC's range, overlapping no other; its first host address is the gateway's."""
        vpc = self._inventory.vpc(vpc_id)
        check_name(name, longest=self.profile.name_length)
        if not cidr.subnet_of(vpc.cidr):
            raise Refused(Code.RANGE, f"{cidr} is not inside {vpc.cidr}, the range of {vpc_id}")
        if cidr.prefixlen > _LONGEST_SUBNET_PREFIX:
            raise Refused(Code.RANGE, f"{cidr} is too small; a prefix has at most {_LONGEST_SUBNET_PREFIX} bits")
        for other in self.subnets.values():
            if other.vpc_id == vpc_id and other.cidr.overlaps(cidr):
                raise Refused(Code.CIDR_CONFLICT, f"{cidr} overlaps {other.cidr} of {other.id}; choose a free range")
        identity, mac = new_identity_with_mac("subnet", self._new_token, self.subnets, self._inventory.macs)
        return self._create(Subnet(identity, vpc_id, name, cidr, cidr.network_address + 1, mac, now))

    def delete_subnet(self, subnet_id: str) -> Subnet:
        """Remove a subnet that has no NIC and no HAVIP."""
        subnet = self._inventory.subnet(subnet_id)
        for records in (self.nics, self.havips):
            for record in records.values():
                if record.subnet_id == subnet_id:
                    raise Refused(Code.IN_USE, f"{subnet_id} still has {record.id}; delete it first")
        self._commit(Change(subnet, None))
        return subnet

    # NICs

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

    # HAVIPs

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

    def delete_havip(self, havip_id: str, *, now: float) -> Havip:
        """Release a HAVIP, bound or not; whoever announces it afterwards announces an address that is not its own."""
        havip = self._inventory.havip(havip_id)
        effects: list[Effect] = [Change(havip, None)]
        if havip.binding is not None:
            effects.append(Moved(havip, havip.binding.nic_id, None, Cause.RELEASED, now))
        self._commit(*effects)
        return havip

    # Frames

    def verdict(self, frame: bytes, nic_id: str) -> Verdict:
        """What the guard does with a frame that this NIC sends; a NIC that is not attached has no port."""
        nic = self.nics.get(nic_id)
        if nic is None:
            return guard.judge(frame, None, _NOTHING)
        forwarding = self._inventory.forwarding[nic.vpc_id]
        return guard.judge(frame, forwarding.ports.get(nic_id), forwarding)

    def verdict_from_gateway(self, frame: bytes, subnet_id: str) -> Verdict:
        """What the guard does with a frame that the gateway sends into a subnet.

        Raises:
            Refused: there is no such subnet.
        """
        subnet = self._inventory.subnet(subnet_id)
        forwarding = self._inventory.forwarding[subnet.vpc_id]
        return guard.judge(frame, forwarding.gateways[subnet_id], forwarding)

    def receive(self, frame: bytes, nic_id: str, *, now: float) -> Decision:
        """Decide about a frame that the guard punted, in the order of arrival.

        It is judged again, because the world may have changed since: what was released or detached in between binds
        nothing. Never raises, whatever the bytes are.
        """
        verdict = self.verdict(frame, nic_id)
        if verdict.action is not Action.PUNT:
            return Decision(verdict)
        nic = self.nics[nic_id]
        havip = self.havips[self._inventory.forwarding[nic.vpc_id].havips[frame[28:32]]]
        effects = announcements.announce(havip, nic, now)
        self._apply(effects)
        return Decision(verdict, (*effects, Resend(nic.subnet_id, frame, nic_id)))

    def _unbind_all(self, nic: Nic, cause: Cause, now: float) -> list[Effect]:
        return [
            effect
            for havip in self.havips.values()
            if havip.binding is not None and havip.binding.nic_id == nic.id
            for effect in announcements.unbind(havip, cause, now)
        ]

    def _create(self, record: _Created) -> _Created:
        self._commit(Change(None, record))
        return record

    def _commit(self, *effects: Effect) -> None:
        self._apply(effects)
        self._effects.extend(effects)

    def _apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Change):
                self._inventory.apply(effect.before, effect.after)
