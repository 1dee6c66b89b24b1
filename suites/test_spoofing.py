"""SPOOF: an address can be announced, or used as a sender, by its holder alone; what is rejected reaches nobody."""

import sys
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address
from time import monotonic, sleep

import pytest

from pytest_havip.clients.announcer import BROADCAST, Form, Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Stage
from pytest_havip.fixtures.troupe import Troupe
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet, Target

__all__: list[str] = []

STRANGER = "02:00:00:00:be:ef"
NOBODY = IPv4Address("0.0.0.0")
#: An address of the subnet that nobody has.
UNALLOCATED = IPv4Address("172.17.16.200")


def rejected(target: Target, machine: Instance) -> dict[tuple[str, str], int]:
    """Frames of a machine that the network rejected so far, counted by named address and reason."""
    return {
        (str(entry.address), entry.reason): entry.count
        for entry in target.rejections()
        if entry.nic_id == machine.nic.id
    }


def assert_not_announced(troupe: Troupe, address: IPv4Address, form: Form) -> None:
    """Let b announce an address that is no HAVIP, by broadcast and to one neighbour: nobody hears of it."""
    neighbour = troupe.observer.instance
    for destination in (BROADCAST, neighbour.mac):
        since = troupe.b.announce(address, form=form, ethernet_destination=destination)
        troupe.fence(troupe.b)
        assert troupe.observer.heard_arp_from(address, since=since, mac=troupe.b.mac) == []


@requirement("HAVIP-SPOOF-001")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_another_machines_address_cannot_be_announced(troupe: Troupe, form: Form) -> None:
    assert_not_announced(troupe, troupe.a.address, form)
    assert troupe.observer.owner_of(troupe.a.address, destination=troupe.a.mac) is troupe.a


@requirement("HAVIP-SPOOF-002")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_the_gateways_address_cannot_be_announced(troupe: Troupe, form: Form) -> None:
    assert_not_announced(troupe, troupe.subnet.gateway, form)


@requirement("HAVIP-SPOOF-003")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_an_unallocated_address_cannot_be_announced(troupe: Troupe, form: Form) -> None:
    assert_not_announced(troupe, UNALLOCATED, form)
    assert troupe.observer.owner_of(UNALLOCATED, destination=troupe.b.mac) is None


@requirement("HAVIP-SPOOF-010")
@pytest.mark.parametrize("whose", ["another machine's", "the gateway's", "nobody's"])
def test_a_packet_from_a_foreign_address_reaches_nobody(troupe: Troupe, whose: str) -> None:
    sources = {"another machine's": troupe.a.address, "the gateway's": troupe.subnet.gateway, "nobody's": UNALLOCATED}
    me = troupe.observer.instance
    troupe.observer.control_from(troupe.b)
    since = troupe.b.send(troupe.b.datagram(sources[whose], me.address, me.mac, b"a foreign source"))
    troupe.fence(troupe.b)
    assert troupe.observer.witnesses(lambda data: b"a foreign source" in data, since=since) == []


@requirement("HAVIP-SPOOF-009")
@pytest.mark.parametrize("standing", ["owner", "another", "unbound"])
def test_every_rejection_is_counted_by_nic_address_and_reason(troupe: Troupe, standing: str) -> None:
    havip, spoofer = troupe.havip(), troupe.b
    if standing != "unbound":
        troupe.bind(spoofer if standing == "owner" else troupe.a, havip)
    vip, me, own = havip.address, troupe.observer.instance, spoofer.address
    virtual = "00:00:5e:00:01:33"
    packet = spoofer.datagram(own, me.address, me.mac, b"")
    announcement = spoofer.announcement(vip)
    rejections = [
        (troupe.a.address, "NOT_YOURS", spoofer.announcement(troupe.a.address)),
        (troupe.subnet.gateway, "NOT_YOURS", spoofer.announcement(troupe.subnet.gateway)),
        (UNALLOCATED, "NOT_YOURS", spoofer.datagram(UNALLOCATED, me.address, me.mac, b"")),
        (vip, "MAC_MISMATCH", spoofer.announcement(vip, sender_mac=STRANGER)),
        (vip, "MAC_MISMATCH", spoofer.announcement(vip, ethernet_source=virtual, sender_mac=virtual)),
        (own, "MAC_MISMATCH", spoofer.arp(1, own, me.address, ethernet_source=STRANGER)),
        (vip, "NOT_ARP_ANNOUNCEMENT", spoofer.arp(3, vip, vip)),
        (own, "MALFORMED", packet[:14] + b"\x44" + packet[15:]),
        (vip, "MALFORMED", announcement[:38]),
        (NOBODY, "MALFORMED", packet[:24]),
        (NOBODY, "ETHERTYPE", announcement[:12] + b"\x86\xdd" + announcement[14:]),
    ]
    if standing != "owner":
        rejections += [(vip, "NOT_OWNER", spoofer.arp(operation, vip, me.address)) for operation in (1, 2)]
    assert_counted(troupe, spoofer, rejections)


