"""The takeovers of a run as one page of HTML that needs nothing else: plots as SVG, and a table of all figures."""

from collections.abc import Iterator, Sequence
from html import escape
from math import log10

from pytest_havip.reports.distributions import MEASURES, Group, Measure
from pytest_havip.reports.takeover import Takeover

__all__ = ["page"]

_WIDTH, _LABELS, _MARGIN, _ROW, _AXIS = 1000, 330, 20, 24, 34
_RADIUS = 4
_HUES = 6
#: Milliseconds at the axis's beginning: no takeover is faster, and a logarithm needs one.
_LEAST = 1.0
#: Milliseconds that even the shortest axis reaches.
_SHORTEST = 10.0
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
.dot { stroke-width: 1.5; fill-opacity: .55; } .hollow { fill: none; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; }
th, td { border-bottom: 1px solid var(--grid); padding: .3rem .6rem; text-align: left; white-space: nowrap; }
td.figure { text-align: right; font-variant-numeric: tabular-nums; }
"""


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
    yield f"<h2>{escape(measure.title.capitalize())}</h2><p>{escape(measure.text)}</p>"
    yield f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(measure.title)} by client and cause">'
    end = max(_SHORTEST, *(value for group in shown for value in group.values(measure)))
    for value, text in _TICKS:
        if value > end:
            break
        x = _place(value, end)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - _AXIS + 6}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{text}</text>'
    for number, group in enumerate(shown):
        yield from _row(measure, group, hues[group.client], _ROW * number + _ROW / 2, end)
    yield "</svg>"


def _row(measure: Measure, group: Group, hue: int, y: float, end: float) -> Iterator[str]:
    label = f"{group.client}: {group.cause}"
    yield f'<text x="{_LABELS - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
    found = group.distribution(measure)
    assert found is not None
    left, middle, right = (_place(value, end) for value in (found.minimum, found.median, found.p95))
    yield (
        f'<rect class="band h{hue}" x="{left - _RADIUS:.1f}" y="{y - 8:.1f}" '
        f'width="{right - left + 2 * _RADIUS:.1f}" height="16" rx="3"/>'
        f'<line class="median h{hue}" x1="{middle:.1f}" x2="{middle:.1f}" y1="{y - 9:.1f}" y2="{y + 9:.1f}"/>'
    )
    for taken in group.takeovers:
        value = getattr(taken, measure.name)
        if value is None:
            continue
        kind = "hollow " if _is_at_least(taken, measure) else ""
        words = escape(f"{label}, repetition {taken.repetition}: {value:.1f} ms, {taken.outcome}")
        yield (
            f'<circle class="dot h{hue} {kind}" cx="{_place(value, end):.1f}" cy="{y:.1f}" r="{_RADIUS}">'
            f"<title>{words}</title></circle>"
        )


def _is_at_least(taken: Takeover, measure: Measure) -> bool:
    """Whether a figure is but a lower bound."""
    return (measure.name == "outage_ms" and not taken.outage_ended) or (
        measure.name == "connection_ms" and taken.connection == "stalled"
    )


def _place(value: float, end: float) -> float:
    """Where a number of milliseconds stands on an axis that ends with another one."""
    return _LABELS + (_WIDTH - _LABELS - _MARGIN) * log10(max(value, _LEAST) / _LEAST) / log10(end / _LEAST)


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
