"""``havip explain ID``: one requirement in full."""

import argparse
import sys

from pytest_havip.requirements import UnknownRequirement, catalogue
from pytest_havip.requirements.coverage import proofs, suites_folder

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print the requirement; return 2 if there is none of that id, else 0."""
    try:
        requirement = catalogue()[arguments.id.upper()]
    except UnknownRequirement as error:
        print(f"havip explain: {error}", file=sys.stderr)
        return 2
    tests = proofs(suites_folder()).get(requirement.id, ())
    fields = (
        ("requirement", requirement.text),
        ("seed", requirement.seed),
        ("source", requirement.source),
        ("networks", requirement.profile),
        ("needs", requirement.feature),
        ("since", requirement.since),
        ("proved by", "\n".join(tests) or "no test yet"),
        ("run it", f"pytest --havip -k {requirement.id}" if tests else ""),
    )
    print(f"{requirement.id}  {requirement.level}")
    for label, text in fields:
        for number, line in enumerate(text.splitlines()):
            print(f"  {label if number == 0 else '':<13}{line}")
    return 0
