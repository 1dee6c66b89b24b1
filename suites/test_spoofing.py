"""SPOOF: an address can be announced, or used as a sender, by its holder alone; what is rejected reaches nobody."""

import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from time import monotonic, sleep

import pytest

from pytest_havip.clients.announcer import Form, Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Stage
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet, Target

__all__: list[str] = []

STRANGER = "02:00:00:00:be:ef"
#: An address of the subnet that nobody has.
UNALLOCATED = IPv4Address("172.17.16.200")


def rejected(target: Target, machine: Instance) -> dict[tuple[str, str], int]:
    """Frames of a machine that the network rejected so far, counted by named address and reason."""
    return {
        (str(entry.address), entry.reason): entry.count
        for entry in target.rejections()
        if entry.nic_id == machine.nic.id
    }


@requirement("HAVIP-SPOOF-001")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_another_machines_address_cannot_be_announced(
    a: Instance, b: Instance, observer: Observer, fence: Fence, form: Form
) -> None:
    since = b.announce(a.address, form=form)
    fence(b)
    assert observer.heard_arp_from(a.address, since=since, mac=b.mac) == []
    assert observer.owner_of(a.address, destination=a.mac) is a


@requirement("HAVIP-SPOOF-002")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_the_gateways_address_cannot_be_announced(
    subnet: Subnet, b: Instance, observer: Observer, fence: Fence, form: Form
) -> None:
    since = b.announce(subnet.gateway, form=form)
    fence(b)
    assert observer.heard_arp_from(subnet.gateway, since=since, mac=b.mac) == []


@requirement("HAVIP-SPOOF-003")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_an_unallocated_address_cannot_be_announced(b: Instance, observer: Observer, fence: Fence, form: Form) -> None:
    since = b.announce(UNALLOCATED, form=form)
    fence(b)
    assert observer.heard_arp_from(UNALLOCATED, since=since) == []
    assert observer.owner_of(UNALLOCATED, destination=b.mac) is None


@requirement("HAVIP-SPOOF-004")
@pytest.mark.parametrize("mac", ["the owner's", "a stranger's", "VRRP's", "multicast", "zero"])
def test_a_foreign_sender_mac_moves_nothing(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind, mac: str
) -> None:
    macs = {
        "the owner's": a.mac,
        "a stranger's": STRANGER,
        "VRRP's": "00:00:5e:00:01:33",
        "multicast": "01:00:5e:00:00:12",
        "zero": "00:00:00:00:00:00",
    }
    bind(a, havip)
    since = b.announce(havip.address, sender_mac=macs[mac])
    fence(b)
    assert observer.owner_of(havip.address) is a
    assert observer.heard_arp_from(havip.address, since=since) == []


@requirement("HAVIP-SPOOF-005")
@pytest.mark.parametrize("whole", [False, True], ids=["Ethernet source alone", "sender MAC too"])
def test_a_foreign_ethernet_source_moves_nothing(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind, *, whole: bool
) -> None:
    bind(a, havip)
    since = b.announce(havip.address, ethernet_source=STRANGER, sender_mac=STRANGER if whole else b.mac)
    fence(b)
    assert observer.owner_of(havip.address) is a
    assert observer.heard_arp_from(havip.address, since=since) == []


@requirement("HAVIP-SPOOF-006")
@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
def test_arp_from_the_havip_by_another_than_its_owner_reaches_nobody(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind, operation: int
) -> None:
    bind(a, havip)
    since = b.send(b.arp(operation, havip.address, observer.instance.address))
    fence(b)
    assert observer.heard_arp_from(havip.address, since=since) == []
    assert observer.owner_of(havip.address) is a
    since = a.send(a.arp(operation, havip.address, observer.instance.address))
    fence(a)
    assert observer.instance.name in observer.heard_arp_from(havip.address, since=since)


