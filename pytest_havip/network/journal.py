"""The way of what happened into the store, which may be out of order for a while."""

import asyncio
from typing import Final

from pytest_havip.network.events import EventLog
from pytest_havip.network.log import LOG
from pytest_havip.network.store import Entry, Store, StoreError

__all__ = ["Journal"]

#: Seconds between two attempts to write what could not be written.
_RETRY: Final = 0.2


class Journal:
    """Writes down what happened, now or as soon as the store takes it.

    What an announcement did stands in the kernel already, so it is told at once and written when that is possible. What
    a request wants is written before it is done, or refused.

    Args:
        store: where it lasts.
        events: where it is told.
        loop: for the next attempt.
    """

    __slots__ = ("_events", "_loop", "_retry", "_store", "_waiting")

    def __init__(self, store: Store, events: EventLog, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._events = events
        self._loop = loop
        self._waiting = Entry()
        self._retry: asyncio.TimerHandle | None = None

    def note(self, entry: Entry) -> None:
        """Write down what has happened; if the store does not take it, it waits in memory and is tried again."""
        self._events.extend(entry.events)
        if self._waiting:
            self._waiting.add(entry)
            if self._retry is not None:
                return  # it is out of order: a busy network must not ask it at every announcement
            entry = self._waiting
        if not entry:
            return
        try:
            self._store.write(entry)
        except StoreError as error:
            if entry is not self._waiting:
                self._waiting.add(entry)
                LOG.warning("%s. What happens meanwhile is kept in memory.", error)
            self._retry = self._loop.call_later(_RETRY, self._try_again)
        else:
            self._waiting = Entry()

    def promise(self, entry: Entry) -> None:
        """Write down what is about to be done, and all that waits.

        Raises:
            StoreError: it could not be written, and must not be done.
        """
        if self._waiting:
            together = Entry()
            together.add(self._waiting)
            together.add(entry)
            self._store.write(together)
            self._forget_waiting()
        else:
            self._store.write(entry)
        self._events.extend(entry.events)

    def _try_again(self) -> None:
        self._retry = None
        self.note(Entry())

    def _forget_waiting(self) -> None:
        self._waiting = Entry()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def close(self) -> None:
        """Try for the last time, and close the store."""
        if self._retry is not None:
            self._retry.cancel()
        self._try_again()
        if self._retry is not None:
            self._retry.cancel()
        self._store.close()
