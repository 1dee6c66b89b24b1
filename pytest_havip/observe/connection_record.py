"""What a user of TCP saw: connections, who answered on them, and how they ended."""

from dataclasses import dataclass, field, replace
from typing import Self

from pytest_havip.observe.probe_record import NANOSECONDS, Answer

__all__ = ["Connection", "ConnectionReader", "ConnectionRecord", "Fate"]

#: Nanoseconds for which a request may be on its way when the record ends, before its connection is called stalled.
_ON_ITS_WAY = NANOSECONDS // 20
#: Ends that the user made.
_OWN = frozenset({"done", "given-up"})


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an established connection.

    Args:
        kind: ``kept``, ``reset``, ``closed``, or ``stalled`` for neither until the record's end.
        seconds: From the fault until then; of a kept one, the longest wait for an answer.
    """

    kind: str
    seconds: float


@dataclass(slots=True)
class Connection:
    """A connection: when it was begun, its requests and the answers to them, when and why it ended.

    Times are CLOCK_REALTIME in ns; the end is 0 while it lasts.
    """

    number: int
    opened: int
    asked: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    ended: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """All connections of a user, in the order of their beginnings, as they stood at a time (CLOCK_REALTIME, ns)."""

    connections: tuple[Connection, ...]
    at: int

    def until(self, at: int) -> Self:
        """Return it as it stood at an earlier time, in ns: what happened later does not count."""
        return replace(self, at=min(at, self.at))

    def fate(self, fault: int) -> Fate | None:
        """Return what became of the connection that was established when a fault (ns) was made; `None` without one."""
        end = self.at
        established = [each for each in self.connections if _lasted(each, fault)]
        if not established:
            return None
        connection = established[-1]
        if connection.ended and connection.ended <= end:
            kind = "closed" if connection.why == "closed" else "reset"
            return Fate(kind, (connection.ended - fault) / NANOSECONDS)
        asked = [time for time in connection.asked if time <= end]
        answered = [answer.received for answer in connection.answers if answer.received <= end]
        if len(asked) > len(answered) and end - asked[-1] > _ON_ITS_WAY:
            return Fate("stalled", (end - fault) / NANOSECONDS)
        waits = (answer - question for question, answer in zip(asked, answered, strict=False) if answer >= fault)
        return Fate("kept", max(waits, default=0) / NANOSECONDS)

    def first_served(self, owner: str, fault: int) -> float | None:
        """Return seconds from a fault (ns) to the first answer by `owner` on a connection begun after it, or None."""
        answers = (
            answer.received
            for connection in self.connections
            if connection.opened >= fault
            for answer in connection.answers[:1]
            if answer.owner == owner and answer.received <= self.at
        )
        first = min(answers, default=None)
        return None if first is None else (first - fault) / NANOSECONDS


def _lasted(connection: Connection, fault: int) -> bool:
    answered = bool(connection.answers) and connection.answers[0].received <= fault
    return answered and connection.why not in _OWN and not 0 < connection.ended < fault


class ConnectionReader:
    """Reads what `connection_agent` writes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._connections: dict[int, Connection] = {}
        self._rest = b""

    def feed(self, text: bytes) -> None:
        """Take in more text; a line that is not finished yet is kept for the next time.

        Raises:
            ValueError: A line is not one of those that it writes.
        """
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            self._take(line.decode())

    def record(self, at: int) -> ConnectionRecord:
        """Return what has been read, of a time in ns."""
        return ConnectionRecord(tuple(self._connections.values()), at)

    def _take(self, line: str) -> None:
        match line.split(" ", 3):
            case ["o", number, time]:
                self._connections[int(number)] = Connection(int(number), int(time))
            case ["q", number, time] if int(number) in self._connections:
                self._connections[int(number)].asked.append(int(time))
            case ["a", number, time, owner] if int(number) in self._connections:
                self._connections[int(number)].answers.append(Answer(owner, int(time)))
            case ["e", number, time, why] if int(number) in self._connections:
                connection = self._connections[int(number)]
                connection.ended, connection.why = int(time), why
            case _:
                raise ValueError(f"the user of TCP wrote {line!r}, which is none of its lines")
