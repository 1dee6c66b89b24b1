"""Short stories that come to every pair of rule and state; drawn ones come to the rare pairs late, or never."""

from collections.abc import Iterator

from pytest_havip.fuzz.actions import (
    FAULTS,
    GATEWAY,
    NOBODY,
    WIRE_FAULTS,
    Action,
    Admit,
    Announce,
    Attach,
    Confine,
    Create,
    Cut,
    DataProbe,
    Detach,
    Expel,
    Follow,
    Look,
    Mend,
    Move,
    Packet,
    Probe,
    Race,
    Release,
    Rename,
    Restart,
    RoutedProbe,
    Silence,
    Speak,
    Wait,
    Wake,
    WhoHas,
)
from pytest_havip.fuzz.world import WORLD, World

__all__ = ["tour"]

#: Milliseconds in which any health check of links has looked; more would make the tour long.
_LONG = 1000


def tour(world: World = WORLD) -> Iterator[tuple[Action, ...]]:
    """The stories, for a world whose first subnet has two machines that compete and whose last HAVIP is elsewhere.

    Args:
        world: Where they happen.

    >>> sum(map(len, tour())) < 200
    True
    """
    one, other, *_ = world.claimants
    havip, *_, foreign = world.havips
    observer = world.observer(world.machines[one].subnet)
    elsewhere = next(name for name in world.subnets if name != world.machines[one].subnet)
    for owner in ((), (Announce(one, havip),), (Announce(other, havip),)):
        yield (*owner, *_askings(one, other, havip), *_spoofs(one, other, havip, observer))
        yield (*owner, Announce(one, havip))
        yield (*owner, Announce(one, havip, "reply"))
        yield (*owner, Announce(one, havip, to=other))
        yield (*owner, Look(havip), Rename(havip))
        yield (*owner, Follow(one, havip, observer))
        yield (*owner, Cut(one), Mend(one), Silence(one), Wake(one))
        yield (*owner, Move(one, elsewhere), Announce(one, havip))
    yield Announce(one, havip), Release(havip), Look(havip), *_askings(one, other, havip), Announce(one, havip)
    yield Release(havip), Create(havip), Detach(one), Attach(one), Announce(one, havip), Detach(one)
    race = Race((Announce(one, havip), Announce(other, havip)))
    yield race, race
    for fault in WIRE_FAULTS:
        flawed = Race(race.announcements * 2, fault, seed=1)
        yield flawed, flawed
    yield Announce(one, havip), RoutedProbe(world.observer(elsewhere), havip), Announce(other, havip, "reply")
    yield Release(havip, against=one), Create(havip), Announce(one, havip), Release(havip, against=other)
    yield (
        *(Release(havip), Confine(havip, one), Announce(other, havip), Admit(havip, other), Expel(havip, other)),
        *(Announce(one, havip), Admit(havip, other), Announce(other, havip), Expel(havip, one), Announce(one, havip)),
    )
    yield Announce(one, havip), Restart(), Restart((Announce(one, havip), Announce(other, havip)))
    yield Announce(one, havip), Cut(one), Wait(_LONG), Look(havip)
    yield Announce(one, foreign), Announce(world.claimants[-1], tuple(world.havips)[1])


def _askings(one: str, other: str, havip: str) -> tuple[Action, ...]:
    return DataProbe(one, havip), DataProbe(one, havip, other), WhoHas(one, havip), Probe(one, havip)


def _spoofs(one: str, other: str, havip: str, observer: str) -> tuple[Action, ...]:
    return (
        *(Announce(one, havip, fault=fault) for fault in FAULTS),
        *(Announce(one, address) for address in (other, GATEWAY, NOBODY)),
        *(Packet(one, source, observer) for source in (havip, other, GATEWAY, NOBODY)),
        Speak(one, havip, observer),
        Speak(one, havip, observer, "reply"),
    )
