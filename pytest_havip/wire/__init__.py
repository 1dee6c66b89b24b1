"""Ethernet, ARP and the little of IPv4 that a guard reads: bytes in, values out, no input or output of its own."""

from pytest_havip.wire.announcements import (
    ANNOUNCEMENT_FORMS,
    AnnouncementForm,
    gratuitous_reply,
    gratuitous_request,
    probe,
    reply,
    who_has,
)
from pytest_havip.wire.arp import Arp
from pytest_havip.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Ethernet
from pytest_havip.wire.mac import BROADCAST, ZERO, mac_bytes, mac_text
from pytest_havip.wire.malformed import Malformed

__all__ = [
    "ANNOUNCEMENT_FORMS",
    "BROADCAST",
    "ETHERTYPE_ARP",
    "ETHERTYPE_IPV4",
    "ZERO",
    "AnnouncementForm",
    "Arp",
    "Ethernet",
    "Malformed",
    "gratuitous_reply",
    "gratuitous_request",
    "mac_bytes",
    "mac_text",
    "probe",
    "reply",
    "who_has",
]
