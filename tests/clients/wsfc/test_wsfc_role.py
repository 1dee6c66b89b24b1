"""A role with two addresses: all of them or none, restarts, and giving up."""

from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.wsfc.actions import Action, Hold, Release, Transmit
from pytest_havip.clients.wsfc.arp import Arp
from pytest_havip.clients.wsfc.messages import RoleState
from pytest_havip.clients.wsfc.role import Role
from pytest_havip.clients.wsfc.settings import WsfcSettings

ONE, TWO = IPv4Address("172.17.16.3"), IPv4Address("172.17.16.4")
RIVAL = Arp(1, "02:00:00:00:00:99", TWO, TWO)
SETTINGS = WsfcSettings(restart_threshold=2, restart_period=100.0)


@pytest.fixture
def role() -> Role:
    role = Role([ONE, TWO], "02:00:00:00:00:0a", SETTINGS, lambda: 0.0)
    role.bring_online(0.0)
    return role


def play(role: Role, until: float, now: float = 0.0) -> list[Action]:
    """Everything it does; the interface takes every address."""
    done: list[Action] = []
    while role.due <= until:
        now = max(now, role.due)
        for action in role.tick(now):
            done.append(action)
            if isinstance(action, Hold):
                done += role.hold(action.address, now)
    return done


def test_it_is_online_with_its_last_address(role: Role) -> None:
    holds = [action for action in play(role, 3.9) if not isinstance(action, Transmit)]
    assert (holds, role.state) == ([], RoleState.PENDING)
    first, second = [action for action in role.tick(4.0) if isinstance(action, Hold)]
    role.hold(first.address, 4.0)
    assert (role.held, role.state) == ((ONE,), RoleState.PENDING)
    role.hold(second.address, 4.0)
    assert (role.held, role.state) == ((ONE, TWO), RoleState.ONLINE)


def test_one_duplicate_takes_all_offline_and_nothing_stays_behind(role: Role) -> None:
    play(role, 10.0)
    role.hear(RIVAL, 20.0)
    assert role.state is RoleState.ONLINE, "it is defended once"
    assert {action for action in role.hear(RIVAL, 21.0) if isinstance(action, Release)} == {Release(ONE), Release(TWO)}
    assert role.held == ()
    assert role.event == "event 1049: 172.17.16.4 is a duplicate: 02:00:00:00:00:99 uses it, too"


def test_an_address_that_the_interface_takes_after_a_failure_is_given_back(role: Role) -> None:
    play(role, 3.9)
    first, second = [action for action in role.tick(4.0) if isinstance(action, Hold)]
    role.hold(first.address, 4.0)
    assert Release(first.address) in role.fail("the second one was refused", 4.0)
    assert role.hold(second.address, 4.0) == [Release(second.address)]
    assert (role.held, role.state) == ((), RoleState.PENDING)


def test_it_restarts_as_often_as_it_may_then_fails_and_is_retried_later(role: Role) -> None:
    now = 0.0
    for _ in range(SETTINGS.restart_threshold):
        role.hear(RIVAL, now)
        assert (role.state, role.due) == (RoleState.PENDING, now + SETTINGS.restart_delay)
        assert role.hear(RIVAL, now + 0.1) == [], "what does not run has no conflict"
        now += SETTINGS.restart_delay
        role.tick(now)
    role.hear(RIVAL, now)
    assert (role.state, role.due) == (RoleState.FAILED, now + SETTINGS.retry_period)
    play(role, now + SETTINGS.retry_period + 10.0)
    assert role.state is RoleState.ONLINE


def test_old_failures_are_forgiven(role: Role) -> None:
    for failure in range(10):
        role.fail("failed", failure * (SETTINGS.restart_period / 2 + 1.0))
        assert role.state is RoleState.PENDING


def test_what_failed_before_the_role_went_elsewhere_is_forgotten(role: Role) -> None:
    for _ in range(SETTINGS.restart_threshold):
        role.fail("failed", 1.0)
    role.take_offline()
    role.bring_online(2.0)
    role.fail("failed", 3.0)
    assert role.state is RoleState.PENDING


def test_what_is_offline_cannot_fail(role: Role) -> None:
    assert role.take_offline() == []
    assert role.fail("failed", 1.0) == []
    assert (role.state, role.event) == (RoleState.OFFLINE, "")
