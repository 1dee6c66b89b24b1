"""One message with file descriptors, over the line between a lab's two ends."""

import array
import marshal
import os
import socket

TYPE_CHECKING = False  # as type checkers understand it; importing typing would cost the init 2 ms
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

__all__ = ["receive", "send"]

_LARGEST = 1 << 16
_IN_MEMFD = b"memfd"
_MOST_DESCRIPTORS = 253  # the kernel's SCM_MAX_FD


def send(line: socket.socket, message: "Message", fds: list[int]) -> None:
    """Send a message; one too long for a packet goes as a memfd. Raises OSError."""
    packet = marshal.dumps(message)
    if len(packet) < _LARGEST:
        socket.send_fds(line, [packet], fds)
        return
    large = os.memfd_create("message")
    try:
        os.write(large, packet)
        socket.send_fds(line, [_IN_MEMFD], [large, *fds])
    finally:
        os.close(large)


def receive(line: socket.socket) -> "tuple[Message, list[int]]":
    """Receive a message and its descriptors, closed on exec. An empty one means that the other end is closed.

    Raises:
        OSError: nothing came in time, or the line is broken.
    """
    fds = array.array("i")
    # socket.recv_fds does not pass the flag on in Python 3.11
    packet, ancillary, _, _ = line.recvmsg(
        _LARGEST, socket.CMSG_SPACE(_MOST_DESCRIPTORS * fds.itemsize), socket.MSG_CMSG_CLOEXEC
    )
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    received = list(fds)
    if packet == _IN_MEMFD:
        with open(received.pop(0), "rb") as file:  # noqa: PTH123 (a descriptor, not a path)
            file.seek(0)
            packet = file.read()
    message: Message = marshal.loads(packet) if packet else {}  # noqa: S302 (both ends are the same interpreter)
    return message, received
