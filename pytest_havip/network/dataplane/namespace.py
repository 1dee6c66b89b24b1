"""Network namespaces: made, entered and left by file descriptor."""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

__all__ = ["Namespace"]

_CLONE_NEWNET = 0x40000000
_HERE = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: int) -> None:
    """Call a function of the C library that answers 0, or raise the `OSError` it left behind."""
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(
            number, f"{name} failed: {os.strerror(number)}; the service needs CAP_SYS_ADMIN in its namespaces"
        )


class Namespace:
    """A network namespace without a name, alive as long as this descriptor (or something inside) is open.

    A thread enters and leaves it by `setns`; sockets opened meanwhile stay inside for ever, which is all the
    service needs: it never runs anything there.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def create(cls) -> Self:
        """Make a new, empty namespace owned by the user namespace of the caller.

        Raises:
            OSError: the caller may not make namespaces.
        """
        home = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("unshare", _CLONE_NEWNET)
            try:
                return cls(os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC))
            finally:
                _call("setns", home, _CLONE_NEWNET)
        finally:
            os.close(home)

    def fileno(self) -> int:
        """Return the descriptor, for handing the namespace to the kernel."""
        return self._descriptor

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread into the namespace for the length of a `with` block."""
        home = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("setns", self._descriptor, _CLONE_NEWNET)
            try:
                yield
            finally:
                _call("setns", home, _CLONE_NEWNET)
        finally:
            os.close(home)

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Open a socket that lives in the namespace and is used from outside."""
        with self.entered():
            return socket.socket(family, kind, protocol)

    def close(self) -> None:
        """Let go of the namespace; the kernel removes it when nothing else is inside."""
        os.close(self._descriptor)
