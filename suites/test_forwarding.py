"""PATH: packets to a HAVIP reach its owner and nobody else, whatever the neighbours believe."""

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind, ControlPlane, Fence
from pytest_havip.fixtures.stage import Launch
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet, Target, Vpc

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")


@requirement("HAVIP-PATH-001")
def test_packets_to_an_unbound_havip_reach_nobody(havip: Havip, a: Instance, b: Instance, observer: Observer) -> None:
    for machine in (a, b):
        assert observer.owner_of(havip.address, destination=machine.mac) is None
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
    target: Target, vpc: Vpc, launch: Launch, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    far = launch("far", target.create_subnet(vpc, "172.17.32.0/24"))
    for machine in (a, b):
        machine.host.add_address(f"{havip.address}/32")
        bind(machine, havip)
        ping = far.host.run(["ping", "-n", "-c", "1", "-W", "2", str(havip.address)])
        assert ping.returncode == 0, ping.stdout
        served = [name for name in (a.name, b.name) if name in observer.witnesses(_echo_request(far, havip), since=0)]
        assert served[-1:] == [machine.name]


@requirement("HAVIP-PATH-006")
def test_the_owner_speaks_as_the_havip(havip: Havip, a: Instance, observer: Observer, bind: Bind) -> None:
    a.host.add_address(f"{havip.address}/32")
    bind(a, havip)
    ping = observer.instance.host.run(["ping", "-n", "-c", "1", "-W", "2", str(havip.address)])
    assert ping.returncode == 0, ping.stdout
    back = a.host.run(["ping", "-n", "-c", "1", "-W", "2", "-I", str(havip.address), str(observer.instance.address)])
    assert back.returncode == 0, back.stdout


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
        ping = a.host.run(["ping", "-n", "-c", "1", "-W", "2", str(destination)])
        assert ping.returncode == 0, ping.stdout


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
def test_another_subnets_havip_is_an_ordinary_address_here(
    target: Target, vpc: Vpc, launch: Launch, a: Instance, b: Instance, observer: Observer, fence: Fence
) -> None:
    elsewhere = target.create_subnet(vpc, "172.17.32.0/24")
    foreign = target.create_havip(elsewhere)
    owner = launch("far", elsewhere)
    owner.host.add_address(f"{foreign.address}/32")
    owner.announce(foreign.address)
    since = b.send(b.arp(1, b.address, foreign.address))
    fence(b)
    asked = b.address.packed + bytes(6) + foreign.address.packed
    assert a.name in observer.witnesses(lambda data: data[28:42] == asked, since=since)
    ping = b.host.run(["ping", "-n", "-c", "1", "-W", "2", str(foreign.address)])
    assert ping.returncode == 0, ping.stdout


def _echo_request(client: Instance, havip: Havip) -> Callable[[bytes], bool]:
    sender_and_target = client.address.packed + havip.address.packed
    return lambda data: data[12:14] == b"\x08\x00" and data[26:34] == sender_and_target and data[34:35] == b"\x08"
