"""What a story is made of: actions as plain data, with names instead of addresses, so that they mean the same anywhere.

An address goes by a name too: a HAVIP's, a machine's (its own address), `GATEWAY` or `NOBODY` (one that nobody has).
"""

from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, Literal, get_args, get_type_hints

__all__ = [
    "ACTIONS",
    "FAULTS",
    "GATEWAY",
    "NOBODY",
    "Action",
    "Announce",
    "Attach",
    "Create",
    "Cut",
    "DataProbe",
    "Detach",
    "Fault",
    "Frame",
    "Look",
    "Mend",
    "Move",
    "NotAnAction",
    "Packet",
    "Probe",
    "Race",
    "Release",
    "Rename",
    "Silence",
    "Speak",
    "Wait",
    "Wake",
    "WhoHas",
    "action_of",
    "data_of",
    "names_in",
]

GATEWAY = "gateway"
NOBODY = "nobody"

Operation = Literal["request", "reply"]
TargetMac = Literal["broadcast", "zero", "own"]
Length = Literal[42, 60]
#: What may be wrong with an announcement; "" is nothing.
Fault = Literal[
    "",
    "sender-mac",
    "ethernet-source",
    "both-macs",
    "vlan",
    "ethertype",
    "hardware-type",
    "protocol-type",
    "hardware-size",
    "protocol-size",
    "cut-short",
    "operation",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)[1:]


class NotAnAction(ValueError):
    """Data that describes no action; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that happens. What cannot happen now, such as attaching what is attached, is left out of a play."""

    #: As it is spelled in a trace.
    name: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Create(Action):
    """Create a HAVIP, with its address."""

    name: ClassVar[str] = "create"
    havip: str


@dataclass(frozen=True, slots=True)
class Release(Action):
    """Release a HAVIP, bound or not."""

    name: ClassVar[str] = "release"
    havip: str


@dataclass(frozen=True, slots=True)
class Rename(Action):
    """Give a HAVIP another name: a request of the control plane that must change nothing else."""

    name: ClassVar[str] = "rename"
    havip: str


@dataclass(frozen=True, slots=True)
class Attach(Action):
    """Attach a machine's NIC where it was."""

    name: ClassVar[str] = "attach"
    machine: str


@dataclass(frozen=True, slots=True)
class Detach(Action):
    """Detach a machine's NIC."""

    name: ClassVar[str] = "detach"
    machine: str


@dataclass(frozen=True, slots=True)
class Move(Action):
    """Take a machine's NIC away and give it one in another subnet."""

    name: ClassVar[str] = "move"
    machine: str
    subnet: str


@dataclass(frozen=True, slots=True)
class Cut(Action):
    """Cut a machine's link: it is dead for everybody, and keeps its NIC."""

    name: ClassVar[str] = "cut"
    machine: str


@dataclass(frozen=True, slots=True)
class Mend(Action):
    """Mend a machine's link."""

    name: ClassVar[str] = "mend"
    machine: str


@dataclass(frozen=True, slots=True)
class Silence(Action):
    """Let a machine answer no ARP; packets reach it still."""

    name: ClassVar[str] = "silence"
    machine: str


@dataclass(frozen=True, slots=True)
class Wake(Action):
    """Let a machine answer ARP again."""

    name: ClassVar[str] = "wake"
    machine: str


@dataclass(frozen=True, slots=True)
class Wait(Action):
    """Let time pass, in milliseconds."""

    name: ClassVar[str] = "wait"
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Look(Action):
    """Ask the control plane about a HAVIP, and a third machine what it has heard announced."""

    name: ClassVar[str] = "look"
    havip: str


@dataclass(frozen=True, slots=True)
class Frame(Action):
    """A frame that a machine sends."""

    machine: str


@dataclass(frozen=True, slots=True)
class Announce(Frame):
    """Announce an address by a gratuitous ARP.

    Args:
        machine: Who sends it.
        address: The name of the announced address; a HAVIP's is an announcement, another's a spoof.
        operation: ARP request or reply.
        target_mac: What stands in the target's hardware address: broadcast, zero, or the sender's own.
        to: The one machine to which it is sent, "" for everybody.
        length: Bytes of the frame.
        fault: What is wrong with it.
    """

    name: ClassVar[str] = "announce"
    address: str
    operation: Operation = "request"
    target_mac: TargetMac = "broadcast"
    to: str = ""
    length: Length = 42
    fault: Fault = ""


@dataclass(frozen=True, slots=True)
class Speak(Frame):
    """Send ARP with an address as its sender and another machine as its target: no announcement.

    Args:
        machine: Who sends it.
        address: The name of the sender address.
        to: The target; a reply is sent to it alone.
        operation: ARP request or reply.
    """

    name: ClassVar[str] = "speak"
    address: str
    to: str
    operation: Operation = "request"


