"""What a user of TCP saw: connections, who answered on them, and how they ended."""

from dataclasses import dataclass, field
from itertools import pairwise

from pytest_havip.observe.probe_record import NANOSECONDS, Answer

__all__ = ["Connection", "ConnectionReader", "ConnectionRecord", "Fate"]

#: Nanoseconds without an answer after which a connection is called stalled at the end of the record.
_SILENCE = NANOSECONDS
#: Ends that the user made.
_OWN = frozenset({"done", "given-up"})


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an established connection.

    Args:
        kind: ``kept``, ``reset``, ``closed``, or ``stalled`` for neither until the record's end.
        seconds: From the fault until then; of a kept one, the longest pause between two answers.
    """

    kind: str
    seconds: float


@dataclass(slots=True)
class Connection:
    """A connection: when it was begun, its answers, when and why it ended (CLOCK_REALTIME, ns; 0 while it lasts)."""

    number: int
    opened: int
    answers: list[Answer] = field(default_factory=list)
    ended: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """All connections of a user, in the order of their beginnings, as they stood at a time (CLOCK_REALTIME, ns)."""

    connections: tuple[Connection, ...]
    at: int

    def fate(self, fault: int, until: int | None = None) -> Fate | None:
        """Return what became of the connection that was established when a fault was made; `None` if there was none.

        Args:
            fault: When it was made, CLOCK_REALTIME in ns.
            until: What happened later does not count; by default all does.
        """
        end = self.at if until is None else min(until, self.at)
        established = [each for each in self.connections if _lasted(each, fault)]
        if not established:
            return None
        connection = established[-1]
        if connection.ended and connection.ended <= end:
            kind = "closed" if connection.why == "closed" else "reset"
            return Fate(kind, (connection.ended - fault) / NANOSECONDS)
        answered = [answer.received for answer in connection.answers if answer.received <= end]
        if end - answered[-1] > _SILENCE:
            return Fate("stalled", (end - fault) / NANOSECONDS)
        since = max(received for received in answered if received <= fault)
        pauses = [
            later - earlier for earlier, later in pairwise(received for received in answered if received >= since)
        ]
        return Fate("kept", max(pauses, default=0) / NANOSECONDS)

    def first_served(self, owner: str, fault: int, until: int | None = None) -> float | None:
        """Return seconds from a fault (ns) to the first answer by `owner` on a connection begun after it, or None."""
        answers = (
            answer.received
            for connection in self.connections
            if connection.opened >= fault
            for answer in connection.answers[:1]
            if answer.owner == owner and (until is None or answer.received <= until)
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
            case ["a", number, time, owner] if int(number) in self._connections:
                self._connections[int(number)].answers.append(Answer(owner, int(time)))
            case ["e", number, time, why] if int(number) in self._connections:
                connection = self._connections[int(number)]
                connection.ended, connection.why = int(time), why
            case _:
                raise ValueError(f"the user of TCP wrote {line!r}, which is none of its lines")
