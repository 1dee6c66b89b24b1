"""What a history is made of: who sent what when, who saw what when, and what was done to the network.

Every record says when it began and when it ended, in nanoseconds of one clock (the lab's, CLOCK_REALTIME). NICs,
HAVIPs, VPCs and subnets go by the ids that the network under test gave them; the empty NIC id is nobody.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

__all__ = [
    "Announcement",
    "Change",
    "Created",
    "Effect",
    "Fault",
    "Handled",
    "Listing",
    "Mark",
    "Plugged",
    "Quota",
    "Reading",
    "Record",
    "Released",
    "Unplugged",
    "View",
]


class Effect(StrEnum):
    """What the network has to make of a frame, by the requirements."""

    CERTAIN = "certain"
    """It announces the HAVIP: its sender becomes the owner."""
    POSSIBLE = "possible"
    """It may or may not have been accepted: a wire may have lost it, or it came faster than the network promises."""
    NONE = "none"
    """It changes nothing: a spoof, malformed, from another subnet, or about a HAVIP that is not there."""


class View(StrEnum):
    """Where an owner was read. Each is a register of its own: it may lag behind another, but never goes back."""

    API = "api"
    WHO_HAS = "who-has"
    DATA = "data"
    NEIGHBOURS = "neighbours"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A frame about a HAVIP, from entry to return of `send()`.

    What a wire may delay ends when it has surely left the wire. A copy that a wire may make is a record of its own,
    `Effect.POSSIBLE`, from the sending to the last moment at which the copy may arrive.

    Args:
        begun: Before the sending.
        ended: After it; announcements that do not overlap are ordered.
        nic: The NIC that sent it.
        havip: The HAVIP that it names.
        effect: What the network has to make of it.
        form: What it looked like, for people.
    """

    begun: int
    ended: int
    nic: str
    havip: str
    effect: Effect = Effect.CERTAIN
    form: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at who owns a HAVIP.

    Args:
        begun: Before the request, the question or the packet was sent.
        ended: After its answer or its arrival.
        havip: The HAVIP.
        view: Where one looked.
        owners: Whom the control plane named, or all that answered the one question, or all that the one packet
            reached; empty where that was nobody, and a positive control has shown that it was.
        by: Who looked: a machine's name.
        stamp: The control plane's stamp of the last change, in its own format.
    """

    begun: int
    ended: int
    havip: str
    view: View
    owners: tuple[str, ...]
    by: str = ""
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Handled:
    """Proof that all that a NIC sent before `begun` was handled by `ended`: a fence, or a time that was declared.

    Args:
        begun: What was sent, and had returned, before this has been handled.
        ended: When that was known.
        nic: Whose announcements; empty for everyone's.
    """

    begun: int
    ended: int
    nic: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    """A HAVIP was created, or its creation refused for a reason (then `havip` may be empty)."""

    begun: int
    ended: int
    havip: str
    vpc: str
    subnet: str
    address: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Released:
    """A HAVIP was released, or its release refused for a reason."""

    begun: int
    ended: int
    havip: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Plugged:
    """A NIC came into a subnet; `name` is the machine's, as people know it."""

    begun: int
    ended: int
    nic: str
    vpc: str
    subnet: str
    address: str
    mac: str
    name: str


@dataclass(frozen=True, slots=True)
class Unplugged:
    """A NIC was detached: it owns nothing any more."""

    begun: int
    ended: int
    nic: str


@dataclass(frozen=True, slots=True)
class Quota:
    """The network said, or was told, how many HAVIPs a VPC may have."""

    begun: int
    ended: int
    vpc: str
    limit: int


@dataclass(frozen=True, slots=True)
class Change:
    """A binding change as the network lists it; an empty NIC is unbound."""

    sequence: int
    havip: str
    old: str
    new: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The network listed its binding changes: all that are new since the listing before."""

    begun: int
    ended: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was done to the network or to a machine: a link cut, a machine silenced, a wire made lossy."""

    begun: int
    ended: int
    what: str
    nic: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """All that began before this stands above it: a history that is cut off can be judged up to its last mark."""

    begun: int
    ended: int


Record: TypeAlias = (
    Announcement | Reading | Handled | Created | Released | Plugged | Unplugged | Quota | Listing | Fault | Mark
)
