"""What a run has found so far, gathered from pytest's reports, wherever the tests ran."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pytest

from pytest_havip.reports.takeover import Takeover
from pytest_havip.reports.verdict import Verdict, for_level, worst
from pytest_havip.requirements import Requirement

__all__ = ["Result", "RunLog"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one test found.

    Args:
        test: pytest's name of the test.
        requirement_ids: What it proves.
        verdict: What came out.
        reason: Why, in a line; empty when it passed.
        takeovers: The takeovers it measured.
    """

    test: str
    requirement_ids: tuple[str, ...]
    verdict: Verdict
    reason: str
    takeovers: tuple[Takeover, ...]


class RunLog:
    """The results of a run."""

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Take note of a report; only the last one of a conformance test tells its verdict."""
        properties = [(str(name), value) for name, value in report.user_properties]
        verdicts = [value for name, value in properties if name == "havip_verdict"]
        if verdicts:
            self._results[report.nodeid] = Result(
                test=report.nodeid,
                requirement_ids=tuple(str(value) for name, value in properties if name == "havip_requirement"),
                verdict=Verdict(str(verdicts[-1])),
                reason=next((str(value) for name, value in properties if name == "havip_reason"), ""),
                takeovers=Takeover.from_properties(properties),
            )

    @property
    def results(self) -> tuple[Result, ...]:
        """All results, in the order in which the tests ended."""
        return tuple(self._results.values())

    @property
    def takeovers(self) -> tuple[Takeover, ...]:
        """All takeovers that were measured, in the same order."""
        return tuple(takeover for result in self._results.values() for takeover in result.takeovers)

    def of(self, requirement: Requirement) -> tuple[Result, ...]:
        """The results of the tests that prove a requirement."""
        return tuple(result for result in self._results.values() if requirement.id in result.requirement_ids)

    def verdicts(self, requirements: Iterable[Requirement]) -> Mapping[Requirement, Verdict]:
        """What is now known of each requirement."""
        return {
            requirement: worst(for_level(result.verdict, requirement.level) for result in self.of(requirement))
            for requirement in requirements
        }
