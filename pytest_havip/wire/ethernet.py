"""The Ethernet II header. Source: IEEE 802.3 clause 3, RFC 894."""

from dataclasses import dataclass
from struct import Struct

from pytest_havip.wire.mac import mac_bytes, mac_text
from pytest_havip.wire.malformed import Malformed

__all__ = [
    "ETHERTYPE_ARP",
    "ETHERTYPE_IPV4",
    "ETHERTYPE_IPV6",
    "ETHERTYPE_RARP",
    "ETHERTYPE_VLAN",
    "HEADER",
    "HEADER_LENGTH",
    "MINIMUM_LENGTH",
    "Ethernet",
]

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_ARP = 0x0806
ETHERTYPE_RARP = 0x8035
ETHERTYPE_VLAN = 0x8100
ETHERTYPE_IPV6 = 0x86DD

HEADER = Struct("!6s6sH")
HEADER_LENGTH = HEADER.size

MINIMUM_LENGTH = 60
"""Bytes of the shortest frame that real hardware sends, without its checksum; virtual links send shorter ones."""


@dataclass(frozen=True, slots=True)
class Ethernet:
    """One Ethernet frame: destination and source MAC as text, the 16-bit type as it stands, the rest as payload.

    A VLAN tag is not looked into: such a frame has type 0x8100.
    """

    destination: str
    source: str
    ethertype: int
    payload: bytes

    @classmethod
    def decode(cls, frame: bytes) -> "Ethernet":
        """Read a frame.

        Raises:
            Malformed: it is shorter than the header.
        """
        if len(frame) < HEADER_LENGTH:
            raise Malformed(f"an Ethernet frame has at least {HEADER_LENGTH} bytes, not {len(frame)}")
        destination, source, ethertype = HEADER.unpack_from(frame)
        return cls(mac_text(destination), mac_text(source), ethertype, bytes(frame[HEADER_LENGTH:]))

    def encode(self, *, padded: bool = False) -> bytes:
        """The frame as bytes; ``padded`` fills it with zeros to 60 bytes, as hardware does.

        Raises:
            Malformed: an address is not a MAC address, or the type does not fit into 16 bits.
        """
        if not 0 <= self.ethertype <= 0xFFFF:  # noqa: PLR2004 - 16 bits
            raise Malformed(f"an Ethernet type has 16 bits; {self.ethertype:#x} does not fit")
        frame = HEADER.pack(mac_bytes(self.destination), mac_bytes(self.source), self.ethertype) + self.payload
        return frame.ljust(MINIMUM_LENGTH, b"\0") if padded else frame
