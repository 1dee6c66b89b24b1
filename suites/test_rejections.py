"""SPOOF: frames that no machine may send, from the owner, from another, and while nobody owns the HAVIP."""

from dataclasses import dataclass
from typing import Unpack

import pytest

from pytest_havip.clients.announcer import BROADCAST, ZERO, Form, Instance, Shape
from pytest_havip.fixtures.troupe import Troupe
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip

__all__: list[str] = []

STRANGER = "02:00:00:00:be:ef"
#: What all these frames carry somewhere, and no other frame does: it tells whether one reached anybody.
MARK = "02:00:00:00:ca:fe"
MARK_BYTES = bytes.fromhex(MARK.replace(":", ""))


@dataclass(frozen=True)
class Case:
    """A sender and how it stands to a HAVIP.

    Args:
        troupe: Where it happens.
        havip: The HAVIP.
        sender: Who sends the frame.
        owner: Who owns the HAVIP, before and after.
    """

    troupe: Troupe
    havip: Havip
    sender: Instance
    owner: Instance | None

    def assert_rejected(self, frame: bytes) -> None:
        """Send a frame: it reaches nobody, and the HAVIP stays with whoever owned it."""
        assert MARK_BYTES in frame
        since = self.sender.send(frame)
        self.troupe.fence(self.sender)
        assert self.troupe.observer.witnesses(lambda data: MARK_BYTES in data, since=since) == []
        assert self.troupe.control_plane.owner_of(self.havip) is self.owner
        if self.owner is not None:
            assert self.troupe.observer.owner_of(self.havip.address) is self.owner

    def announcement(self, **shape: Unpack[Shape]) -> bytes:
        """An announcement of the HAVIP, marked."""
        marked: Shape = {**shape, "target_mac": MARK}
        return self.sender.announcement(self.havip.address, **marked)


def case_of(troupe: Troupe, standing: str) -> Case:
    """Make a HAVIP and bind it as the standing says."""
    havip = troupe.havip()
    match standing:
        case "unbound":
            return Case(troupe, havip, troupe.b, None)
        case "former owner":
            troupe.bind(troupe.b, havip)
            troupe.bind(troupe.a, havip)
            return Case(troupe, havip, troupe.b, troupe.a)
        case _:
            troupe.bind(troupe.a, havip)
            return Case(troupe, havip, troupe.a if standing == "owner" else troupe.b, troupe.a)


@pytest.fixture(params=["owner", "another", "unbound"])
def anyone(troupe: Troupe, request: pytest.FixtureRequest) -> Case:
    """The HAVIP's owner, another machine, and one while nobody owns it."""
    return case_of(troupe, request.param)


@pytest.fixture(params=["another", "unbound"])
def no_owner(troupe: Troupe, request: pytest.FixtureRequest) -> Case:
    """Another than the HAVIP's owner, and one while nobody owns it."""
    return case_of(troupe, request.param)


@pytest.fixture
def former_owner(troupe: Troupe) -> Case:
    """A machine that has just lost the HAVIP."""
    return case_of(troupe, "former owner")


@requirement("HAVIP-SPOOF-004")
@pytest.mark.parametrize("form", ["request", "reply"])
@pytest.mark.parametrize("mac", ["another machine's", STRANGER, "01:00:5e:00:00:12", BROADCAST, ZERO])
def test_a_foreign_sender_mac_moves_nothing(anyone: Case, form: Form, mac: str) -> None:
    troupe = anyone.troupe
    victim = troupe.b if anyone.sender is troupe.a else troupe.a
    anyone.assert_rejected(anyone.announcement(form=form, sender_mac=victim.mac if "'" in mac else mac))


@requirement("HAVIP-SPOOF-005")
@pytest.mark.parametrize("form", ["request", "reply"])
@pytest.mark.parametrize("sender_mac", ["its own", STRANGER])
def test_a_foreign_ethernet_source_moves_nothing(anyone: Case, form: Form, sender_mac: str) -> None:
    mac = anyone.sender.mac if sender_mac == "its own" else sender_mac
    anyone.assert_rejected(anyone.announcement(form=form, ethernet_source=STRANGER, sender_mac=mac))


#: That of VRRP's virtual router 51, the document's.
VIRTUAL_MAC = "00:00:5e:00:01:33"


@requirement("HAVIP-SPOOF-025")
@pytest.mark.parametrize("form", ["request", "reply"])
@pytest.mark.parametrize("where", ["both", "Ethernet source", "sender MAC"])
def test_a_virtual_mac_moves_nothing(anyone: Case, form: Form, where: str) -> None:
    source = anyone.sender.mac if where == "sender MAC" else VIRTUAL_MAC
    sender_mac = anyone.sender.mac if where == "Ethernet source" else VIRTUAL_MAC
    anyone.assert_rejected(anyone.announcement(form=form, ethernet_source=source, sender_mac=sender_mac))


