"""What tests tell while they run, from the processes that run them to the one that reports.

Each process has a place of its own in memory of the reporting process (by way of ``/proc``), and overwrites what it
said before: nothing is left on the machine, and nothing grows.
"""

import contextlib
import os
from collections.abc import Callable

import pytest

__all__ = ["TELL", "Board", "post"]

#: Bytes of one process's place; memory is taken only for what is written.
_PLACE = 1 << 18
#: Says something of the test that runs now, by a name and a line; whoever is interested puts it into the configuration.
TELL = pytest.StashKey[Callable[[str, str], None]]()


class Board:
    """The reporting process's side.

    Args:
        places: How many processes there may be.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._fd = os.memfd_create("havip-board")

    @property
    def path(self) -> str:
        """Where the others write, for `post`."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def read(self) -> list[str]:
        """What each process said last; a process that has said nothing yet is left out."""
        said = (os.pread(self._fd, _PLACE, place * _PLACE) for place in range(self._places))
        return [text for each in said if (text := each.partition(b"\0")[0].decode())]

    def close(self) -> None:
        """Free the memory."""
        os.close(self._fd)


def post(path: str, place: int, text: str) -> None:
    """Say something, instead of what this process said before.

    Args:
        path: `Board.path` of the reporting process.
        place: The number of this process, from 0 on.
        text: What; of what is longer than a place nothing is said.
    """
    data = f"{text}\0".encode()
    if len(data) > _PLACE:
        return
    # A process on another machine, or of another user, cannot tell.
    with contextlib.suppress(OSError), open(path, "r+b", buffering=0) as board:  # noqa: PTH123 - no file of a file system
        os.pwrite(board.fileno(), data, place * _PLACE)
