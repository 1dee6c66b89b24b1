"""The text that explains a failed conformance test."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_havip.reports.exhibits import Exhibits
from pytest_havip.reports.verdict import Verdict
from pytest_havip.requirements.model import Requirement

__all__ = ["Failure", "failure_of"]

_LABEL = 13
#: How pytest explains where an assertion's values come from; the traceback shows that anyway.
_ASIDE = re.compile(r"\s*(\+ +(where|and) |Use -v )")
_MOST_LINES = 12
_MOST_FRAMES = 80


@dataclass(frozen=True, slots=True)
class Failure:
    """Everything a failure says.

    Args:
        requirements: What was to be proved.
        verdict: What came out.
        expected: What the test asked for, as the test says it.
        actual: What was there instead, the third host's words last.
        ladders: Frames in the order of time.
        files: Where there is more evidence, or why there is not.
        replay: The command that runs this test again.
    """

    requirements: tuple[Requirement, ...]
    verdict: Verdict
    expected: str
    actual: str
    ladders: tuple[str, ...]
    files: tuple[str, ...]
    replay: str

    @property
    def title(self) -> str:
        """Ids, levels and verdict, for the line above the text."""
        return f"{', '.join(f'{each.id} ({each.level})' for each in self.requirements)}: {self.verdict}"

    @property
    def reason(self) -> str:
        """What was there instead, in one short line."""
        return textwrap.shorten(self.actual, 300, placeholder=" …")

    def text(self) -> str:
        """Return the whole explanation."""
        lines: list[str] = []
        for requirement in self.requirements:
            lines += _field("requirement", f"{requirement.id} {requirement.level}: {requirement.text}")
            lines += _field("", f"「{requirement.seed}」" if requirement.seed else "")
            lines += _field("", f"source: {requirement.source}")
        lines += _field("expected", self.expected)
        lines += _field("actual", self.actual)
        places = [*self.files]
        if self.ladders:
            places.append("the frames below")
        lines += _field("evidence", "\n".join(places) or "the traceback above")
        lines += _field("replay", self.replay)
        for ladder in self.ladders:
            lines += ["", "frames, oldest first", *_newest(ladder.splitlines())]
        return "\n".join(lines)


def failure_of(
    requirements: Sequence[Requirement],
    verdict: Verdict,
    error: pytest.ExceptionInfo[BaseException],
    item: pytest.Item,
    exhibits: Exhibits,
    replay: str,
) -> Failure:
    """Put together what a failed test says.

    Args:
        requirements: The requirements that the test proves.
        verdict: What came out.
        error: What the test raised.
        item: The test.
        exhibits: What was made of the evidence attached to it.
        replay: The command that runs it again.
    """
    said = [line for line in _message(error.value).splitlines() if line.strip() and not _ASIDE.match(line)]
    shown = [*said[:_MOST_LINES], *(["…"] if len(said) > _MOST_LINES else [])]
    return Failure(
        requirements=tuple(requirements),
        verdict=verdict,
        expected=_expectation(error, item),
        actual="\n".join([*shown, *exhibits.observations]),
        ladders=exhibits.ladders,
        files=exhibits.files,
        replay=replay,
    )


def _expectation(error: pytest.ExceptionInfo[BaseException], item: pytest.Item) -> str:
    """Return the statement of the test that did not hold: suites are written so that it reads as a sentence."""
    for entry in reversed(error.traceback):
        if Path(entry.path) == item.path:
            statement = textwrap.dedent(str(entry.statement)).strip()
            return statement.removeprefix("assert ")
    return "the test's fixtures set the scene"


def _message(error: BaseException) -> str:
    """Return what an exception says; that an assertion is an AssertionError is no news."""
    text = str(error)
    if isinstance(error, AssertionError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _newest(frames: list[str]) -> list[str]:
    left_off = len(frames) - _MOST_FRAMES
    return frames if left_off <= 0 else [f"({left_off} earlier frames left off)", *frames[left_off:]]


def _field(label: str, text: str) -> list[str]:
    lines = text.splitlines()
    return [f"{label if number == 0 else '':<{_LABEL}}{line}" for number, line in enumerate(lines)]
