"""Checkers of who was read as the owner: every reading must fit one order of the announcements."""

from collections.abc import Callable, Iterator, Sequence

from pytest_havip.history.judgement import Finding, Judgement, Outcome, summed_up
from pytest_havip.history.order import TooMany
from pytest_havip.history.records import Reading, Record, View
from pytest_havip.history.register import MOST, NOBODY, Read, explain_readings
from pytest_havip.history.timeline import Timeline
from pytest_havip.history.witness import Register, smallest

__all__ = ["RegisterChecker", "all_views", "each_view"]

#: Names of what readings are put together to one register, and the readings.
Split = Callable[[Sequence[Reading]], Iterator[tuple[str, list[Reading]]]]


def each_view(readings: Sequence[Reading]) -> Iterator[tuple[str, list[Reading]]]:
    """Each view by itself: one may lag behind another."""
    for view in View:
        found = [reading for reading in readings if reading.view is view]
        if found:
            yield view.value, found


def all_views(readings: Sequence[Reading]) -> Iterator[tuple[str, list[Reading]]]:
    """All views together: whoever has seen a new owner in one finds the old one in no other."""
    if readings:
        yield "all views", list(readings)


class RegisterChecker:
    """Every reading fits one order of the announcements, for each HAVIP and each register made of its views.

    Args:
        name: The checker's name.
        asks: What it asks, in one line.
        split: How readings are put together to registers.
        settle: See `Timeline`.
        most: How many orders of overlapping announcements are tried at one time.
    """

    def __init__(self, name: str, asks: str, split: Split, *, settle: float | None = None, most: int = MOST) -> None:
        self.name = name
        self.asks = asks
        self._split = split
        self._timeline = Timeline(settle)
        self._most = most

    def take(self, record: Record) -> None:
        """Note what matters of a record."""
        self._timeline.take(record)

    def judge(self) -> Judgement:
        """Judge register by register."""
        judged, findings = 0, []
        for register in self._registers():
            judged += len(register.reads)
            try:
                answer = explain_readings(register.writes, register.reads, register.first, most=self._most)
            except TooMany as bound:
                findings.append(Finding(f"{register.title}: too many overlapping: {bound}", Outcome.INCONCLUSIVE))
                continue
            if answer.broken is not None:
                found = smallest(register, answer.broken, self._timeline.name)
                findings.append(Finding(f"{register.title}: {found.reason}", Outcome.FAIL, found.text))
        return summed_up(self.name, judged, findings)

    def _registers(self) -> Iterator[Register]:
        for lifetime in self._timeline.lifetimes.values():
            writes, first = self._timeline.writes(lifetime), self._timeline.first_owners(lifetime)
            # A reading of several owners is another checker's: it is no reading of a register.
            single = [reading for reading in lifetime.readings if len(reading.owners) <= 1]
            for view, readings in self._split(single):
                reads = [Read(each.begun, each.ended, each.owners[0] if each.owners else NOBODY) for each in readings]
                yield Register(f"{lifetime.havip} in {view}", writes, reads, first, self._most)
