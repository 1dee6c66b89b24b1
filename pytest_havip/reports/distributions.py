"""Takeovers of the same client after the same fault, and how what was measured of them is distributed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Self

from pytest_havip.reports.takeover import Takeover

__all__ = ["MEASURES", "Distribution", "Group", "Measure", "grouped"]

_HIGH = 0.95


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is measured of every takeover.

    Args:
        name: The attribute of `Takeover` that holds it.
        title: What readers call it.
        unit: ``ms``, or empty for a number of things.
        text: What it says, in a sentence.
    """

    name: str
    title: str
    unit: str
    text: str


#: All of them, in the order in which tables and plots show them.
MEASURES = (
    Measure(
        "outage_ms",
        "outage",
        "ms",
        "The longest time for which a user who sent a datagram, and tried again and again, had no answer.",
    ),
    Measure("lost_probes", "probes lost", "", "Datagrams of that time which nobody ever answered."),
    Measure("first_answer_ms", "new owner answers", "ms", "From the fault to the new owner's first answer."),
    Measure(
        "dual_answer_ms",
        "both answer",
        "ms",
        "From the new owner's first answer to the old owner's last one: both served. 0 where one ended first.",
    ),
    Measure("announcements", "heard", "", "Announcements of the new owner that a third host heard in half a second."),
    Measure("announcements_sent", "announced", "", "Announcements the new owner had sent when users were served."),
    Measure("announcements_needed", "needed", "", "How many of these it took, at most, until the network followed."),
    Measure(
        "connection_ms",
        "TCP connection lost",
        "ms",
        "From the fault until an established TCP connection with a request under way was reset or closed. Hollow: it "
        "was stalled, for at least so long. If it was kept: its longest wait for an answer.",
    ),
    Measure(
        "new_connection_ms",
        "new TCP connection",
        "ms",
        "From the fault until a user who makes a new TCP connection every 200 ms is served by the new owner.",
    ),
)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Some figures and how they lie; the 95th percentile is the smallest one that 95 % of them do not exceed."""

    count: int
    minimum: float
    median: float
    p95: float
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Describe at least one value."""
        ranked = sorted(values)
        return cls(len(ranked), ranked[0], median(ranked), ranked[ceil(_HIGH * len(ranked)) - 1], ranked[-1])

    def __str__(self) -> str:
        """The four figures, or the only one."""
        if self.minimum == self.maximum:
            return f"{self.median:.1f}".removesuffix(".0")
        return " / ".join(f"{each:.0f}" for each in (self.minimum, self.median, self.p95, self.maximum))


@dataclass(frozen=True, slots=True)
class Group:
    """The takeovers of one client after one fault, of all repetitions."""

    client: str
    cause: str
    takeovers: tuple[Takeover, ...]

    @property
    def outcomes(self) -> Counter[str]:
        """How they ended, and how often."""
        return Counter(each.outcome for each in self.takeovers)

    @property
    def connections(self) -> Counter[str]:
        """What became of an established TCP connection, and how often; nothing where that was not measured."""
        return Counter(each.connection for each in self.takeovers if each.connection)

    def values(self, measure: Measure) -> list[float]:
        """What was measured, in the order of the repetitions."""
        found = (getattr(each, measure.name) for each in self.takeovers)
        return [value for value in found if value is not None]

    def distribution(self, measure: Measure) -> Distribution | None:
        """How that lies, `None` where nothing was measured."""
        values = self.values(measure)
        return Distribution.of(values) if values else None


def grouped(takeovers: Iterable[Takeover]) -> tuple[Group, ...]:
    """Put takeovers of the same client and cause together, in the order in which clients and causes first came."""
    clients: dict[str, dict[str, list[Takeover]]] = {}
    for each in takeovers:
        clients.setdefault(each.client, {}).setdefault(each.cause, []).append(each)
    return tuple(
        Group(client, cause, tuple(sorted(found, key=lambda each: each.repetition)))
        for client, causes in clients.items()
        for cause, found in causes.items()
    )
