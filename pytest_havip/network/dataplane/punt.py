"""Announcements on their way from the guard to the service: an NFLOG socket per VPC, read in arrival order."""

import errno
import os
import socket
import struct
from typing import Final, NamedTuple, Protocol, Self

from pytest_havip.network.dataplane.inbox import Inbox
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
    """The receiving end of one namespace's punted frames: the kernel's queue, and the inbox behind it.

    Both outlive the process if their descriptors do, so a frame is lost neither before it is read nor after.

    Args:
        opened: an NFLOG socket, bound to the guard's group.
        inbox: where its messages go.

    Attributes:
        inbox: the messages that are read and not finished.
        overflows: how often the kernel said that frames were lost because the socket was full.
    """

    __slots__ = ("_socket", "inbox", "overflows")

    def __init__(self, opened: socket.socket, inbox: Inbox) -> None:
        self.overflows = 0
        self.inbox = inbox
        self._socket = opened
        self._socket.setblocking(False)

    @classmethod
    def create(cls, namespace: _OpensSockets) -> Self:
        """Begin to receive what the guard of a namespace punts.

        Raises:
            OSError: the kernel has no NFLOG, or the group has a receiver already.
        """
        opened = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NFNETLINK)
        try:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _WANTED_BUFFER)
        except PermissionError:  # only the machine's own root may go beyond its limit, and the lab's root is none
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WANTED_BUFFER)
        opened.bind((0, 0))
        _configure(opened, _CFG_CMD, struct.pack("=B", _CMD_BIND))
        _configure(opened, _CFG_MODE, struct.pack(">IBx", 0xFFFF, _COPY_PACKET))
        _configure(opened, _CFG_NLBUFSIZ, struct.pack(">I", _MESSAGE_BYTES))
        _configure(opened, _CFG_QTHRESH, struct.pack(">I", 1))
        return cls(opened, Inbox.create())

    @classmethod
    def adopt(cls, descriptors: tuple[int, int]) -> Self:
        """Go on where another process ended; see `descriptors`."""
        opened, inbox = descriptors
        return cls(socket.socket(fileno=opened), Inbox(inbox))

    @property
    def descriptors(self) -> tuple[int, int]:
        """What has to be kept for another process to go on: the socket and the inbox."""
        return self._socket.fileno(), self.inbox.fileno()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Move what the kernel holds into the inbox, in order and as far as there is room; count an overflow."""
        receive = self.inbox.receive
        while True:
            try:
                if not receive(self._socket):
                    return
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.overflows += 1

    def next(self) -> Punted | None:
        """Empty the kernel's buffer, then take the oldest frame; `None` when there is none."""
        self.drain()
        while (message := self.inbox.next()) is not None:
            punted = _parse(message)
            if punted is not None:
                return punted
        return None

    def decided(self) -> list[Punted]:
        """Return the frames that another process had decided, but not finished, when it ended."""
        return [punted for message in self.inbox.decided() if (punted := _parse(message)) is not None]

    def close(self) -> None:
        """Close the socket; if nobody keeps it, the guard's log rule goes nowhere, and its frames stay dropped."""
        self._socket.close()
        self.inbox.close()


def _configure(opened: socket.socket, kind: int, value: bytes) -> None:
    attribute = _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)
    body = struct.pack(">BBH", 0, 0, PUNT_GROUP) + attribute
    opened.send(_HEADER.pack(_HEADER.size + len(body), _CONFIG_MESSAGE, _REQUEST_ACK, 0, 0) + body)
    answer = opened.recv(_RECEIVE_BYTES)
    code = struct.unpack_from("=i", answer, _HEADER.size)[0]
    if code != 0:
        raise OSError(
            -code, f"NFLOG group {PUNT_GROUP} cannot be set up: {os.strerror(-code)}; is nfnetlink_log present?"
        )


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
