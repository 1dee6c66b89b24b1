"""How many actions a second are played and judged: on the bundled rules in this process, and on the bundled network.

A step is an action of a story that was judged by the model; the looks at the end of each story are not counted, but
they take their time. A move is an announcement that changed the owner and was seen in a third host's frames. CPU
seconds are this process's, so that a busy machine can be told from slow code; the network's own are not in them.

Run: python bench/fuzz.py [stories on the rules] [stories on the wire]
"""

import sys
from time import process_time

from pytest_havip.fuzz import ACTIONS, Executor, WireExecutor, explore
from pytest_havip.fuzz.core import CoreExecutor
from pytest_havip.lab import Lab
from pytest_havip.targets import open_target

#: The greatest number of actions in a story.
MOST = 300
#: What is played: all there is but waiting, and what moves owners with the reads that see it.
MIXES = {
    "everything": tuple(kind for kind in ACTIONS if kind != "wait"),
    "moves and reads": ("announce", "data-probe", "who-has", "probe", "look"),
}


def measure(name: str, executor: Executor, stories: int) -> None:
    """Play the stories of each mix, and print a line for it."""
    for mix, kinds in MIXES.items():
        # The actions to draw from are chosen once; a long run does not notice that.
        explore(CoreExecutor(), stories=stories, most=MOST, kinds=kinds, seed=2)
        before = process_time()
        found = explore(executor, stories=stories, most=MOST, kinds=kinds, seed=2)
        spent = process_time() - before
        assert not found.findings, found.findings
        print(
            f"{name:<14} {mix:<16} {found.steps:>8} {found.moves / found.steps:>7.0%} {found.seconds:>8.2f}"
            f" {found.steps / found.seconds:>10,.0f} {found.steps / spent:>12,.0f}"
        )


def main() -> None:
    """Measure both, and print the table."""
    on_rules, on_wire = (int(given) for given in [*sys.argv[1:], "500", "50"][:2])
    print(f"{'':<31} {'steps':>8} {'moves':>7} {'seconds':>8} {'steps/s':>10} {'steps/CPU s':>12}")
    measure("rules", CoreExecutor(), on_rules)
    with Lab.open() as lab, open_target("reference", lab) as target, WireExecutor(lab, target) as executor:
        measure("wire", executor, on_wire)


if __name__ == "__main__":
    main()
