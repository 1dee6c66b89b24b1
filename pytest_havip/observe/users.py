"""Users of a service behind a floating address: they try all the time, on a third host, and keep a record."""

import os
import sys
import time
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_havip.lab import Host, Process
from pytest_havip.observe.attempts import Attempt, AttemptReader, AttemptRecord

__all__ = ["NotServed", "Users", "UsersFailed", "agent"]

_LOG, _STOP = 3, 4
_STOP_TIMEOUT = 10.0
_POLL = 0.05
_FOLDER = Path(__file__).parent
_PACKAGE = _FOLDER.parents[1]


class UsersFailed(RuntimeError):
    """The users' program ended on its own; the text holds what it said."""


class NotServed(AssertionError):
    """Users were not served as often as was waited for; the text says how often they were."""


def agent(program: str, *arguments: object) -> list[str]:
    """The command of a program beside this module: without site packages, so that it starts fast."""
    return [sys.executable, "-I", "-S", str(_FOLDER / program), str(_PACKAGE), *map(str, arguments)]


class Users:
    """Some users on one host, in a process of their own; the record is whole even if that is killed."""

    def __init__(self, process: Process, log: int, stop: int, owned: ExitStack) -> None:
        """Use `of_the_web` or `of_a_database`."""
        self._process = process
        self._log, self._stop = log, stop
        self._owned = owned
        self._reader = AttemptReader()
        self._read = 0
        self._ended = False

    @classmethod
    def of_the_web(
        cls, host: Host, address: IPv4Address, *, port: int = 80, new: int = 2, kept: int = 2, pause: float = 0.05
    ) -> Self:
        """Let users ask for pages of a `WebServer`, all the time.

        Args:
            host: Where they are.
            address: Whom they ask.
            port: By which TCP port.
            new: So many users connect for every request; they have the numbers from 0.
            kept: So many keep their connection; they have the numbers after.
            pause: Seconds from a user's answer to its next request.
        """
        return cls._start(host, agent("web_agent.py", "ask", address, port, new, kept, pause, _LOG, _STOP))

    @classmethod
    def of_a_database(
        cls, host: Host, address: IPv4Address, psql: str, *, port: int = 5432, users: int = 4, pause: float = 0.01
    ) -> Self:
        """Let users write rows into the table `writes`, all the time.

        Args:
            host: Where they are.
            address: Where they connect to.
            psql: The client's path.
            port: The TCP port.
            users: How many.
            pause: Seconds from a user's answer to its next write.
        """
        return cls._start(host, agent("write_agent.py", psql, address, port, users, pause, _LOG, _STOP))

    @classmethod
    def _start(cls, host: Host, command: list[str]) -> Self:
        with ExitStack() as stack:
            log = os.memfd_create("havip-users", os.MFD_CLOEXEC)
            stack.callback(os.close, log)
            stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            stack.callback(os.close, stop)
            process = host.spawn(command, fds={_LOG: log, _STOP: stop})
            stack.callback(process.kill)
            return cls(process, log, stop, stack.pop_all())

    def record(self) -> AttemptRecord:
        """Return what has been recorded so far; the users go on."""
        self._read_on()
        return self._reader.record()

    def wait_served(self, times: int, *, since: int, timeout: float, by: str = "") -> Attempt:
        """Wait until so many attempts that ended after a time in ns were done, and return the last of them.

        Args:
            times: How many.
            since: After when, CLOCK_REALTIME in ns.
            timeout: Seconds to wait for all of them.
            by: By this server; by any when empty.

        Raises:
            NotServed: They were not, in this time.
            UsersFailed: The users' program has ended.
        """
        deadline = time.monotonic() + timeout
        done: list[Attempt] = []
        looked = 0
        while True:
            self._read_on()
            new, looked = self._reader.done[looked:], len(self._reader.done)
            done += (each for each in new if (each.ended or 0) > since and by in {"", each.by})
            if len(done) >= times:
                return done[times - 1]
            if not self._process.alive:
                raise UsersFailed(f"the users have ended by themselves: {self._process.log()}")
            if time.monotonic() > deadline:
                server = f" by {by}" if by else ""
                raise NotServed(
                    f"users were served {len(done)} times{server}, and not {times} times, within {timeout:g} s; "
                    f"the last attempts: {self._reader.record().attempts[-4:]}"
                )
            time.sleep(_POLL)

    def stop(self) -> AttemptRecord:
        """Let the users end their last attempts, and return the whole record.

        Raises:
            UsersFailed: They had ended by themselves.
        """
        if not self._ended:
            try:
                os.eventfd_write(self._stop, 1)
                code = self._process.wait(_STOP_TIMEOUT)
                if code != 0:
                    raise UsersFailed(f"the users' program ended with {code}: {self._process.log()}")
            finally:
                self.close()
        return self.record()

    def close(self) -> None:
        """End the users at once; the record so far stays readable."""
        if not self._ended:
            self._process.kill()
            self._read_on()
            self._ended = True
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_on(self) -> None:
        if not self._ended:
            text = os.pread(self._log, os.fstat(self._log).st_size - self._read, self._read)
            self._read += len(text)
            self._reader.feed(text)
