"""How a takeover ended, and whose fault it is when it ended badly: the network's or the client's."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Blame", "Ending", "Outcome", "Situation", "judge"]


class Outcome(StrEnum):
    """How things stand when a fault is over."""

    TAKEN = "taken over"
    KEPT = "kept"
    STUCK = "stuck"
    LOST = "lost"
    GHOST = "ghost"
    SILENT = "never announced"
    SPLIT = "several active"
    ASTRAY = "astray"


class Blame(StrEnum):
    """Who did not do his part."""

    NOBODY = "nobody"
    CLIENT = "the client"
    WIRE = "the wire"
    NETWORK = "the network"


@dataclass(frozen=True, slots=True)
class Situation:
    """What was seen of an address when a fault was over; machines are named.

    Args:
        before: Who owned the address before the fault.
        announcer: Who announced it last, as the network heard it; empty for nobody.
        reached: Whom a packet to the address reaches.
        serving: Who answers a user of the address; empty for nobody.
        holders: Whose kernel holds the address.
        active: Which of the holders runs its client.
        unheard: Who has announced it since, and lost every announcement on its wire; empty for nobody.
        refreshes: Whether it will announce it again all the same.
        elsewhere: Who has announced it by an interface in another subnet; empty for nobody.
    """

    before: str
    announcer: str
    reached: tuple[str, ...]
    serving: str
    holders: tuple[str, ...]
    active: tuple[str, ...]
    unheard: str = ""
    refreshes: bool = False
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a fault ended, who is to blame for it, and in one sentence why."""

    outcome: Outcome
    blame: Blame
    text: str


def judge(seen: Situation) -> Ending:
    """Say how a fault ended. The network has done its part when packets go to whom has announced the address last."""
    if not seen.announcer:
        return Ending(Outcome.SILENT, Blame.CLIENT, "nobody ever announced the address")
    owner = seen.announcer
    if seen.reached != (owner,):
        text = f"{owner} announced the address last, and packets reach {_names(seen.reached)}"
        return Ending(Outcome.ASTRAY, Blame.NETWORK, text)
    if seen.active == (owner,) and seen.serving == owner:
        outcome = Outcome.KEPT if owner == seen.before else Outcome.TAKEN
        return Ending(outcome, Blame.NOBODY, f"{owner} announced the address last, holds it and serves it")
    return _of_the_client(owner, seen)


def _of_the_client(owner: str, seen: Situation) -> Ending:
    """Say what is wrong although the network follows the last announcement."""
    if len(seen.active) > 1:
        text = f"{_names(seen.active)} hold the address and run, all at the same time"
        return Ending(Outcome.SPLIT, Blame.CLIENT, text)
    if seen.unheard and seen.active == (seen.unheard,):
        again = "announces it again and again" if seen.refreshes else "never announces it again"
        text = f"all that {seen.unheard} announced got lost on its wire; it {again}"
        return Ending(Outcome.LOST, Blame.WIRE if seen.refreshes else Blame.CLIENT, text)
    if seen.elsewhere:
        text = f"{seen.elsewhere} announced the address by an interface in another subnet, where it is nobody's"
        return Ending(Outcome.STUCK, Blame.CLIENT, text)
    if owner not in seen.holders or seen.active not in {(), (owner,)}:
        others = _names(seen.active or seen.holders)
        text = f"{owner} announced the address last and no longer serves it; {others} holds it and did not announce it"
        return Ending(Outcome.STUCK, Blame.CLIENT, text)
    if owner not in seen.active:
        text = f"the client on {owner} is dead, and its kernel still answers for the address"
        return Ending(Outcome.GHOST, Blame.CLIENT, text)
    text = f"{owner} is active and packets reach it, and users are served by {seen.serving or 'nobody'}"
    return Ending(Outcome.ASTRAY, Blame.NETWORK, text)


def _names(machines: tuple[str, ...]) -> str:
    return " and ".join(machines) or "nobody"
