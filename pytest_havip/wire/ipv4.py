"""As much of IPv4 as deciding about a frame needs. Source: RFC 791; DHCP's first messages: RFC 2131 section 4.1."""

from ipaddress import IPv4Address
from struct import Struct

__all__ = ["BROADCAST", "DHCP_CLIENT", "DHCP_PORTS", "HEADER_LENGTH", "LAYOUT", "UDP", "checksum", "encode"]

LAYOUT = Struct("!BBHHHBBH4s4s")
"""Version and length, service, total length, id, fragment, hops left, protocol, checksum, source, destination."""

HEADER_LENGTH = LAYOUT.size
UDP = 17
BROADCAST = IPv4Address("255.255.255.255")

DHCP_PORTS = bytes((0, 68, 0, 67))
"""The first four bytes behind the header of a message from a DHCP client to its server."""

DHCP_CLIENT = DHCP_PORTS[:2]
"""The port of DHCP clients."""


def checksum(header: bytes) -> int:
    """The one's complement sum over 16-bit words (RFC 1071) of an even number of bytes."""
    total = sum(int.from_bytes(header[i : i + 2], "big") for i in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def encode(source: IPv4Address, destination: IPv4Address, *, protocol: int = UDP, payload: bytes = b"") -> bytes:
    """A packet with a plain 20-byte header, 64 hops to go and a right checksum."""
    fields = (0x45, 0, HEADER_LENGTH + len(payload), 0, 0, 64, protocol)
    header = LAYOUT.pack(*fields, 0, source.packed, destination.packed)
    return LAYOUT.pack(*fields, checksum(header), source.packed, destination.packed) + payload
