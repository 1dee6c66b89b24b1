"""Judging a story's history by the checkers, after the model has judged each step of it."""

from collections.abc import Iterable

from pytest_havip.fuzz.blame import Disagreement
from pytest_havip.history import CHECKERS, Header, Outcome, Record, judge

__all__ = ["judged_by_checkers"]

#: The requirement that each checker's failure speaks against.
_BLAMED = {
    "register": "HAVIP-ORDER-001",
    "agreement": "HAVIP-API-002",
    "one-owner": "HAVIP-PATH-002",
    "changes": "HAVIP-API-003",
    "stamps": "HAVIP-BIND-004",
    "scope": "HAVIP-SCOPE-001",
}


def judged_by_checkers(header: Header, records: Iterable[Record]) -> tuple[Disagreement, str] | None:
    """What the first checker that a history fails has against the network, and what shows it; `None` if it passes.

    Args:
        header: What the history is of.
        records: All that happened.
    """
    for judgement in judge(header, records, tuple(_BLAMED)):
        if judgement.outcome is Outcome.FAIL:
            asked = CHECKERS[judgement.checker](header.settle).asks
            return Disagreement(_BLAMED[judgement.checker], asked, judgement.reason), judgement.witness
    return None
