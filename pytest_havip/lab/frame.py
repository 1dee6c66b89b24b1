"""A captured frame."""

import struct
import time
from dataclasses import dataclass
from ipaddress import IPv4Address

__all__ = ["Frame"]

_ETHERNET_BYTES = 14
_ARP, _IPV4, _VLAN = 0x0806, 0x0800, 0x8100


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as an interface of a host saw it."""

    time_ns: int
    """When the kernel saw it: CLOCK_REALTIME in nanoseconds, one clock for all hosts (`time.time_ns()`)."""
    host: str
    interface: str
    outgoing: bool
    """True when the host sent it, False when it arrived."""
    data: bytes
    """From the Ethernet header on, with the VLAN tag if there was one."""
    length: int = 0
    """Bytes on the wire; more than `data` holds when many long frames came faster than they could be taken in."""

    def __str__(self) -> str:
        seconds, nanoseconds = divmod(self.time_ns, 1_000_000_000)
        clock = time.strftime("%H:%M:%S", time.localtime(seconds))
        way = "sent    " if self.outgoing else "received"
        return f"{clock}.{nanoseconds // 1000:06} {self.host}/{self.interface} {way} {_describe(self.data)}"


def _describe(data: bytes) -> str:
    if len(data) < _ETHERNET_BYTES:
        return f"{data.hex()} (cut short)"
    (kind,) = struct.unpack_from("!H", data, 12)
    start = f"{data[6:12].hex(':')} > {data[:6].hex(':')}"
    body = data[_ETHERNET_BYTES:]
    if kind == _VLAN:
        return f"{start} VLAN {body[:2].hex()} {body[2:].hex()}"
    if kind == _ARP and len(body) >= 28:  # noqa: PLR2004 (ARP for IPv4 over Ethernet)
        operation = {1: "request", 2: "reply"}.get(body[7], f"opcode {body[7]}")
        sender, target = IPv4Address(body[14:18]), IPv4Address(body[24:28])
        return f"{start} ARP {operation} {sender} ({body[8:14].hex(':')}) for {target} ({body[18:24].hex(':')})"
    if kind == _IPV4 and len(body) >= 20:  # noqa: PLR2004 (an IPv4 header)
        sender, target = IPv4Address(body[12:16]), IPv4Address(body[16:20])
        return f"{start} IPv4 {sender} > {target} protocol {body[9]} {len(data)} bytes"
    return f"{start} type {kind:#06x} {len(data)} bytes {body[:32].hex()}"
