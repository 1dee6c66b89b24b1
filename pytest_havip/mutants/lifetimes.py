"""Faults in how long a binding lives, and what outlives it: silence, detaching, releasing, renaming."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.api import havips
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.core import (
    Action,
    Binding,
    Cause,
    Change,
    Decision,
    Effect,
    Havip,
    Moved,
    Network,
    Nic,
    Verdict,
)
from pytest_havip.network.core.addresses import AddressPool
from pytest_havip.network.core.announcements import announce, unbind
from pytest_havip.network.dataplane.ports import Ports
from pytest_havip.network.service import Service, _Batch

__all__ = ["MUTANTS", "has_link"]

#: Seconds between two looks at the owners, and of silence that these tolerate.
_INTERVAL, _PATIENCE = 0.25, 2.0
#: The state of an interface whose cable is whole, as the kernel names it.
_UP = "UP"


def _check_health(is_dead: Callable[[Service, Havip], bool]) -> Callable[[], None]:
    """Let the network look at the owners now and then, and unbind the HAVIPs of the dead."""

    def plant() -> None:
        def start(self: Service, *arguments: Any) -> None:  # noqa: ANN401
            begin(self, *arguments)
            self._loop.call_later(_INTERVAL, look, self)

        def look(service: Service) -> None:
            service.settle()
            for havip in tuple(service.network.havips.values()):
                if havip.binding is not None and is_dead(service, havip):
                    service.network._commit(*unbind(havip, Cause.DETACHED, service.now()))  # noqa: SLF001 - a mutant's
            service.apply()
            service._loop.call_later(_INTERVAL, look, service)  # noqa: SLF001 - a mutant's

        begin = put(Service, "__init__", start)

    return plant


def has_link(service: Service, nic_id: str) -> bool:
    """Whether the link of a NIC is up, as far as it has one."""
    fabric = service.plane.fabrics[service.network.nics[nic_id].vpc_id]
    index = fabric.ports._by_nic.get(nic_id)  # noqa: SLF001 - a mutant's
    return index is None or fabric.ports._links.operational_state(index) == _UP  # noqa: SLF001 - a mutant's


def _without_link(service: Service, havip: Havip) -> bool:
    assert havip.binding is not None
    return not has_link(service, havip.binding.nic_id)


def _silent(service: Service, havip: Havip) -> bool:
    return havip.announced is not None and service.now() - havip.announced > _PATIENCE


def _heirs() -> None:
    """Give the HAVIPs of a NIC that goes to another of its subnet."""

    def bequeath(self: Network, nic: Nic, cause: Cause, now: float) -> list[Effect]:
        lost = unbind_all(self, nic, cause, now)
        heir = next((other for other in self.nics.values() if _may_inherit(nic, other)), None)
        gone: Iterable[Havip] = [
            each.after for each in lost if isinstance(each, Change) and isinstance(each.after, Havip)
        ]
        return lost if heir is None else [*lost, *(each for havip in gone for each in announce(havip, heir, now))]

    unbind_all = put(Network, "_unbind_all", bequeath)


def _may_inherit(nic: Nic, other: Nic) -> bool:
    return other.id != nic.id and other.subnet_id == nic.subnet_id and bool(other.instance_id)


def _released_addresses_stay_taken() -> None:
    def keep(self: AddressPool, addresses: Iterable[IPv4Address]) -> None:
        if not releasing:
            give_back(self, addresses)

    def delete_havip(self: Network, havip_id: str, *, now: float) -> Havip:
        releasing.append(havip_id)
        try:
            havip: Havip = delete(self, havip_id, now=now)
        finally:
            releasing.clear()
        return havip

    releasing: list[str] = []
    give_back = put(AddressPool, "give_back", keep)
    delete = put(Network, "delete_havip", delete_havip)


def _addresses_remember() -> None:
    """Bind a new HAVIP to the NIC that owned the last one of its address."""
    owners: dict[tuple[str, IPv4Address], Binding] = {}

    def delete_havip(self: Network, havip_id: str, *, now: float) -> Havip:
        havip: Havip = delete(self, havip_id, now=now)
        if havip.binding is not None:
            owners[havip.vpc_id, havip.address] = havip.binding
        return havip

    def create_havip(self: Network, *arguments: str, **more: Any) -> Havip:  # noqa: ANN401
        havip: Havip = create(self, *arguments, **more)
        binding = owners.get((havip.vpc_id, havip.address))
        if binding is not None and binding.nic_id in self.nics:
            self._commit(*announce(havip, self.nics[binding.nic_id], more["now"]))
        return self.havips[havip.id]

    delete = put(Network, "delete_havip", delete_havip)
    create = put(Network, "create_havip", create_havip)


def _release_unbinds_all() -> None:
    def delete_havip(self: Network, havip_id: str, *, now: float) -> Havip:
        havip: Havip = delete(self, havip_id, now=now)
        others = [other for other in self.havips.values() if other.vpc_id == havip.vpc_id]
        self._commit(*(effect for other in others for effect in unbind(other, Cause.RELEASED, now)))
        return havip

    delete = put(Network, "delete_havip", delete_havip)


def _any_loss_unbinds_all() -> None:
    def unbind_all(self: Network, nic: Nic, cause: Cause, now: float) -> list[Effect]:
        here = (havip for havip in self.havips.values() if havip.vpc_id == nic.vpc_id)
        return [effect for havip in here for effect in unbind(havip, cause, now)]

    put(Network, "_unbind_all", unbind_all)


def _renaming_binds() -> None:
    """Bind a renamed HAVIP to the first machine of its subnet."""

    def rename_havip(self: Network, havip_id: str, name: str) -> Havip:
        havip: Havip = rename(self, havip_id, name)
        nic = next((nic for nic in self.nics.values() if nic.subnet_id == havip.subnet_id and nic.instance_id), None)
        if nic is not None and havip.binding is None:
            self._commit(*announce(havip, nic, havip.created))
        return self.havips[havip_id]

    rename = put(Network, "rename_havip", rename_havip)


def _api_lags() -> None:
    """Name, as long as it exists, the owner of a bound HAVIP that was named first."""
    first: dict[str, Binding] = {}

    def stale_view(service: Service, havip: Havip) -> Answer:
        if havip.binding is not None:
            binding = first.setdefault(havip.id, havip.binding)
            if binding.nic_id in service.network.nics:
                havip = replace(havip, binding=binding)
        answer: Answer = view(service, havip)
        return answer

    view = put(havips, "_view", stale_view)


def _candidates_are_fixed() -> None:
    """Let only those announce a HAVIP that were there when it was first bound."""
    candidates: dict[str, frozenset[str]] = {}

    def receive_from_candidates(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        nic = self.nics.get(nic_id)
        for havip in self.havips.values() if nic else ():
            is_meant = havip.address.packed == frame[28:32] and nic is not None and havip.vpc_id == nic.vpc_id
            if is_meant and nic_id not in candidates.get(havip.id, self.nics):
                return Decision(Verdict(Action.DROP))
        decision: Decision = receive(self, frame, nic_id, now=now)
        for moved in (effect for effect in decision.effects if isinstance(effect, Moved)):
            candidates.setdefault(moved.havip.id, frozenset(self.nics))
        return decision

    receive = put(Network, "receive", receive_from_candidates)


def _late_unbinding() -> None:
    """Unbind, with the NIC that goes, the HAVIPs that it owned last before their owner of now."""
    former: dict[str, str] = {}

    def receive_and_note(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        former.update(
            {effect.havip.id: effect.old_nic_id or "" for effect in decision.effects if isinstance(effect, Moved)}
        )
        return decision

    def unbind_more(self: Network, nic: Nic, cause: Cause, now: float) -> list[Effect]:
        lost = (havip for havip in self.havips.values() if former.get(havip.id) == nic.id)
        also = [effect for havip in lost for effect in unbind(havip, cause, now)]
        return [*unbind_all(self, nic, cause, now), *also]

    receive = put(Network, "receive", receive_and_note)
    unbind_all = put(Network, "_unbind_all", unbind_more)


def _deaf_after_mending() -> None:
    """Lose the first announcement over a link that was mended, as a switch does that still listens for loops."""
    mended: set[str] = set()

    def set_carrier(self: Ports, nic_id: str, *, up: bool) -> None:
        if up:
            mended.add(nic_id)
        switch(self, nic_id, up=up)

    def decide_if_awake(self: Service, frame: bytes, nic_id: str, batch: _Batch) -> None:
        if nic_id in mended:
            mended.discard(nic_id)
        else:
            decide(self, frame, nic_id, batch)

    switch = put(Ports, "set_carrier", set_carrier)
    decide = put(Service, "_decide", decide_if_awake)


MUTANTS = (
    Mutant(
        "candidates-are-fixed",
        "Only a machine that was there when a HAVIP was first bound can take it over.",
        frozenset({"HAVIP-BIND-022"}),
        _candidates_are_fixed,
    ),
    Mutant(
        "late-unbinding",
        "A NIC that goes unbinds the HAVIP that it lost to another.",
        frozenset({"HAVIP-ORDER-009"}),
        _late_unbinding,
    ),
    Mutant(
        "deaf-after-mending",
        "The first announcement over a mended link is lost.",
        frozenset({"HAVIP-BIND-019"}),
        _deaf_after_mending,
    ),
    Mutant(
        "health-check-of-links",
        "An owner whose link is down loses its HAVIPs.",
        frozenset({"HAVIP-BIND-009"}),
        _check_health(_without_link),
    ),
    Mutant(
        "bindings-age",
        "An owner that has not announced its HAVIP for two seconds loses it.",
        frozenset({"HAVIP-BIND-008", "HAVIP-BIND-009"}),
        _check_health(_silent),
    ),
    Mutant(
        "heirs",
        "A detached owner's HAVIPs go to another machine, unasked.",
        frozenset(
            {
                "HAVIP-API-003",
                "HAVIP-BIND-015",
                "HAVIP-EIP-003",
                "HAVIP-NIC-004",
                "HAVIP-NIC-005",
                "HAVIP-NIC-006",
                "HAVIP-NIC-007",
                "HAVIP-PATH-021",
                "HAVIP-RANGE-014",
                "HAVIP-ROUTE-003",
                "HAVIP-SCOPE-005",
            }
        ),
        _heirs,
    ),
    Mutant(
        "released-addresses-stay-taken",
        "The address of a released HAVIP is not free again.",
        frozenset({"HAVIP-ADDR-011", "HAVIP-ADDR-017", "HAVIP-RELEASE-002"}),
        _released_addresses_stay_taken,
    ),
    Mutant(
        "addresses-remember",
        "A new HAVIP belongs to the owner of the last one with its address.",
        frozenset(
            {
                "HAVIP-RELEASE-002",
                "HAVIP-RELEASE-005",
            }
        ),
        _addresses_remember,
    ),
    Mutant(
        "release-unbinds-all",
        "A release unbinds the other HAVIPs of the VPC too.",
        frozenset({"HAVIP-API-023", "HAVIP-RELEASE-003", "HAVIP-RELEASE-004"}),
        _release_unbinds_all,
    ),
    Mutant(
        "any-loss-unbinds-all",
        "A NIC that is detached or deleted unbinds all HAVIPs of the VPC.",
        frozenset({"HAVIP-API-023", "HAVIP-NIC-005", "HAVIP-PATH-022"}),
        _any_loss_unbinds_all,
    ),
    Mutant(
        "renaming-binds",
        "A renamed HAVIP is bound to a machine of its subnet.",
        frozenset({"HAVIP-API-001", "HAVIP-API-007", "HAVIP-API-010", "HAVIP-API-012"}),
        _renaming_binds,
    ),
    Mutant(
        "stale-api",
        "The API goes on naming the owner that it named first.",
        frozenset(
            {
                "HAVIP-API-002",
                "HAVIP-API-008",
                "HAVIP-BIND-008",
                "HAVIP-BIND-009",
                "HAVIP-MOVE-007",
                "HAVIP-MOVE-009",
                "HAVIP-MOVE-010",
                "HAVIP-NIC-001",
                "HAVIP-NIC-003",
                "HAVIP-ORDER-050",
                "HAVIP-RANGE-002",
                "HAVIP-SOURCE-005",
            }
        ),
        _api_lags,
    ),
)
