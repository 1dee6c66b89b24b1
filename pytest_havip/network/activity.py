"""What goes on in the network, for whoever follows it: changes of bindings, refreshes, frames turned away, losses."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Final, Self

from pytest_havip.network.core import Cause, Havip, Reason
from pytest_havip.network.dataplane.counters import Rejection, RejectionKey
from pytest_havip.network.events import Event

__all__ = ["KEPT", "Activity", "ActivityLog", "Kind"]

#: The oldest of more are forgotten. What must not be forgotten stands in the log of events too.
KEPT: Final = 10_000


class Kind(StrEnum):
    """What became of an announcement, or of frames that were none."""

    BOUND = "BOUND"
    MOVED = "MOVED"
    UNBOUND = "UNBOUND"
    REFRESHED = "REFRESHED"
    REJECTED = "REJECTED"
    UNDELIVERED = "UNDELIVERED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that went on.

    Attributes:
        kind: what.
        vpc_id: where; "" if the NIC is gone.
        address: of the HAVIP, or the one that frames named; "" if none.
        havip_id: of a binding; "" for frames that were turned away.
        nic_id: who did it; of an unbinding, and of a loss that is nobody's, "".
        old_nic_id: the owner until then, "" if there was none.
        reason: why: the cause of a change or of a loss, the reason of a rejection.
        frames: how many frames it stands for.
        at: epoch seconds; of frames that the guard turned away, when they were noticed.
    """

    kind: Kind
    vpc_id: str
    address: str
    havip_id: str
    nic_id: str
    old_nic_id: str
    reason: str
    frames: int
    at: float

    @classmethod
    def of_event(cls, event: Event) -> Self:
        """Tell an event."""
        if not event.havip_id:
            return cls(Kind.LOST, event.vpc_id, "", "", event.new_nic_id, "", event.cause, 1, event.at)
        kind = Kind.UNBOUND if not event.new_nic_id else Kind.MOVED if event.old_nic_id else Kind.BOUND
        new, old = event.new_nic_id, event.old_nic_id
        return cls(kind, event.vpc_id, event.address, event.havip_id, new, old, event.cause, 1, event.at)

    @classmethod
    def of_refresh(cls, havip: Havip) -> Self:
        """Tell that a HAVIP's owner announced it again."""
        assert havip.binding is not None
        assert havip.announced is not None
        owner, cause = havip.binding.nic_id, Cause.ANNOUNCED.value
        return cls(Kind.REFRESHED, havip.vpc_id, str(havip.address), havip.id, owner, owner, cause, 1, havip.announced)


class ActivityLog:
    """The latest activities, numbered, and a bell for those who wait for the next one.

    Numbers grow, with gaps: they are the microseconds of the activities' times, or the next number that is free. So
    what one process has told keeps its number in the next one, that goes on from the same store.

    Args:
        events: what an earlier process told, oldest first.

    Attributes:
        last: the number of the latest activity, 0 if there was none.
        closed: whether nobody is to wait any more.
    """

    __slots__ = ("_bell", "_counted", "_listener", "_log", "closed", "last")

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self._log: deque[tuple[int, Activity]] = deque(maxlen=KEPT)
        self._bell: asyncio.Future[None] | None = None
        self._counted: dict[RejectionKey, int] = {}
        self._listener: Callable[[int, Activity], None] | None = None
        self.last = 0
        self.closed = False
        self.extend(Activity.of_event(event) for event in events[-KEPT:])

    def listen(self, listener: Callable[[int, Activity], None]) -> None:
        """Have a function called with the number of every activity from now on, and with the activity."""
        self._listener = listener

    def extend(self, activities: Iterable[Activity]) -> None:
        """Write activities down, in the order in which they happened, and wake those who wait."""
        for activity in activities:
            self.last = max(self.last + 1, int(activity.at * 1e6))
            self._log.append((self.last, activity))
            if self._listener is not None:
                self._listener(self.last, activity)
        self.ring()

    def note_rejections(self, found: Iterable[Rejection], vpcs: Mapping[str, str], at: float) -> None:
        """Write down what was turned away since the last call.

        Args:
            found: the counters as they are now.
            vpcs: NIC id -> VPC id.
            at: epoch seconds.
        """
        before, self._counted = self._counted, {each.key: each.count for each in found}
        new = [(key, count - before.get(key, 0)) for key, count in self._counted.items() if count > before.get(key, 0)]
        if new:
            self.extend(_rejected(key, vpcs.get(key[0], ""), frames, at) for key, frames in new)

    def skip_rejections(self, found: Iterable[Rejection]) -> None:
        """Take what was turned away until now for told."""
        self._counted = {each.key: each.count for each in found}

    def after(self, sequence: int) -> list[tuple[int, Activity]]:
        """Return the activities with a higher number, and theirs, oldest first."""
        return list(takewhile(lambda numbered: numbered[0] > sequence, reversed(self._log)))[::-1]

    def ring(self) -> None:
        """Wake everybody who waits."""
        if self._bell is not None:
            self._bell.set_result(None)
            self._bell = None

    def close(self) -> None:
        """Wake everybody, for the last time."""
        self.closed = True
        self.ring()

    async def wait(self, seconds: float) -> None:
        """Wait for the next activity, or until the seconds are over."""
        if self._bell is None:
            self._bell = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._bell,), timeout=seconds)


def _rejected(key: RejectionKey, vpc_id: str, frames: int, at: float) -> Activity:
    nic_id, address, reason = key
    kind = Kind.REJECTED if Reason(reason).is_rejection else Kind.UNDELIVERED
    return Activity(kind, vpc_id, str(address), "", nic_id, "", reason, frames, at)
