"""ARP as a cluster's node speaks it. Source: RFC 826, RFC 5227. Written apart from the network that it runs on."""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

__all__ = ["NOBODY", "Arp", "announcement", "probe", "read_arp"]

_FRAME = struct.Struct("!6s6sH HHBBH 6s4s6s4s")
_ETHERTYPE, _ETHERNET, _IPV4, _REQUEST = 0x0806, 1, 0x0800, 1
_KIND = (_ETHERTYPE, _ETHERNET, _IPV4, 6, 4)
_BROADCAST, _UNKNOWN = b"\xff" * 6, bytes(6)

NOBODY = IPv4Address(0)
"""The sender of a probe: it has no address yet, and nobody shall learn one from it."""


@dataclass(frozen=True, slots=True)
class Arp:
    """What a node needs to know of an ARP message that it hears."""

    operation: int
    sender_mac: str
    sender: IPv4Address
    target: IPv4Address

    @property
    def is_probe(self) -> bool:
        """A request of somebody who is about to take the target address."""
        return self.operation == _REQUEST and self.sender == NOBODY


def read_arp(frame: bytes) -> Arp | None:
    """Read an Ethernet frame; None for all that is not ARP for IPv4 over Ethernet. Padding is ignored."""
    if len(frame) < _FRAME.size:
        return None
    _, _, *kind, operation, mac, sender, _, target = _FRAME.unpack_from(frame)
    if tuple(kind) != _KIND:
        return None
    return Arp(operation, mac.hex(":"), IPv4Address(sender), IPv4Address(target))


def probe(mac: str, address: IPv4Address) -> bytes:
    """Ask whether anyone has the address, without a sender address."""
    return _request(mac, NOBODY, address)


def announcement(mac: str, address: IPv4Address) -> bytes:
    """Tell everyone that this MAC has the address: a probe but for the sender's address (RFC 5227 section 2.3)."""
    return _request(mac, address, address)


def _request(mac: str, sender: IPv4Address, target: IPv4Address) -> bytes:
    own = bytes.fromhex(mac.replace(":", ""))
    return _FRAME.pack(_BROADCAST, own, *_KIND, _REQUEST, own, sender.packed, _UNKNOWN, target.packed)
