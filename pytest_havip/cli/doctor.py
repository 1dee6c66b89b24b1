"""``havip doctor``: every check of this machine, and how to mend what is missing."""

import argparse

from pytest_havip.preflight import machine_checks
from pytest_havip.reports.machine import describe
from pytest_havip.reports.table import table

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print all checks; return 1 if something needed is missing, else 0."""
    del arguments
    found = machine_checks()
    print(describe())
    print()
    print(
        "\n".join(
            table(["check", "status", "what was found"], [[each.name, each.status, each.detail] for each in found])
        )
    )
    to_mend = [each for each in found if each.status != "ok" and each.remedy]
    if to_mend:
        print("\nto mend")
        for each in to_mend:
            print(f"  {each.name}: {each.remedy}")
    failed = sum(each.status == "fail" for each in found)
    print(
        f"\n{failed} of {len(found)} checks failed"
        if failed
        else f"\nall {len(found)} checks passed: this machine can run `pytest --havip`"
    )
    return 1 if failed else 0
