"""A DHCP client as small as can be: says what it is told to say, and shows what it is answered (RFC 2131)."""

import socket
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address
from secrets import randbits
from typing import TYPE_CHECKING, Any, Final

from pytest_havip.clients.announcer import BROADCAST, Instance
from pytest_havip.lab import NotSeen

if TYPE_CHECKING:
    from scapy.packet import Packet

__all__ = ["Answer", "Kind", "answers", "ask", "message", "take_lease"]

_SERVER, _CLIENT = 67, 68
_UNSPECIFIED: Final = IPv4Address(0)
#: Where the mask and the router are wanted (RFC 2132).
_WANTED: Final = [1, 3]
#: Seconds until a client says it again (RFC 2131, 4.1), and how often it does.
_PATIENCE, _TRIES = 2.0, 3


class Kind(IntEnum):
    """What a message is for (RFC 2132, 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    ACK = 5
    NAK = 6


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server has said.

    Attributes:
        kind: OFFER, ACK or NAK.
        transaction: the number of the question.
        address: the address that it is about.
        mask: of the subnet, `None` if it was not told.
        gateway: likewise.
        server: who says it.
    """

    kind: int
    transaction: int
    address: IPv4Address
    mask: IPv4Address | None
    gateway: IPv4Address | None
    server: IPv4Address | None


def message(machine: Instance, kind: Kind, transaction: int, **options: object) -> "Packet":
    """What a client says or, for OFFER, ACK and NAK, what a server would: the part behind UDP.

    Args:
        machine: Whose MAC the client has.
        kind: What it is for.
        transaction: Its number, 32 bits.
        **options: By scapy's names, such as `requested_addr`.
    """
    from scapy.layers.dhcp import BOOTP, DHCP  # noqa: PLC0415 - scapy only where frames are crafted

    operation = 1 if kind in {Kind.DISCOVER, Kind.REQUEST} else 2
    hardware = bytes.fromhex(machine.mac.replace(":", ""))
    named = [("message-type", int(kind)), *options.items(), ("param_req_list", _WANTED), "end"]
    return BOOTP(op=operation, xid=transaction, chaddr=hardware) / DHCP(options=named)


def ask(
    machine: Instance,
    kind: Kind,
    *,
    wish: IPv4Address | None = None,
    server: IPv4Address | None = None,
    current: IPv4Address | None = None,
) -> int:
    """Send a DISCOVER or a REQUEST to everyone, and return its number.

    Args:
        machine: Who asks.
        kind: What.
        wish: The address that it asks for.
        server: Whose offer it takes.
        current: The address that it has, and wants to keep.
    """
    from scapy.layers.inet import IP, UDP  # noqa: PLC0415 - scapy only where frames are crafted
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    number = randbits(32)
    options = {"requested_addr": wish, "server_id": server}
    said = message(machine, kind, number, **{name: str(value) for name, value in options.items() if value is not None})
    said.ciaddr = str(current or _UNSPECIFIED)
    packet = IP(src=said.ciaddr, dst="255.255.255.255") / UDP(sport=_CLIENT, dport=_SERVER) / said
    machine.send(Ether(src=machine.mac, dst=BROADCAST) / packet)
    return number


def answers(machine: Instance, *, since: int) -> list[Answer]:
    """What servers have told a machine since a time (nanoseconds of the lab's clock), oldest first."""
    frames = (frame for frame in machine.port.capture.frames(since) if not frame.outgoing)
    return [answer for frame in frames if (answer := _answer(frame.data)) is not None]


def take_lease(machine: Instance) -> Answer:
    """Ask for an address as a machine that boots does, and return the ACK of the offer that came first.

    Raises:
        NotSeen: Nobody offers one, or the server does not keep its word.
    """
    offer = _answered(machine, Kind.DISCOVER, Kind.OFFER)
    return _answered(machine, Kind.REQUEST, Kind.ACK, wish=offer.address, server=offer.server)


def _answered(machine: Instance, kind: Kind, wanted: Kind, **more: IPv4Address | None) -> Answer:
    for left in reversed(range(_TRIES)):
        number = ask(machine, kind, **more)

        def is_it(data: bytes, number: int = number) -> bool:
            answer = _answer(data)
            return answer is not None and answer.transaction == number and answer.kind in {wanted, Kind.NAK}

        try:
            frame = machine.port.capture.wait(lambda frame: not frame.outgoing and is_it(frame.data), timeout=_PATIENCE)
        except NotSeen:
            if not left:
                raise
        else:
            answer = _answer(frame.data)
            assert answer is not None
            if answer.kind == wanted:
                return answer
    raise NotSeen(f"{machine.name} asked {_TRIES} times by DHCP {kind.name}, and was always told NAK")


def _answer(data: bytes) -> Answer | None:
    from scapy.layers.dhcp import BOOTP, DHCP  # noqa: PLC0415 - scapy only where frames are read
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    if data[12:14] != b"\x08\x00" or data[23] != socket.IPPROTO_UDP or data[36:38] != _CLIENT.to_bytes(2, "big"):
        return None
    found = Ether(data)
    if DHCP not in found:
        return None
    told: dict[str, Any] = dict(option[:2] for option in found[DHCP].options if isinstance(option, tuple))
    mask, gateway, server = (
        IPv4Address(told[name]) if name in told else None for name in ("subnet_mask", "router", "server_id")
    )
    return Answer(
        told.get("message-type", 0), found[BOOTP].xid, IPv4Address(found[BOOTP].yiaddr), mask, gateway, server
    )
