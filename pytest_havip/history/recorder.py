"""Recording a history while it happens."""

from collections import Counter, deque
from hashlib import sha256
from typing import TextIO

from pytest_havip.history.codec import Footer, Header, encode
from pytest_havip.history.records import Mark, Record

__all__ = ["Recorder"]


class Recorder:
    """Takes records from any thread, and writes them when its owner says so.

    Taking one is a single append, which is safe from all threads and costs no lock and no writing.

    Args:
        header: What the history is of; it is written at once.
        sink: A text file that leaves line ends alone (``newline=""``); it stays its owner's.
    """

    def __init__(self, header: Header, sink: TextIO) -> None:
        self.header = header
        self._sink = sink
        self._waiting: deque[Record] = deque()
        self._counts: Counter[str] = Counter()
        self._digest = sha256()
        self._closed = False
        self._write(encode(header))
        #: Add a record; safe from all threads.
        self.add = self._waiting.append

    def flush(self) -> None:
        """Write all that was added so far. For the owner's thread alone."""
        lines = []
        for _ in range(len(self._waiting)):
            record = self._waiting.popleft()
            self._counts[type(record).__name__.lower()] += 1
            lines.append(encode(record))
        self._write("".join(lines))

    def mark(self, now: int) -> None:
        """Say that nothing is under way: all that began before `now` has been added. Then write.

        A history that is cut off later can still be judged up to here. For the owner's thread, between two steps.
        """
        self.add(Mark(now, now))
        self.flush()

    def close(self, *, complete: bool = True, reason: str = "") -> None:
        """Write what is left and the footer; nothing may be added any more. A second time it does nothing.

        Args:
            complete: Whether all that happened has been added; what was under way and was not makes it incomplete.
            reason: Why it is not.
        """
        if self._closed:
            return
        self._closed = True
        self.flush()
        self._sink.write(encode(Footer(dict(self._counts), self._digest.hexdigest(), complete, reason)))
        self._sink.flush()

    def _write(self, text: str) -> None:
        self._digest.update(text.encode())
        self._sink.write(text)
        self._sink.flush()
