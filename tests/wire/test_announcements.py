"""What our builders put on the wire, read by another implementation: scapy."""

from ipaddress import IPv4Address
from typing import Any

import pytest

from pytest_havip.wire import (
    ANNOUNCEMENT_FORMS,
    AnnouncementForm,
    Arp,
    Ethernet,
    gratuitous_request,
    probe,
    reply,
    who_has,
)

MAC = "02:00:00:00:00:01"
NEIGHBOUR = "02:00:00:00:00:02"
BROADCAST = "ff:ff:ff:ff:ff:ff"
ZERO = "00:00:00:00:00:00"
VIP = IPv4Address("172.17.16.3")
PEER = IPv4Address("172.17.16.7")


def read(frame: bytes) -> tuple[Any, ...]:
    """Destination, source, operation, sender MAC and address, target MAC and address."""
    from scapy.layers.l2 import ARP, Ether  # noqa: PLC0415 - it takes a while to import

    ether = Ether(frame)
    arp = ether[ARP]
    assert (ether.type, arp.hwtype, arp.ptype, arp.hwlen, arp.plen) == (0x0806, 1, 0x0800, 6, 4)
    return ether.dst, ether.src, arp.op, arp.hwsrc, arp.psrc, arp.hwdst, arp.pdst


def test_all_forms_are_there() -> None:
    assert len(ANNOUNCEMENT_FORMS) == 2 * 3 * 2 * 2
    assert ANNOUNCEMENT_FORMS["request-broadcast-broadcast-42"] == AnnouncementForm(
        "request", "broadcast", unicast=False, padded=False
    )


@pytest.mark.parametrize("name", ANNOUNCEMENT_FORMS)
def test_a_form_is_what_its_name_says(name: str) -> None:
    operation, target_mac, reach, length = name.split("-")
    frame = ANNOUNCEMENT_FORMS[name].build(MAC, VIP, neighbour=NEIGHBOUR)
    assert len(frame) == int(length)
    assert read(frame) == (
        {"broadcast": BROADCAST, "unicast": NEIGHBOUR}[reach],
        MAC,
        {"request": 1, "reply": 2}[operation],
        MAC,
        str(VIP),
        {"zero": ZERO, "broadcast": BROADCAST, "own": MAC}[target_mac],
        str(VIP),
    )
    assert Arp.decode(Ethernet.decode(frame).payload).is_gratuitous


def test_the_ethernet_source_may_differ_from_the_sender() -> None:
    frame = gratuitous_request(MAC, VIP, source=NEIGHBOUR)
    assert read(frame)[1:4] == (NEIGHBOUR, 1, MAC)


def test_probe_question_and_answer() -> None:
    assert read(probe(MAC, VIP)) == (BROADCAST, MAC, 1, MAC, "0.0.0.0", ZERO, str(VIP))
    assert read(who_has(MAC, PEER, VIP)) == (BROADCAST, MAC, 1, MAC, str(PEER), ZERO, str(VIP))
    assert read(who_has(MAC, PEER, VIP, destination=NEIGHBOUR))[0] == NEIGHBOUR
    assert read(reply(MAC, VIP, NEIGHBOUR, PEER)) == (NEIGHBOUR, MAC, 2, MAC, str(VIP), NEIGHBOUR, str(PEER))
    assert len(reply(MAC, VIP, NEIGHBOUR, PEER, padded=True)) == 60
