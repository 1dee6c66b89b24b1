"""``havip check FILE``: judge a recorded history again."""

import argparse
import sys
from pathlib import Path

from pytest_havip.history import ORDINARY, ForeignHistory, Integrity, Outcome, Report, UnknownChecker, judge_file, worst
from pytest_havip.reports.table import table

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print the judgements; return 0 if all that could be judged passed, 1 if not, 2 if it is no history."""
    path = Path(arguments.history)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            report = judge_file(file, arguments.checker or ORDINARY, name=str(path))
    except (OSError, ForeignHistory, UnknownChecker) as error:
        print(f"havip check: {error}", file=sys.stderr)
        return 2
    _show(report)
    return 0 if worst(report.judgements) is Outcome.PASS else 1


def _show(report: Report) -> None:
    header = report.header
    of = ", ".join(f"{label} {value}" for label, value in (("profile", header.profile), ("seed", header.seed)) if value)
    print(f"{header.network}, recorded by {header.tool}{of and f'; {of}'}; {report.records} records")
    if report.integrity is not Integrity.WHOLE:
        print(f"the history is {report.integrity.value}: {report.problem}")
    print()
    rows = [
        [
            each.checker,
            each.outcome if each.judged or each.reason else "nothing to judge",
            str(each.judged),
            each.reason,
        ]
        for each in report.judgements
    ]
    print("\n".join(table(["checker", "outcome", "judged", "reason"], rows, right=frozenset({2}))))
    for each in report.judgements:
        if each.witness:
            print(f"\n{each.checker}\n{each.witness}")
