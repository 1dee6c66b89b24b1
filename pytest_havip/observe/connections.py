"""A user of TCP on a third host: one connection that it keeps, and new ones again and again."""

import os
import sys
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from time import monotonic, time_ns
from types import TracebackType
from typing import Self

from pytest_havip.lab import Host, Process
from pytest_havip.observe import connection_agent
from pytest_havip.observe.connection_record import ConnectionReader, ConnectionRecord
from pytest_havip.observe.probe import ProbesFailed, Responders, is_raised
from pytest_havip.observe.probe_record import NANOSECONDS

__all__ = ["Connections"]

#: Seconds between two new connections, and between an answer and the next request; many scenes play at the same time.
_INTERVAL = 0.2
#: Seconds between two looks at whether the program still lives.
_LOOK = 0.05
_START_TIMEOUT, _STOP_TIMEOUT = 2.0, 10.0
#: Numbers of the descriptors inside the program.
_RECORD, _READY, _STOP = 3, 4, 5


class Connections:
    """TCP connections from one host to an address, made by a process of its own there.

    The host's ordinary kernel is the user's: its timers decide when lost segments are sent again.
    """

    def __init__(self, host: Host, responders: Responders) -> None:
        """Prepare them; none is made before `begin`.

        Args:
            host: The user's host.
            responders: The service behind the address.
        """
        self._host = host
        self._responders = responders
        self._owned = ExitStack()
        self._process: Process | None = None
        self._record = self._stop = -1
        self._reader = ConnectionReader()
        self._read = 0
        self._left = ConnectionRecord((), 0)

    @property
    def address(self) -> IPv4Address:
        """Where they lead."""
        return self._responders.address

    def begin(self) -> None:
        """Start, and wait until one connection is established; without one, in vain for a moment.

        Raises:
            ProbesFailed: The program ended at once; with its output.
        """
        self._record = os.memfd_create("havip-connections", os.MFD_CLOEXEC)
        self._owned.callback(os.close, self._record)
        ready, self._stop = (os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) for _ in range(2))
        self._owned.callback(os.close, ready)
        self._owned.callback(os.close, self._stop)
        interval = round(_INTERVAL * NANOSECONDS)
        arguments = (self.address, self._responders.port, interval, _RECORD, _READY, _STOP)
        command = [sys.executable, "-I", "-S", str(Path(connection_agent.__file__)), *map(str, arguments)]
        descriptors = {_RECORD: self._record, _READY: ready, _STOP: self._stop}
        self._process = self._host.spawn(command, fds=descriptors)
        self._owned.callback(self._process.kill)
        deadline = monotonic() + _START_TIMEOUT
        while not is_raised(ready, _LOOK) and self._process.alive and monotonic() < deadline:
            pass
        if not self._process.alive:
            raise ProbesFailed(f"the user of TCP ended at once: {self._process.log()}")

    def record(self) -> ConnectionRecord:
        """Return what has happened so far, or before the end; nothing before `begin`."""
        if self._process is None:
            return self._left
        at = time_ns()
        text = os.pread(self._record, os.fstat(self._record).st_size - self._read, self._read)
        self._read += len(text)
        self._reader.feed(text)
        return self._reader.record(at)

    def stop(self) -> ConnectionRecord:
        """End them, and return what has happened.

        Raises:
            ProbesFailed: The program had ended on its own.
        """
        if self._process is not None:
            os.eventfd_write(self._stop, 1)
            code = self._process.wait(_STOP_TIMEOUT)
            if code != 0:
                raise ProbesFailed(f"the user of TCP ended with {code}: {self._process.log()}")
            self.close()
        return self._left

    def close(self) -> None:
        """End them at once; the record stays readable."""
        if self._process is not None:
            self._process.kill()
            self._left = self.record()
            self._process = None
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
