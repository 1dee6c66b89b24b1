"""What a story is made of: actions as plain data, with names instead of addresses, so that they mean the same anywhere.

An address goes by a name too: a HAVIP's, a machine's (its own address), `GATEWAY` or `NOBODY` (one that nobody has).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

__all__ = [
    "ACTIONS",
    "FAULTS",
    "GATEWAY",
    "NOBODY",
    "WIRE_FAULTS",
    "Action",
    "Admit",
    "Announce",
    "Attach",
    "Confine",
    "Create",
    "Cut",
    "DataProbe",
    "Detach",
    "Expel",
    "Fault",
    "Follow",
    "Frame",
    "Look",
    "Mend",
    "Move",
    "Packet",
    "Probe",
    "Race",
    "Release",
    "Rename",
    "Restart",
    "RoutedProbe",
    "Silence",
    "Speak",
    "Wait",
    "Wake",
    "WhoHas",
    "WireFault",
    "parts_of",
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
#: What may be wrong with the cables of those who race; "" is nothing.
WireFault = Literal["", "loss", "duplication", "reordering"]
WIRE_FAULTS: tuple[WireFault, ...] = get_args(WireFault)[1:]


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
    """Release a HAVIP, bound or not.

    Args:
        havip: The HAVIP.
        against: A machine that goes on announcing it until it is released, "" for none.
    """

    name: ClassVar[str] = "release"
    havip: str
    against: str = ""


@dataclass(frozen=True, slots=True)
class Rename(Action):
    """Give a HAVIP another name: a request of the control plane that must change nothing else."""

    name: ClassVar[str] = "rename"
    havip: str


@dataclass(frozen=True, slots=True)
class Confine(Action):
    """Create a HAVIP whose drift range is in force and has this machine's NIC in it, and no other."""

    name: ClassVar[str] = "confine"
    havip: str
    machine: str


@dataclass(frozen=True, slots=True)
class Admit(Action):
    """Add a machine's NIC to the drift range of a confined HAVIP."""

    name: ClassVar[str] = "admit"
    havip: str
    machine: str


@dataclass(frozen=True, slots=True)
class Expel(Action):
    """Take a machine's NIC, which is not the owner, out of the drift range of a confined HAVIP."""

    name: ClassVar[str] = "expel"
    havip: str
    machine: str


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
class RoutedProbe(Action):
    """Send an IPv4 packet to a HAVIP of another subnet, through the gateway.

    It can happen while the HAVIP has one owner that can be reached, for a gateway may be slow to learn of another.
    """

    name: ClassVar[str] = "routed-probe"
    machine: str
    havip: str


@dataclass(frozen=True, slots=True)
class Follow(Action):
    """Announce a HAVIP, and let another machine send an IPv4 packet to it as soon as it has heard that.

    Args:
        machine: Who announces, in keepalived's form.
        havip: What.
        by: Who hears it, and sends.
    """

    name: ClassVar[str] = "follow"
    machine: str
    havip: str
    by: str


@dataclass(frozen=True, slots=True)
class Race(Action):
    """Announcements by several machines at once: each sends its own in their order, and nobody waits for another.

    Args:
        announcements: Who announces what.
        fault: What the cables of all of them do meanwhile; "" is nothing.
        seed: Chooses which frames that befalls.
    """

    name: ClassVar[str] = "race"
    announcements: tuple[Announce, ...]
    fault: WireFault = ""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Restart(Action):
    """End the control plane without a warning, and start it again.

    Args:
        announcements: What is announced meanwhile, in this order.
    """

    name: ClassVar[str] = "restart"
    announcements: tuple[Announce, ...] = ()


_KINDS: tuple[type[Action], ...] = (Announce, DataProbe, WhoHas, Probe, Speak, Packet, RoutedProbe, Follow, Race, Look)
_KINDS += (Create, Release, Rename, Confine, Admit, Expel, Attach, Detach, Move, Cut, Mend, Silence, Wake)
_KINDS += (Restart, Wait)
#: Every kind of action by its name.
ACTIONS: dict[str, type[Action]] = {kind.name: kind for kind in _KINDS}


def parts_of(action: Action) -> tuple[Action, ...]:
    """The announcements that an action is made of; of another, itself."""
    return action.announcements if isinstance(action, Race | Restart) else (action,)
