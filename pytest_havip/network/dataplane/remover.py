"""Removal of kernel objects beside the loop."""

import errno
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from pytest_havip.kernel.requests import delete_link
from pytest_havip.kernel.route import RouteSocket
from pytest_havip.network.dataplane.namespace import Namespace

__all__ = ["Remover"]


class Remover:
    """Removes in a thread what the kernel takes 10 to 20 ms for: announcements would wait behind it.

    Args:
        failed: called in the thread with an error that ends the service.
    """

    __slots__ = ("_failed", "_pending", "_worker")

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="remover")
        self._pending: set[Future[None]] = set()

    def remove(self, namespace: Namespace, *indexes: int) -> None:
        """Begin to remove interfaces, by their numbers in a namespace."""
        links = namespace.route_socket()  # of its own: answers must not mix with the loop's
        self._track(self._worker.submit(_remove, links, indexes))

    def close_packet_socket(self, sender: socket.socket) -> None:
        """Begin to close a packet socket: the kernel first waits until no CPU can be using it."""
        self._track(self._worker.submit(sender.close))

    def _track(self, future: Future[None]) -> None:
        self._pending.add(future)
        future.add_done_callback(self._done)

    def _done(self, future: Future[None]) -> None:
        self._pending.discard(future)
        error = future.exception()
        if error is not None:
            self._failed(error)

    def wait(self) -> None:
        """Wait until everything begun is done."""
        wait(tuple(self._pending))

    def close(self) -> None:
        """Finish what is begun, then end."""
        self._worker.shutdown()


def _remove(links: RouteSocket, indexes: tuple[int, ...]) -> None:
    try:
        for index in indexes:
            try:
                links.send(delete_link(index))
            except OSError as error:
                if error.errno != errno.ENODEV:  # the host's namespace went, and the cable with it
                    raise
    finally:
        links.close()
