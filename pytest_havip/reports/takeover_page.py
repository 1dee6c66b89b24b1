"""The takeovers of a run as one page of HTML that needs nothing else: plots as SVG, and a table of all figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10
from typing import Self

from pytest_havip.reports.distributions import MEASURES, Group, Measure
from pytest_havip.reports.takeover import Takeover

__all__ = ["page"]

_WIDTH, _LABELS, _MARGIN, _ROW, _AXIS = 1000, 330, 24, 30, 34
#: Dots of a row stand beside each other, in so many steps.
_RADIUS, _STEP, _STEPS = 3, 3, 5
_HUES = 6
#: Milliseconds: no takeover is faster, and a logarithm knows no zero.
_LEAST = 1.0
_TICKS = ((1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1_000, "1 s"), (10_000, "10 s"), (100_000, "100 s"))

_LEGEND = (
    "A dot for each takeover; hollow where it lasted at least so long. The band reaches from the least to the 95th "
    "percentile, the bar is the median. The axis is logarithmic."
)
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1f24; --faint: #6b7280; --grid: #d9dde3; --paper: #ffffff;
  --c0: #1f6fb2; --c1: #b4520a; --c2: #2a7d3f; --c3: #8a3ea8; --c4: #a3262a; --c5: #4b5563; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #9aa3af; --grid: #363b43; --paper: #16181c;
  --c0: #6cb3ee; --c1: #f0a25e; --c2: #74c98a; --c3: #cf9be6; --c4: #f08a8d; --c5: #aab2bd; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 1100px; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } p { max-width: 60rem; } .faint { color: var(--faint); }
svg { width: 100%; height: auto; } svg text { font-size: 13px; fill: var(--ink); } svg .tick { fill: var(--faint); }
.grid { stroke: var(--grid); stroke-width: 1; } .band { opacity: .22; } .median { stroke-width: 3; }
.dot { stroke-width: 1.5; fill-opacity: .55; } .dot.hollow { fill: none; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; }
th, td { border-bottom: 1px solid var(--grid); padding: .3rem .6rem; text-align: left; white-space: nowrap; }
td.figure { text-align: right; font-variant-numeric: tabular-nums; }
"""


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis of milliseconds, from a power of ten to the largest figure."""

    begin: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        begin = 10.0 ** floor(log10(max(_LEAST, min((value for value in values if value), default=_LEAST))))
        return cls(begin, max(10 * begin, *values))

    def place(self, value: float) -> float:
        """Where a figure stands; what is less than the axis shows stands at its beginning."""
        part = log10(max(value, self.begin) / self.begin) / log10(self.end / self.begin)
        return _LABELS + (_WIDTH - _LABELS - _MARGIN) * part


def page(groups: Sequence[Group], subtitle: str) -> str:
    """Return the page.

    Args:
        groups: The takeovers, by client and cause.
        subtitle: Under which conditions they were measured.
    """
    hues = {client: number % _HUES for number, client in enumerate(dict.fromkeys(group.client for group in groups))}
    plotted = [each for each in MEASURES if each.unit and any(group.values(each) for group in groups)]
    colours = "".join(f".h{hue} {{ fill: var(--c{hue}); stroke: var(--c{hue}); }}\n" for hue in range(_HUES))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8"><title>Takeovers</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}{colours}</style></head><body>",
            f'<h1>Takeovers</h1><p class="faint">{escape(subtitle)}</p>',
            f'<p class="faint">{_LEGEND}</p>',
            *(part for measure in plotted for part in _section(measure, groups, hues)),
            *_table(groups),
            "</body></html>\n",
        ]
    )


def _section(measure: Measure, groups: Sequence[Group], hues: dict[str, int]) -> Iterator[str]:
    shown = [group for group in groups if group.values(measure)]
    height = _AXIS + _ROW * len(shown)
    axis = _Axis.of([value for group in shown for value in group.values(measure)])
    yield f"<h2>{escape(measure.title.capitalize())}</h2><p>{escape(measure.text)}</p>"
    yield f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(measure.title)} by client and cause">'
    for value, text in _TICKS:
        if axis.begin <= value <= axis.end:
            x = axis.place(value)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - _AXIS + 6}"/>'
            yield f'<text class="tick" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{text}</text>'
    for number, group in enumerate(shown):
        yield from _row(measure, group, hues[group.client], _ROW * number + _ROW / 2, axis)
    yield "</svg>"


def _row(measure: Measure, group: Group, hue: int, y: float, axis: _Axis) -> Iterator[str]:
    label = f"{group.client}: {group.cause}"
    yield f'<text x="{_LABELS - 18}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
    found = group.distribution(measure)
    assert found is not None
    left, middle, right = (axis.place(value) for value in (found.minimum, found.median, found.p95))
    yield (
        f'<rect class="band h{hue}" x="{left - _RADIUS:.1f}" y="{y - 11:.1f}" '
        f'width="{right - left + 2 * _RADIUS:.1f}" height="22" rx="3"/>'
        f'<line class="median h{hue}" x1="{middle:.1f}" x2="{middle:.1f}" y1="{y - 12:.1f}" y2="{y + 12:.1f}"/>'
    )
    for number, taken in enumerate(group.takeovers):
        value = getattr(taken, measure.name)
        if value is None:
            continue
        kind = "dot hollow" if _is_at_least(taken, measure) else "dot"
        words = escape(f"{label}, repetition {taken.repetition}: {value:.1f} ms, {taken.outcome}")
        # Equal figures are to be told apart.
        beside = y + _STEP * (number % _STEPS - _STEPS // 2)
        yield (
            f'<circle class="{kind} h{hue}" cx="{axis.place(value):.1f}" cy="{beside:.1f}" r="{_RADIUS}">'
            f"<title>{words}</title></circle>"
        )


def _is_at_least(taken: Takeover, measure: Measure) -> bool:
    """Whether a figure is but a lower bound."""
    return (measure.name == "outage_ms" and not taken.outage_ended) or (
        measure.name == "connection_ms" and taken.connection == "stalled"
    )


def _table(groups: Sequence[Group]) -> Iterator[str]:
    heads = ["client", "cause", "outcomes", "TCP connections"]
    heads += [f"{each.title} {each.unit}" for each in MEASURES]
    yield "<h2>All figures</h2>"
    yield '<p class="faint">Least / median / 95th percentile / most.</p><div class="scroll"><table><thead><tr>'
    yield "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr></thead><tbody>"
    for group in groups:
        words = [group.client, group.cause, *(_counts(counter) for counter in (group.outcomes, group.connections))]
        cells = [f"<td>{escape(word)}</td>" for word in words]
        cells += [f'<td class="figure">{group.distribution(measure) or ""}</td>' for measure in MEASURES]
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counted.items())
