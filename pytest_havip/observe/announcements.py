"""What the machines of a cluster themselves announced, as their own ports saw it leave."""

from collections.abc import Callable
from ipaddress import IPv4Address

from pytest_havip.clients.announcer import Instance
from pytest_havip.lab import Frame

__all__ = ["announced_by", "is_announcement", "sender_macs"]

_ETHERNET_SOURCE, _ETHERTYPE = slice(6, 12), slice(12, 14)
_SENDER_MAC, _SENDER_IP, _TARGET_IP = slice(22, 28), slice(28, 32), slice(38, 42)
_ARP = b"\x08\x06"


def is_announcement(address: IPv4Address, *, outgoing: bool = True) -> Callable[[Frame], bool]:
    """Say of a frame whether it announces the address: ARP with it as sender and as target.

    Args:
        address: The address.
        outgoing: Whether the frame's host must have sent it, or received it.
    """
    vip = address.packed

    def announces(frame: Frame) -> bool:
        data = frame.data
        return frame.outgoing == outgoing and data[_ETHERTYPE] == _ARP and data[_SENDER_IP] == vip == data[_TARGET_IP]

    return announces


def announced_by(machine: Instance, address: IPv4Address, *, since: int = 0, until: int | None = None) -> list[Frame]:
    """Return the announcements of an address that a machine sent, oldest first; since and until are nanoseconds."""
    announces = is_announcement(address)
    sent = machine.port.capture.frames(since)
    return [frame for frame in sent if announces(frame) and (until is None or frame.time_ns < until)]


def sender_macs(frame: Frame) -> set[str]:
    """Return the MAC addresses that an ARP frame names as its sender: the Ethernet one and ARP's own."""
    return {frame.data[_ETHERNET_SOURCE].hex(":"), frame.data[_SENDER_MAC].hex(":")}