@requirement("HAVIP-SPOOF-006")
@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
def test_arp_from_the_havip_by_another_than_its_owner_reaches_nobody(no_owner: Case, operation: int) -> None:
    me, sender = no_owner.troupe.observer.instance, no_owner.sender
    for destination in (BROADCAST, me.mac):
        no_owner.assert_rejected(
            sender.arp(operation, no_owner.havip.address, me.address, target_mac=MARK, ethernet_destination=destination)
        )


@requirement("HAVIP-SPOOF-006")
@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
def test_arp_from_the_havip_by_its_owner_passes(troupe: Troupe, operation: int) -> None:
    case, me = case_of(troupe, "owner"), troupe.observer.instance
    since = case.sender.send(case.sender.arp(operation, case.havip.address, me.address, target_mac=MARK))
    troupe.fence(case.sender)
    assert me.name in troupe.observer.heard_arp_from(case.havip.address, since=since)


def packet(case: Case, source: object) -> bytes:
    """A packet of the case's sender to the observer, marked, from any address."""
    me = case.troupe.observer.instance
    return case.sender.datagram(str(source), me.address, me.mac, MARK_BYTES)


@requirement("HAVIP-SPOOF-007")
def test_a_packet_from_the_havip_by_another_than_its_owner_reaches_nobody(no_owner: Case) -> None:
    no_owner.troupe.observer.control_from(no_owner.sender)
    no_owner.assert_rejected(packet(no_owner, no_owner.havip.address))


@requirement("HAVIP-SPOOF-007")
def test_a_packet_from_the_havip_by_its_owner_passes(troupe: Troupe) -> None:
    case = case_of(troupe, "owner")
    since = case.sender.send(packet(case, case.havip.address))
    troupe.fence(case.sender)
    assert troupe.observer.witnesses(lambda data: MARK_BYTES in data, since=since) == [troupe.observer.instance.name]


@requirement("HAVIP-SPOOF-020")
@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
def test_a_former_owner_cannot_speak_as_the_havip(former_owner: Case, operation: int) -> None:
    me, address = former_owner.troupe.observer.instance, former_owner.havip.address
    former_owner.assert_rejected(former_owner.sender.arp(operation, address, me.address, target_mac=MARK))


@requirement("HAVIP-SPOOF-027")
def test_a_former_owner_cannot_send_as_the_havip(former_owner: Case) -> None:
    former_owner.assert_rejected(packet(former_owner, former_owner.havip.address))


@requirement("HAVIP-SPOOF-008")
@pytest.mark.parametrize("tag", ["8100 0000", "8100 0001", "88a8 0001", "86dd", "88cc"])
def test_other_ethertypes_reach_nobody(anyone: Case, tag: str) -> None:
    anyone.troupe.observer.control_from(anyone.sender)
    for frame in (anyone.announcement(), packet(anyone, anyone.sender.address)):
        # A tag stands before the ethertype of the frame; another ethertype replaces it.
        anyone.assert_rejected(frame[:12] + bytes.fromhex(tag) + (frame[12:] if " " in tag else frame[14:]))


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
def test_malformed_arp_reaches_nobody(anyone: Case, field: str) -> None:
    offset, value = MALFORMED[field]
    sender, me = anyone.sender, anyone.troupe.observer.instance
    for good in (anyone.announcement(), sender.arp(1, sender.address, me.address, target_mac=MARK)):
        anyone.assert_rejected(good[:offset] + value + (good[offset + len(value) :] if value else b""))


@requirement("HAVIP-SPOOF-012")
@pytest.mark.parametrize("operation", [0, 3, 4, 8, 9], ids=["0", "RARP", "RARP reply", "InARP", "InARP reply"])
def test_other_arp_operations_reach_nobody(anyone: Case, operation: int) -> None:
    for address in (anyone.havip.address, anyone.sender.address):
        anyone.assert_rejected(anyone.sender.arp(operation, address, address, target_mac=MARK))


@requirement("HAVIP-SPOOF-014")
@pytest.mark.parametrize("where", ["Ethernet source", "sender MAC"])
@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
def test_a_foreign_mac_with_ones_own_address_reaches_nobody(anyone: Case, where: str, operation: int) -> None:
    sender, me = anyone.sender, anyone.troupe.observer.instance
    foreign = {"ethernet_source": STRANGER} if where == "Ethernet source" else {"sender_mac": STRANGER}
    anyone.assert_rejected(sender.arp(operation, sender.address, me.address, target_mac=MARK, **foreign))


@requirement("HAVIP-SPOOF-015")
@pytest.mark.parametrize("first", [b"\x55", b"\x65", b"\x44"], ids=["version 5", "version 6", "short header"])
def test_a_malformed_packet_reaches_nobody(anyone: Case, first: bytes) -> None:
    anyone.troupe.observer.control_from(anyone.sender)
    for good in (packet(anyone, source) for source in (anyone.sender.address, anyone.havip.address)):
        anyone.assert_rejected(good[:14] + first + good[15:])
