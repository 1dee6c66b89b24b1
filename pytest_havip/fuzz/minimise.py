"""The shortest story that still shows a fault: delta debugging over actions, then simpler actions and names.

Hypothesis shrinks what it draws; this shrinks what happened, wherever it came from: a story of Hypothesis, a field
report, or a trace of another network. Source of ddmin: Zeller and Hildebrandt, Simplifying and Isolating
Failure-Inducing Input, 2002.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import MISSING, fields, replace
from itertools import combinations, permutations, product

from pytest_havip.fuzz.actions import Action, Announce, Detach, Move, Race, Restart, parts_of
from pytest_havip.fuzz.executor import Executor
from pytest_havip.fuzz.player import Broken, Failure, Player
from pytest_havip.fuzz.spelling import data_of, names_in
from pytest_havip.fuzz.world import World

__all__ = ["Fails", "fails_on", "fails_on_anew", "failure_of", "minimise", "replay"]

#: Whether a story still shows the fault.
Fails = Callable[[Sequence[Action]], bool]

#: Seconds to wait for what is late, while a story is made shorter: nothing came within the patience of the first time.
_PATIENCE = 0.1
#: Stories of so many actions are worth trying all other names in.
_SHORT = 4
_Story = tuple[Action, ...]


def replay(
    executor: Executor, story: Sequence[Action], *, judged: Container[str] | None = None, patience: float = 1.0
) -> Failure | None:
    """Play a story from the beginning to the look at its end; what was wrong, or `None`.

    Args:
        executor: The network.
        story: What happens.
        judged: Ids of the requirements by which to judge; `None` for all.
        patience: Seconds within which whatever is late must have been seen.

    Raises:
        Inconclusive: Nobody can say what the network did.
    """
    return failure_of(Player(executor, judged=judged, patience=patience), story)


def failure_of(player: Player, story: Sequence[Action]) -> Failure | None:
    """Let a player play a story and look at everything; what was wrong, or `None`."""
    try:
        player.play(story)
        player.finish()
    except Broken as broken:
        return broken.failure
    return None


def fails_on(executor: Executor, *, judged: Container[str] | None = None, attempts: int = 1) -> Fails:
    """Tell whether a story breaks a requirement on some network.

    Args:
        executor: The network.
        judged: Ids of the requirements in question; `None` for all.
        attempts: How often a story is played at most; more than once where the fault is a matter of time.
    """

    def fails(story: Sequence[Action]) -> bool:
        return any(replay(executor, story, judged=judged, patience=_PATIENCE) for _ in range(attempts))

    return fails


def fails_on_anew(executor: Executor, *, judged: Container[str] | None = None, attempts: int = 1) -> Fails:
    """The same in a world of its own for each attempt, for a network that carries things over from story to story."""

    def fails(story: Sequence[Action]) -> bool:
        for _ in range(attempts):
            with executor.renewed() as fresh:
                if fails_on(fresh, judged=judged)(story):
                    return True
        return False

    return fails


def minimise(story: Sequence[Action], fails: Fails, world: World) -> _Story:
    """Make a story as short and as simple as it can be.

    Args:
        story: It shows the fault; if it does not (any more), it comes back as it is.
        fails: Whether a story shows the fault.
        world: Where it happens: names that come first are simpler.

    Returns:
        A story that shows the fault; without any one of its actions it does not.
    """
    shortest = tuple(story)
    if not fails(shortest):
        return shortest
    # A race that need not be one is told in order, so that it is the same every time.
    in_order = tuple(part for action in shortest for part in parts_of(action))
    if fails(in_order):
        shortest = in_order
    while True:
        shorter = _simplified(_without_needless(shortest, fails), fails, world)
        shorter = next(filter(fails, _shortcuts(shorter, world)), shorter)
        if shorter == shortest:
            return shorter
        shortest = shorter


def _without_needless(story: _Story, fails: Fails) -> _Story:
    """Leave out ever smaller parts (ddmin)."""
    size = max(len(story) // 2, 1)
    while story:
        at, before = 0, len(story)
        while at < len(story):
            candidate = story[:at] + story[at + size :]
            if fails(candidate):
                story = candidate
            else:
                at += size
        if size > 1:
            size //= 2
        elif len(story) == before:
            break
    return story


def _shortcuts(story: _Story, world: World) -> Iterator[_Story]:
    """The story without an action, and another name in place of one: who is there already need not be moved there."""
    if len(story) > _SHORT:
        return
    for at in range(len(story)):
        rest = story[:at] + story[at + 1 :]
        used = {name for action in rest for name in names_in(action)}
        for names in (world.claimants, tuple(world.havips)):
            for one, other in permutations(names, 2):
                if one in used:
                    yield tuple(_renamed(action, {one: other}) for action in rest)


def _simplified(story: _Story, fails: Fails, world: World) -> _Story:
    """Make actions simpler one by one, then names in all of them."""
    for at, action in enumerate(story):
        for simpler in _simpler(action, world):
            candidate = (*story[:at], simpler, *story[at + 1 :])
            if fails(candidate):
                story = candidate
                return _simplified(story, fails, world)
    for candidate in _renamings(story, world):
        if fails(candidate):
            return _simplified(candidate, fails, world)
    return story


def _renamings(story: _Story, world: World) -> Iterator[_Story]:
    """The story with two machines, or two HAVIPs, or both, in each other's place, where that makes it simpler."""
    used = {name for action in story for name in names_in(action)}
    machines, havips = (
        [{}, *({one: other, other: one} for one, other in combinations(names, 2) if {one, other} & used)]
        for names in (tuple(world.machines), tuple(world.havips))
    )
    weight = _weight(story, world)
    for machine, havip in product(machines, havips):
        candidate = tuple(_renamed(action, machine | havip) for action in story)
        if _weight(candidate, world) < weight:
            yield candidate


