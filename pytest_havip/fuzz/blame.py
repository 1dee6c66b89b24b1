"""Which requirement a wrong owner speaks against: what happened to a HAVIP since it was last seen to be right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_havip.fuzz.actions import Announce

__all__ = [
    "BY_FAULT",
    "BY_HOLDER",
    "REQUIREMENTS",
    "Disagreement",
    "Note",
    "blamed_for",
    "of_announcement",
    "owned_by",
    "reaching",
]

#: The requirements that a story may break.
REQUIREMENTS = frozenset(
    f"HAVIP-{area}-{number:03}"
    for area, numbers in {
        "API": (1, 2, 3, 12, 23),
        "BIND": (*range(1, 13), 15),
        "DUR": (1, 5, 6),
        "MOVE": (2,),
        "ORDER": (1, 2),
        "PATH": (1, 2, 3, 4, 5, 6, 7),
        "RANGE": (1, 6, 7),
        "RELEASE": (1, 2, 3, 5),
        "SCOPE": (1, 2, 3),
        "SPOOF": (*range(1, 9), 10, 11, 12),
    }.items()
    for number in numbers
)
#: What an announcement with one fault must not do.
BY_FAULT = {
    "sender-mac": "HAVIP-SPOOF-004",
    "ethernet-source": "HAVIP-SPOOF-005",
    "both-macs": "HAVIP-SPOOF-005",
    "vlan": "HAVIP-SPOOF-008",
    "ethertype": "HAVIP-SPOOF-008",
    "hardware-type": "HAVIP-SPOOF-011",
    "protocol-type": "HAVIP-SPOOF-011",
    "hardware-size": "HAVIP-SPOOF-011",
    "protocol-size": "HAVIP-SPOOF-011",
    "cut-short": "HAVIP-SPOOF-011",
    "operation": "HAVIP-SPOOF-012",
}


#: What an announcement of an address must not do, by whose it is.
BY_HOLDER = {
    "another machine's": "HAVIP-SPOOF-001",
    "the gateway's": "HAVIP-SPOOF-002",
    "nobody's": "HAVIP-SPOOF-003",
    "another VPC's": "HAVIP-SCOPE-002",
    "another subnet's": "HAVIP-SCOPE-001",
    "released": "HAVIP-RELEASE-001",
    "outside its range": "HAVIP-RANGE-001",
}
_SHORTEST = 42


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The network did what no reading of the requirements allows.

    Args:
        requirement: The id of the requirement that it speaks against.
        expected: What might have been observed.
        seen: What was.
        is_missing: Something was not seen that may merely be late.
        on_the_way: The id instead, if the control plane names the right owner: then the binding is not what is wrong.
    """

    requirement: str
    expected: str
    seen: str
    is_missing: bool = False
    on_the_way: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened to a HAVIP.

    Args:
        requirement: What it must do, or must not do.
        machine: Who did it, "" where it is no machine's deed.
        binds: It was an announcement that binds.
    """

    requirement: str
    machine: str = ""
    binds: bool = False


def of_announcement(action: Announce, state: str) -> str:
    """The requirement by which an announcement binds.

    Args:
        action: The announcement.
        state: How the HAVIP stands to the announcer.
    """
    if action.to:
        return "HAVIP-BIND-011"
    is_keepaliveds = action.target_mac == "broadcast" and action.length == _SHORTEST
    if state == "unbound" and is_keepaliveds:
        return "HAVIP-BIND-002" if action.operation == "reply" else "HAVIP-BIND-001"
    if not is_keepaliveds or action.operation == "reply":
        return "HAVIP-BIND-010"
    return "HAVIP-BIND-012" if state == "own" else "HAVIP-BIND-003"


def blamed_for(notes: Sequence[Note], owner: str | None, otherwise: str) -> str:
    """The requirement that is broken when this machine turns out to be the owner, against all expectation.

    Args:
        notes: What happened since the owner was last seen to be right, oldest first.
        owner: Who it is.
        otherwise: The requirement if nothing that happened explains it.
    """
    for note in reversed(notes):
        if note.machine == owner and owner and not note.binds:
            return note.requirement
    decisive = [note for note in notes if note.binds or not note.machine]
    if not decisive:
        return otherwise
    events = [note for note in decisive if not note.binds]
    if owner is None and events:
        return events[-1].requirement
    last = decisive[-1]
    others = [at for at, note in enumerate(decisive) if note.binds and note.machine != last.machine]
    if not last.binds or owner is None or not others:
        return last.requirement
    came_back = any(note.machine == last.machine for note in decisive[: others[-1]])
    return "HAVIP-ORDER-002" if came_back else "HAVIP-ORDER-001"


def reaching(names: Iterable[str]) -> str:
    """Whom something reaches, in words."""
    return f"reaches {' and '.join(sorted(names)) or 'nobody'}"


def owned_by(*names: str | None) -> str:
    """Who may own something, in words."""
    return f"owned by {' or '.join(name or 'nobody' for name in names)}"
