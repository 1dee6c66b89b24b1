"""Reaching the networks that run on this machine: their control sockets, found by name.

A socket is an abstract one: no file, so nothing is left behind by a network that was killed. Its name tells whose it
is, and both ends see that the other belongs to the same user (or to root).
"""

import array
import json
import os
import select
import socket
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

__all__ = ["CallError", "Line", "Running", "bind", "running"]

_PREFIX: Final = "havip-serve"
_SOCKETS: Final = Path("/proc/net/unix")
_CREDENTIALS: Final = struct.Struct("=iII")  # struct ucred: process, user, group
_BYTES: Final = 65536
_MOST_DESCRIPTORS: Final = 8
#: Seconds; a network answers at once, or hangs.
_PATIENCE: Final = 20.0


class CallError(RuntimeError):
    """A running network cannot be reached, or refused; the text says why and what to do."""


class Line:
    """Messages, JSON objects with descriptors beside them, over a connected stream socket."""

    __slots__ = ("_buffer", "socket")

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self._buffer = b""

    def peer(self) -> tuple[int, int]:
        """Return the process and the user at the other end."""
        found = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        process, user, _ = _CREDENTIALS.unpack(found)
        return process, user

    def send(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Send a message. Raises OSError when the other end has gone."""
        data = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self.socket, [data], list(descriptors)) if descriptors else 0
        if sent < len(data):  # the other end may have answered, and gone
            self.socket.sendall(data[sent:])

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """Receive a message and its descriptors, an empty one at the end. Raises OSError."""
        descriptors = array.array("i")
        while b"\n" not in self._buffer:
            data, ancillary, _, _ = self.socket.recvmsg(
                _BYTES, socket.CMSG_SPACE(_MOST_DESCRIPTORS * descriptors.itemsize), socket.MSG_CMSG_CLOEXEC
            )
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
            if not data:
                return {}, list(descriptors)
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(text)
        return message, list(descriptors)

    def close(self) -> None:
        """Hang up; a thread that waits for a message gets the end."""
        with suppress(OSError):  # the other end may have hung up
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def bind(name: str) -> socket.socket:
    """Take a name for a network of this user, and listen under it.

    Args:
        name: Letters, digits, hyphens; they are seen by other users.

    Raises:
        CallError: A network has the name already, or it is no name.
    """
    if not name.isascii() or not name.replace("-", "a").isalnum():
        raise CallError(f"{name!r} is no name of a network; take letters, digits and hyphens")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(_address(name))
        listener.listen()
    except OSError as error:
        listener.close()
        raise CallError(
            f"a network named {name!r} runs already; end it by `havip stop --network {name}`, or choose another name"
            " with --network"
        ) from error
    return listener


def _address(name: str) -> str:
    return f"\0{_PREFIX}/{os.geteuid()}/{name}"


def running() -> list[str]:
    """List the names of the networks of this user that run now."""
    prefix = f"@{_address('')[1:]}"
    found = {line.split()[-1] for line in _SOCKETS.read_text(encoding="utf-8", errors="replace").splitlines()[1:]}
    return sorted(path.removeprefix(prefix) for path in found if path.startswith(prefix))


@dataclass(frozen=True, slots=True)
class Running:
    """A network that runs on this machine.

    Attributes:
        name: by which it was called.
        process: the process id of its `havip serve`.
        endpoint: HOST:PORT of its API.
        region: of the API.
        secret_id: of the one who may call it.
        secret_key: likewise.
        hosts: name of each host -> its NICs: `id`, `interface`, `subnet`, `address`, `mac`.
    """

    name: str
    process: int
    endpoint: str
    region: str
    secret_id: str
    secret_key: str
    hosts: dict[str, list[dict[str, str]]]

    @property
    def host_of(self) -> dict[str, str]:
        """NIC id -> name of its host."""
        return {nic["id"]: host for host, nics in self.hosts.items() for nic in nics}

    @classmethod
    def find(cls, name: str | None) -> Self:
        """Find a network by its name; the only one that runs if there is no name.

        Raises:
            CallError: There is none, or there are several.
        """
        there = running()
        if name is None and len(there) != 1:
            raise CallError(
                f"several networks run here: {', '.join(there)}; choose one with --network"
                if there
                else "no network runs here; start one by `havip serve`"
            )
        chosen = there[0] if name is None else name
        line = cls._call(chosen, there)
        try:
            line.send({"do": "describe"})
            answer, _ = line.receive()
            return cls(chosen, line.peer()[0], **answer)
        except (OSError, TypeError) as error:
            raise CallError(f"the network {chosen!r} did not answer ({error}); it may just have ended") from error
        finally:
            line.close()

    @staticmethod
    def _call(name: str, there: Sequence[str]) -> Line:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        opened.settimeout(_PATIENCE)
        line = Line(opened)
        try:
            opened.connect(_address(name))
        except OSError as error:
            line.close()
            raise CallError(
                f"no network named {name!r} runs here; there are: {', '.join(there) or 'none'}; start it by"
                f" `havip serve --network {name}`"
            ) from error
        if line.peer()[1] not in {0, os.geteuid()}:
            line.close()
            raise CallError(f"another user of this machine pretends to be the network {name!r}; choose another name")
        return line

    def call(self) -> Line:
        """Open a line to the network. Raises CallError when it has ended."""
        return self._call(self.name, running())

    def stop(self) -> None:
        """End the network, and return when nothing of it is left.

        Raises:
            CallError: It does not end.
        """
        process = os.pidfd_open(self.process)
        line = self.call()
        try:
            line.send({"do": "stop"})
            if not select.select([process], [], [], _PATIENCE)[0]:
                raise CallError(f"{self.name} has not ended after {_PATIENCE:g} s; kill its process {self.process}")
        finally:
            line.close()
            os.close(process)
