"""Faults in what a NIC's coming and going does to HAVIPs, and in what is a NIC's and what its instance's."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.api import havips
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.cable import PatchPanel
from pytest_havip.network.core import Cause, Change, Effect, Havip, Network, Nic, announcements
from pytest_havip.network.core.announcements import announce
from pytest_havip.network.dataplane import elements, ruleset
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]


def _instances_own() -> None:
    """Take an announcement by another NIC of the owner's instance for a refresh."""
    instances: dict[str, str] = {}

    def attach_nic(self: Network, nic_id: str, instance_id: str) -> Nic:
        instances[nic_id] = instance_id
        nic: Nic = attach(self, nic_id, instance_id)
        return nic

    def announce_by_instance(havip: Havip, nic: Nic, now: float) -> tuple[Effect, ...]:
        owner = havip.binding
        if owner is not None and instances.get(owner.nic_id) == nic.instance_id:
            nic = replace(nic, id=owner.nic_id, mac=owner.mac)
        effects: tuple[Effect, ...] = announce_rightly(havip, nic, now)
        return effects

    attach = put(Network, "attach_nic", attach_nic)
    announce_rightly = put(announcements, "announce", announce_by_instance)


def _half_an_owner() -> None:
    """Go on naming the instance of an owner that was detached or deleted."""
    last: dict[str, str] = {}

    def view_half(service: Service, havip: Havip) -> Answer:
        shown: Answer = view(service, havip)
        return shown if havip.binding is not None else {**shown, "InstanceId": last.get(havip.id, "")}

    def unbind_half(self: Network, nic: Nic, cause: Cause, now: float) -> list[Effect]:
        last.update(dict.fromkeys(_owned(self, nic), nic.instance_id))
        effects: list[Effect] = unbind_all(self, nic, cause, now)
        return effects

    view = put(havips, "_view", view_half)
    unbind_all = put(Network, "_unbind_all", unbind_half)


def _owned(network: Network, nic: Nic) -> set[str]:
    """Ids of the HAVIPs that a NIC owns."""
    owners = {havip.id: havip.binding for havip in network.havips.values()}
    return {havip_id for havip_id, owner in owners.items() if owner is not None and owner.nic_id == nic.id}


def _when_it_goes(who_else: Callable[[Nic, Nic], bool]) -> Callable[[], None]:
    """Unbind the HAVIPs of other NICs too when one is detached or deleted."""

    def plant() -> None:
        def unbind_more(self: Network, nic: Nic, cause: Cause, now: float) -> list[Effect]:
            others = [other for other in self.nics.values() if other.id != nic.id and who_else(nic, other)]
            return [effect for one in (nic, *others) for effect in unbind_all(self, one, cause, now)]

        unbind_all = put(Network, "_unbind_all", unbind_more)

    return plant


def _when_it_comes(key: Callable[[Nic], Hashable]) -> Callable[[], None]:
    """Give an attached NIC the HAVIPs that the last NIC of the same key lost."""

    def plant() -> None:
        lost: defaultdict[Hashable, set[str]] = defaultdict(set)

        def remember(self: Network, nic: Nic, cause: Cause, now: float) -> list[Effect]:
            lost[key(nic)] |= _owned(self, nic)
            effects: list[Effect] = unbind_all(self, nic, cause, now)
            return effects

        def attach_nic(self: Network, nic_id: str, instance_id: str) -> Nic:
            nic: Nic = attach(self, nic_id, instance_id)
            for havip_id in lost.pop(key(nic), set()) & self.havips.keys():
                self._commit(*announce(self.havips[havip_id], nic, nic.created))
            return nic

        unbind_all = put(Network, "_unbind_all", remember)
        attach = put(Network, "attach_nic", attach_nic)

    return plant


def _cut_links_lose() -> None:
    """Unbind the HAVIPs of a NIC whose cable is cut."""

    def patch(self: PatchPanel, order: dict[str, Any], descriptors: list[int]) -> None:
        carry_out(self, order, descriptors)
        if order["do"] == "cut":
            service = self._service
            nic = service.network.nics[order["nic"]]
            service.network._commit(*service.network._unbind_all(nic, Cause.DETACHED, service.now()))  # noqa: SLF001
            service.apply()

    carry_out = put(PatchPanel, "_patch", patch)


def _one_address_at_a_time() -> None:
    """Take the right to send from its fixed addresses from a NIC that becomes an owner, for good."""
    known: dict[str, Nic] = {}
    taken: set[str] = set()

    def of_nic(nic: Nic) -> frozenset[elements.Element]:
        known[nic.id] = nic
        found: frozenset[elements.Element] = all_of_nic(nic)
        return frozenset(element for element in found if element[0] != "senders" or nic.id not in taken)

    def commands(changes: Iterable[Change]) -> list[str]:
        told: list[str] = told_rightly(changes)
        for change in changes:
            after = change.after
            if isinstance(after, Havip) and after.binding is not None and after.binding.nic_id not in taken:
                nic = known[after.binding.nic_id]
                taken.add(nic.id)
                told += [
                    f'delete element {ruleset.FAMILY} {ruleset.TABLE} senders {{ "{nic.id}" . {address} }}'
                    for address in nic.addresses
                ]
        return told

    all_of_nic = put(elements, "_of_nic", of_nic)
    told_rightly = put(ruleset, "commands", commands)


MUTANTS = (
    Mutant(
        "instances-own",
        "An announcement by another NIC of the owner's instance changes nothing.",
        frozenset({"HAVIP-NIC-001", "HAVIP-RANGE-002"}),
        _instances_own,
    ),
    Mutant(
        "half-an-owner",
        "The control plane goes on naming the instance of an owner that went.",
        frozenset({"HAVIP-BIND-015", "HAVIP-NIC-004", "HAVIP-NIC-006", "HAVIP-NIC-007", "HAVIP-SCOPE-005"}),
        _half_an_owner,
    ),
    Mutant(
        "instances-lose",
        "A NIC that goes takes the HAVIPs of its instance's other NICs with it.",
        frozenset({"HAVIP-NIC-005"}),
        _when_it_goes(lambda nic, other: other.instance_id == nic.instance_id),
    ),
    Mutant(
        "nics-remember",
        "A NIC that is attached again has the HAVIPs back that it lost.",
        frozenset({"HAVIP-API-003", "HAVIP-EIP-003", "HAVIP-NIC-006", "HAVIP-PATH-021", "HAVIP-ROUTE-003"}),
        _when_it_comes(lambda nic: nic.id),
    ),
    Mutant(
        "fixed-addresses-remember",
        "A new NIC has the HAVIPs of the one that had its fixed address.",
        frozenset(
            {"HAVIP-API-003", "HAVIP-EIP-003", "HAVIP-NIC-006", "HAVIP-NIC-007", "HAVIP-PATH-021", "HAVIP-ROUTE-003"}
        ),
        _when_it_comes(lambda nic: (nic.subnet_id, nic.addresses[0])),
    ),
    Mutant(
        "cut-links-lose",
        "A NIC loses its HAVIPs when its link is cut.",
        frozenset({"HAVIP-BIND-009", "HAVIP-NIC-008"}),
        _cut_links_lose,
    ),
    Mutant(
        "one-address-at-a-time",
        "An owner may no longer send from its fixed address.",
        frozenset(
            {
                "HAVIP-PATH-013",
                "HAVIP-PATH-015",
                "HAVIP-PATH-016",
                "HAVIP-PATH-019",
                "HAVIP-PATH-020",
                "HAVIP-ROUTE-009",
                "HAVIP-SPOOF-017",
            }
        ),
        _one_address_at_a_time,
    ),
)
