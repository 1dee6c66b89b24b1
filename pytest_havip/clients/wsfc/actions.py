"""What the decisions of a node ask its program to do, in this order."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from pytest_havip.clients.wsfc.messages import Message

__all__ = ["Action", "Hold", "Release", "Remember", "Reply", "Say", "Send", "Transmit"]


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to another node, or to the witness, by name."""

    to: str
    message: Message


@dataclass(frozen=True, slots=True)
class Transmit:
    """Put a frame on the wire of the interface that carries the floating addresses."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Hold:
    """Give the interface an address, and tell whether it took it."""

    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Release:
    """Take an address from the interface, silently."""

    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Remember:
    """Write down whom the vote is given to, before anyone is told: a restart must not give it twice."""

    holder: str
    term: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer an administrator."""

    ticket: int
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """Write a line to the log."""

    text: str


Action = Send | Transmit | Hold | Release | Remember | Reply | Say