def _simpler(action: Action, world: World) -> Iterator[Action]:
    """The action with one thing as it is by default, or less of it, or with an earlier name."""
    if isinstance(action, Race | Restart):
        yield from _with_simpler_parts(action, world)
        return
    if isinstance(action, Move):
        yield Detach(action.machine)
    for field in fields(action):
        value, names = getattr(action, field.name), [*world.names.get(field.name, ())]
        if field.default is not MISSING and value != field.default:
            yield replace(action, **{field.name: field.default})
        elif isinstance(value, int) and field.default is MISSING and value > 1:
            yield replace(action, **{field.name: value // 2})
        if value in names:
            yield from (replace(action, **{field.name: name}) for name in names[: names.index(value)])


def _with_simpler_parts(action: Race | Restart, world: World) -> Iterator[Action]:
    """The action with fewer or simpler announcements, or over good cables."""
    parts = action.announcements
    for at, part in enumerate(parts):
        if len(parts) > 1 or isinstance(action, Restart):
            yield replace(action, announcements=(*parts[:at], *parts[at + 1 :]))
        for simpler in _simpler(part, world):
            assert isinstance(simpler, Announce)
            yield replace(action, announcements=(*parts[:at], simpler, *parts[at + 1 :]))
    if isinstance(action, Race) and action.fault:
        yield Race(parts)


def _renamed(action: Action, names: dict[str, str]) -> Action:
    if isinstance(action, Race | Restart):
        renamed = (_renamed(part, names) for part in action.announcements)
        return replace(action, announcements=tuple(part for part in renamed if isinstance(part, Announce)))
    values = {field.name: getattr(action, field.name) for field in fields(action)}
    return type(action)(**{name: names.get(value, value) for name, value in values.items()})


def _weight(story: _Story, world: World) -> list[int]:
    """Names that come first weigh least, and the first actions count most."""
    order = {name: number for number, name in enumerate((*world.machines, *world.havips), start=1)}
    parts = [part for action in story for part in parts_of(action)]
    return [order.get(value, 0) for part in parts for value in data_of(part).values() if isinstance(value, str)]
