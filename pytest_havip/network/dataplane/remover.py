"""Removal of interfaces beside the loop."""

import errno
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.netlink import NetlinkError, RouteSocket, delete_link

__all__ = ["Remover"]


class Remover:
    """Removes interfaces in a thread: the kernel takes 20 ms for each, and announcements would wait behind it.

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
        links = RouteSocket(namespace)  # of its own: answers must not mix with the loop's
        future = self._worker.submit(_remove, links, indexes)
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
            except NetlinkError as error:
                if error.errno != errno.ENODEV:  # the host's namespace went, and the cable with it
                    raise
    finally:
        links.close()