@dataclass(frozen=True, slots=True)
class Packet(Frame):
    """Send an IPv4 packet to a machine, from any address.

    Args:
        machine: Who sends it.
        source: The name of the sender address.
        to: The machine to whose own address it goes.
    """

    name: ClassVar[str] = "packet"
    source: str
    to: str


@dataclass(frozen=True, slots=True)
class DataProbe(Frame):
    """Send an IPv4 packet to a HAVIP, as a neighbour would.

    Args:
        machine: Who sends it.
        havip: Where it goes.
        believing: Whom the sender's ARP table names as the owner; "" for a MAC address that no NIC has.
    """

    name: ClassVar[str] = "data-probe"
    havip: str
    believing: str = ""


@dataclass(frozen=True, slots=True)
class WhoHas(Frame):
    """Ask for a HAVIP's MAC address, from the machine's own address."""

    name: ClassVar[str] = "who-has"
    havip: str


@dataclass(frozen=True, slots=True)
class Probe(Frame):
    """Ask for a HAVIP's MAC address from 0.0.0.0, as one does before taking an address (RFC 5227)."""

    name: ClassVar[str] = "probe"
    havip: str


@dataclass(frozen=True, slots=True)
class Race(Action):
    """Announcements by several machines at once: each sends its own in their order, and nobody waits for another."""

    name: ClassVar[str] = "race"
    announcements: tuple[Announce, ...]


_KINDS: tuple[type[Action], ...] = (Announce, DataProbe, WhoHas, Probe, Speak, Packet, Race, Look)
_KINDS += (Create, Release, Rename, Attach, Detach, Move, Cut, Mend, Silence, Wake, Wait)
#: Every kind of action by its name.
ACTIONS: dict[str, type[Action]] = {kind.name: kind for kind in _KINDS}


def data_of(action: Action) -> dict[str, Any]:
    """An action as JSON has it: its name under ``do``, and its fields unless they are as by default.

    >>> data_of(Announce("a", "h1", operation="reply"))
    {'do': 'announce', 'machine': 'a', 'address': 'h1', 'operation': 'reply'}
    """
    data: dict[str, Any] = {"do": action.name}
    for field in fields(action):
        value = getattr(action, field.name)
        if field.default is MISSING or value != field.default:
            data[field.name] = [data_of(part) for part in value] if isinstance(action, Race) else value
    return data


@lru_cache(1 << 14)
def names_in(action: Action) -> tuple[str, ...]:
    """Every name in an action, and other words that it has in its fields."""
    parts = action.announcements if isinstance(action, Race) else (action,)
    values = (getattr(part, field.name) for part in parts for field in fields(part))
    return tuple(value for value in values if isinstance(value, str))


def action_of(data: object) -> Action:
    """The action that some JSON describes.

    Raises:
        NotAnAction: It describes none.

    >>> action_of({"do": "detach", "machine": "a"})
    Detach(machine='a')
    """
    if not isinstance(data, dict):
        raise NotAnAction(f"an action is a JSON object, not {data!r}")
    given = dict(data)
    kind = ACTIONS.get(given.pop("do", ""))
    if kind is None:
        raise NotAnAction(f"{data!r} does nothing known; do is one of {', '.join(ACTIONS)}")
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    for name, value in given.items():
        if name not in known:
            raise NotAnAction(f"{kind.name} has no {name!r}; it has {', '.join(known)}")
        if kind is not Race:
            _check(kind.name, name, value, hints[name])
    missing = [name for name, field in known.items() if field.default is MISSING and name not in given]
    if missing:
        raise NotAnAction(f"{data!r} lacks {', '.join(missing)}")
    return _race_of(given["announcements"]) if kind is Race else kind(**given)


def _race_of(data: object) -> Race:
    parts = [action_of(part) for part in data] if isinstance(data, list) else []
    announcements = tuple(part for part in parts if isinstance(part, Announce))
    if not announcements or len(announcements) < len(parts):
        raise NotAnAction(f"a race is a list of announcements, not {data!r}")
    return Race(announcements)


def _check(action: str, name: str, value: object, hint: Any) -> None:  # noqa: ANN401 - a type, whichever
    choices = get_args(hint)
    if choices and value not in choices:
        raise NotAnAction(f"{action}: {name} is {value!r}; it is one of {', '.join(map(repr, choices))}")
    if not choices and (not isinstance(value, hint) or isinstance(value, bool)):
        raise NotAnAction(f"{action}: {name} is {value!r}; it is of type {hint.__name__}")
