"""Network namespaces: made, entered and left by file descriptor."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from pytest_havip.kernel.calls import CLONE_NEWNET, setns, unshare
from pytest_havip.kernel.route import RouteSocket

__all__ = ["Namespace"]

_HERE = "/proc/thread-self/ns/net"


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
            try:
                unshare(CLONE_NEWNET)
            except OSError as error:
                message = f"{error.strerror}; the service needs CAP_SYS_ADMIN in its user namespace"
                raise OSError(error.errno, message) from error
            try:
                return cls(os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC))
            finally:
                setns(home, CLONE_NEWNET)
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
            setns(self._descriptor, CLONE_NEWNET)
            try:
                yield
            finally:
                setns(home, CLONE_NEWNET)
        finally:
            os.close(home)

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Open a socket that lives in the namespace and is used from outside."""
        with self.entered():
            return socket.socket(family, kind, protocol)

    def route_socket(self) -> RouteSocket:
        """Open a route netlink socket that lives in the namespace."""
        return RouteSocket(self.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE))

    def interfaces(self) -> dict[str, int]:
        """Return the numbers of the interfaces inside, by name."""
        with self.entered():
            return {name: index for index, name in socket.if_nameindex()}

    def close(self) -> None:
        """Let go of the namespace; the kernel removes it when nothing else is inside."""
        os.close(self._descriptor)
