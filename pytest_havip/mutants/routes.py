"""Faults in where routes lead whose next hop is a HAVIP, and in what a NIC may do that forwards for others."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import Request, Rightly, add_rules, change_action, put
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.core import (
    Action,
    Decision,
    Havip,
    Network,
    Nic,
    Route,
    Subnet,
    Verdict,
    Vpc,
    next_hop_mac,
    route_table_id,
    routes,
)
from pytest_havip.network.dataplane import elements
from pytest_havip.network.dataplane.commit import DataPlane
from pytest_havip.network.dataplane.found import FoundGuard
from pytest_havip.network.dataplane.router import Router
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

_SENDER = slice(28, 32)


def _ignore(is_ignored: Callable[[Havip, Nic], bool]) -> Callable[[], None]:
    """Let announcements be ignored, chosen by the HAVIP and the announcer."""

    def receive_unless(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        nic = self.nics.get(nic_id)
        for havip in self.havips.values() if nic else ():
            is_meant = nic and havip.address.packed == frame[_SENDER] and havip.vpc_id == nic.vpc_id
            if nic and is_meant and is_ignored(havip, nic):
                return Decision(Verdict(Action.DROP))
        decision: Decision = receive(self, frame, nic_id, now=now)
        return decision

    def plant() -> None:
        put(Network, "receive", receive_unless)

    receive = Network.receive
    return plant


def _next_hops_hold(havip: Havip, nic: Nic) -> bool:
    return havip.is_next_hop and havip.binding is not None and havip.binding.nic_id != nic.id


def _gateways_remember() -> None:
    """Let the gateway go on sending to the first owner of a next hop, for good."""
    first: dict[str, str] = {}

    def of_havip(havip: Havip) -> frozenset[elements.Element]:
        found: frozenset[elements.Element] = rightly(havip)
        if havip.is_next_hop and havip.binding is not None:
            first.setdefault(havip.id, havip.binding.mac)
        if not havip.is_next_hop or havip.id not in first:
            return found
        others = {element for element in found if element[0] != "next_hops"}
        return frozenset({*others, ("next_hops", f"{next_hop_mac(havip.address)} : {first[havip.id]}")})

    rightly = put(elements, "_of_havip", of_havip)


def _release_takes_the_routes() -> None:
    def delete(self: Network, havip_id: str, *, now: float) -> Havip:
        havip = self.havips.get(havip_id)
        if havip is not None and havip.is_next_hop:
            gone = [route.id for route in self.vpcs[havip.vpc_id].routes if route.havip_id == havip_id]
            self.delete_routes(route_table_id(havip.vpc_id), gone)
        deleted: Havip = rightly(self, havip_id, now=now)
        return deleted

    rightly = put(Network, "delete_havip", delete)


def _deletion_in_the_api_alone() -> None:
    """Leave the last route in the gateway, and in the guard that its next hop is one."""
    once: set[str] = set()

    def of_havip(havip: Havip) -> frozenset[elements.Element]:
        if havip.is_next_hop:
            once.add(havip.id)
        found: frozenset[elements.Element] = rightly(replace(havip, is_next_hop=havip.id in once))
        return found

    def set_routes(self: Router, wanted: Iterable[Route]) -> None:
        wanted = tuple(wanted)
        if wanted:
            set_rightly(self, wanted)

    rightly = put(elements, "_of_havip", of_havip)
    set_rightly = put(Router, "set_routes", set_routes)


def _routes_lead_everywhere() -> None:
    """Give a route to every VPC that has a HAVIP with the address of its next hop."""

    def set_everywhere(self: Network, vpc: Vpc, wanted: Iterable[Route]) -> Vpc:
        after: Vpc = rightly(self, vpc, wanted)
        for route in after.routes:
            for havip in tuple(self.havips.values()):
                if havip.address == route.address and havip.vpc_id != vpc.id:
                    other = replace(route, havip_id=havip.id, subnet_id=havip.subnet_id)
                    rightly(self, self.vpcs[havip.vpc_id], (other,))
        return after

    rightly = put(Network, "_set_routes", set_everywhere)


def _last_next_hop_has_all() -> None:
    def set_routes(self: Router, wanted: Iterable[Route]) -> None:
        wanted = tuple(wanted)
        last = wanted[-1:]
        rightly(self, [replace(one, address=last[0].address, subnet_id=last[0].subnet_id) for one in wanted])

    rightly = put(Router, "set_routes", set_routes)


def _restart_forgets_them() -> None:
    def repair(self: DataPlane, vpc: Vpc, found: FoundGuard, records: Sequence[Subnet | Nic | Havip]) -> None:
        rightly(self, vpc, found, records)
        self.fabrics[vpc.id].set_routes(())

    rightly = put(DataPlane, "repair", repair)


def _nameless_next_hop(rightly: Rightly, service: Service, request: Request) -> Answer:
    answer = rightly(request)
    for route in (route for table in answer["RouteTableSet"] for route in table["RouteSet"]):
        route["GatewayId"] = str(service.network.havips[route["GatewayId"]].address)
    return answer


def _routes_inside() -> None:
    def check(vpc: Vpc, there: Iterable[Route], *rest: Any) -> None:  # noqa: ANN401 - passed on
        rightly(replace(vpc, cidr=next(iter(vpc.cidr.subnets(new_prefix=32)))), there, *rest)

    rightly = put(routes, "_check", check)


def _whole_machines_forward() -> None:
    def attach(self: Network, nic_id: str, instance_id: str) -> Nic:
        nic: Nic = rightly(self, nic_id, instance_id)
        if any(other.forwards for other in self.nics.values() if other.instance_id == instance_id):
            nic = self.set_forwarding(nic_id, forwards=True)
        return nic

    rightly = put(Network, "attach_nic", attach)


def _forwarding_is_for_good() -> None:
    def set_forwarding(self: Network, nic_id: str, *, forwards: bool) -> Nic:
        if not forwards:
            return self.nics[nic_id]
        nic: Nic = rightly(self, nic_id, forwards=True)
        return nic

    rightly = put(Network, "set_forwarding", set_forwarding)


MUTANTS = (
    Mutant(
        "next-hops-hold",
        "A HAVIP that is a next hop stays with its owner, whoever announces it.",
        frozenset({"HAVIP-ROUTE-002", "HAVIP-ROUTE-007", "HAVIP-ROUTE-008"}),
        _ignore(_next_hops_hold),
    ),
    Mutant(
        "gateways-remember",
        "The gateway goes on sending what a route leads to a HAVIP to that one's first owner.",
        frozenset({"HAVIP-ROUTE-002", "HAVIP-ROUTE-003", "HAVIP-ROUTE-007", "HAVIP-ROUTE-008", "HAVIP-ROUTE-009"}),
        _gateways_remember,
    ),
    Mutant(
        "release-takes-the-routes",
        "A HAVIP that is a next hop is released, and its routes go with it.",
        frozenset({"HAVIP-ROUTE-004", "HAVIP-ROUTE-008"}),
        _release_takes_the_routes,
    ),
    Mutant(
        "deleted-routes-lead-on",
        "The last route of a VPC leads on after it was deleted.",
        frozenset({"HAVIP-ROUTE-005", "HAVIP-ROUTE-008"}),
        _deletion_in_the_api_alone,
    ),
    Mutant(
        "routes-lead-everywhere",
        "A route counts in every VPC that has a HAVIP of the same address as its next hop.",
        frozenset({"HAVIP-ROUTE-006"}),
        _routes_lead_everywhere,
    ),
    Mutant(
        "last-next-hop-has-all",
        "All routes of a VPC lead to the next hop of the last one.",
        frozenset({"HAVIP-ROUTE-007"}),
        _last_next_hop_has_all,
    ),
    Mutant(
        "restart-forgets-routes",
        "After a restart of the service no route leads anywhere.",
        frozenset({"HAVIP-ROUTE-008"}),
        _restart_forgets_them,
    ),
    Mutant(
        "nameless-next-hops",
        "The table of routes names a next hop's address and not its id.",
        frozenset({"HAVIP-ROUTE-010"}),
        lambda: change_action(_nameless_next_hop, "DescribeRouteTables"),
    ),
    Mutant(
        "routes-inside",
        "A route may lead to a range inside the VPC.",
        frozenset({"HAVIP-ROUTE-011"}),
        _routes_inside,
    ),
    Mutant(
        "whole-machines-forward",
        "A NIC that is attached to a machine that may forward may forward, too.",
        frozenset({"HAVIP-SOURCE-002"}),
        _whole_machines_forward,
    ),
    Mutant(
        "forwarders-say-anything",
        "A NIC that may forward may speak ARP in anybody's name.",
        frozenset({"HAVIP-SOURCE-003"}),
        lambda: add_rules("arp-not-owner", "ether type arp iifname @forwarders goto to_{subnet}"),
    ),
    Mutant(
        "forwarding-is-for-good",
        "A NIC that was allowed to forward is so for good.",
        frozenset({"HAVIP-SOURCE-004"}),
        _forwarding_is_for_good,
    ),
    Mutant(
        "forwarders-own-nothing",
        "Announcements by a NIC that may forward are ignored.",
        frozenset({"HAVIP-SOURCE-005"}),
        _ignore(lambda _, nic: nic.forwards),
    ),
)
