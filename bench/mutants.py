"""Runs the network suites against every mutant, and holds each to the requirements that it says it breaks.

Prints a line for each: what turned red, and what else did or did not. Exit status 1 if any differs.
Usage: python bench/mutants.py [NAME ...]
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from pytest_havip.mutants import MUTANTS
from pytest_havip.trial import RED, verdicts_of

#: Mutants at the same time, each in a few processes: when one has but its slowest tests left, the next has begun.
AT_ONCE = 2


def red(name: str) -> set[str]:
    """Requirements that turn red under a mutant."""
    return {identifier for identifier, seen in verdicts_of(f"mutant:{name}").items() if seen & RED}


def main() -> int:
    """Try the mutants named on the command line, or all."""
    names = sys.argv[1:] or list(MUTANTS)
    differs = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, seen in zip(names, pool.map(red, names), strict=True):
            declared = MUTANTS[name].breaks
            difference = [f"+{identifier}" for identifier in sorted(seen - declared)]
            difference += [f"-{identifier}" for identifier in sorted(declared - seen)]
            differs += bool(difference)
            judgement = f"DIFFERS: {' '.join(difference)}" if difference else "as declared"
            print(f"{name:32} {' '.join(sorted(seen)) or 'nothing'}  {judgement}")
            sys.stdout.flush()
    print(f"{len(names)} mutants, {differs} not as declared")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
