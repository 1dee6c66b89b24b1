"""The journal: a store that fails for a while loses nothing, and no promise is made that it did not take."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_havip.network.events import Event, EventLog
from pytest_havip.network.journal import Journal
from pytest_havip.network.store import Entry, Store, StoreError

EVENTS = [Event("vpc-00000000", "havip-00000000", "10.0.0.9", "", f"eni-0000000{n}", "announced", n) for n in range(5)]


class Failing(Store):
    """A store on a disk that is full while `full` is set."""

    full = False
    attempts = 0

    def write(self, entry: Entry) -> None:
        self.attempts += 1
        if self.full:
            raise StoreError("the disk is full")
        super().write(entry)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Failing]:
    store = Failing(tmp_path / "store")
    store.load()
    yield store
    store.close()


def until(loop: asyncio.AbstractEventLoop, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        loop.call_later(0.01, loop.stop)
        loop.run_forever()


def test_what_happened_is_told_at_once_and_written_when_it_can_be(
    loop: asyncio.AbstractEventLoop, store: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    events = EventLog()
    journal = Journal(store, events, loop)
    journal.note(Entry(events=EVENTS[:1]))
    store.full = True
    for event in EVENTS[1:4]:
        journal.note(Entry(events=[event]))
    assert store.attempts == 2, "an announcement must not wait for a store that is known to fail"
    assert [event for _, event in events.after(0)] == EVENTS[:4]
    assert store.load().events == EVENTS[:1]
    until(loop, lambda: store.attempts > 3)
    store.full = False
    until(loop, lambda: store.load().last_event == 4)
    journal.note(Entry(events=EVENTS[4:]))
    assert store.load().events == EVENTS
    assert caplog.messages == ["the disk is full. What happens meanwhile is kept in memory."]


def test_a_promise_is_kept_or_refused(loop: asyncio.AbstractEventLoop, store: Failing) -> None:
    events = EventLog()
    journal = Journal(store, events, loop)
    store.full = True
    journal.note(Entry(events=EVENTS[:1]))
    with pytest.raises(StoreError):
        journal.promise(Entry(events=EVENTS[1:2]))
    assert [event for _, event in events.after(0)] == EVENTS[:1]
    store.full = False
    journal.promise(Entry(events=EVENTS[2:3]))
    assert store.load().events == [EVENTS[0], EVENTS[2]] == [event for _, event in events.after(0)]


def test_the_last_attempt_is_made_at_the_end(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    store = Failing(tmp_path / "another")
    store.load()
    journal = Journal(store, EventLog(), loop)
    store.full = True
    journal.note(Entry(events=EVENTS[:1]))
    store.full = False
    journal.close()
    again = Store(tmp_path / "another")
    assert again.load().events == EVENTS[:1]
    again.close()
