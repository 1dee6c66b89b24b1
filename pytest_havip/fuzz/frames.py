"""Frames of a story, bytes by our own hand: what judges a network uses none of its code. RFC 826, RFC 791, RFC 768."""

from collections.abc import Callable
from struct import pack

from pytest_havip.fuzz.actions import GATEWAY, Announce, DataProbe, Frame, Packet, Probe, RoutedProbe, Speak, WhoHas

__all__ = [
    "PORT",
    "STALE_MAC",
    "TOKEN",
    "Addresses",
    "announcement",
    "arp",
    "frame_of",
    "is_datagram",
    "mac_of",
    "token",
]

#: What data is sent to; whoever plays a machine lets nobody answer there.
PORT = 40000
#: Where a neighbour that never heard an announcement would send: a MAC address that no NIC has.
STALE_MAC = bytes.fromhex("02000000dead")
#: Where the eight bytes stand by which a datagram is known.
TOKEN = slice(42, 50)
_BROADCAST, _ZERO = b"\xff" * 6, bytes(6)
_STRANGER = bytes.fromhex("02000000beef")
_VRRP = bytes.fromhex("00005e000133")
_REQUEST, _REPLY, _REVERSE = 1, 2, 3
_OPERATIONS = {"request": _REQUEST, "reply": _REPLY}
_UDP, _HOPS, _CONSTANT = 17, 64, 0x45


class Addresses:
    """What names mean to one machine.

    Args:
        mac: Its own MAC address.
        mac_of: Another machine's, or the gateway's.
        ip_of: The address of that name.
    """

    __slots__ = ("ip_of", "mac", "mac_of")

    def __init__(self, mac: bytes, mac_of: Callable[[str], bytes], ip_of: Callable[[str], bytes]) -> None:
        self.mac = mac
        self.mac_of = mac_of
        self.ip_of = ip_of


def frame_of(action: Frame | RoutedProbe, addresses: Addresses) -> bytes:
    """The frame that an action sends; a datagram's token is still to be written.

    Args:
        action: What is sent.
        addresses: What the names in it mean.
    """
    mac, ip, own = addresses.mac, addresses.ip_of, action.machine
    match action:
        case Announce():
            return _announcement(action, addresses)
        case Speak(to=to):
            destination = _BROADCAST if action.operation == "request" else addresses.mac_of(to)
            operation = _OPERATIONS[action.operation]
            return arp(operation, mac, ip(action.address), _ZERO, ip(to), destination=destination)
        case WhoHas(havip=havip):
            return arp(_REQUEST, mac, ip(own), _ZERO, ip(havip))
        case Probe(havip=havip):
            return arp(_REQUEST, mac, bytes(4), _ZERO, ip(havip))
        case DataProbe(havip=havip) | RoutedProbe(havip=havip):
            believed = GATEWAY if isinstance(action, RoutedProbe) else action.believing
            return _datagram(addresses.mac_of(believed) if believed else STALE_MAC, mac, ip(own), ip(havip))
        case Packet(source=source, to=to):
            return _datagram(addresses.mac_of(to), mac, ip(source), ip(to))
        case _:
            raise TypeError(f"{action} sends no frame")


def arp(
    operation: int, mac: bytes, sender: bytes, target_mac: bytes, target: bytes, *, destination: bytes = _BROADCAST
) -> bytes:
    """An ARP message for IPv4 over Ethernet, well-formed."""
    header = destination + mac + pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, operation)
    return header + mac + sender + target_mac + target


def announcement(mac: bytes, address: bytes) -> bytes:
    """A gratuitous ARP in keepalived's form."""
    return arp(_REQUEST, mac, address, _BROADCAST, address)


def is_datagram(frame: bytes) -> bool:
    """Whether a frame of ours has a place for a token."""
    return frame[12:14] == b"\x08\x00"


def token(number: int) -> bytes:
    """The eight bytes of a number, by which a datagram is known."""
    return number.to_bytes(8, "big")


def mac_of(text: str) -> bytes:
    """The bytes of a MAC address in text."""
    return bytes.fromhex(text.replace(":", ""))


def _announcement(action: Announce, addresses: Addresses) -> bytes:
    address, own = addresses.ip_of(action.address), addresses.mac
    target_mac = {"broadcast": _BROADCAST, "zero": _ZERO, "own": own}[action.target_mac]
    destination = addresses.mac_of(action.to) if action.to else _BROADCAST
    operation = _OPERATIONS[action.operation]
    good = arp(operation, own, address, target_mac, address, destination=destination).ljust(action.length, b"\0")
    return _SPOILT[action.fault](good)


def _datagram(destination: bytes, source: bytes, sender: bytes, target: bytes) -> bytes:
    udp = pack("!HHHH", PORT, PORT, 16, 0) + bytes(8)  # a checksum of zero is none (RFC 768)
    ip = pack("!BBHHHBBH", _CONSTANT, 0, 20 + len(udp), 0, 0, _HOPS, _UDP, 0) + sender + target
    return destination + source + b"\x08\x00" + ip[:10] + pack("!H", _checksum(ip)) + ip[12:] + udp


def _checksum(header: bytes) -> int:
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def _with(at: int, value: bytes) -> Callable[[bytes], bytes]:
    return lambda good: good[:at] + value + good[at + len(value) :]


#: How each fault spoils a good announcement.
_SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "": lambda good: good,
    "sender-mac": _with(22, _STRANGER),
    "ethernet-source": _with(6, _STRANGER),
    "both-macs": lambda good: _with(6, _VRRP)(_with(22, _VRRP)(good)),
    "vlan": lambda good: good[:12] + b"\x81\x00\x00\x00" + good[12:],
    "ethertype": _with(12, b"\x88\xcc"),
    "hardware-type": _with(14, b"\x00\x06"),
    "protocol-type": _with(16, b"\x86\xdd"),
    "hardware-size": _with(18, b"\x08"),
    "protocol-size": _with(19, b"\x10"),
    "cut-short": lambda good: good[:38],
    "operation": _with(20, pack("!H", _REVERSE)),
}
