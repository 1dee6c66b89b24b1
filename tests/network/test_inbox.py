"""The inbox: messages outlive the process, whatever it was about to do with them."""

import os
import socket
import struct
from collections.abc import Iterator

import pytest

from pytest_havip.network.dataplane.inbox import Inbox


def message(number: int) -> bytes:
    return struct.pack("=I", 8) + struct.pack("=I", number)


@pytest.fixture
def queue() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    theirs.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox.create()
    yield made
    made.close()


def fill(inbox: Inbox, queue: tuple[socket.socket, socket.socket], *numbers: int) -> None:
    for number in numbers:
        queue[0].send(message(number))
        assert inbox.receive(queue[1])


def after_death(inbox: Inbox) -> Inbox:
    """What the next process finds: the memory, and nothing of the object."""
    return Inbox(os.dup(inbox.fileno()))


def rest(inbox: Inbox) -> list[bytes]:
    return list(iter(inbox.next, None))


def test_they_come_out_in_order(inbox: Inbox, queue: tuple[socket.socket, socket.socket]) -> None:
    fill(inbox, queue, 1, 2, 3)
    assert rest(inbox) == [message(1), message(2), message(3)]
    with pytest.raises(BlockingIOError):
        inbox.receive(queue[1])


@pytest.mark.parametrize("returned", [0, 1, 3])
def test_what_is_not_finished_is_found(inbox: Inbox, queue: tuple[socket.socket, socket.socket], returned: int) -> None:
    fill(inbox, queue, 1, 2, 3)
    for _ in range(returned):
        inbox.next()
    inbox.finish(min(returned, 1))
    found = after_death(inbox)
    assert found.decided() == []
    assert rest(found) == [message(number) for number in (1, 2, 3)[min(returned, 1) :]]
    found.close()


def test_what_was_decided_is_told_apart(inbox: Inbox, queue: tuple[socket.socket, socket.socket]) -> None:
    fill(inbox, queue, 1, 2, 3, 4)
    rest(inbox)
    inbox.finish(1)
    inbox.decide(3)
    found = after_death(inbox)
    assert found.decided() == [message(2), message(3)]
    assert rest(found) == [message(4)]
    found.close()
    found = after_death(inbox)
    found.go_back()
    assert rest(found) == [message(2), message(3), message(4)]
    found.close()
    found = after_death(inbox)
    assert found.decided() == []
    found.close()


def test_it_begins_anew_when_all_is_finished(inbox: Inbox, queue: tuple[socket.socket, socket.socket]) -> None:
    for turn in range(3):
        fill(inbox, queue, turn, turn + 1)
        rest(inbox)
        inbox.decide(2)
        inbox.finish(2)
        assert inbox.position == 0
        found = after_death(inbox)
        assert rest(found) == []
        found.close()


def test_a_full_one_leaves_the_rest_in_the_queue(inbox: Inbox, queue: tuple[socket.socket, socket.socket]) -> None:
    fill(inbox, queue, *range(8192))
    queue[0].send(message(8192))
    assert not inbox.receive(queue[1])
    assert len(rest(inbox)) == 8192
    inbox.finish(8192)
    assert inbox.receive(queue[1])
    assert rest(inbox) == [message(8192)]
