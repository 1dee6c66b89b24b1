"""What happened to bindings, in order, for whoever asks later."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from pytest_havip.network.core import Moved

__all__ = ["Event", "EventLog", "Loss"]

_KEPT: Final = 100_000


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
    """The latest events, numbered 1, 2, 3 … without gaps."""

    __slots__ = ("_events", "_last")

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_KEPT)
        self._last = 0

    def append_move(self, moved: Moved) -> None:
        """Write down that a HAVIP changed its owner."""
        self._last += 1
        self._events.append(moved)

    def append_loss(self, loss: Loss) -> None:
        """Write down that announcements were lost."""
        self._last += 1
        self._events.append(loss)

    def after(self, sequence: int) -> Iterator[tuple[int, Event]]:
        """Yield the events with a higher sequence number, and theirs, oldest first."""
        first = self._last - len(self._events) + 1
        skipped = max(0, sequence + 1 - first)
        yield from enumerate(islice(self._events, skipped, None), first + skipped)
