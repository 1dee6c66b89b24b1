"""``havip list``: the requirements, a line each."""

import argparse
import sys

from pytest_havip.reports.table import table
from pytest_havip.requirements import Level, catalogue
from pytest_havip.requirements.registry import AREAS

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print the requirements; return 2 if the area or the level does not exist, else 0."""
    area, level = (word and word.upper() for word in (arguments.area, arguments.level))
    for word, known in ((area, AREAS), (level, tuple(Level))):
        if word and word not in known:
            print(f"havip list: there is no {word!r}; choose from {', '.join(known)}", file=sys.stderr)
            return 2
    rows = [
        [requirement.id, requirement.level, requirement.text]
        for requirement in catalogue().values()
        if area in {None, requirement.area} and level in {None, requirement.level}
    ]
    print("\n".join(table(["id", "level", "requirement"], rows)))
    return 0
