"""Turning pytest's reports of a test into a verdict, on the side where the test runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_havip.reports.exhibits import exhibits_of
from pytest_havip.reports.failure import Failure, failure_of
from pytest_havip.reports.verdict import Verdict, of_error, of_skip, worst
from pytest_havip.requirements import Level, requirements_of

__all__ = ["PHASE_VERDICT", "judge", "judge_crash"]

#: The attribute by which one phase's report tells its verdict; it crosses process borders with the report.
PHASE_VERDICT = "havip_phase_verdict"

_SO_FAR = pytest.StashKey[Verdict]()


def judge(
    item: pytest.Item,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    replay: Callable[[pytest.Item, str], str],
    root: Path | None,
) -> None:
    """Give a report of a conformance test its verdict and, where it fails, its explanation.

    Reports of tests that name no requirement are left alone. A missed SHOULD is turned into an outcome of its own,
    *non-strict*, which leaves the run green.

    Args:
        item: The test.
        call: What happened in this phase of it.
        report: pytest's report of the phase, changed in place.
        replay: Makes the command that runs a test of a requirement again.
        root: The folder for what failing tests leave behind, `None` for nothing.
    """
    requirements = requirements_of(item)
    if not requirements:
        return
    expected = report.outcome == "skipped" and hasattr(report, "wasxfail")
    verdict = _of_expected_failure(call) if expected else _phase(call, report)
    if verdict is Verdict.FAIL and all(requirement.level is not Level.MUST for requirement in requirements):
        verdict = Verdict.NON_STRICT
    item.stash[_SO_FAR] = worst((item.stash.get(_SO_FAR, Verdict.NOT_RUN), verdict))
    if not expected:  # pytest has a word of its own for that
        setattr(report, PHASE_VERDICT, verdict.value)
    if verdict.rank > Verdict.PASS.rank:
        if call.excinfo is None:
            reason = str(report.longrepr)
        else:
            command = replay(item, requirements[0].id)
            failure = failure_of(requirements, verdict, call.excinfo, item, exhibits_of(item, root), command)
            _explain(report, failure)
            reason = f"as its xfail mark expects: {failure.reason}" if expected else failure.reason
        _note(item, report, "havip_reason", reason)
        if verdict is Verdict.NON_STRICT and report.outcome == "failed":
            report.outcome = "skipped"
            report.wasxfail = f"non-strict: {reason}"
    if report.when == "teardown":
        _note(item, report, "havip_verdict", item.stash[_SO_FAR].value)


def judge_crash(report: pytest.TestReport, requirement_ids: Sequence[str]) -> None:
    """Give the report of a test whose process died its verdict: the suite or the lab broke.

    Args:
        report: The report made in that process's stead, changed in place.
        requirement_ids: The requirements that the test proves.
    """
    if requirement_ids:
        setattr(report, PHASE_VERDICT, Verdict.ENGINE_ERROR.value)
        report.user_properties += [("havip_requirement", identifier) for identifier in requirement_ids]
        report.user_properties += [
            ("havip_verdict", Verdict.ENGINE_ERROR.value),
            ("havip_reason", str(report.longrepr)),
        ]


def _of_expected_failure(call: pytest.CallInfo[None]) -> Verdict:
    """Return the verdict of a test that fails and is marked so: missed, but tolerated. Before the test nothing ran."""
    return Verdict.NON_STRICT if call.when == "call" else Verdict.DISABLED


def _phase(call: pytest.CallInfo[None], report: pytest.TestReport) -> Verdict:
    if call.excinfo is None and report.outcome == "failed":
        # A strict xfail mark, and the test passed: the mark is out of date, and that is no failure of the network.
        return Verdict.ENGINE_ERROR
    if call.excinfo is None:
        return Verdict.PASS if call.when == "call" else Verdict.NOT_RUN
    error = call.excinfo.value
    if isinstance(error, pytest.skip.Exception):
        return of_skip(str(error.msg))
    return of_error(error, call.when)


def _explain(report: pytest.TestReport, failure: Failure) -> None:
    longrepr: Any = report.longrepr
    if hasattr(longrepr, "addsection"):
        longrepr.addsection(failure.title, failure.text(), "-")
    else:
        report.sections.append((failure.title, failure.text()))


def _note(item: pytest.Item, report: pytest.TestReport, name: str, value: str) -> None:
    # The item's properties reach every later report of the test, and with the last one the JUnit file.
    item.user_properties.append((name, value))
    report.user_properties.append((name, value))
