"""Faults in where elastic IPs lead, and in what is told of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import Request, Rightly, change_action, put
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.core import (
    Action,
    Change,
    Code,
    Decision,
    Havip,
    Moved,
    Network,
    Nic,
    Refused,
    Subnet,
    Verdict,
    Vpc,
)
from pytest_havip.network.core.announcements import announce
from pytest_havip.network.dataplane.commit import DataPlane
from pytest_havip.network.dataplane.found import FoundGuard
from pytest_havip.network.dataplane.internet import Internet
from pytest_havip.network.dataplane.translation import Translation
from pytest_havip.network.dataplane.vpc import VpcFabric
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

_SENDER = slice(28, 32)


def _eips_hold() -> None:
    """Ignore claims to a HAVIP that is bound and has an elastic IP."""

    def receive_unless(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        nic = self.nics.get(nic_id)
        for havip in self.havips.values() if nic else ():
            is_meant = nic and havip.address.packed == frame[_SENDER] and havip.vpc_id == nic.vpc_id
            if is_meant and havip.eip and havip.binding is not None and havip.binding.nic_id != nic_id:
                return Decision(Verdict(Action.DROP))
        decision: Decision = receive(self, frame, nic_id, now=now)
        return decision

    receive = put(Network, "receive", receive_unless)


def _eips_move_together() -> None:
    """Let a move of a HAVIP with an elastic IP take along the others with one that its old owner has."""

    def receive_more(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        old = {each.old_nic_id for each in decision.effects if isinstance(each, Moved) and each.havip.eip is not None}
        more = [
            effect
            for havip in tuple(self.havips.values())
            if havip.eip is not None and havip.binding is not None and havip.binding.nic_id in old - {nic_id}
            for effect in announce(havip, self.nics[nic_id], now)
        ]
        self._apply(more)
        return replace(decision, effects=(*more, *decision.effects))

    receive = put(Network, "receive", receive_more)


def _associations_bind() -> None:
    def associate(self: Network, havip_id: str, address: IPv4Address) -> None:
        rightly(self, havip_id, address)
        havip = self.havips[havip_id]
        nic = next((nic for nic in self.nics.values() if nic.subnet_id == havip.subnet_id and nic.instance_id), None)
        if havip.binding is None and nic is not None:
            self._commit(*announce(havip, nic, havip.created))

    rightly = put(Network, "associate_eip", associate)


def _associations_are_stamped() -> None:
    def associate(self: Network, havip_id: str, address: IPv4Address) -> None:
        rightly(self, havip_id, address)
        havip = self.havips[havip_id]
        self._commit(Change(havip, replace(havip, flushed=havip.created - 1)))

    rightly = put(Network, "associate_eip", associate)


def _associations_steal() -> None:
    def associate(self: Network, havip_id: str, address: IPv4Address) -> None:
        for havip in tuple(self.havips.values()):
            if havip.eip is not None and (havip.id == havip_id or havip.eip == address):
                self.dissociate_eip(havip.id)
        rightly(self, havip_id, address)

    rightly = put(Network, "associate_eip", associate)


def _release_takes_the_eip() -> None:
    def delete(self: Network, havip_id: str, *, now: float) -> Havip:
        if havip_id in self.havips and self.havips[havip_id].eip is not None:
            self.dissociate_eip(havip_id)
        havip: Havip = rightly(self, havip_id, now=now)
        return havip

    rightly = put(Network, "delete_havip", delete)


def _dissociation_in_the_api_alone() -> None:
    def publish(
        self: VpcFabric,
        vpc_id: str,
        _gone: Iterable[IPv4Address],
        new: Mapping[IPv4Address, IPv4Address],
        internet: Internet,
    ) -> None:
        rightly(self, vpc_id, (), new, internet)

    rightly = put(VpcFabric, "publish", publish)


def _first_vpc_has_them_all() -> None:
    """Let every elastic IP lead into the VPC that had one first, and still is there."""
    first: list[str] = []

    def publish(self: DataPlane, vpc_id: str, changes: Sequence[Change]) -> None:
        rightly(self, vpc_id, changes)
        for havip in (change.after for change in changes):
            if isinstance(havip, Havip) and havip.eip is not None:
                first.append(vpc_id)
                home = next(one for one in first if one in self.fabrics)
                translation = self.fabrics[home].router._translation  # noqa: SLF001
                if home != vpc_id and translation is not None:
                    translation._nft.run(f"add element ip world inward {{ {havip.eip} : {havip.address} }}")  # noqa: SLF001
                    self.internet.lead(havip.eip, home)

    rightly = put(DataPlane, "_publish", publish)


def _all_speak_as_one() -> None:
    """Let all that goes out of a VPC come from the elastic IP that is the lowest in it."""

    def set_(self: Translation, eips: Mapping[IPv4Address, IPv4Address]) -> None:
        rightly(self, eips)
        if len(eips) > 1:
            outward = ", ".join(f"{havip} : {min(eips)}" for havip in eips.values())
            self._nft.run(f"flush map ip world outward\nadd element ip world outward {{ {outward} }}")

    rightly = put(Translation, "set", set_)


def _restart_forgets_them() -> None:
    def repair(self: DataPlane, vpc: Vpc, found: FoundGuard, records: Sequence[Subnet | Nic | Havip]) -> None:
        rightly(self, vpc, found, records)
        elastic = [record for record in records if isinstance(record, Havip) and record.eip is not None]
        gone = sorted(elastic, key=lambda havip: havip.eip or havip.address)[1:]
        self._publish(vpc.id, [Change(havip, None) for havip in gone])

    rightly = put(DataPlane, "repair", repair)


def _vague_refusal(rightly: Rightly, _: Service, request: Request) -> Answer:
    try:
        return rightly(request)
    except Refused as refused:
        code = Code.UNSUPPORTED if refused.code in {Code.HAS_EIP, Code.HAS_NO_EIP} else refused.code
        raise Refused(code, refused.message) from refused


def _plant(changed: Any, *names: str) -> Any:  # noqa: ANN401 - functions of the table below
    return lambda: change_action(changed, *names)


MUTANTS = (
    Mutant(
        "eips-hold",
        "A HAVIP with an elastic IP stays with its owner, whoever announces it.",
        frozenset({"HAVIP-EIP-002"}),
        _eips_hold,
    ),
    Mutant(
        "eips-move-together",
        "A HAVIP with an elastic IP that moves takes along the other ones of its old owner.",
        frozenset({"HAVIP-EIP-007"}),
        _eips_move_together,
    ),
    Mutant(
        "associations-bind",
        "An association with an elastic IP binds an unbound HAVIP to a NIC of its subnet.",
        frozenset({"HAVIP-EIP-003"}),
        _associations_bind,
    ),
    Mutant(
        "associations-are-stamped",
        "An association with an elastic IP moves the stamp of the last binding change.",
        frozenset({"HAVIP-EIP-010"}),
        _associations_are_stamped,
    ),
    Mutant(
        "associations-steal",
        "A new association with an elastic IP ends those that stand in its way.",
        frozenset({"HAVIP-EIP-006", "HAVIP-EIP-013"}),
        _associations_steal,
    ),
    Mutant(
        "release-takes-the-eip",
        "A HAVIP with an elastic IP is released, and the association goes with it.",
        frozenset({"HAVIP-EIP-004", "HAVIP-EIP-013"}),
        _release_takes_the_eip,
    ),
    Mutant(
        "dissociation-in-the-api-alone",
        "An elastic IP that was dissociated goes on leading to its HAVIP.",
        frozenset({"HAVIP-EIP-005", "HAVIP-EIP-011"}),
        _dissociation_in_the_api_alone,
    ),
    Mutant(
        "first-vpc-has-them-all",
        "An elastic IP leads to its HAVIP's address in the VPC that had an elastic IP first.",
        frozenset({"HAVIP-EIP-008"}),
        _first_vpc_has_them_all,
    ),
    Mutant(
        "all-speak-as-one",
        "What goes out of a VPC comes from its lowest elastic IP.",
        frozenset({"HAVIP-EIP-001", "HAVIP-EIP-009"}),
        _all_speak_as_one,
    ),
    Mutant(
        "restart-forgets-eips",
        "After a restart of the service only the lowest elastic IP of a VPC leads to its HAVIP.",
        frozenset({"HAVIP-EIP-011"}),
        _restart_forgets_them,
    ),
    Mutant(
        "vague-about-eips",
        "The refusal does not say whether a HAVIP has an elastic IP or lacks one.",
        frozenset({"HAVIP-EIP-013"}),
        _plant(_vague_refusal, "HaVipAssociateAddressIp", "HaVipDisassociateAddressIp"),
    ),
)
