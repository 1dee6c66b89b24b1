"""What happened to bindings, in order, for whoever asks later."""

from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["Event", "EventLog"]

_KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log.

    Attributes:
        sequence: 1, 2, 3 …, without gaps.
        cause: why it happened, as the core names it; `OVERFLOW` when announcements of a VPC were lost unread.
        at: epoch seconds.
    """

    sequence: int
    vpc_id: str
    havip_id: str
    address: str
    old_nic_id: str
    new_nic_id: str
    cause: str
    at: float


class EventLog:
    """A bounded list of events with sequence numbers."""

    __slots__ = ("_events", "_last")

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_KEPT)
        self._last = 0

    def append(
        self, *, vpc_id: str, havip_id: str, address: str, old_nic_id: str, new_nic_id: str, cause: str, at: float
    ) -> None:
        """Write the next event; arguments as in `Event`."""
        self._last += 1
        self._events.append(Event(self._last, vpc_id, havip_id, address, old_nic_id, new_nic_id, cause, at))

    def after(self, sequence: int) -> list[Event]:
        """Return the events with a higher sequence number, oldest first."""
        return [event for event in self._events if event.sequence > sequence]
