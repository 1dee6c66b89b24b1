"""Frames of a grammar on the wire: the kernel, the core and the machines that they reach must agree about each.

    python -m bench.frames [--frames 1000000] [--seed 1] [--world 20000]

Each world is a bridge of two subnets with NICs, HAVIPs and drift ranges, which change after every thousand frames.
Ends with 1 at the first disagreement, with what it was about.
"""

import argparse
import os
import sys
import time
from collections import Counter
from random import Random

from pytest_havip.lab import Lab
from pytest_havip.network.core import Change
from tests.guard.grammar import Grammar, differences, send, shuffle_bindings
from tests.guard.world import World

_BATCH = 1000


def compare(seed: int, frames: int, found: Counter[str]) -> list[str]:
    """Send so many frames in a new world; count what became of them, and return the disagreements."""
    with Lab.open() as lab:
        world = World(lab, seed)
        try:
            grammar = Grammar(world, Random(seed))  # noqa: S311 - it can be drawn again
            for _ in range(frames // _BATCH):
                expected, actual, sent = send(world, grammar, _BATCH)
                if wrong := differences(expected, actual, sent):
                    return wrong
                if expected.punted != actual.punted:
                    return ["punted in another order than sent"]
                found["frames"] += len(sent)
                found["spoilt in one field"] += grammar.spoilt
                found["reached the core"] += len(expected.punted)
                found["arrived, by receiver"] += expected.arrived.total()
                for (reason, _, _), number in expected.counted.items():
                    found[f"dropped: {reason}"] += number
                world.follow([each for each in shuffle_bindings(world, grammar.entropy) if isinstance(each, Change)])
                grammar.forget()
        finally:
            world.close()
    return []


def main() -> int:
    """Compare world after world, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--world", type=int, default=20_000)
    given = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one queue, so that one fence ends it
    found = Counter[str]()
    began, seed = time.perf_counter(), given.seed
    while found["frames"] < given.frames:
        if wrong := compare(seed, given.world, found):
            print(f"seed {seed}: {len(wrong)} disagreements", *wrong[:20], sep="\n")
            return 1
        print(f"{found['frames']:>9} frames, {found['frames'] / (time.perf_counter() - began):.0f} /s", file=sys.stderr)
        seed += 1
    for what, number in found.most_common():
        print(f"{what:<40}{number:>9}{number / found['frames']:>8.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
