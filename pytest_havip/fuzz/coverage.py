"""Which rules were tried in which states: the state space that stories reach is measured, not hoped for."""

from collections.abc import Collection, Mapping

from pytest_havip.fuzz.actions import FAULTS, WIRE_FAULTS

__all__ = ["PAIRS", "report", "unreached"]

_STANDINGS = ("unbound", "own", "another's")
_BINDINGS = ("unbound", "bound")
_OWNING = ("owns", "owns nothing")
_FOREIGN = ("another machine's", "the gateway's", "nobody's")
_STATES: dict[str, Collection[str]] = {
    **dict.fromkeys(("announce by request", "announce by reply", "announce to one machine"), _STANDINGS),
    **{f"announce with wrong {fault}": _STANDINGS for fault in FAULTS},
    "announce": (*_FOREIGN, "another VPC's", "another subnet's", "outside its range", "released"),
    **dict.fromkeys(("speak by request", "speak by reply", "probe"), _STANDINGS),
    "packet": (*_STANDINGS, *_FOREIGN),
    **dict.fromkeys(("data probe", "who-has"), (*_STANDINGS, "released")),
    "routed probe": ("bound",),
    "follow": _STANDINGS,
    **dict.fromkeys(("race", *(f"race with {fault}" for fault in WIRE_FAULTS)), _BINDINGS),
    "look": ("unbound", "bound", "released"),
    **dict.fromkeys(("create", "confine"), ("released",)),
    **dict.fromkeys(("release", "release against announcements", "rename", "admit", "expel"), _BINDINGS),
    "attach": ("",),
    **dict.fromkeys(("detach", "move", "cut", "mend", "silence", "wake"), _OWNING),
    "restart": ("quiet", "announcements"),
    "wait": ("",),
}
#: Every pair of a rule and a state of what it is about that stories are meant to reach. There are rarer ones.
PAIRS = frozenset((rule, state) for rule, states in _STATES.items() for state in states)


def unreached(reached: Mapping[tuple[str, str], int], *, without: Collection[str] = ()) -> list[tuple[str, str]]:
    """The pairs that no story has come to.

    Args:
        reached: How often each was (`Model.reached`).
        without: Rules that were left out.
    """
    return sorted(pair for pair in PAIRS - reached.keys() if pair[0] not in without)


def report(reached: Mapping[tuple[str, str], int]) -> str:
    """A table of rules and states, with how often each pair was judged; never is a dash."""
    pairs = PAIRS | reached.keys()
    width = max(len(rule) for rule, _ in pairs)
    rows = []
    for rule in sorted({rule for rule, _ in pairs}):
        cells = (
            f"{state or 'always'} {reached.get((rule, state), 0) or '-'}" for of, state in sorted(pairs) if of == rule
        )
        rows.append(f"{rule:<{width}}  {', '.join(cells)}")
    return "\n".join(rows)
