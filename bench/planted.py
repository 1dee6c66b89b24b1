"""How soon drawn stories find ten planted faults of order, and how short the stories get that show them.

The stories are those of the suites, drawn with fresh seeds and without the tour that the suites begin with: nothing
leads them to a fault. Each row is a mutant: how many of the seeds found it, in which time, how long the shortest
stories are, and how long the shortest possible one is.

Run: python bench/planted.py [--seeds N] [--first SEED] [--seconds S] [MUTANT ...]
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from statistics import median
from time import perf_counter

from pytest_havip.fuzz import ACTIONS, WORLD, Action, WireExecutor, explore
from pytest_havip.fuzz.actions import parts_of
from pytest_havip.fuzz.strategies import drawn_story
from pytest_havip.lab import Lab
from pytest_havip.targets import open_target

#: By the mutant, the number of steps of the shortest story that shows it (the look at the end is no step), and why.
PLANTED = {
    # A second machine announces what a first one has.
    "first-wins": 2,
    # Owner, claim, owner again. (The announcements that delay a claim come before them where chance wants it so.)
    "refreshes-overtake": 3,
    # As first-wins.
    "stale-data-path": 2,
    # Two machines, one right after the other.
    "batches-in-reverse": 2,
    # The gateway learns an owner by a packet, and another machine announces.
    "routes-lag": 3,
    # An owner here, and an announcement of the same address in the other VPC.
    "any-vpc-announces": 2,
    # One release while a machine announces.
    "releases-are-overtaken": 1,
    # Owned, gone, come again.
    "nics-remember": 3,
    # Two moves in a row, or a binding and a move.
    "changes-in-a-row-are-one": 2,
    # A packet of somebody who has just heard of a move.
    "late-data-path": 2,
}
#: The longest story, and all kinds but to wait, as in the suites.
MOST = 60
KINDS = tuple(kind for kind in ACTIONS if kind != "wait")


def drawn(seed: int, seconds: float) -> Iterator[tuple[Action, ...]]:
    """Stories for so many seconds."""
    random, deadline = Random(seed), perf_counter() + seconds  # noqa: S311 - a seed, no secret
    while perf_counter() < deadline:
        yield drawn_story(random, WORLD, KINDS, MOST)


@dataclass(frozen=True)
class Hunt:
    """What came of a search.

    Args:
        found: Seconds until a story showed the fault.
        shrunk: Seconds until that story was short.
        steps: Its steps then; in a race, and in a restart, each announcement is one.
        requirement: What it breaks.
    """

    found: float
    shrunk: float
    steps: int
    requirement: str


def hunt(executor: WireExecutor, seed: int, seconds: float) -> Hunt | None:
    """Find what is planted, and make the story short; `None` if no story of those seconds shows it."""
    found = explore(executor, stories=0, opening=drawn(seed, seconds))
    if not found.is_over:
        return None
    began = perf_counter()
    shortest = found.findings[-1].shortest(executor)
    steps = sum(len(parts_of(action)) or 1 for action in shortest.actions)
    return Hunt(found.seconds, perf_counter() - began, steps, shortest.disagreement.requirement)


def main() -> int:
    """Print the table; exit status 1 if a seed did not find its fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("mutants", nargs="*", default=list(PLANTED))
    given = parser.parse_args()
    missed = 0
    print(f"{'mutant':26} {'found':>7} {'median s':>9} {'most s':>7} {'short s':>8}  steps (known least): requirements")
    for name in given.mutants:
        hunts = []
        for seed in range(given.first, given.first + given.seeds):
            with Lab.open() as lab, open_target(f"mutant:{name}", lab) as target, WireExecutor(lab, target) as executor:
                hunted = hunt(executor, seed, given.seconds)
            hunts += [] if hunted is None else [hunted]
        missed += given.seeds - len(hunts)
        times = [each.found for each in hunts] or [0.0]
        shrinking = [each.shrunk for each in hunts] or [0.0]
        lengths = ", ".join(
            f"{count} x {length}" for length, count in sorted(Counter(each.steps for each in hunts).items())
        )
        broken = Counter(each.requirement for each in hunts).most_common()
        print(
            f"{name:26} {len(hunts):>3}/{given.seeds:<3} {median(times):>9.2f} {max(times):>7.2f}"
            f" {median(shrinking):>8.2f}  {lengths} ({PLANTED.get(name, '?')}):"
            f" {', '.join(f'{requirement} {count}' for requirement, count in broken)}"
        )
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
