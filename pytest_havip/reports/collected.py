"""Which requirements each test names, told by the processes that run tests to the one that reports.

A process that dies reports nothing of the test that killed it. So each writes down beforehand what it has collected,
into memory of the reporting process (by way of ``/proc``): nothing is left on the machine.
"""

import contextlib
import json
import os
from collections.abc import Iterable

import pytest

from pytest_havip.requirements import requirement_ids

__all__ = ["Collected", "tell"]


class Collected:
    """The reporting process's side."""

    def __init__(self) -> None:
        self._fd = os.memfd_create("havip-collected")

    @property
    def path(self) -> str:
        """Where the others write, for `tell`."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def requirement_ids(self, test: str) -> tuple[str, ...]:
        """Return the requirements of a test by pytest's name of it; none if nobody has told.

        Args:
            test: pytest's name of the test.
        """
        said = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        for line in said.splitlines():
            found = json.loads(line).get(test)
            if found is not None:
                return tuple(found)
        return ()

    def close(self) -> None:
        """Free the memory."""
        os.close(self._fd)


def tell(path: str, items: Iterable[pytest.Item]) -> None:
    """Tell the reporting process which requirements the collected tests name.

    Args:
        path: `Collected.path` of the reporting process.
        items: The tests.
    """
    named = {item.nodeid: ids for item in items if (ids := requirement_ids(item))}
    # A process on another machine, or of another user, cannot tell; then a crash has no requirement, and is still red.
    with contextlib.suppress(OSError), open(path, "ab", buffering=0) as told:  # noqa: PTH123 - no file of a file system
        told.write(f"{json.dumps(named)}\n".encode())
