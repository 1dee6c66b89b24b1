"""What users of a service met with: their attempts, how each ended and by which server, and when nobody was served."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, pairwise
from math import inf

from pytest_havip.observe import attempt_log

__all__ = ["Attempt", "AttemptReader", "AttemptRecord", "Outcome", "Silence"]

_NANOSECONDS = 1_000_000_000


class Outcome(StrEnum):
    """How an attempt ended, as far as its user knows."""

    DONE = attempt_log.DONE
    REFUSED = attempt_log.REFUSED
    UNKNOWN = attempt_log.UNKNOWN
    WRONG = attempt_log.WRONG


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a user; times are CLOCK_REALTIME in ns.

    Args:
        user: The user's number.
        number: The attempt's, among its user's.
        began: When it began.
        ended: When it ended; `None` for one that did not.
        outcome: How; an attempt that did not end has an unknown outcome.
        by: The server that did it; empty where none said so.
    """

    user: int
    number: int
    began: int
    ended: int | None = None
    outcome: Outcome = Outcome.UNKNOWN
    by: str = ""

    @property
    def identity(self) -> int:
        """One number for it, among all attempts of all users."""
        return attempt_log.identity(self.user, self.number)


@dataclass(frozen=True, slots=True)
class Silence:
    """The longest time without an attempt that was done.

    Args:
        start: When the last one before was done, in ns.
        end: When the next one was, or the end of what was looked at.
        ended: Whether there was a next one.
    """

    start: int
    end: int
    ended: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start) / _NANOSECONDS


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """All attempts of some users, in the order in which they began."""

    attempts: tuple[Attempt, ...]

    def having(self, outcome: Outcome, *, since: int = 0, until: int | None = None) -> Iterator[Attempt]:
        """The attempts with this outcome that ended in [since, until] ns; one without an end ends last of all."""
        for attempt in self.attempts:
            ended = inf if attempt.ended is None else attempt.ended
            if attempt.outcome is outcome and since <= ended <= (inf if until is None else until):
                yield attempt

    def by_users(self, wanted: Callable[[int], bool]) -> "AttemptRecord":
        """The attempts of some users alone, by their numbers."""
        return AttemptRecord(tuple(attempt for attempt in self.attempts if wanted(attempt.user)))

    @property
    def over(self) -> int:
        """When the last attempt began, in ns; 0 without any."""
        return max((each.began for each in self.attempts), default=0)

    def under_way(self, since: int, until: int) -> tuple[Attempt, ...]:
        """The attempts of which a part lies in [since, until] ns."""
        return tuple(
            each for each in self.attempts if each.began <= until and (each.ended is None or each.ended >= since)
        )

    def servers(self, since: int = 0, until: int | None = None) -> Counter[str]:
        """How many attempts each server has done, of those that ended in [since, until] ns."""
        return Counter(attempt.by for attempt in self.having(Outcome.DONE, since=since, until=until))

    def silence(self, since: int, until: int) -> Silence:
        """Return the longest time from one attempt that was done to the next one, around a fault.

        Args:
            since: When the fault was made, in ns; the search begins with the last attempt that was done before.
            until: Where the search ends.
        """
        done = sorted(each.ended for each in self.having(Outcome.DONE, until=until) if each.ended is not None)
        before = max((time for time in done if time <= since), default=since)
        times = [before, *(time for time in done if time > since)]
        longest = max(pairwise(chain(times, [until])), key=lambda pair: pair[1] - pair[0])
        return Silence(*longest, ended=longest[0] != times[-1])


class AttemptReader:
    """Reads a log as it grows; see `attempt_log`."""

    def __init__(self) -> None:
        self._attempts: dict[tuple[int, int], Attempt] = {}
        self._rest = b""
        self.done: list[Attempt] = []
        """Those that were done, in the order of their ends."""

    def feed(self, text: bytes) -> None:
        """Take in more of the log, cut anywhere."""
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            what, user, number, time, *rest = line.decode().split(" ")
            key = int(user), int(number)
            if what == "b":
                self._attempts[key] = Attempt(*key, int(time))
                continue
            outcome, by = rest
            ended = Attempt(*key, self._attempts[key].began, int(time), Outcome(outcome), by)
            self._attempts[key] = ended
            if ended.outcome is Outcome.DONE:
                self.done.append(ended)

    def record(self) -> AttemptRecord:
        """Return all attempts so far."""
        return AttemptRecord(tuple(self._attempts.values()))