#: A frame, and the address and the reason under which it is to be counted.
Rejected = tuple[IPv4Address, str, bytes]


def assert_counted(troupe: Troupe, machine: Instance, rejections: list[Rejected]) -> None:
    """Send the first frame once, the second twice and so on: each is counted as often, under its address and reason."""
    before = Counter(rejected(troupe.stage.target, machine))
    expected: Counter[tuple[str, str]] = Counter()
    for times, (address, reason, frame) in enumerate(rejections, start=1):
        expected[str(address), reason] += times
        for _ in range(times):
            machine.send(frame)
    troupe.fence(machine)
    counted = Counter(rejected(troupe.stage.target, machine)) - before
    assert {key: counted[key] for key in expected} == expected


@requirement("HAVIP-SPOOF-016")
@pytest.mark.parametrize("standing", ["another", "unbound"])
def test_a_packet_of_another_than_the_owner_is_counted_too(troupe: Troupe, standing: str) -> None:
    havip, me = troupe.havip(), troupe.observer.instance
    if standing == "another":
        troupe.bind(troupe.a, havip)
    packet = troupe.b.datagram(havip.address, me.address, me.mac, b"")
    assert_counted(troupe, troupe.b, [(havip.address, "NOT_OWNER", packet)] * 3)


@requirement("HAVIP-SPOOF-017")
def test_what_is_for_nobody_is_counted_as_nobodys_fault(troupe: Troupe) -> None:
    havip, b = troupe.havip(), troupe.b
    for standing in ("unbound", "owner"):
        if standing == "owner":
            troupe.bind(b, havip)
        for frame in (b.arp(1, b.address, havip.address), b.datagram(b.address, havip.address, b.mac, b"")):
            b.send(frame)
        troupe.fence(b)
    counted = {
        reason: count
        for (address, reason), count in rejected(troupe.stage.target, b).items()
        if address == str(havip.address)
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


def spoofs_of(troupe: Troupe, havip: Havip, spoofer: Instance) -> list[bytes]:
    """Frames of every kind that must be rejected, all about one HAVIP that the spoofer does not own."""
    me, announcement = troupe.observer.instance, spoofer.announcement(havip.address)
    return [
        spoofer.announcement(havip.address, sender_mac=STRANGER),
        spoofer.announcement(havip.address, ethernet_source=STRANGER),
        spoofer.arp(1, havip.address, me.address),
        spoofer.arp(2, havip.address, me.address),
        spoofer.arp(3, havip.address, havip.address),
        spoofer.datagram(havip.address, me.address, me.mac, b"spoof"),
        announcement[:38],
        announcement[:12] + b"\x81\x00\x00\x01" + announcement[12:],
        spoofer.announcement(troupe.a.address),
        spoofer.announcement(UNALLOCATED),
    ]


#: How often each of them is sent.
VOLUME = 50


@pytest.mark.parametrize(
    "who",
    [
        pytest.param("another", marks=requirement("HAVIP-SPOOF-022")),
        pytest.param("the spoofer", marks=requirement("HAVIP-SPOOF-023")),
    ],
)
def test_however_much_was_rejected_a_proper_announcement_binds(troupe: Troupe, who: str) -> None:
    havip, spoofer = troupe.havip(), troupe.b
    for frame in spoofs_of(troupe, havip, spoofer) * VOLUME:
        spoofer.send(frame)
    machine = spoofer if who == "the spoofer" else troupe.a
    machine.announce(havip.address)
    troupe.observer.wait_for_owner(havip.address, machine)


@requirement("HAVIP-SPOOF-013")
def test_what_one_nic_may_another_may_not(troupe: Troupe) -> None:
    havip, a, b, observer = troupe.havip(), troupe.a, troupe.b, troupe.observer
    troupe.bind(a, havip)
    since = b.send(b.arp(2, a.address, observer.instance.address))
    b.announce(havip.address, sender_mac=a.mac, ethernet_source=a.mac)
    troupe.fence(b)
    assert observer.owner_of(havip.address) is a
    assert observer.heard_arp_from(a.address, since=since, mac=b.mac) == []
    assert observer.heard_arp_from(havip.address, since=since) == []


@requirement("HAVIP-SPOOF-024")
def test_a_nic_that_goes_leaves_the_others_rules(
    stage: Stage, havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    gone, me = stage.launch("gone", b.nic.subnet), observer.instance
    bind(gone, havip)
    stage.target.unplug(gone.nic)
    observer.control_from(b)
    for address in (gone.address, havip.address, a.address):
        since = b.send(b.arp(2, address, me.address))
        b.send(b.datagram(address, me.address, me.mac, b"not b's"))
        fence(b)
        assert observer.heard_arp_from(address, since=since, mac=b.mac) == []
        assert observer.witnesses(lambda data: b"not b's" in data, since=since) == []
    b.announce(havip.address)
    observer.wait_for_owner(havip.address, b)
