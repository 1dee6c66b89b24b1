"""Announcements on their way from the guard to the service: an NFLOG socket per VPC, read in arrival order."""

import errno
import os
import socket
import struct
from collections import deque
from typing import Final, NamedTuple, Protocol

from pytest_havip.network.dataplane.ruleset import PUNT_GROUP

__all__ = ["PuntSocket", "Punted"]

_NFNETLINK: Final = 12
_PACKET_MESSAGE: Final = 4 << 8
_CONFIG_MESSAGE: Final = 4 << 8 | 1
_REQUEST_ACK: Final = 0x1 | 0x4
_CFG_CMD: Final = 1
_CFG_MODE: Final = 2
_CFG_NLBUFSIZ: Final = 3
_CFG_QTHRESH: Final = 5
_CMD_BIND: Final = 1
_COPY_PACKET: Final = 2
_PHYSICAL_INDEX: Final = 6
_PAYLOAD: Final = 9
_HARDWARE_HEADER: Final = 16
# A small message takes a small kernel buffer: more fit into the 425 kB that older kernels grant in a user namespace.
_MESSAGE_BYTES: Final = 256
_WANTED_BUFFER: Final = 4 << 20
_SO_RCVBUFFORCE: Final = 33
_RECEIVE_BYTES: Final = 2048

_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_BODY: Final = _HEADER.size + 4
_INDEX: Final = struct.Struct(">I")


class Punted(NamedTuple):
    """A frame as the guard handed it over.

    Attributes:
        interface: number of the port's interface in the VPC's namespace.
        frame: the Ethernet frame, cut after 142 bytes.
    """

    interface: int
    frame: bytes


class _OpensSockets(Protocol):
    """A network namespace, as far as a receiver needs it: a place where sockets are opened."""

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket: ...


class PuntSocket:
    """The receiving end of one namespace's punted frames.

    Attributes:
        overflows: how often the kernel said that frames were lost because the socket was full.
    """

    __slots__ = ("_messages", "_socket", "overflows")

    def __init__(self, namespace: _OpensSockets) -> None:
        self.overflows = 0
        self._messages: deque[bytes] = deque()
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NFNETLINK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _WANTED_BUFFER)
        except PermissionError:  # only the machine's own root may go beyond its limit, and the lab's root is none
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WANTED_BUFFER)
        self._socket.bind((0, 0))
        self._configure(_CFG_CMD, struct.pack("=B", _CMD_BIND))
        self._configure(_CFG_MODE, struct.pack(">IBx", 0xFFFF, _COPY_PACKET))
        self._configure(_CFG_NLBUFSIZ, struct.pack(">I", _MESSAGE_BYTES))
        self._configure(_CFG_QTHRESH, struct.pack(">I", 1))
        self._socket.setblocking(False)

    def _configure(self, kind: int, value: bytes) -> None:
        attribute = _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)
        body = struct.pack(">BBH", 0, 0, PUNT_GROUP) + attribute
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), _CONFIG_MESSAGE, _REQUEST_ACK, 0, 0) + body)
        answer = self._socket.recv(_RECEIVE_BYTES)
        code = struct.unpack_from("=i", answer, _HEADER.size)[0]
        if code != 0:
            raise OSError(
                -code, f"NFLOG group {PUNT_GROUP} cannot be set up: {os.strerror(-code)}; is nfnetlink_log present?"
            )

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Move everything the kernel holds into the queue, unread and in order; count an overflow."""
        receive = self._socket.recv
        append = self._messages.append
        while True:
            try:
                append(receive(_RECEIVE_BYTES))
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.overflows += 1

    def next(self) -> Punted | None:
        """Empty the kernel's buffer, then take the oldest frame; `None` when there is none."""
        self.drain()
        while self._messages:
            punted = _parse(self._messages.popleft())
            if punted is not None:
                return punted
        return None

    def close(self) -> None:
        """Close the socket; the guard's log rule then goes nowhere, and its frames stay dropped."""
        self._socket.close()


def _parse(message: bytes) -> Punted | None:
    """Take the port and the frame out of an NFLOG message; `None` for any other message."""
    length, kind, _flags, _sequence, _port = _HEADER.unpack_from(message)
    if kind != _PACKET_MESSAGE:
        return None
    interface = 0
    header = payload = b""
    offset = _BODY
    while offset < length:
        size, attribute = _ATTRIBUTE.unpack_from(message, offset)
        if attribute == _PHYSICAL_INDEX:
            interface = _INDEX.unpack_from(message, offset + 4)[0]
        elif attribute == _PAYLOAD:
            payload = message[offset + 4 : offset + size]
        elif attribute == _HARDWARE_HEADER:
            header = message[offset + 4 : offset + size]
        offset += (size + 3) & ~3
    return Punted(interface, header + payload)