@requirement("HAVIP-SPOOF-007")
def test_a_packet_from_the_havip_by_another_than_its_owner_reaches_nobody(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    me = observer.instance
    for machine in (b, a):
        token = f"from {machine.name} as the HAVIP".encode()
        since = machine.send(machine.datagram(havip.address, me.address, me.mac, token))
        fence(machine)
        expected = [me.name] if machine is a else []
        assert observer.witnesses(lambda data, token=token: token in data, since=since) == expected  # type: ignore[misc]
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-SPOOF-010")
@pytest.mark.parametrize("whose", ["another machine's", "the gateway's", "nobody's"])
def test_a_packet_from_a_foreign_address_reaches_nobody(
    subnet: Subnet, a: Instance, b: Instance, observer: Observer, fence: Fence, whose: str
) -> None:
    sources = {"another machine's": a.address, "the gateway's": subnet.gateway, "nobody's": UNALLOCATED}
    me = observer.instance
    observer.control_from(b)
    since = b.send(b.datagram(sources[whose], me.address, me.mac, b"a foreign source"))
    fence(b)
    assert observer.witnesses(lambda data: b"a foreign source" in data, since=since) == []


@requirement("HAVIP-SPOOF-008")
@pytest.mark.parametrize("tag", ["8100 0000", "8100 0001", "88a8 0001", "86dd", "88cc"])
def test_other_ethertypes_reach_nobody(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind, tag: str
) -> None:
    me = observer.instance
    bind(a, havip)
    observer.control_from(b)
    for frame in (b.announcement(havip.address), b.datagram(b.address, me.address, me.mac, b"in disguise")):
        # A tag stands before the ethertype of the frame; another ethertype replaces it.
        since = b.send(frame[:12] + bytes.fromhex(tag) + (frame[12:] if " " in tag else frame[14:]))
        fence(b)
        assert observer.heard_from(b, since=since, besides=fence.canary) == []
    assert observer.owner_of(havip.address) is a


#: Where a malformed ARP differs from a good one, and how.
MALFORMED = {
    "hardware type": (14, b"\x00\x06"),
    "protocol type": (16, b"\x86\xdd"),
    "hardware size": (18, b"\x08"),
    "protocol size": (19, b"\x10"),
    "cut short": (38, b""),
}


@requirement("HAVIP-SPOOF-011")
@pytest.mark.parametrize("field", MALFORMED)
def test_malformed_arp_reaches_nobody(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind, field: str
) -> None:
    offset, value = MALFORMED[field]
    bind(a, havip)
    for good in (b.announcement(havip.address), b.arp(1, b.address, a.address)):
        bad = good[:offset] + value + (good[offset + len(value) :] if value else b"")
        since = b.send(bad)
        fence(b)
        assert observer.heard_from(b, since=since, besides=fence.canary) == []
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-SPOOF-012")
@pytest.mark.parametrize("operation", [0, 3, 4, 8, 9], ids=["0", "RARP", "RARP reply", "InARP", "InARP reply"])
def test_other_arp_operations_reach_nobody(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind, operation: int
) -> None:
    bind(a, havip)
    for address in (havip.address, b.address):
        since = b.send(b.arp(operation, address, address))
        fence(b)
        assert observer.heard_from(b, since=since, besides=fence.canary) == []
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-SPOOF-014")
@pytest.mark.parametrize("where", ["Ethernet source", "sender MAC"])
def test_a_foreign_mac_with_ones_own_address_reaches_nobody(
    b: Instance, observer: Observer, fence: Fence, where: str
) -> None:
    me = observer.instance
    foreign = {"ethernet_source": STRANGER} if where == "Ethernet source" else {"sender_mac": STRANGER}
    for operation in (1, 2):
        since = b.send(b.arp(operation, b.address, me.address, **foreign))
        fence(b)
        assert observer.heard_arp_from(b.address, since=since) == []


@requirement("HAVIP-SPOOF-015")
@pytest.mark.parametrize("first", [b"\x55", b"\x65", b"\x44"], ids=["version 5", "version 6", "short header"])
def test_a_malformed_packet_reaches_nobody(b: Instance, observer: Observer, fence: Fence, first: bytes) -> None:
    me = observer.instance
    observer.control_from(b)
    good = b.datagram(b.address, me.address, me.mac, b"malformed")
    since = b.send(good[:14] + first + good[15:])
    fence(b)
    assert observer.heard_from(b, since=since, besides=fence.canary) == []


@requirement("HAVIP-SPOOF-009")
def test_every_rejection_is_counted_by_nic_address_and_reason(
    target: Target, subnet: Subnet, havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    vip, me, own = havip.address, observer.instance, str(b.address)
    packet = b.datagram(own, me.address, me.mac, b"")
    frames = {
        (str(a.address), "NOT_YOURS"): b.announcement(a.address),
        (str(subnet.gateway), "NOT_YOURS"): b.announcement(subnet.gateway),
        (str(UNALLOCATED), "NOT_YOURS"): b.datagram(UNALLOCATED, me.address, me.mac, b""),
        (str(vip), "MAC_MISMATCH"): b.announcement(vip, sender_mac=STRANGER),
        (own, "MAC_MISMATCH"): b.arp(1, own, me.address, ethernet_source=STRANGER),
        (str(vip), "NOT_OWNER"): b.arp(2, vip, me.address),
        (str(vip), "NOT_ARP_ANNOUNCEMENT"): b.arp(3, vip, vip),
        (own, "MALFORMED"): packet[:14] + b"\x44" + packet[15:],
        (str(vip), "MALFORMED"): b.announcement(vip)[:38],
        ("0.0.0.0", "MALFORMED"): packet[:24],
        ("0.0.0.0", "ETHERTYPE"): b.announcement(vip)[:12] + b"\x86\xdd" + b.announcement(vip)[14:],
    }
    before = rejected(target, b)
    for times, frame in enumerate(frames.values(), start=1):
        for _ in range(times):
            b.send(frame)
    fence(b)
    after = rejected(target, b)
    counted = {key: after.get(key, 0) - before.get(key, 0) for key in frames}
    assert counted == {key: times for times, key in enumerate(frames, start=1)}


@requirement("HAVIP-SPOOF-016")
def test_a_packet_of_another_than_the_owner_is_counted_too(
    target: Target, havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    me = observer.instance
    for _ in range(3):
        b.send(b.datagram(havip.address, me.address, me.mac, b""))
    fence(b)
    assert rejected(target, b).get((str(havip.address), "NOT_OWNER")) == 3


@requirement("HAVIP-SPOOF-017")
def test_what_is_for_nobody_is_counted_as_nobodys_fault(
    target: Target, havip: Havip, b: Instance, fence: Fence, bind: Bind
) -> None:
    for frame in (b.arp(1, b.address, havip.address), b.datagram(b.address, havip.address, b.mac, b"")):
        b.send(frame)
    fence(b)
    bind(b, havip)
    for frame in (b.arp(1, b.address, havip.address), b.datagram(b.address, havip.address, b.mac, b"")):
        b.send(frame)
    fence(b)
    counted = {
        reason: count for (address, reason), count in rejected(target, b).items() if address == str(havip.address)
    }
    assert counted == {"UNBOUND": 2, "OWN": 2}


#: Sends one frame as fast as a machine can, until it is killed.
FLOOD = """
import socket, sys
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
port.bind(("eth0", 0))
frame = bytes.fromhex(sys.argv[1])
print("flooding", flush=True)
while True:
    port.send(frame)
"""


@pytest.fixture
def flooder(stage: Stage, subnet: Subnet, havip: Havip) -> Iterator[Instance]:
    """A machine that announces the HAVIP without a pause; no capture could keep up with it."""
    machine = stage.launch("flooder", subnet, watched=False)
    frame = machine.announcement(havip.address)
    flood = machine.host.spawn([sys.executable, "-I", "-S", "-c", FLOOD, frame.hex()])
    deadline = monotonic() + 10
    while "flooding" not in flood.log():
        if monotonic() > deadline or not flood.alive:
            raise Inconclusive(f"the flood did not begin: {flood.log()}")
        sleep(0.005)
    yield machine
    flood.kill()


@requirement("HAVIP-SPOOF-018")
def test_a_flood_by_one_leaves_room_for_anothers_claim(
    target: Target, subnet: Subnet, a: Instance, flooder: Instance, observer: Observer
) -> None:
    other = target.create_havip(subnet, name="claimed during the flood")
    assert flooder is not a
    a.announce(other.address)
    observer.wait_for_owner(other.address, a)


@requirement("HAVIP-SPOOF-019")
def test_a_flood_is_counted(target: Target, havip: Havip, flooder: Instance) -> None:
    flooded = str(havip.address), "RATE_LIMITED"
    deadline = monotonic() + 5
    while not (seen := rejected(target, flooder)).get(flooded):
        assert monotonic() < deadline, f"5 s of a flood, and of {flooder.name} is counted only {seen}"
        sleep(0.01)


@requirement("HAVIP-SPOOF-013")
def test_what_one_nic_may_another_may_not(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    since = b.send(b.arp(2, a.address, observer.instance.address))
    b.announce(havip.address, sender_mac=a.mac, ethernet_source=a.mac)
    fence(b)
    assert observer.owner_of(havip.address) is a
    assert observer.heard_arp_from(a.address, since=since, mac=b.mac) == []
    assert observer.heard_arp_from(havip.address, since=since) == []
