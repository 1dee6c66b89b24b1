"""What nodes and witness tell each other over UDP port 3343, as one JSON object in each datagram."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = [
    "PORT",
    "WITNESS",
    "Done",
    "Heartbeat",
    "Message",
    "Order",
    "Response",
    "RoleState",
    "Standing",
    "encode",
    "read_message",
]

PORT = 3343
"""Where a Windows failover cluster's nodes send their heartbeats."""

WITNESS = "(file share witness)"
"""The witness's name among the voters; no host is called so."""


class Standing(StrEnum):
    """What a node says of itself."""

    UP = "up"
    PAUSED = "paused"
    LEAVING = "leaving"


class RoleState(StrEnum):
    """Where the role, and each of its addresses, stands on a node."""

    OFFLINE = "offline"
    PENDING = "online pending"
    ONLINE = "online"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A node's word to another node or to the witness; it asks for a response.

    Args:
        sender: The node's name.
        incarnation: Grows with each start of its program.
        number: Grows with each heartbeat of that incarnation, so that a late one is recognised.
        sent: The sender's own clock when it was sent; the response repeats it.
        term: The term that the sender claims the role for, 0 when it claims nothing.
        newest: The highest term that the sender knows of.
        standing: What the sender says of itself.
        able: Whether it could own the role now: possible owner, not paused, interface with carrier.
        healthy: Whether the role has not failed there lately.
        role: Where the role stands on the sender.
        failovers: So many failures in a row have moved the role so far.
        successor: Whom the sender has handed the role to, or empty.
    """

    sender: str
    incarnation: int
    number: int
    sent: float
    term: int
    newest: int
    standing: Standing
    able: bool
    healthy: bool
    role: RoleState
    failovers: int
    successor: str


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a heartbeat, with the responder's vote where one was asked for.

    Args:
        sender: The responder's name.
        incarnation: Of the node that is answered.
        number: Of the heartbeat that is answered.
        sent: The heartbeat's own.
        term: The term that the vote is given for; 0 when it is not given to the asker.
        newest: The highest term that the responder has voted in.
        remaining: Seconds until the vote, given to somebody else, is free again.
    """

    sender: str
    incarnation: int
    number: int
    sent: float
    term: int
    newest: int
    remaining: float


@dataclass(frozen=True, slots=True)
class Order:
    """An administrator's command, passed on to the node that it concerns."""

    sender: str
    ticket: int
    command: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an `Order`."""

    sender: str
    ticket: int
    ok: bool
    text: str


Message = Heartbeat | Response | Order | Done
_KINDS: Mapping[str, type[Message]] = {kind.__name__: kind for kind in (Heartbeat, Response, Order, Done)}


def encode(message: Message) -> bytes:
    """Put a message into a datagram."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)}).encode()


def read_message(datagram: bytes) -> Message | None:
    """Read a datagram; None for what is no message of this version."""
    try:
        fields: dict[str, Any] = json.loads(datagram)
        message = _KINDS[fields.pop("kind")](**fields)
        return _typed(message)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _typed(message: Message) -> Message:
    """Turn the words of a heartbeat into the enumerations that they stand for."""
    if not isinstance(message, Heartbeat):
        return message
    told = {name: getattr(message, name) for name in message.__slots__}
    return Heartbeat(**{**told, "standing": Standing(message.standing), "role": RoleState(message.role)})
