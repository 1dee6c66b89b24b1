"""Routes whose next hop is a HAVIP, and NICs that forward: who is reached, and what is refused."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

import pytest

from pytest_havip.network.core import Action, Change, Code, Nic, Refused, next_hop_mac, route_table_id
from pytest_havip.wire import ipv4, mac_bytes

if TYPE_CHECKING:
    from tests.core.conftest import Cloud

BEHIND = IPv4Network("192.0.2.0/24")


def packet(destination_mac: str, source_mac: str, source: str, destination: str) -> bytes:
    body = ipv4.encode(IPv4Address(source), IPv4Address(destination))
    return mac_bytes(destination_mac) + mac_bytes(source_mac) + b"\x08\x00" + body


def code(request: object, *arguments: object, **more: object) -> Code:
    with pytest.raises(Refused) as refused:
        request(*arguments, **more)  # type: ignore[operator]
    return refused.value.code


def lead(cloud: "Cloud", *havip_ids: str) -> tuple[str, ...]:
    """Routes to other ranges, one for each of these next hops; return their ids."""
    table = route_table_id(cloud.vpc.id)
    already = len(cloud.network.vpcs[cloud.vpc.id].routes)
    wanted = [(IPv4Network((0xC0000200 + already + i, 32)), havip_id, "d") for i, havip_id in enumerate(havip_ids)]
    return tuple(route.id for route in cloud.network.create_routes(table, wanted, now=1).routes[already:])


def test_the_gateways_frame_goes_to_the_owner(cloud: "Cloud") -> None:
    network, hop = cloud.network, cloud.owned
    frame = packet(next_hop_mac(hop.address), cloud.here.gateway_mac, "9.9.9.9", "192.0.2.9")
    assert network.verdict_from_gateway(frame, cloud.here.id).ethernet_destination is None
    (route,) = lead(cloud, hop.id)
    for nic in (cloud.a, cloud.b):
        cloud.announce(nic, hop)
        verdict = network.verdict_from_gateway(frame, cloud.here.id)
        assert (verdict.action, verdict.ethernet_destination) == (Action.REDIRECT, nic.mac)
    network.detach_nic(cloud.b.id, now=3)
    assert network.verdict_from_gateway(frame, cloud.here.id).action is Action.PASS
    network.delete_routes(route_table_id(cloud.vpc.id), [route])
    cloud.announce(cloud.a, hop)
    assert network.verdict_from_gateway(frame, cloud.here.id).action is Action.PASS


def test_a_next_hop_is_one_until_its_last_route_goes(cloud: "Cloud") -> None:
    network, table = cloud.network, route_table_id(cloud.vpc.id)
    first, second, other = lead(cloud, cloud.owned.id, cloud.owned.id, cloud.unbound.id)
    network.delete_routes(table, [first, other])
    assert cloud.now(cloud.owned).is_next_hop
    assert not cloud.now(cloud.unbound).is_next_hop
    assert code(network.delete_havip, cloud.owned.id, now=2) is Code.UNSUPPORTED
    assert code(network.delete_routes, table, [first]) is Code.NOT_FOUND
    assert code(network.delete_routes, table, [second, second]) is Code.DUPLICATE
    network.delete_routes(table, [second])
    network.delete_havip(cloud.owned.id, now=2)


def test_a_refused_request_changes_nothing(cloud: "Cloud") -> None:
    network, table = cloud.network, route_table_id(cloud.vpc.id)
    foreign = network.create_havip(cloud.other_vpc.id, cloud.other_subnet.id, "foreign", now=1)
    network.take_effects()
    hop = cloud.owned.id

    def refused(*wanted: tuple[IPv4Network, str, str]) -> Code:
        return code(network.create_routes, table, wanted, now=1)

    assert refused((BEHIND, hop, ""), (BEHIND, hop, "")) is Code.DUPLICATE
    assert refused((cloud.there.cidr, hop, "")) is Code.INVALID
    assert refused((BEHIND, foreign.id, "")) is Code.NEXT_HOP
    assert refused((BEHIND, "havip-zzzzzzzz", "")) is Code.NOT_FOUND
    assert refused((BEHIND, hop, "d" * 61)) is Code.TOO_LONG
    assert refused(*[(IPv4Network((0xC0000200 + i, 32)), hop, "") for i in range(51)]) is Code.LIMIT_EXCEEDED
    assert code(network.create_routes, "rtb-zzzzzzzz", [], now=1) is Code.NOT_FOUND
    assert code(network.create_routes, "vpc-zzzzzzzz", [], now=1) is Code.MALFORMED
    assert network.take_effects() == ()
    assert network.vpcs[cloud.vpc.id].routes == ()


def test_undone_routes_lead_nowhere(cloud: "Cloud") -> None:
    before = cloud.network.vpcs[cloud.vpc.id], cloud.now(cloud.owned)
    lead(cloud, cloud.owned.id)
    effects = cloud.network.take_effects()
    assert all(isinstance(effect, Change) for effect in effects)
    cloud.network.undo(effects)
    assert (cloud.network.vpcs[cloud.vpc.id], cloud.now(cloud.owned)) == before


def test_a_nic_that_forwards_names_any_sender_and_announces_for_nobody(cloud: "Cloud") -> None:
    network = cloud.network

    def may(nic: Nic) -> bool:
        frame = packet(cloud.here.gateway_mac, nic.mac, "9.9.9.9", "8.8.8.8")
        return network.verdict(frame, nic.id).action is Action.PASS

    assert not may(cloud.a)
    assert network.set_forwarding(cloud.a.id, forwards=True) == replace(cloud.a, forwards=True)
    assert may(cloud.a)
    assert not may(cloud.b)
    cloud.announce(cloud.b, cloud.owned)
    assert not cloud.announce(cloud.a, replace(cloud.owned, address=cloud.b.addresses[0])).effects
    assert cloud.announce(cloud.a, cloud.owned).effects
    network.set_forwarding(cloud.a.id, forwards=False)
    assert not may(cloud.a)
    assert cloud.owner(cloud.owned) == cloud.a.id
