"""A program that runs in the lab."""

import os
import select
import signal
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pytest_havip.lab.control import Control
from pytest_havip.lab.errors import LabError

__all__ = ["Completed", "Process"]

_GONE_SECONDS = 10.0
_AGAIN_SECONDS = 0.05
_LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended, and what it wrote."""

    returncode: int
    """Exit status; minus the signal's number when a signal ended it."""
    stdout: str
    stderr: str


class Process:
    """A program in the lab and its whole tree: children, and daemons that left by fork and setsid.

    Attributes:
        pid: process id as programs in the lab see it.
        name: the program's name.
    """

    def __init__(self, control: Control, name: str, ids: tuple[int, int], status: int, outputs: list[int]) -> None:
        self._control = control
        self.name = name
        self._supervisor, self.pid = ids
        self._status = status
        self._outputs = outputs
        self._texts: list[bytes] = []
        self._returncode: int | None = None
        self._gone = False
        self._turn = threading.Lock()

    def __repr__(self) -> str:
        return f"<Process {self.name} {self.pid}>"

    @property
    def alive(self) -> bool:
        """Whether the program itself still runs (a daemon that it left behind doesn't count; see `members`)."""
        self._look(0)
        return self._returncode is None

    @property
    def gone(self) -> bool:
        """Whether nothing of the tree is left."""
        self._look(0)
        return self._gone

    def members(self) -> list[int]:
        """List the process ids (inside) of the tree, the program first."""
        found: list[int] = [] if self.gone else self._control.request("tree", supervisor=self._supervisor)[0]["members"]
        return found

    def signal(self, number: int, *, tree: bool = False) -> None:
        """Send a signal to the program; to all that is left of its tree once it has ended (a daemon, say).

        Args:
            number: the signal.
            tree: send it to the whole tree in any case.

        Raises:
            LabError: nothing of it runs any more.
        """
        if self.gone or not self._send(number, tree=tree):
            raise LabError(f"{self.name} has ended already, with status {self._returncode}; {self._tail()}")

    def freeze(self) -> None:
        """Stop the whole tree where it stands, as a hanging machine would (SIGSTOP)."""
        self.signal(signal.SIGSTOP, tree=True)

    def thaw(self) -> None:
        """Let a frozen tree go on (SIGCONT)."""
        self.signal(signal.SIGCONT, tree=True)

    def kill(self) -> None:
        """End the whole tree with SIGKILL, and return when nothing of it is left. May be called again."""
        deadline = time.monotonic() + _GONE_SECONDS
        while not self.gone:
            self._send(signal.SIGKILL, tree=True)
            self._look(_AGAIN_SECONDS)  # a tree that forks and ends all the time is not always hit at once
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} (process {self.pid}) is still there after SIGKILL; {self._tail()}")

    def wait(self, timeout: float) -> int:
        """Wait until the program itself ends.

        Args:
            timeout: seconds.

        Returns:
            Its exit status; minus the signal's number when a signal ended it.

        Raises:
            TimeoutError: it still runs; the text shows the end of its log.
        """
        self._wait_for(lambda: self._returncode is not None, timeout, "to end")
        assert self._returncode is not None
        return self._returncode

    def log(self) -> str:
        """Return all that it has written to standard output and standard error so far."""
        return "".join(text.decode(errors="replace") for text in self._read())

    def close(self) -> None:
        """Give its descriptors back; status and log stay. The lab does this when it closes or the tree is gone."""
        with self._turn:
            self._finish()

    def _send(self, number: int, *, tree: bool) -> bool:
        answer, _ = self._control.request("signal", supervisor=self._supervisor, signal=int(number), tree=tree)
        return bool(answer["reached"])

    def _wait_for(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        deadline = time.monotonic() + timeout
        self._look(0)
        while not condition():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"waited {timeout:g} s for {self.name} (process {self.pid}) {what}; {self._tail()}")
            self._look(min(remaining, 0.5))  # another thread may take the news that we wait for

    def _look(self, timeout: float) -> None:
        """Take in what the supervisor has reported: a status, then the end of the tree."""
        if self._gone:
            return
        poll = select.poll()
        poll.register(self._status, select.POLLIN)
        while poll.poll(timeout * 1000):
            timeout = 0
            with self._turn:
                if self._gone:
                    return
                poll_again = select.poll()
                poll_again.register(self._status, select.POLLIN)
                if poll_again.poll(0):
                    report = os.read(self._status, 4)
                    if report:
                        self._returncode = struct.unpack("=i", report)[0]
                    else:
                        self._finish()
                        return

    def _finish(self) -> None:
        if not self._gone:
            self._gone = True
            if self._returncode is None:  # its supervisor was ended with the lab
                self._returncode = -signal.SIGKILL
            self._texts = self._read_outputs()
            for fd in (self._status, *self._outputs):
                os.close(fd)

    def _read(self) -> list[bytes]:
        with self._turn:
            return self._texts if self._gone else self._read_outputs()

    def _read_outputs(self) -> list[bytes]:
        return [os.pread(fd, os.fstat(fd).st_size, 0) for fd in self._outputs]

    def outputs(self) -> list[str]:
        """Return what it has written, one text for each output that was captured apart."""
        return [text.decode(errors="replace") for text in self._read()]

    def _tail(self) -> str:
        lines = self.log().splitlines()
        if not lines:
            return "it has written nothing"
        return "the end of its log:\n" + "\n".join(f"  {line}" for line in lines[-_LOG_LINES:])
