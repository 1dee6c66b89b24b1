"""Announcements between the kernel's queue and their end, in memory that outlives the process.

The kernel writes each message straight into its slot: from one instruction to the next it is in the kernel's queue or
here, and a process that is killed loses none. Two numbers say how far they are dealt with. When all are finished, the
slots are emptied and filled from the first one again, so the memory in use stays small.
"""

import mmap
import os
import socket
import struct
from typing import Final, Self

__all__ = ["Inbox"]

_SLOT_BYTES: Final = 512
_SLOTS: Final = 8192
_NUMBER: Final = struct.Struct("=I")
_FINISHED: Final = 0
_DECIDED: Final = 4


class Inbox:
    """The messages of one socket, numbered from 0 in order of arrival.

    Slot 0 holds the two numbers: everything before *finished* is done with; everything before *decided* had been
    decided when a transaction with it began. A message begins with its length, so an empty slot begins with zeros.

    Args:
        descriptor: of the memory; it belongs to the inbox from now on.

    Attributes:
        position: the number of the message that `next` returns next.
    """

    __slots__ = ("_descriptor", "_end", "_finished", "_memory", "_view", "position")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, (1 + _SLOTS) * _SLOT_BYTES)
        self._view = memoryview(self._memory)
        (self._finished,) = _NUMBER.unpack_from(self._memory, _FINISHED)
        (self.position,) = _NUMBER.unpack_from(self._memory, _DECIDED)
        self.position = max(self.position, self._finished)
        self._end = self.position
        while self._end < _SLOTS and self._length(self._end):
            self._end += 1

    @classmethod
    def create(cls) -> Self:
        """Make an empty one."""
        descriptor = os.memfd_create("inbox")
        os.ftruncate(descriptor, (1 + _SLOTS) * _SLOT_BYTES)
        return cls(descriptor)

    def fileno(self) -> int:
        """Return the descriptor of the memory, to be kept."""
        return self._descriptor

    def _length(self, number: int) -> int:
        (length,) = _NUMBER.unpack_from(self._memory, (1 + number) * _SLOT_BYTES)
        return min(int(length), _SLOT_BYTES)

    def _message(self, number: int) -> bytes:
        start = (1 + number) * _SLOT_BYTES
        return self._memory[start : start + self._length(number)]

    def receive(self, queue: socket.socket) -> bool:
        """Take the oldest message out of a socket.

        Returns:
            Whether there was room for it.

        Raises:
            BlockingIOError: there is none.
            OSError: what the socket has to say.
        """
        if self._end == _SLOTS:
            return False
        start = (1 + self._end) * _SLOT_BYTES
        queue.recv_into(self._view[start : start + _SLOT_BYTES])
        self._end += 1
        return True

    def next(self) -> bytes | None:
        """Return the oldest message that was not returned yet, if there is one."""
        if self.position == self._end:
            return None
        self.position += 1
        return self._message(self.position - 1)

    def decide(self, before: int) -> None:
        """Note that a transaction begins, with what was decided on all messages before this number."""
        _NUMBER.pack_into(self._memory, _DECIDED, before)

    def finish(self, before: int) -> None:
        """Note that nothing is left to do for all messages before this number."""
        _NUMBER.pack_into(self._memory, _FINISHED, before)
        self._finished = before
        if before == self._end:
            self._empty()

    def _empty(self) -> None:
        """Go back to the first slot; killed at any point of it, the inbox is found empty."""
        self._memory[_SLOT_BYTES : (1 + self._end) * _SLOT_BYTES] = bytes(self._end * _SLOT_BYTES)
        self.decide(0)
        _NUMBER.pack_into(self._memory, _FINISHED, 0)
        self._finished = self.position = self._end = 0

    def decided(self) -> list[bytes]:
        """Return the messages that were decided and not finished, as another process left them."""
        return [self._message(number) for number in range(self._finished, self.position)]

    def go_back(self) -> None:
        """Return to what is not finished: what was decided on it did not come about."""
        self.decide(self._finished)
        self.position = self._finished

    def close(self) -> None:
        """Let go of the memory."""
        self._view.release()
        self._memory.close()
        os.close(self._descriptor)
