"""ARP for IPv4 over Ethernet. Source: RFC 826; announcements and probes: RFC 5227."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from struct import Struct

from pytest_havip.wire.ethernet import ETHERTYPE_IPV4
from pytest_havip.wire.mac import MAC_LENGTH, mac_bytes, mac_text
from pytest_havip.wire.malformed import Malformed

__all__ = ["ADDRESS_LENGTH", "HARDWARE_ETHERNET", "LAYOUT", "LENGTH", "REPLY", "REQUEST", "Arp"]

HARDWARE_ETHERNET = 1
ADDRESS_LENGTH = 4
REQUEST = 1
REPLY = 2

LAYOUT = Struct("!HHBBH6s4s6s4s")
"""Hardware type, protocol type, their two address lengths, operation, sender MAC and IP, target MAC and IP."""

LENGTH = LAYOUT.size

UNSPECIFIED = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class Arp:
    """One ARP message whose addresses are a MAC and an IPv4 address each; the operation is whatever was sent."""

    operation: int
    sender_mac: str
    sender_ip: IPv4Address
    target_mac: str
    target_ip: IPv4Address

    @classmethod
    def decode(cls, payload: bytes) -> "Arp":
        """Read an Ethernet payload; padding behind the 28 bytes is ignored.

        Raises:
            Malformed: it is shorter than 28 bytes, or not about IPv4 over Ethernet.
        """
        if len(payload) < LENGTH:
            raise Malformed(f"an ARP message for IPv4 has {LENGTH} bytes, not {len(payload)}")
        hardware, protocol, hardware_length, protocol_length, operation, *addresses = LAYOUT.unpack_from(payload)
        for field, value, expected in (
            ("hardware type", hardware, HARDWARE_ETHERNET),
            ("protocol type", protocol, ETHERTYPE_IPV4),
            ("hardware address length", hardware_length, MAC_LENGTH),
            ("protocol address length", protocol_length, ADDRESS_LENGTH),
        ):
            if value != expected:
                raise Malformed(f"ARP {field} is {value:#x}; IPv4 over Ethernet has {expected:#x}")
        sender_mac, sender_ip, target_mac, target_ip = addresses
        return cls(
            operation, mac_text(sender_mac), IPv4Address(sender_ip), mac_text(target_mac), IPv4Address(target_ip)
        )

    def encode(self) -> bytes:
        """The message as 28 bytes.

        Raises:
            Malformed: a MAC address is none, or the operation does not fit into 16 bits.
        """
        if not 0 <= self.operation <= 0xFFFF:  # noqa: PLR2004 - 16 bits
            raise Malformed(f"an ARP operation has 16 bits; {self.operation:#x} does not fit")
        return LAYOUT.pack(
            HARDWARE_ETHERNET,
            ETHERTYPE_IPV4,
            MAC_LENGTH,
            ADDRESS_LENGTH,
            self.operation,
            mac_bytes(self.sender_mac),
            self.sender_ip.packed,
            mac_bytes(self.target_mac),
            self.target_ip.packed,
        )

    @property
    def is_gratuitous(self) -> bool:
        """Sender and target address are the same: an announcement, in the request or the reply form."""
        return self.sender_ip == self.target_ip and self.sender_ip != UNSPECIFIED

    @property
    def is_probe(self) -> bool:
        """A request from 0.0.0.0: "does anyone have this?", before an address is taken (RFC 5227 section 1.1)."""
        return self.operation == REQUEST and self.sender_ip == UNSPECIFIED
