"""What can be said of a requirement after a run, and how single answers add up.

The verdicts form a ladder, and a sum only climbs it: a requirement's verdict is the worst of its tests', an area's the
worst of its requirements'.
"""

from collections.abc import Iterable
from enum import StrEnum

import pytest

from pytest_havip.requirements.model import Level

__all__ = [
    "UNMET_ATTRIBUTE",
    "VERDICT_ATTRIBUTE",
    "Inconclusive",
    "Verdict",
    "for_level",
    "of_error",
    "of_skip",
    "worst",
]

#: A skip whose reason starts so says that the network lacks an optional ability; any other skip is the user's wish.
_UNSUPPORTED = "unsupported:"

#: An exception class may carry this attribute (a verdict's word) to say what it means in a test.
VERDICT_ATTRIBUTE = "havip_verdict"

#: An exception class with this attribute (`True`) says that an expectation was not met, as a broken assertion does.
UNMET_ATTRIBUTE = "havip_unmet"


class Verdict(StrEnum):
    """What is known of a requirement, from nothing to the worst."""

    NOT_RUN = "not-run"
    DISABLED = "disabled"
    UNSUPPORTED = "unsupported"
    PASS = "pass"  # noqa: S105 - no password
    NON_STRICT = "non-strict"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ENGINE_ERROR = "engine-error"

    @property
    def rank(self) -> int:
        """The verdict's place on the ladder."""
        return _LADDER.index(self)

    @property
    def reddens(self) -> bool:
        """Whether a run with this verdict must not end in success."""
        return self.rank >= Verdict.INCONCLUSIVE.rank


_LADDER = tuple(Verdict)


class Inconclusive(Exception):
    """A test could not find out: its positive control failed, so silence proves nothing.

    Args:
        message: Which control failed, what was seen, and the likely cause.
    """

    havip_verdict = Verdict.INCONCLUSIVE


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the highest verdict on the ladder, `Verdict.NOT_RUN` for none."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.NOT_RUN)


def of_error(error: BaseException, when: str) -> Verdict:
    """Return what an exception says in a phase of a test (``setup``, ``call``, ``teardown``).

    A broken expectation is the network's failure in the test itself; before the test it only means that the scene was
    not set. Anything else, a deadline of the lab's too, is a fault of the suite or the lab.
    """
    declared = getattr(type(error), VERDICT_ATTRIBUTE, None)
    if declared is not None:
        return Verdict(declared)
    unmet = isinstance(error, AssertionError | pytest.fail.Exception) or getattr(type(error), UNMET_ATTRIBUTE, False)
    if unmet and when == "call":
        return Verdict.FAIL
    if unmet and when == "setup":
        return Verdict.INCONCLUSIVE
    return Verdict.ENGINE_ERROR


def of_skip(reason: str) -> Verdict:
    """Return what a skipped test says, by the reason it gave."""
    return Verdict.UNSUPPORTED if reason.startswith(_UNSUPPORTED) else Verdict.DISABLED


def for_level(verdict: Verdict, level: Level) -> Verdict:
    """Return a test's verdict as it counts for a requirement of that level: a missed SHOULD or MAY is *non-strict*."""
    if verdict is Verdict.FAIL and level is not Level.MUST:
        return Verdict.NON_STRICT
    return verdict
