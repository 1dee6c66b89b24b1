"""ROUTE: what a route leads to a HAVIP reaches whoever owns that, and nobody else."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Literal, Protocol

import pytest

from pytest_havip.fixtures.troupe import Troupe, holding
from pytest_havip.observe.dialogue import Dialogue
from pytest_havip.observe.remote import RemoteObserver
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Feature, Havip, Refused, Route, Target

__all__: list[str] = []

#: A range outside of every VPC, and an address in it (RFC 5737).
BEHIND = "192.0.2.0/24"
THERE = IPv4Address("192.0.2.9")


class Lead(Protocol):
    """Lets a route lead to a HAVIP."""

    def __call__(self, havip: Havip, destination: str = BEHIND) -> Route:
        """Make the route, to the range behind the HAVIP unless another one is named."""


@pytest.fixture
def lead(target: Target, troupe: Troupe) -> Iterator[Lead]:
    """Make routes, and delete them after the test."""
    made: list[Route] = []

    def create(havip: Havip, destination: str = BEHIND) -> Route:
        made.append(target.create_route(troupe.stage.vpc, destination, havip))
        return made[-1]

    yield create
    for route in made:
        with suppress(Refused):  # the test has deleted it
            target.delete_route(route)


@pytest.fixture
def hop(troupe: Troupe, floating: Havip) -> Iterator[Havip]:
    """A HAVIP that is unbound, whose address both machines of the troupe hold."""
    with holding(troupe.a, floating), holding(troupe.b, floating):
        yield floating


@requirement("HAVIP-ROUTE-001")
@pytest.mark.parametrize("sender", ["another subnet", "the subnet"])
def test_what_a_route_leads_there_reaches_the_owner(
    troupe: Troupe, hop: Havip, lead: Lead, remote: RemoteObserver, sender: str
) -> None:
    lead(hop)
    troupe.bind(troupe.a, hop)
    from_where = remote if sender == "another subnet" else replace(remote, instance=troupe.observer.instance)
    from_where.wait_for_owner(THERE, troupe.a)


@requirement("HAVIP-ROUTE-002")
def test_a_route_follows_the_binding(troupe: Troupe, hop: Havip, lead: Lead, remote: RemoteObserver) -> None:
    lead(hop)
    for owner in (troupe.a, troupe.b, troupe.a):
        owner.announce(hop.address)
        remote.wait_for_owner(THERE, owner)


@requirement("HAVIP-ROUTE-003")
def test_a_route_reaches_nobody_while_nobody_owns_the_next_hop(
    troupe: Troupe, hop: Havip, lead: Lead, remote: RemoteObserver
) -> None:
    lead(hop)
    assert remote.reached(THERE) == []
    with troupe.guest("leaving") as owner:
        owner.host.add_address(f"{hop.address}/32")  # it goes with the interface
        troupe.bind(owner, hop)
        remote.wait_for_owner(THERE, owner)
        troupe.stage.attach(troupe.stage.detach(owner), owner.host)
        assert remote.reached(THERE) == []


@requirement("HAVIP-ROUTE-004")
def test_a_next_hop_is_not_released(
    target: Target, troupe: Troupe, hop: Havip, lead: Lead, remote: RemoteObserver
) -> None:
    route = lead(hop)
    troupe.bind(troupe.a, hop)
    with pytest.raises(Refused):
        target.delete_havip(hop)
    assert troupe.control_plane.owner_of(hop) is troupe.a
    remote.wait_for_owner(THERE, troupe.a)
    target.delete_route(route)
    target.delete_havip(hop)
    assert target.havip_state(hop) is None


@requirement("HAVIP-ROUTE-005")
def test_a_deleted_route_leads_nowhere(
    target: Target, troupe: Troupe, hop: Havip, lead: Lead, remote: RemoteObserver
) -> None:
    troupe.bind(troupe.a, hop)
    route = lead(hop)
    remote.wait_for_owner(THERE, troupe.a)
    target.delete_route(route)
    assert remote.reached(THERE) == []
    remote.wait_for_owner(hop.address, troupe.a)


@requirement("HAVIP-ROUTE-006")
def test_a_route_is_its_vpcs_own(target: Target, troupe: Troupe, hop: Havip, lead: Lead) -> None:
    with troupe.stage.build(troupe.stage.lab, target) as other:
        subnet = other.subnet()
        near = other.observer(subnet, prefix="twin ")
        elsewhere = target.create_subnet(other.vpc, "172.17.64.0/24")
        far = RemoteObserver(other.launch("twin remote", elsewhere), near)
        twin = target.create_havip(subnet, address=str(hop.address), name="twin")
        near.witness.host.add_address(f"{twin.address}/32")
        near.witness.announce(twin.address)
        near.wait_for_owner(twin.address, near.witness)
        lead(hop)
        troupe.bind(troupe.a, hop)
        seen_from_both = replace(near, cast=[*near.cast, *troupe.stage.cast])
        assert replace(far, near=seen_from_both).reached(THERE) == []


@requirement("HAVIP-ROUTE-007")
def test_several_next_hops_follow_each_its_own_binding(
    troupe: Troupe, hop: Havip, lead: Lead, remote: RemoteObserver
) -> None:
    other = troupe.havip()
    lead(hop)
    lead(other, "192.0.3.0/24")
    for first, second in ((troupe.a, troupe.b), (troupe.b, troupe.a)):
        first.announce(hop.address)
        second.announce(other.address)
        remote.wait_for_owner(THERE, first)
        remote.wait_for_owner(IPv4Address("192.0.3.9"), second)


@requirement("HAVIP-ROUTE-008")
def test_routes_survive_the_control_plane(
    target: Target, troupe: Troupe, hop: Havip, lead: Lead, remote: RemoteObserver
) -> None:
    if Feature.RESTART not in target.features:
        pytest.skip(f"unsupported: {target.name} lacks {Feature.RESTART.name}: {Feature.RESTART.value}")
    route = lead(hop)
    troupe.bind(troupe.a, hop)
    remote.wait_for_owner(THERE, troupe.a)
    target.interrupt()
    try:
        assert remote.reached(THERE) == [troupe.a]
    finally:
        target.resume()
    assert remote.reached(THERE) == [troupe.a]
    troupe.b.announce(hop.address)
    remote.wait_for_owner(THERE, troupe.b)
    with pytest.raises(Refused):
        target.delete_havip(hop)
    target.delete_route(route)
    assert remote.reached(THERE) == []


@requirement("HAVIP-ROUTE-009")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_an_appliance_serves_what_is_behind_it(
    target: Target,
    troupe: Troupe,
    hop: Havip,
    lead: Lead,
    remote: RemoteObserver,
    protocol: Literal["tcp", "udp"],
) -> None:
    if Feature.SOURCE_CHECK not in target.features:
        pytest.skip(f"unsupported: {target.name} lacks {Feature.SOURCE_CHECK.name}: {Feature.SOURCE_CHECK.value}")
    lead(hop)
    both = (troupe.a, troupe.b)
    for machine in both:
        machine.host.sysctl("net.ipv4.conf.all.arp_announce", "2")  # it asks in its own name for its gateway
        machine.host.add_address(f"{THERE}/32")
        target.set_source_check(machine.nic, on=False)
    try:
        with Dialogue.open(THERE, both, protocol) as dialogue:
            for owner in both:
                troupe.bind(owner, hop)
                assert dialogue.ask(remote.instance, b"x" * 900) is owner
    finally:
        for machine in both:
            machine.host.remove_address(f"{THERE}/32")
            target.set_source_check(machine.nic, on=True)


@requirement("HAVIP-ROUTE-010")
def test_the_table_tells_the_route(target: Target, troupe: Troupe, floating: Havip, lead: Lead) -> None:
    def told() -> list[tuple[str, str, str]]:
        of_vpc = [{"Name": "vpc-id", "Values": [troupe.stage.vpc.id]}]
        tables = target.call("DescribeRouteTables", Filters=of_vpc)["RouteTableSet"]
        routes = [route for table in tables for route in table["RouteSet"]]
        return [
            (route["DestinationCidrBlock"], route["GatewayType"], route["GatewayId"])
            for route in routes
            if route["GatewayType"] == "HAVIP"
        ]

    assert told() == []
    route = lead(floating)
    assert told() == [(BEHIND, "HAVIP", floating.id)]
    target.delete_route(route)
    assert told() == []


@requirement("HAVIP-ROUTE-011")
def test_a_route_that_cannot_be_is_refused(target: Target, troupe: Troupe, floating: Havip, lead: Lead) -> None:
    vpc = target.create_vpc(str(troupe.stage.vpc.cidr))
    try:
        foreign = target.create_havip(target.create_subnet(vpc, str(troupe.subnet.cidr)))
        with pytest.raises(Refused):
            lead(foreign)
    finally:
        target.delete_vpc(vpc)
    with pytest.raises(Refused):
        lead(floating, "172.17.99.0/24")
    lead(floating)
    with pytest.raises(Refused):
        lead(floating)
    with pytest.raises(Refused):
        lead(foreign, "192.0.3.0/24")
