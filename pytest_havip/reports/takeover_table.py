"""What a run prints at its end of takeovers: a row for each client and cause."""

from collections import Counter
from collections.abc import Iterable

from pytest_havip.reports.distributions import MEASURES, Group, Measure, grouped
from pytest_havip.reports.table import table
from pytest_havip.reports.takeover import Takeover

__all__ = ["takeover_lines"]

_NOTHING = "-"
_LEGEND = "of several repetitions: least / median / 95th percentile / most"


def takeover_lines(takeovers: Iterable[Takeover]) -> list[str]:
    """Return the table of takeovers, none when nothing was measured; what no takeover measured has no column."""
    groups = grouped(takeovers)
    if not groups:
        return []
    measures = [measure for measure in MEASURES if any(group.values(measure) for group in groups)]
    header = ["client", "cause", "outcome", *(f"{each.title} {each.unit}".strip() for each in measures)]
    rows = [
        [group.client, group.cause, _counted(group.outcomes), *(_cell(group, each) for each in measures), _note(group)]
        for group in groups
    ]
    lines = table([*header, "note"], rows, right=frozenset(range(3, 3 + len(measures))))
    return [*lines, _LEGEND] if any(len(group.takeovers) > 1 for group in groups) else lines


def _counted(words: Counter[str]) -> str:
    """The words, each with its number if there are several."""
    if len(words) == 1:
        return next(iter(words))
    return ", ".join(f"{number} {word}" for word, number in words.most_common())


def _cell(group: Group, measure: Measure) -> str:
    text = str(group.distribution(measure) or _NOTHING)
    if measure.name == "connection_ms" and group.connections:
        return f"{_counted(group.connections)} {text}"
    return text


def _note(group: Group) -> str:
    notes: dict[str, list[int]] = {}
    for each in group.takeovers:
        if each.note:
            notes.setdefault(each.note, []).append(each.repetition)
    if len(group.takeovers) == 1 or all(len(found) == len(group.takeovers) for found in notes.values()):
        return "; ".join(notes)
    return "; ".join(f"repetition {', '.join(map(str, found))}: {note}" for note, found in notes.items())
