"""PATH: packets to a HAVIP reach its owner and nobody else, whatever the neighbours believe."""

from collections.abc import Callable
from ipaddress import IPv4Address
from time import time_ns

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Launch, Stage
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet, Target

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")


def ping(machine: Instance, address: IPv4Address, *options: str) -> None:
    """Ping an address once from a machine; it must answer."""
    asked = machine.host.run(["ping", "-n", "-c", "1", "-W", "2", *options, str(address)])
    assert asked.returncode == 0, f"{address} does not answer {machine.name}: {asked.stdout}{asked.stderr}"


@requirement("HAVIP-PATH-001")
def test_an_unbound_havip_reaches_nobody(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence
) -> None:
    # Both would answer, if they were asked.
    for machine in (a, b):
        machine.host.add_address(f"{havip.address}/32")
        assert observer.owner_of(havip.address, destination=machine.mac) is None
    me = observer.instance
    question = me.arp(1, me.address, havip.address)
    since = me.send(question)
    fence(a)
    assert observer.witnesses(lambda data: data.startswith(question), since=since) == []
    assert observer.answers_to_who_has(havip.address) == set()


@requirement("HAVIP-PATH-003")
def test_a_stale_neighbour_reaches_the_new_owner(
    havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    bind(b, havip)
    assert observer.owner_of(havip.address, destination=a.mac) is b


@requirement("HAVIP-PATH-002")
def test_only_the_owner_is_asked_and_answers(
    havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    # Both hold the address, as after a crash of the HA software on one of them.
    for machine in (a, b):
        machine.host.add_address(f"{havip.address}/32")
    bind(a, havip)
    assert observer.answers_to_who_has(havip.address) == {a.mac}
    bind(b, havip)
    assert observer.answers_to_who_has(havip.address) == {b.mac}


@requirement("HAVIP-PATH-005")
def test_a_probe_reaches_the_owner_alone(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    def probe(data: bytes) -> bool:
        return data[12:14] == b"\x08\x06" and data[28:32] == NOBODY.packed and data[38:42] == havip.address.packed

    since = b.send(b.arp(1, NOBODY, havip.address))
    fence(b)
    # While nobody owns it, two that probe at once must see each other.
    assert sorted(observer.witnesses(probe, since=since)) == sorted(
        {a.name, observer.instance.name, observer.witness.name}
    )
    bind(a, havip)
    since = b.send(b.arp(1, NOBODY, havip.address))
    fence(b)
    assert observer.witnesses(probe, since=since) == [a.name]


@requirement("HAVIP-PATH-004")
def test_a_client_of_another_subnet_follows(
    launch: Launch, elsewhere: Subnet, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    far = launch("far", elsewhere)
    for machine in (a, b):
        machine.host.add_address(f"{havip.address}/32")
        bind(machine, havip)
        since = time_ns()
        ping(far, havip.address)
        served = observer.witnesses(_echo_request(far, havip), since=since)
        assert served == [machine.name]


@requirement("HAVIP-PATH-006")
def test_the_owner_speaks_as_the_havip(havip: Havip, a: Instance, observer: Observer, bind: Bind) -> None:
    a.host.add_address(f"{havip.address}/32")
    bind(a, havip)
    ping(observer.instance, havip.address)
    ping(a, observer.instance.address, "-I", str(havip.address))


@requirement("HAVIP-API-002")
def test_all_views_agree(
    control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    for machine in (a, b):
        bind(machine, havip)
        assert control_plane.owner_of(havip) is machine
        assert observer.belief(havip.address) == machine.mac
        assert observer.owner_of(havip.address) is machine


@requirement("HAVIP-PATH-007")
def test_ordinary_traffic_passes(subnet: Subnet, a: Instance, b: Instance) -> None:
    for destination in (b.address, subnet.gateway):
        ping(a, destination)


@requirement("HAVIP-PATH-008")
@pytest.mark.parametrize("destination", ["multicast", "broadcast"])
def test_multicast_and_broadcast_from_a_fixed_address_pass(
    subnet: Subnet, a: Instance, observer: Observer, fence: Fence, destination: str
) -> None:
    address, mac = {
        "multicast": ("224.0.0.18", "01:00:5e:00:00:12"),
        "broadcast": (str(subnet.cidr.broadcast_address), "ff:ff:ff:ff:ff:ff"),
    }[destination]
    since = a.send(a.datagram(a.address, address, mac, b"to everyone"))
    fence(a)
    assert observer.instance.name in observer.witnesses(lambda data: b"to everyone" in data, since=since)


@requirement("HAVIP-PATH-009")
def test_a_dhcp_request_is_the_gateways_alone(target: Target, a: Instance, observer: Observer, fence: Fence) -> None:
    from scapy.layers.inet import IP, UDP  # noqa: PLC0415 - scapy only where frames are crafted
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    request = Ether(src=a.mac, dst="ff:ff:ff:ff:ff:ff") / IP(src="0.0.0.0", dst="255.255.255.255")
    since = a.send(request / UDP(sport=68, dport=67) / b"who am I?")
    fence(a)
    assert observer.witnesses(lambda data: b"who am I?" in data, since=since) == []
    assert [entry for entry in target.rejections() if entry.nic_id == a.nic.id] == []


@requirement("HAVIP-PATH-010")
def test_another_subnets_havip_is_reached_through_the_gateway(stage: Stage, elsewhere: Subnet, b: Instance) -> None:
    foreign = stage.target.create_havip(elsewhere)
    observer = stage.observer(elsewhere, prefix="far ")
    owner = stage.launch("far", elsewhere)
    owner.host.add_address(f"{foreign.address}/32")
    owner.announce(foreign.address)
    observer.wait_for_owner(foreign.address, owner)
    ping(b, foreign.address)


@requirement("HAVIP-PATH-011")
def test_arp_about_another_subnets_havip_is_left_alone(
    target: Target, elsewhere: Subnet, a: Instance, b: Instance, observer: Observer, fence: Fence
) -> None:
    foreign = target.create_havip(elsewhere)
    since = b.send(b.arp(1, b.address, foreign.address))
    fence(b)
    asked = b.address.packed + bytes(6) + foreign.address.packed
    assert a.name in observer.witnesses(lambda data: data[28:42] == asked, since=since)


def _echo_request(client: Instance, havip: Havip) -> Callable[[bytes], bool]:
    sender_and_target = client.address.packed + havip.address.packed
    return lambda data: data[12:14] == b"\x08\x00" and data[26:34] == sender_and_target and data[34:35] == b"\x08"
