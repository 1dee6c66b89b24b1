"""Hypothesis strategies for actions and stories; they are drawn fast, and shrink to few and simple actions.

>>> from hypothesis import find, settings
>>> quickly = settings(database=None, derandomize=True)
>>> find(actions(kinds=["announce"]), lambda action: action.to != "", settings=quickly)
Announce(machine='b', address='h1', operation='request', target_mac='broadcast', to='a', length=42, fault='')
>>> len(find(stories(), lambda story: any(isinstance(action, Detach) for action in story), settings=quickly))
1
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from random import Random
from typing import get_args

from hypothesis import strategies as st

from pytest_havip.fuzz.actions import (
    ACTIONS,
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
    Frame,
    Length,
    Look,
    Mend,
    Move,
    Operation,
    Packet,
    Probe,
    Race,
    Release,
    Rename,
    Restart,
    RoutedProbe,
    Silence,
    Speak,
    TargetMac,
    Wait,
    Wake,
    WhoHas,
)
from pytest_havip.fuzz.world import WORLD, World

__all__ = ["actions", "drawn_story", "menu", "stories"]

#: Milliseconds that a wait may take; the last is longer than the silence that any health check would bear.
_WAITS = (10, 2500)
#: How much of a story each kind takes of those that are in it, of 256: announcements are the matter, reads are cheap,
#: and what can follow only upon something else happens seldom enough.
_SHARES = {"announce": 190, "data-probe": 12, "who-has": 8, "probe": 6, "speak": 6, "packet": 6, "wait": 1}
_SHARES |= {"look": 6, "routed-probe": 4, "follow": 8, "race": 4, "restart": 1}
_SHARES |= dict.fromkeys(("release", "rename", "detach", "move", "cut", "silence"), 3)
_SHARES |= dict.fromkeys(("confine", "admit"), 24) | dict.fromkeys(("create", "expel", "attach", "mend", "wake"), 16)
#: The same of announcements that bind nothing; one story in so many has many of them.
_FEW_SPOOFS, _MANY_SPOOFS, _SPOOFY = 6, 150, 8
#: One story in so many is calm: few announcements, so that what happens to owners is not overtaken by the next one.
_CALM, _ANNOUNCED = 5, 24
#: Kinds that are in a story together, or one of them would end it.
_TOGETHER = {"create": "release", "attach": "detach", "mend": "cut", "wake": "silence"}
_TOGETHER |= dict.fromkeys(("confine", "admit", "expel"), "release")
#: Kinds that cost little.
_CHEAP = frozenset(
    {"look", "routed-probe", "follow", *(kind for kind, made in ACTIONS.items() if issubclass(made, Frame))}
)
#: How likely a kind that costs little, or much, or half a second, is in a story.
_OFTEN, _SELDOM, _RARELY = 0.7, 0.25, 0.1
#: How many actions a byte can stand for.
_ALPHABET = 256
#: How many different choices of actions stories are made from.
_CHOICES = 1 << 10
#: Stories are drawn as bytes, each of them an action: one choice of Hypothesis for a story is ten times as fast as a
#: list. Left alone, it draws few; so the least number is drawn first, in such steps.
_LENGTHS = 4


def actions(world: World = WORLD, *, kinds: Collection[str] = tuple(ACTIONS)) -> st.SearchStrategy[Action]:
    """One action, any that can be told of the world; simple ones first.

    Args:
        world: Where it happens.
        kinds: The names of the kinds of actions, such as ``announce``; all by default.
    """
    return st.sampled_from(menu(world, tuple(kinds)))


@st.composite
def stories(
    draw: st.DrawFn, world: World = WORLD, *, kinds: Collection[str] = tuple(ACTIONS), most: int = 100
) -> tuple[Action, ...]:
    """Some actions in a row, mostly announcements.

    Each story is made from a small choice of machines, HAVIPs and kinds of actions, for that finds more than a bit of
    everything (swarm testing).

    Args:
        draw: Hypothesis gives it.
        world: Where they happen.
        kinds: The names of the kinds of actions, such as ``announce``; all by default.
        most: The greatest number of actions.
    """
    chosen = _choice(world, tuple(kinds), draw(st.integers(0, _CHOICES - 1)))
    least = draw(st.integers(0, _LENGTHS - 1)) * most // _LENGTHS
    return tuple(chosen[byte * len(chosen) >> 8] for byte in draw(_bytes(least, most)))


def drawn_story(random: Random, world: World, kinds: Collection[str], most: int) -> tuple[Action, ...]:
    """A story like those of `stories`, drawn without Hypothesis.

    Args:
        random: Where it is drawn from.
        world: Where it happens.
        kinds: The names of the kinds of actions.
        most: The greatest number of actions.
    """
    chosen = _choice(world, tuple(kinds), random.randrange(_CHOICES))
    return tuple(random.choices(chosen, k=random.randint(0, most)))


@lru_cache
def _bytes(least: int, most: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=least, max_size=most)


@lru_cache
def menu(world: World = WORLD, kinds: Collection[str] = tuple(ACTIONS)) -> tuple[Action, ...]:
    """Every action of these kinds that can be told of a world; simple ones first.

    Args:
        world: Where they happen.
        kinds: The names of the kinds of actions.
    """
    return tuple(action for kind in ACTIONS if kind in kinds for action in _MENUS[kind](world))


def _claims(world: World) -> Iterator[Announce]:
    """Announcements that bind, in all forms."""
    forms = tuple(product(get_args(Length), ("", *world.machines), get_args(TargetMac), get_args(Operation)))
    subnet_of = {name: machine.subnet for name, machine in world.machines.items()}
    who = [pair for pair in product(world.claimants, world.havips) if _are_near(world, *pair)]
    for length, to, target_mac, operation in forms:
        for machine, havip in who:
            if machine != to and subnet_of.get(to, subnet_of[machine]) == subnet_of[machine]:
                yield Announce(machine, havip, operation, target_mac, to, length)


def _spoofs(world: World) -> Iterator[Announce]:
    """Announcements that must not bind: by a machine of another subnet, of other addresses, or wrong in some way."""
    everyone = tuple(product(world.claimants, world.havips))
    for operation in get_args(Operation):
        for machine, address in product(world.claimants, (*world.havips, *world.claimants, GATEWAY, NOBODY)):
            if machine != address and not _are_near(world, machine, address):
                yield Announce(machine, address, operation)
    for fault in FAULTS:
        yield from (Announce(machine, havip, fault=fault) for machine, havip in everyone)


def _are_near(world: World, machine: str, havip: str) -> bool:
    return havip in world.havips and world.havips[havip].subnet == world.machines[machine].subnet


def _races(world: World) -> Iterator[Race]:
    """Two or more machines of one subnet, twice each, for one HAVIP or two; over good cables, and over bad ones."""
    for fault, subnet in product(("", *WIRE_FAULTS), world.subnets):
        near = [name for name in world.claimants if world.machines[name].subnet == subnet]
        havips = [name for name, havip in world.havips.items() if havip.subnet == subnet]
        for runners, (first, second) in product((near[:2], near[1:3], near), product(havips, havips)):
            if len(runners) > 1:
                announcements = tuple(Announce(runner, havip) for runner in runners for havip in (first, second))
                yield Race(announcements, fault, seed=len(first + second + fault) if fault else 0)


def _restarts(world: World) -> Iterator[Restart]:
    """With nothing meanwhile, with an announcement, and with one after the other."""
    yield Restart()
    claims = [Announce(*pair) for pair in product(world.claimants, world.havips) if _are_near(world, *pair)]
    yield from (Restart((claim,)) for claim in claims)
    for one, other in product(claims, claims):
        if one.address == other.address and one != other:
            yield Restart((one, other))


def _follows(world: World) -> Iterator[Follow]:
    """Each machine that announces, and each that hears it; observers first."""
    for by, machine, havip in product(reversed(tuple(world.machines)), world.claimants, world.havips):
        is_heard = by != machine and world.machines[by].subnet == world.machines[machine].subnet
        if is_heard and _are_near(world, machine, havip):
            yield Follow(machine, havip, by)


def _routed(world: World) -> Iterator[RoutedProbe]:
    """The HAVIPs, and machines of other subnets of their VPCs."""
    for name, (machine, where) in product(world.havips, world.machines.items()):
        here, there = where.subnet, world.havips[name].subnet
        if here != there and world.subnets[here].vpc == world.subnets[there].vpc:
            yield RoutedProbe(machine, name)


def _members(world: World) -> Iterator[tuple[str, str]]:
    """A HAVIP, and a machine that may be in its range."""
    for havip, machine in product(world.havips, world.claimants):
        if _are_near(world, machine, havip):
            yield havip, machine


def _pairs(world: World) -> Iterator[tuple[str, str]]:
    """Two machines of one subnet, as it is at the beginning."""
    for one, other in product(world.machines, world.machines):
        if one != other and world.machines[one].subnet == world.machines[other].subnet:
            yield one, other


def _askers(world: World) -> Iterator[tuple[str, str]]:
    """A HAVIP and a machine of its subnet; observers first."""
    askers = sorted(world.machines, key=lambda name: not world.machines[name].observes)
    for havip, asker in product(world.havips, askers):
        if world.machines[asker].subnet == world.havips[havip].subnet:
            yield asker, havip


_MENUS: dict[str, Callable[[World], Iterable[Action]]] = {
    "announce": lambda world: (*_claims(world), *_spoofs(world)),
    "data-probe": lambda world: (
        DataProbe(asker, havip, owner)
        for asker, havip in _askers(world)
        for owner in ("", *world.claimants)
        if owner != asker
    ),
    "who-has": lambda world: (WhoHas(asker, havip) for asker, havip in _askers(world)),
    "probe": lambda world: (Probe(asker, havip) for asker, havip in _askers(world)),
    "speak": lambda world: (
        Speak(one, havip, other, operation)
        for operation in get_args(Operation)
        for (one, other), havip in product(_pairs(world), world.havips)
    ),
    "packet": lambda world: (
        Packet(one, source, other)
        for source in (*world.havips, *world.claimants, GATEWAY, NOBODY)
        for one, other in _pairs(world)
    ),
    "routed-probe": _routed,
    "follow": _follows,
    "race": _races,
    "look": lambda world: map(Look, world.havips),
    "create": lambda world: map(Create, world.havips),
    "release": lambda world: (*map(Release, world.havips), *(Release(*pair) for pair in _members(world))),
    "rename": lambda world: map(Rename, world.havips),
    "confine": lambda world: (Confine(*pair) for pair in _members(world)),
    "admit": lambda world: (Admit(*pair) for pair in _members(world)),
    "expel": lambda world: (Expel(*pair) for pair in _members(world)),
    "attach": lambda world: map(Attach, world.claimants),
    "detach": lambda world: map(Detach, world.claimants),
    "move": lambda world: (Move(*pair) for pair in product(world.claimants, world.subnets)),
    "cut": lambda world: map(Cut, world.claimants),
    "mend": lambda world: map(Mend, world.claimants),
    "silence": lambda world: map(Silence, world.claimants),
    "wake": lambda world: map(Wake, world.claimants),
    "restart": _restarts,
    "wait": lambda _: map(Wait, _WAITS),
}


@lru_cache(_CHOICES)
def _choice(world: World, kinds: tuple[str, ...], number: int) -> tuple[Action, ...]:
    """The actions of which one story is made. Choice 0 is the simplest: two machines, one HAVIP, all kinds."""
    random = Random(number)  # noqa: S311 - a choice, no secret
    if not number:
        small = _part(world, world.claimants[:2], tuple(world.havips)[:1])
        simple = (action for kind in ACTIONS if kind in kinds for action in menu(small, (kind,))[: _SHARES[kind]])
        return tuple(simple)[:_ALPHABET] or menu(world, kinds)[:_ALPHABET]
    claimants = world.claimants[: random.randint(3, max(3, len(world.claimants)))]
    is_spoofy = number % _SPOOFY == 0
    some = len(world.havips) if is_spoofy else random.randint(1, len(world.havips))
    part = _part(world, claimants, random.sample(tuple(world.havips), some))
    chosen: list[Action] = []
    for kind in ACTIONS:
        if kind == "announce" and kind in kinds:
            spoofs = _MANY_SPOOFS if is_spoofy else _FEW_SPOOFS
            is_calm = not is_spoofy and number % _CALM == 0 and not _CHEAP.issuperset(kinds)
            claims = _ANNOUNCED if is_calm else _SHARES[kind] - spoofs
            chosen += _picked_claims(random, part, tuple(_claims(part)), claims)
            chosen += _picked(random, tuple(_spoofs(part)), spoofs)
        elif kind in kinds and _is_in(kind, number):
            chosen += _picked(random, tuple(_MENUS[kind](part)), _SHARES[kind])
    return tuple(chosen) or menu(world, kinds)[:_ALPHABET]


def _part(world: World, claimants: Sequence[str], havips: Sequence[str]) -> World:
    """The same world with fewer machines and HAVIPs in it; all observers stay."""
    machines = {name: each for name, each in world.machines.items() if each.observes or name in claimants}
    return World(
        world.vpcs, world.subnets, machines, {name: world.havips[name] for name in world.havips if name in havips}
    )


def _is_in(kind: str, number: int) -> bool:
    together = _TOGETHER.get(kind, kind)
    often = _OFTEN if kind in _CHEAP else _RARELY if kind == "restart" else _SELDOM
    return Random(f"{together} {number}").random() < often  # noqa: S311 - a choice, no secret


def _picked_claims(random: Random, world: World, claims: Sequence[Announce], share: int) -> list[Action]:
    """Mostly of addresses for which machines compete, and half of them as keepalived sends them."""
    plain = [each for each in claims if each == Announce(each.machine, each.address)]
    addresses = {name: world.address(name, havip.subnet) for name, havip in world.havips.items()}
    rivals = Counter(addresses[each.address] for each in plain)
    contested = [each for each in claims if rivals[addresses[each.address]] > 1] or claims
    usual = [each for each in plain if rivals[addresses[each.address]] > 1] or plain
    eighth = share // 8
    return [
        *_picked(random, usual, share // 2),
        *_picked(random, contested, share - share // 2 - eighth),
        *_picked(random, claims, eighth),
    ]


def _picked(random: Random, possible: Sequence[Action], share: int) -> list[Action]:
    """As many as the share says, simple ones first."""
    return [possible[at] for at in sorted(random.choices(range(len(possible)), k=share))] if possible else []
