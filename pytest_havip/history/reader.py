"""Reading a history back, as a stream, and what of it can be relied on."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256

from pytest_havip.history.codec import Footer, Header, MalformedLine, decode, decode_header
from pytest_havip.history.records import Mark, Record

__all__ = ["ForeignHistory", "HistoryReader", "Integrity"]


class ForeignHistory(ValueError):
    """A file is no history that this tool can read; the text says what it is instead, and what to do."""


class Integrity(Enum):
    """What of a history can be relied on."""

    WHOLE = "whole"
    CUT_OFF = "cut off"
    """What came last is missing: what is there can be found wrong, but not right."""
    ALTERED = "altered"
    """It is not what was recorded: nothing can be said."""


@dataclass
class HistoryReader:
    """Iterates over a history's records, once; `integrity` and `problem` are known when that has come to its end.

    Of a history that is cut off only what stands above its last mark is given: below it something may be missing that
    began earlier, and a reading without the announcement that it saw would look wrong.

    Args:
        lines: Its lines, as an open text file gives them.
        name: How errors call it.

    Raises:
        ForeignHistory: It begins with no header that this tool knows.
    """

    lines: Iterable[str]
    name: str = "the history"
    header: Header = field(init=False)
    integrity: Integrity = field(default=Integrity.CUT_OFF, init=False)
    problem: str = field(default="", init=False)
    given: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._lines = iter(self.lines)
        first = self._next()
        if first is None:
            raise ForeignHistory(f"{self.name} is no text, so it is no history; give a file that a run has recorded")
        if not first:
            raise ForeignHistory(f"{self.name} is empty: nothing was recorded, or another file was meant")
        self._digest = sha256(first.encode())
        try:
            self.header = decode_header(first)
        except MalformedLine as error:
            raise ForeignHistory(f"{self.name}: {error}") from error

    def __iter__(self) -> Iterator[Record]:
        counts: Counter[str] = Counter()
        waiting: list[Record] = []
        number = 1
        self.problem = "it has no footer: whoever recorded it was ended before"
        while line := self._next():
            number += 1
            try:
                record = decode(line)
            except MalformedLine as error:
                self.problem = f"line {number} is {error}"
                break
            if isinstance(record, Footer):
                self._close(record, counts)
                break
            self._digest.update(line.encode())
            counts[type(record).__name__.lower()] += 1
            waiting.append(record)
            if isinstance(record, Mark):
                yield from self._give(waiting)
        if line is None:
            self.problem = f"line {number + 1} is no text"
        if self.integrity is not Integrity.CUT_OFF:
            yield from self._give(waiting)
        elif waiting:
            self.problem += f"; {len(waiting)} records below the last mark are left out"

    def _next(self) -> str | None:
        """Return the next line, an empty text at the end, nothing where the bytes are no text."""
        try:
            return next(self._lines, "")
        except UnicodeDecodeError:
            return None

    def _give(self, waiting: list[Record]) -> Iterator[Record]:
        self.given += len(waiting)
        yield from waiting
        waiting.clear()

    def _close(self, footer: Footer, counts: Counter[str]) -> None:
        if footer.digest != self._digest.hexdigest() or footer.counts != dict(counts):
            self.integrity, self.problem = Integrity.ALTERED, "its lines are not those that its footer counts and sums"
        elif self._next() != "":
            self.integrity, self.problem = Integrity.ALTERED, "something follows its footer"
        elif footer.complete:
            self.integrity, self.problem = Integrity.WHOLE, ""
        else:
            self.problem = f"its recorder was stopped: {footer.reason or 'it does not say why'}"
