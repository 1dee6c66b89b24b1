"""What happened to bindings, in order, for whoever asks later."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from pytest_havip.network.core import Moved

__all__ = ["KEPT", "Event", "EventLog", "Loss"]

#: The oldest of more are forgotten.
KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Loss:
    """Announcements were lost.

    Attributes:
        vpc_id: where.
        nic_id: whose, "" if unknown.
        cause: `OVERFLOW`: they came faster than they were read, and the kernel dropped some before the service saw
            them; `NOT_RESENT`: one was accepted, but the subnet's bridge did not take it.
        at: epoch seconds.
    """

    vpc_id: str
    nic_id: str
    cause: str
    at: float


Event: TypeAlias = Moved | Loss


class EventLog:
    """The latest events, numbered 1, 2, 3 … without gaps.

    Args:
        events: those of an earlier process, oldest first.
        last: the number of the latest of them, 0 if there is none.

    Attributes:
        last: the number of the latest event.
    """

    __slots__ = ("_events", "last")

    def __init__(self, events: Iterable[Event] = (), last: int = 0) -> None:
        self._events: deque[Event] = deque(events, maxlen=KEPT)
        self.last = last

    def extend(self, events: Sequence[Event]) -> None:
        """Write events down, in the order in which they happened."""
        self._events.extend(events)
        self.last += len(events)

    def after(self, sequence: int) -> Iterator[tuple[int, Event]]:
        """Yield the events with a higher sequence number, and theirs, oldest first."""
        first = self.last - len(self._events) + 1
        skipped = max(0, sequence + 1 - first)
        yield from enumerate(islice(self._events, skipped, None), first + skipped)
