"""One address on its way online: probes, conflicts, announcements, defence. Frames are read here byte by byte."""

import struct
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.wsfc.actions import Action, Hold, Release, Transmit
from pytest_havip.clients.wsfc.address import FloatingAddress
from pytest_havip.clients.wsfc.arp import Arp, read_arp
from pytest_havip.clients.wsfc.messages import RoleState
from pytest_havip.clients.wsfc.settings import NT, RFC5227, SINGLE, AddressCheck

VIP, OTHER, NOBODY = IPv4Address("172.17.16.3"), IPv4Address("172.17.16.9"), IPv4Address(0)
MAC, FOREIGN = "02:00:00:00:00:0a", "02:00:00:00:00:99"
HEADER = "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a"
PROBE = bytes.fromhex(f"{HEADER} 00000000 000000000000 ac111003")
ANNOUNCEMENT = bytes.fromhex(f"{HEADER} ac111003 000000000000 ac111003")


def address(check: AddressCheck = RFC5227, chance: float = 0.5) -> FloatingAddress:
    return FloatingAddress(VIP, MAC, check, lambda: chance)


def play(one: FloatingAddress, until: float, now: float = 0.0) -> list[tuple[float, Action]]:
    """Everything that happens, with its time, when the clock is always right and the interface quick."""
    done: list[tuple[float, Action]] = []
    while one.due <= until:
        now = max(now, one.due)
        for action in one.tick(now):
            done.append((now, action))
            if isinstance(action, Hold):
                done += [(now, then) for then in one.held(now)]
    return done


def online(check: AddressCheck = RFC5227) -> FloatingAddress:
    one = address(check)
    one.bring_online(0.0)
    play(one, 20.0)
    assert one.state is RoleState.ONLINE
    return one


@pytest.mark.parametrize(("chance", "probes"), [(0.0, (0, 1, 2)), (0.5, (0.5, 2.0, 3.5)), (1.0, (1, 3, 5))])
def test_three_probes_then_the_use_then_two_announcements(chance: float, probes: tuple[float, ...]) -> None:
    one = address(chance=chance)
    one.bring_online(0.0)
    used = probes[-1] + 2.0
    assert play(one, 20.0) == [
        *((at, Transmit(PROBE)) for at in probes),
        (used, Hold(VIP)),
        (used, Transmit(ANNOUNCEMENT)),
        (used + 2.0, Transmit(ANNOUNCEMENT)),
    ]
    assert RFC5227.earliest <= used <= RFC5227.latest


def test_the_bounds_are_the_rfcs() -> None:
    assert (RFC5227.earliest, RFC5227.latest) == (4.0, 7.0)
    assert (replace(RFC5227, probe_number=0).earliest, replace(RFC5227, probe_number=0).latest) == (0.0, 0.0)


def test_without_probes_the_address_is_used_at_once() -> None:
    one = address(replace(SINGLE, probe_number=0))
    one.bring_online(3.0)
    assert play(one, 20.0, 3.0) == [(3.0, Hold(VIP)), (3.0, Transmit(ANNOUNCEMENT))]


def test_before_windows_vista_the_probes_announce() -> None:
    one = address(NT)
    one.bring_online(0.0)
    frames = [(at, action) for at, action in play(one, 20.0) if isinstance(action, Transmit)]
    assert frames == [(at, Transmit(ANNOUNCEMENT)) for at in (0.0, 0.5, 1.0)]
    assert one.state is RoleState.ONLINE


def test_an_address_that_was_given_up_meanwhile_is_not_kept() -> None:
    one = address()
    one.bring_online(0.0)
    while one.tick(one.due) != [Hold(VIP)]:
        pass
    assert one.take_offline() == []
    assert one.held(9.0) == [Release(VIP)]
    assert one.state is RoleState.OFFLINE


def test_announcements_are_spaced_from_when_they_are_sent() -> None:
    one = address()
    one.bring_online(0.0)
    while one.tick(one.due) != [Hold(VIP)]:
        pass
    assert one.held(9.0) == [Transmit(ANNOUNCEMENT)]
    assert one.due == 11.0


def test_a_late_clock_shortens_no_interval() -> None:
    one = address()
    one.bring_online(0.0)
    one.tick(5.0)
    assert one.due == 6.5


