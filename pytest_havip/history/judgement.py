"""What a checker says of a history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from pytest_havip.history.records import Record

__all__ = ["Checker", "Finding", "Judgement", "Outcome", "summed_up", "worst"]

#: Findings that are told; more of them seldom tell more.
_TOLD: Final = 3


class Outcome(StrEnum):
    """The three answers, from the best to the worst."""

    PASS = "pass"  # noqa: S105 - no password
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One checker's answer.

    Args:
        checker: Its name.
        outcome: The answer.
        judged: How many readings, changes or requests it rests on; with none, a pass says nothing.
        reason: Why, in one line; empty for a pass.
        witness: What shows it, in as few lines as possible; empty where there is nothing to show.
    """

    checker: str
    outcome: Outcome
    judged: int
    reason: str = ""
    witness: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a checker found: in one line, what it means for the whole, and what shows it."""

    reason: str
    outcome: Outcome = Outcome.FAIL
    witness: str = ""


class Checker(Protocol):
    """Takes a history's records in any order, and judges them at the end."""

    name: str
    asks: str

    def take(self, record: Record) -> None:
        """Note what matters of a record."""

    def judge(self) -> Judgement:
        """Say what is to be said of all that was taken."""


def summed_up(checker: str, judged: int, findings: Sequence[Finding]) -> Judgement:
    """Put a checker's findings together: the worst of them is the answer, the first of those are told.

    Args:
        checker: The checker's name.
        judged: See `Judgement`.
        findings: What was found; nothing is a pass.
    """
    outcome = _worst(finding.outcome for finding in findings)
    told = [finding for finding in findings if finding.outcome is outcome]
    more = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
    witness = "\n\n".join(finding.witness for finding in told[:_TOLD] if finding.witness)
    return Judgement(checker, outcome, judged, "; ".join([each.reason for each in told[:_TOLD]] + more), witness)


def worst(judgements: Iterable[Judgement]) -> Outcome:
    """Return the worst outcome of those that rest on anything; inconclusive where none does."""
    founded = [each.outcome for each in judgements if each.judged or each.outcome is not Outcome.PASS]
    return _worst(founded) if founded else Outcome.INCONCLUSIVE


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    return max(outcomes, key=tuple(Outcome).index, default=Outcome.PASS)
