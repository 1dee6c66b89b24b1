"""ORDER: of several announcements the one that arrived last holds, whoever sent it and however soon."""

from time import perf_counter_ns

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip

__all__: list[str] = []

#: Rounds for each gap: the overtaking that this guards against showed in all of 100, and would in most of 20.
ROUNDS = 20


def wait(microseconds: int) -> None:
    """Let a gap of microseconds pass; sleeping is too coarse for it."""
    end = perf_counter_ns() + microseconds * 1000
    while perf_counter_ns() < end:
        pass


@requirement("HAVIP-ORDER-002")
@pytest.mark.parametrize("gap", [0, 50, 200, 1000], ids=lambda gap: f"{gap}us")
def test_an_owner_that_reasserts_after_a_claim_holds(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, gap: int
) -> None:
    frame_of_a, frame_of_b = a.announcement(havip.address), b.announcement(havip.address)
    a.send(frame_of_a)
    held = []
    for _ in range(ROUNDS):
        b.send(frame_of_b)
        wait(gap)
        a.send(frame_of_a)
        fence(a)
        held.append(observer.owner_of(havip.address))
    assert held == [a] * ROUNDS


@requirement("HAVIP-ORDER-003")
@pytest.mark.parametrize("gap", [0, 50, 200, 1000], ids=lambda gap: f"{gap}us")
def test_a_claim_after_the_owners_refresh_holds(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, gap: int
) -> None:
    frame_of_a, frame_of_b = a.announcement(havip.address), b.announcement(havip.address)
    held = []
    for _ in range(ROUNDS):
        a.send(frame_of_a)
        fence(a)
        a.send(frame_of_a)
        wait(gap)
        b.send(frame_of_b)
        fence(b)
        held.append(observer.owner_of(havip.address))
    assert held == [b] * ROUNDS


@requirement("HAVIP-ORDER-001")
def test_the_last_of_many_alternating_claims_holds_everywhere(
    control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence
) -> None:
    frames = [(machine, machine.announcement(havip.address)) for machine in (a, b)]
    for _ in range(25):
        for machine, frame in frames:
            machine.send(frame)
    fence(b)
    assert observer.owner_of(havip.address) is b
    assert observer.belief(havip.address) == b.mac
    assert control_plane.owner_of(havip) is b


@requirement("HAVIP-API-003")
def test_every_move_is_one_event_in_order(
    control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, fence: Fence
) -> None:
    for machine in (a, a, b, b, a):
        machine.announce(havip.address)
    fence(a)
    assert control_plane.moves_of(havip) == [(None, a), (a, b), (b, a)]
