"""The figures of a run's takeovers as files: JSON for programs, a page with plots for people (docs/takeovers.md)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_havip import __version__
from pytest_havip.reports.distributions import MEASURES, Group, grouped
from pytest_havip.reports.takeover import Takeover
from pytest_havip.reports.takeover_page import page

__all__ = ["FORMAT", "VERSION", "Conditions", "document", "write_report"]

#: What the JSON file says of itself. The version rises when a reader of the older one would misread the new one.
FORMAT, VERSION = "pytest-havip takeovers", 1
_NAME = "takeovers"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which conditions a run was made.

    Args:
        target: The network under test.
        machine: User, kernel, programs and versions, in a line.
        repetitions: How many times each takeover was played.
    """

    target: str
    machine: str
    repetitions: int


def document(takeovers: Sequence[Takeover], conditions: Conditions) -> dict[str, Any]:
    """Return everything as plain data: each takeover, and the distributions by client and cause."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"pytest-havip {__version__}",
        **asdict(conditions),
        "measures": [asdict(measure) for measure in MEASURES],
        "takeovers": [asdict(takeover) for takeover in takeovers],
        "distributions": [_described(group) for group in grouped(takeovers)],
    }


def write_report(folder: Path, takeovers: Sequence[Takeover], conditions: Conditions) -> tuple[Path, Path]:
    """Write ``takeovers.json`` and ``takeovers.html``, in place of those of an earlier run, and return where they are.

    Raises:
        OSError: The folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, shown = folder / f"{_NAME}.json", folder / f"{_NAME}.html"
    text = json.dumps(document(takeovers, conditions), ensure_ascii=False, indent=2)
    data.write_text(f"{text}\n", encoding="utf-8")
    subtitle = f"target {conditions.target}, {conditions.repetitions} repetitions; {conditions.machine}"
    shown.write_text(page(grouped(takeovers), subtitle), encoding="utf-8")
    return data, shown


def _described(group: Group) -> dict[str, Any]:
    found = {measure.name: group.distribution(measure) for measure in MEASURES}
    return {
        "client": group.client,
        "cause": group.cause,
        "count": len(group.takeovers),
        "outcomes": dict(group.outcomes),
        "connections": dict(group.connections),
        "measures": {name: asdict(each) for name, each in found.items() if each is not None},
    }
