"""What happened to bindings, in order, for whoever asks later."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Self

from pytest_havip.network.core import Moved

__all__ = ["KEPT", "Event", "EventLog"]

#: The oldest of more are forgotten.
KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Event:
    """A binding changed, or announcements were lost.

    Attributes:
        vpc_id: where.
        havip_id: whose binding; "" for a loss.
        address: the HAVIP's; "" for a loss.
        old_nic_id: the former owner, "" if it was unbound; for a loss the announcer, "" if unknown.
        new_nic_id: the new owner, "" if it is unbound now; for a loss as before.
        cause: of a change, as the core names it. Of a loss: `OVERFLOW`, they came faster than they were read, and the
            kernel dropped some before the service saw them; `NOT_RESENT`, one was accepted, but the subnet's bridge
            did not take it.
        at: epoch seconds.
    """

    vpc_id: str
    havip_id: str
    address: str
    old_nic_id: str
    new_nic_id: str
    cause: str
    at: float

    @classmethod
    def of_move(cls, moved: Moved) -> Self:
        """Make the event that tells of a change of a binding."""
        havip = moved.havip
        old, new = moved.old_nic_id or "", moved.new_nic_id or ""
        return cls(havip.vpc_id, havip.id, str(havip.address), old, new, moved.cause.value, moved.at)

    @classmethod
    def of_loss(cls, vpc_id: str, nic_id: str, cause: str, at: float) -> Self:
        """Make the event that tells of lost announcements."""
        return cls(vpc_id, "", "", nic_id, nic_id, cause, at)


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
