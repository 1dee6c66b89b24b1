"""Users who write into a database, each by a psql of its own, run by path with nothing but the standard library.

Arguments: the folder that holds the package, then `PSQL ADDRESS PORT USERS PAUSE LOG STOP`; LOG and STOP are
descriptors (see `attempt_log`). Every write is one row with a number of its own, committed by itself.

- *done*, acknowledged: psql has shown the server's word that the row is committed, and no warning with it.
- *refused*: the server has said that it did not do it, or there was no connection to say it by.
- *unknown*: the connection was lost, or no answer came in time; it may be committed, or not.
"""

import contextlib
import os
import select
import subprocess
import sys
import time

sys.path.append(sys.argv[1])  # -I and -S leave only the standard library

from pytest_havip.observe.attempt_log import DONE, REFUSED, UNKNOWN, User, identity, run_users

__all__ = ["Writer"]

#: Seconds until a user gives a connection up that does not come about, and a write that is not answered.
CONNECT_PATIENCE = 1.0
WRITE_PATIENCE = 2.0
_CONNECTED = "connected"
_COMMITTED = "INSERT 0 1"
_BYTES = 65536
_INSERT = "INSERT INTO writes VALUES ({}) RETURNING current_setting('cluster_name');"


class Lost(Exception):
    """psql has ended, or did not answer in time."""


class Session:
    """One psql with one connection."""

    def __init__(self, command: list[str]) -> None:
        """Start it; it does not read a line before it is connected."""
        self._psql = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self._read = b""

    def say(self, line: str) -> None:
        """Give it a line."""
        assert self._psql.stdin is not None
        try:
            self._psql.stdin.write(f"{line}\n".encode())
        except OSError as error:
            raise Lost from error

    def hear(self, deadline: float) -> str:
        """Return the next line that it shows.

        Raises:
            Lost: it has ended, or shows none in time.
        """
        assert self._psql.stdout is not None
        while b"\n" not in self._read:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._psql.stdout], [], [], left)[0]:
                raise Lost
            more = os.read(self._psql.stdout.fileno(), _BYTES)
            if not more:
                raise Lost
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace")

    def end(self) -> None:
        """Kill it: asked to end, it would wait for a server that is not there."""
        self._psql.kill()
        self._psql.wait()
        for pipe in (self._psql.stdin, self._psql.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Writer(User):
    """Writes one row after the other; connects anew when the connection is lost."""

    def __init__(self, user: int, pause: float, log: int, command: list[str]) -> None:
        super().__init__(user, pause, log)
        self._command = command
        self._session: Session | None = None

    def attempt(self, number: int) -> tuple[str, str]:
        """Write one row."""
        session = self._session or self._connect()
        if session is None:
            return REFUSED, ""
        try:
            session.say(_INSERT.format(identity(self.user, number)))
            return self._answer(session)
        except Lost:
            session.end()
            self._session = None
            return UNKNOWN, ""

    def _connect(self) -> Session | None:
        session = Session(self._command)
        try:
            session.say(f"\\echo {_CONNECTED}")
            deadline = time.monotonic() + CONNECT_PATIENCE
            while session.hear(deadline) != _CONNECTED:
                pass
        except Lost:
            session.end()
            return None
        self._session = session
        return session

    @staticmethod
    def _answer(session: Session) -> tuple[str, str]:
        """Read psql's lines until one of them decides; the row names the server."""
        deadline = time.monotonic() + WRITE_PATIENCE
        server, warned = "", False
        while True:
            line = session.hear(deadline)
            if line == _COMMITTED:
                return (UNKNOWN, "") if warned else (DONE, server)
            if line.startswith("ERROR:"):
                return REFUSED, ""
            if line.startswith("WARNING:"):  # such as a wait for the standby that somebody has ended
                warned = True
            server = line


def main(arguments: list[str]) -> None:
    """Write until stopped."""
    psql, address, port, users, pause, log, stop = arguments
    command = [psql, "-XAt", "-h", address, "-p", port, "-U", "postgres", "-d", "postgres"]
    run_users([Writer(user, float(pause), int(log), command) for user in range(int(users))], int(stop))


if __name__ == "__main__":
    main(sys.argv[2:])
