"""A history taken apart by HAVIP: what may have changed its owner, and who was seen as its owner."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeAlias

from pytest_havip.history.order import Write
from pytest_havip.history.records import (
    Announcement,
    Created,
    Effect,
    Handled,
    Plugged,
    Reading,
    Record,
    Released,
    Unplugged,
)

__all__ = ["Lifetime", "Timeline", "milliseconds"]

_NANOSECONDS = 1_000_000_000
_Span: TypeAlias = tuple[int, int]
_FOR_EVER = 1 << 63


@dataclass(slots=True)
class Lifetime:
    """What happened to one HAVIP, each kind in the order of its records."""

    havip: str
    created: Created | None = None
    released: Released | None = None
    announcements: list[Announcement] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)


class Timeline:
    """Takes records in any order and keeps those that owners depend on.

    Args:
        settle: Seconds after which an announcement has surely been handled, if the network declares that.
    """

    def __init__(self, settle: float | None = None) -> None:
        self.lifetimes: dict[str, Lifetime] = {}
        self.plugged: dict[str, Plugged] = {}
        self.unplugged: dict[str, list[_Span]] = defaultdict(list)
        self._handled: dict[str, list[_Span]] = defaultdict(list)
        self._settle = None if settle is None else round(settle * _NANOSECONDS)
        self._proofs: dict[str, tuple[list[int], list[int]]] = {}

    def take(self, record: Record) -> None:
        """Note what matters of a record."""
        match record:
            case Announcement():
                if record.effect is not Effect.NONE:
                    self._lifetime(record.havip).announcements.append(record)
            case Reading():
                self._lifetime(record.havip).readings.append(record)
            case Handled():
                self._handled[record.nic].append((record.begun, record.ended))
            case Created(refused=""):
                self._lifetime(record.havip).created = record
            case Released(refused=""):
                self._lifetime(record.havip).released = record
            case Plugged():
                self.plugged[record.nic] = record
            case Unplugged():
                self.unplugged[record.nic].append((record.begun, record.ended))
            case _:
                pass

    def writes(self, lifetime: Lifetime) -> list[Write]:
        """The announcements that may have changed a HAVIP's owner."""
        return [
            self._write(lifetime, announcement)
            for announcement in lifetime.announcements
            if lifetime.released is None or announcement.begun <= lifetime.released.ended
        ]

    def first_owners(self, lifetime: Lifetime) -> list[Write]:
        """Who may have owned a HAVIP when its history begins: nobody if that shows its creation, else anyone."""
        nics = {""}
        if lifetime.created is None:
            nics |= {nic for reading in lifetime.readings for nic in reading.owners}
        return [Write(0, 0, nic, dies=self._death(lifetime, nic, 0)) for nic in sorted(nics)]

    def quiet(self, lifetime: Lifetime) -> Iterator[_Span]:
        """The times in which nothing is under way that may change the owner, oldest first (nanoseconds)."""
        spans: list[tuple[int, int | None]] = [(write.begun, write.due) for write in self.writes(lifetime)]
        for span in (lifetime.created, lifetime.released):
            spans += [] if span is None else [(span.begun, span.ended)]
        spans += [span for each in self.unplugged.values() for span in each]
        calm = 0
        for begun, settled in sorted(spans, key=lambda span: span[0]):
            if begun > calm:
                yield calm, begun - 1
            if settled is None:
                return
            calm = max(calm, settled)
        yield calm, _FOR_EVER

    def name(self, nic: str) -> str:
        """How people know a NIC: by its machine's name."""
        return self.plugged[nic].name if nic in self.plugged else nic or "nobody"

    def _lifetime(self, havip: str) -> Lifetime:
        return self.lifetimes.setdefault(havip, Lifetime(havip))

    def _write(self, lifetime: Lifetime, announcement: Announcement) -> Write:
        begun, ended, nic = announcement.begun, announcement.ended, announcement.nic
        due, certain = self._due(nic, ended), announcement.effect is Effect.CERTAIN
        dies = self._death(lifetime, nic, begun)
        if dies is not None and (due is None or due > dies[0]):
            # Its sender, or the HAVIP, was taken away while it may have been on its way.
            certain, due = False, dies[1] if due is None else min(due, dies[1])
        return Write(begun, ended, nic, certain, due, dies)

    def _death(self, lifetime: Lifetime, nic: str, begun: int) -> _Span | None:
        """The first time after this at which the NIC was detached or the HAVIP released."""
        spans = [span for span in self.unplugged.get(nic, ()) if span[1] >= begun]
        if lifetime.released is not None:
            spans.append((lifetime.released.begun, lifetime.released.ended))
        return min(spans, default=None)

    def _due(self, nic: str, ended: int) -> int | None:
        """When all that a NIC had sent by then was known to be handled."""
        found = [] if self._settle is None else [ended + self._settle]
        for whose in (nic, ""):
            begun, until = self._proofs_of(whose)
            place = bisect_left(begun, ended)
            if place < len(begun):
                found.append(until[place])
        return min(found, default=None)

    def _proofs_of(self, nic: str) -> tuple[list[int], list[int]]:
        """The proofs for a NIC: what each of them is about, and the earliest end of it and of all later ones."""
        if nic not in self._proofs or len(self._proofs[nic][0]) != len(self._handled.get(nic, ())):
            spans = sorted(self._handled.get(nic, ()))
            until = list(accumulate((ended for _, ended in reversed(spans)), min))[::-1]
            self._proofs[nic] = ([begun for begun, _ in spans], until)
        return self._proofs[nic]


def milliseconds(time: int) -> str:
    """Write a time of the lab's clock for people: milliseconds within its minute."""
    return f"{time % (60 * _NANOSECONDS) / 1e6:.3f}"