CONFLICTS = {
    "a reply": Arp(2, FOREIGN, VIP, NOBODY),
    "an announcement": Arp(1, FOREIGN, VIP, VIP),
    "a question by who has it": Arp(1, FOREIGN, VIP, OTHER),
    "another one's probe": Arp(1, FOREIGN, NOBODY, VIP),
}
HARMLESS = {
    "an own frame": Arp(1, MAC, VIP, VIP),
    "who-has": Arp(1, FOREIGN, OTHER, VIP),
    "a probe for another address": Arp(1, FOREIGN, NOBODY, OTHER),
    "another address": Arp(2, FOREIGN, OTHER, VIP),
    "a reply of nobody": Arp(2, FOREIGN, NOBODY, VIP),
}


@pytest.mark.parametrize("message", CONFLICTS.values(), ids=CONFLICTS)
@pytest.mark.parametrize("at", [0.0, 0.6, 5.4])
def test_a_conflict_while_it_is_checked_fails_it(message: Arp, at: float) -> None:
    one = address()
    one.bring_online(0.0)
    play(one, at)
    assert one.hear(message, at) == []
    assert (one.state, one.conflict) == (RoleState.FAILED, FOREIGN)
    assert play(one, 30.0) == [], "and nothing is announced"


@pytest.mark.parametrize("message", HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_conflict_changes_nothing(message: Arp) -> None:
    one = address()
    one.bring_online(0.0)
    assert one.hear(message, 0.1) == []
    assert one.state is RoleState.PENDING
    used = online()
    assert used.hear(message, 30.0) == []
    assert used.state is RoleState.ONLINE


def test_a_used_address_is_defended_once_in_a_while() -> None:
    one = online()
    rival = CONFLICTS["an announcement"]
    assert one.hear(rival, 30.0) == [Transmit(ANNOUNCEMENT)]
    assert one.hear(rival, 40.0) == [Transmit(ANNOUNCEMENT)], "ten seconds later is a new quarrel"
    assert one.hear(rival, 49.9) == [Release(VIP)]
    assert (one.state, one.conflict) == (RoleState.FAILED, FOREIGN)
    assert one.hear(rival, 50.0) == []


def test_a_probe_for_a_used_address_is_left_to_the_kernel() -> None:
    one = online()
    assert one.hear(CONFLICTS["another one's probe"], 30.0) == []
    assert one.state is RoleState.ONLINE


def test_offline_is_silent() -> None:
    assert online().take_offline() == [Release(VIP)]
    checked = address()
    checked.bring_online(0.0)
    assert checked.take_offline() == []
    assert checked.hear(CONFLICTS["a reply"], 1.0) == []
    assert play(checked, 30.0) == []


def test_a_failed_address_can_be_tried_again() -> None:
    one = address()
    one.bring_online(0.0)
    one.hear(CONFLICTS["a reply"], 0.1)
    one.bring_online(10.0)
    play(one, 30.0, 10.0)
    assert (one.state, one.conflict) == (RoleState.ONLINE, "")


def test_frames_are_read_whatever_the_padding() -> None:
    assert read_arp(ANNOUNCEMENT) == Arp(1, MAC, VIP, VIP)
    assert read_arp(PROBE + bytes(18)) == Arp(1, MAC, NOBODY, VIP)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        ANNOUNCEMENT[:41],
        ANNOUNCEMENT[:12] + struct.pack("!H", 0x0800) + ANNOUNCEMENT[14:],
        ANNOUNCEMENT[:14] + struct.pack("!H", 6) + ANNOUNCEMENT[16:],
        ANNOUNCEMENT[:18] + struct.pack("!BB", 8, 4) + ANNOUNCEMENT[20:],
    ],
)
def test_what_is_not_arp_for_ipv4_is_none(frame: bytes) -> None:
    assert read_arp(frame) is None


@pytest.mark.parametrize("wrong", [{"probe_min": -1.0}, {"probe_max": 0.5}, {"probe_number": -1}])
def test_a_check_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"probe_max is at least|no negative times"):
        AddressCheck(**wrong)  # type: ignore[arg-type]
