"""Checkers of several looks at one HAVIP: no two owners at a time, and all views agree when things are quiet."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_havip.history.judgement import Finding, Judgement, Outcome, summed_up
from pytest_havip.history.records import Reading, Record, View
from pytest_havip.history.timeline import Lifetime, Timeline, milliseconds

__all__ = ["AgreementChecker", "OneOwnerChecker"]


class OneOwnerChecker:
    """One packet reaches one machine, and one question has one answer.

    A question that two machines answer while the HAVIP may be moving proves nothing: the old owner may have answered
    just before the move, the new one just after it.
    """

    name = "one-owner"
    asks = "no packet reaches two machines, no question has two answers"

    def __init__(self, settle: float | None = None) -> None:
        self._timeline = Timeline(settle)

    def take(self, record: Record) -> None:
        """Note what matters of a record."""
        self._timeline.take(record)

    def judge(self) -> Judgement:
        """Judge reading by reading."""
        judged, findings = 0, []
        for lifetime in self._timeline.lifetimes.values():
            judged += len(lifetime.readings)
            several = [reading for reading in lifetime.readings if len(reading.owners) > 1]
            epochs = _Epochs(self._timeline, lifetime) if several else None
            for reading in several:
                answered = reading.view is View.WHO_HAS
                moving = answered and epochs is not None and epochs.of(reading) is None
                findings.append(
                    Finding(
                        f"{lifetime.havip}: one {'question was answered by' if answered else 'packet reached'} "
                        f"{_names(reading, self._timeline)}{', maybe during a move' if moving else ''}",
                        Outcome.INCONCLUSIVE if moving else Outcome.FAIL,
                        _line(reading, self._timeline),
                    )
                )
        return summed_up(self.name, judged, findings)


class AgreementChecker:
    """While nothing is under way, all views name the same owner.

    Quiet is a time in which every announcement has been handled (a `Handled` record, or the network's own settle time,
    says so), and nothing is being announced, plugged or released.
    """

    name = "agreement"
    asks = "control plane, data path, answers and neighbours name one owner when things are quiet"

    def __init__(self, settle: float | None = None) -> None:
        self._timeline = Timeline(settle)

    def take(self, record: Record) -> None:
        """Note what matters of a record."""
        self._timeline.take(record)

    def judge(self) -> Judgement:
        """Judge one quiet time after the other."""
        judged, findings = 0, list[Finding]()
        for lifetime in self._timeline.lifetimes.values():
            epochs = _Epochs(self._timeline, lifetime)
            together: dict[int, list[Reading]] = defaultdict(list)
            for reading in lifetime.readings:
                epoch = epochs.of(reading)
                if epoch is not None:
                    together[epoch].append(reading)
            for readings in together.values():
                if len({reading.view for reading in readings}) > 1:
                    judged += len(readings)
                    findings += self._compare(lifetime, readings)
        return summed_up(self.name, judged, findings)

    def _compare(self, lifetime: Lifetime, readings: Sequence[Reading]) -> Iterator[Finding]:
        """Show one reading of each view and owner, if there is more than one owner."""
        seen = {(reading.view, frozenset(reading.owners)): reading for reading in readings}
        if len({owners for _, owners in seen}) > 1:
            shown = sorted(seen.values(), key=lambda reading: reading.begun)
            said = ", ".join(f"{each.view.value}: {_names(each, self._timeline)}" for each in shown)
            witness = "\n".join(_line(each, self._timeline) for each in shown)
            yield Finding(f"{lifetime.havip}: when all was quiet, {said}", witness=witness)


class _Epochs:
    """The quiet times of a HAVIP, by number."""

    def __init__(self, timeline: Timeline, lifetime: Lifetime) -> None:
        self._spans = list(timeline.quiet(lifetime))
        self._begun = [span[0] for span in self._spans]

    def of(self, reading: Reading) -> int | None:
        """The quiet time in which a reading lies wholly."""
        place = bisect_right(self._begun, reading.begun) - 1
        return place if place >= 0 and reading.ended <= self._spans[place][1] else None


_SEVERAL: Final = " and "


def _names(reading: Reading, timeline: Timeline) -> str:
    return _SEVERAL.join(timeline.name(nic) for nic in reading.owners) or timeline.name("")


def _line(reading: Reading, timeline: Timeline) -> str:
    span = f"{milliseconds(reading.begun)} to {milliseconds(reading.ended)} ms"
    by = f" by {reading.by}" if reading.by else ""
    return f"  {span}  {reading.havip} {reading.view.value}{by}: {_names(reading, timeline)}"
