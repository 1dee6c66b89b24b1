"""Every form in which real software announces, asks for, probes and answers for an address.

Forms differ in the operation, the target MAC (zero: RFC 5227 hosts and Linux; broadcast: keepalived and arping; the
sender's own: arping -A and ucarp), the Ethernet destination and the padding (hardware fills up to 60 bytes).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from types import MappingProxyType
from typing import Protocol

from pytest_havip.wire.arp import REPLY, REQUEST, UNSPECIFIED, Arp
from pytest_havip.wire.ethernet import ETHERTYPE_ARP, Ethernet
from pytest_havip.wire.mac import BROADCAST, ZERO

__all__ = [
    "ANNOUNCEMENT_FORMS",
    "AnnouncementForm",
    "gratuitous_reply",
    "gratuitous_request",
    "probe",
    "reply",
    "who_has",
]


def _frame(message: Arp, *, destination: str, source: str | None, padded: bool) -> bytes:
    return Ethernet(destination, source or message.sender_mac, ETHERTYPE_ARP, message.encode()).encode(padded=padded)


def gratuitous_request(
    mac: str,
    address: IPv4Address,
    *,
    target_mac: str = BROADCAST,
    destination: str = BROADCAST,
    source: str | None = None,
    padded: bool = False,
) -> bytes:
    """An announcement in the request form: "who has ``address``? tell ``address``".

    Args:
        mac: the announcer's MAC, put into the ARP message.
        address: the announced address, sender and target alike.
        target_mac: what stands in the field that a request leaves open.
        destination: Ethernet destination.
        source: Ethernet source, if it is to differ from ``mac``.
        padded: fill up to 60 bytes.
    """
    message = Arp(REQUEST, mac, address, target_mac, address)
    return _frame(message, destination=destination, source=source, padded=padded)


def gratuitous_reply(
    mac: str,
    address: IPv4Address,
    *,
    target_mac: str | None = None,
    destination: str = BROADCAST,
    source: str | None = None,
    padded: bool = False,
) -> bytes:
    """An announcement in the reply form; the target MAC is the announcer's own unless told. Else as the request."""
    message = Arp(REPLY, mac, address, target_mac or mac, address)
    return _frame(message, destination=destination, source=source, padded=padded)


def probe(mac: str, address: IPv4Address, *, destination: str = BROADCAST, padded: bool = False) -> bytes:
    """A question before an address is taken: sender 0.0.0.0, so that nobody learns it (RFC 5227 section 2.1.1)."""
    return _frame(Arp(REQUEST, mac, UNSPECIFIED, ZERO, address), destination=destination, source=None, padded=padded)


def who_has(
    mac: str, sender: IPv4Address, target: IPv4Address, *, destination: str = BROADCAST, padded: bool = False
) -> bytes:
    """An ordinary resolution: ``sender`` asks for the MAC of ``target``; unicast when it only confirms an entry."""
    return _frame(Arp(REQUEST, mac, sender, ZERO, target), destination=destination, source=None, padded=padded)


def reply(mac: str, sender: IPv4Address, target_mac: str, target: IPv4Address, *, padded: bool = False) -> bytes:
    """An answer to one asker: ``sender`` is at ``mac``."""
    return _frame(Arp(REPLY, mac, sender, target_mac, target), destination=target_mac, source=None, padded=padded)


class _Builder(Protocol):
    def __call__(self, mac: str, address: IPv4Address, *, target_mac: str, destination: str, padded: bool) -> bytes: ...


_OPERATIONS: Mapping[str, _Builder] = {"request": gratuitous_request, "reply": gratuitous_reply}
_TARGET_MACS: Mapping[str, Callable[[str], str]] = {
    "zero": lambda _own: ZERO,
    "broadcast": lambda _own: BROADCAST,
    "own": lambda own: own,
}


@dataclass(frozen=True, slots=True)
class AnnouncementForm:
    """One form of announcement: operation, target MAC, broadcast or unicast, 42 or 60 bytes."""

    operation: str
    target_mac: str
    unicast: bool
    padded: bool

    @property
    def name(self) -> str:
        """The form in words, fit for a test's id: ``request-zero-broadcast-42``."""
        reach = "unicast" if self.unicast else "broadcast"
        return f"{self.operation}-{self.target_mac}-{reach}-{60 if self.padded else 42}"

    def build(self, mac: str, address: IPv4Address, *, neighbour: str) -> bytes:
        """The announcement of ``address`` by ``mac`` in this form; a unicast one goes to ``neighbour``."""
        return _OPERATIONS[self.operation](
            mac,
            address,
            target_mac=_TARGET_MACS[self.target_mac](mac),
            destination=neighbour if self.unicast else BROADCAST,
            padded=self.padded,
        )


ANNOUNCEMENT_FORMS: Mapping[str, AnnouncementForm] = MappingProxyType(
    {
        form.name: form
        for operation in _OPERATIONS
        for target_mac in _TARGET_MACS
        for unicast in (False, True)
        for padded in (False, True)
        for form in (AnnouncementForm(operation, target_mac, unicast, padded),)
    }
)
