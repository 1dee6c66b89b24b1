"""Users as programs run by path: each tries one thing after the other for ever, and writes down how it went.

The log is a file of lines, one when an attempt begins and one when it has ended:

    b USER NUMBER TIME
    e USER NUMBER TIME OUTCOME BY

Times are CLOCK_REALTIME in ns; BY names the server that did it, where it said so.
"""

import os
import select
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

__all__ = ["DONE", "REFUSED", "UNKNOWN", "WRONG", "User", "identity", "run_users"]

DONE, REFUSED, UNKNOWN, WRONG = "done", "refused", "unknown", "wrong"
#: Seconds in which users end the attempts that they are at.
GRACE = 4.0
_USERS_NUMBERS = 1_000_000_000
_WRITING = threading.Lock()


def identity(user: int, number: int) -> int:
    """One number for an attempt, among all attempts of all users."""
    return user * _USERS_NUMBERS + number


class User(threading.Thread, ABC):
    """One user.

    Args:
        user: Its number.
        pause: Seconds from an attempt's end to the next one.
        log: The descriptor of the log.
    """

    def __init__(self, user: int, pause: float, log: int) -> None:
        super().__init__(daemon=True)
        self.user = user
        self._pause = pause
        self._log = log
        self._stopped = threading.Event()

    @abstractmethod
    def attempt(self, number: int) -> tuple[str, str]:
        """Try once; return the outcome and the server that did it, empty where none said so."""

    def run(self) -> None:
        """Try until stopped."""
        number = 0
        while not self._stopped.wait(self._pause):
            number += 1
            self._write("b", number, "")
            outcome, by = self.attempt(number)
            self._write("e", number, f" {outcome} {by}")

    def stop(self) -> None:
        """Let the attempt that is on be the last one."""
        self._stopped.set()

    def _write(self, what: str, number: int, rest: str) -> None:
        with _WRITING:  # the kernel keeps the position of a file in memory, but not for two at once
            os.write(self._log, f"{what} {self.user} {number} {time.time_ns()}{rest}\n".encode())


def run_users(users: Sequence[User], stop: int) -> None:
    """Let users try until the eventfd `stop` is raised, and give them a moment to come to an end."""
    for user in users:
        user.start()
    select.select([stop], [], [])
    for user in users:
        user.stop()
    end = time.monotonic() + GRACE
    for user in users:
        user.join(max(0.0, end - time.monotonic()))
