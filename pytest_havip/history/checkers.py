"""All checkers by name, and judging a history by them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TextIO

from pytest_havip.history.changes import ChangesChecker
from pytest_havip.history.codec import Header
from pytest_havip.history.invariants import QuotaChecker, ScopeChecker, StampChecker
from pytest_havip.history.judgement import Checker, Judgement, Outcome
from pytest_havip.history.reader import HistoryReader, Integrity
from pytest_havip.history.records import Record
from pytest_havip.history.registers import RegisterChecker, all_views, each_view
from pytest_havip.history.views import AgreementChecker, OneOwnerChecker

__all__ = ["CHECKERS", "ORDINARY", "Report", "UnknownChecker", "judge", "judge_file"]


class UnknownChecker(ValueError):
    """No checker has the name that was asked for; the text lists those that there are."""


#: What makes each checker, for a network that declares this settle time (seconds) or none.
CHECKERS: Final[Mapping[str, Callable[[float | None], Checker]]] = MappingProxyType(
    {
        "register": lambda settle: RegisterChecker(
            "register", "every reading fits one order of the announcements, view by view", each_view, settle=settle
        ),
        "agreement": AgreementChecker,
        "one-owner": OneOwnerChecker,
        "changes": ChangesChecker,
        "stamps": StampChecker,
        "quota": lambda _: QuotaChecker(),
        "scope": lambda _: ScopeChecker(),
        "one-register": lambda settle: RegisterChecker(
            "one-register",
            "every reading fits one order of the announcements, all views together",
            all_views,
            settle=settle,
        ),
    }
)
#: Those that every correct network passes. The others ask for more than was promised: that no view lags behind another.
ORDINARY: Final = tuple(name for name in CHECKERS if name != "one-register")


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about a stored history.

    Args:
        header: What it is of.
        integrity: What of it can be relied on.
        problem: Why not all of it, or empty.
        records: How many records were judged.
        judgements: The checkers' answers, as far as the history's state allows them.
    """

    header: Header
    integrity: Integrity
    problem: str
    records: int
    judgements: tuple[Judgement, ...]


def judge(header: Header, records: Iterable[Record], names: Sequence[str] = ORDINARY) -> list[Judgement]:
    """Judge records, in one pass over them.

    Args:
        header: What they are of.
        records: All that happened, in any order.
        names: The checkers.

    Raises:
        UnknownChecker: There is none of that name.
    """
    checkers = _checkers(header, names)
    takes = [checker.take for checker in checkers]
    for record in records:
        for take in takes:
            take(record)
    return [checker.judge() for checker in checkers]


def judge_file(file: TextIO, names: Sequence[str] = ORDINARY, *, name: str = "the history") -> Report:
    """Judge a stored history, as far as it goes.

    Of one that is cut off, a failure stands; a pass does not, for what is missing might have broken it. Of one that was
    altered nothing stands.

    Args:
        file: The open file.
        names: The checkers.
        name: How errors call it.

    Raises:
        ForeignHistory: It is no history.
        UnknownChecker: There is no checker of that name.
    """
    reader = HistoryReader(file, name)
    judgements = judge(reader.header, reader, names)
    relied = tuple(_as_far_as(reader.integrity, judgement) for judgement in judgements)
    return Report(reader.header, reader.integrity, reader.problem, reader.given, relied)


def _checkers(header: Header, names: Sequence[str]) -> list[Checker]:
    unknown = [name for name in names if name not in CHECKERS]
    if unknown:
        raise UnknownChecker(f"there is no checker {', '.join(unknown)}; choose from {', '.join(CHECKERS)}")
    return [CHECKERS[name](header.settle) for name in names]


def _as_far_as(integrity: Integrity, judgement: Judgement) -> Judgement:
    if integrity is Integrity.ALTERED:
        return replace(judgement, outcome=Outcome.INCONCLUSIVE, reason=f"the history was altered ({judgement.outcome})")
    if integrity is Integrity.CUT_OFF and judgement.outcome is Outcome.PASS and judgement.judged:
        return replace(
            judgement, outcome=Outcome.INCONCLUSIVE, reason="holds as far as the history goes: it is cut off"
        )
    return judgement
