"""RELEASE: a released HAVIP is an ordinary address again; those who keep announcing it are spoofers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from time import sleep

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.troupe import Troupe, holding
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.observe.remote import RemoteObserver
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Target, Vpc

__all__: list[str] = []

#: Releases in the middle of announcements: each meets the network at another moment of its work.
ROUNDS = 5


@requirement("HAVIP-RELEASE-001")
def test_a_released_havip_reaches_nobody(
    target: Target, vpc: Vpc, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    target.delete_havip(havip)
    assert target.havip_state(havip) is None
    assert havip not in target.havips(vpc)
    # A neighbour that still believes in the old owner must not reach it either.
    assert observer.owner_of(havip.address, destination=a.mac) is None


@requirement("HAVIP-RELEASE-001")
def test_announcing_a_released_havip_is_spoofing(
    target: Target, havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    target.delete_havip(havip)
    for machine in (a, b):
        since = machine.announce(havip.address)
        fence(machine)
        assert observer.heard_arp_from(havip.address, since=since) == []
        assert observer.owner_of(havip.address, destination=machine.mac) is None


@requirement("HAVIP-RELEASE-002")
def test_a_released_address_is_free_again_and_unbound(
    control_plane: ControlPlane,
    target: Target,
    havip: Havip,
    a: Instance,
    b: Instance,
    observer: Observer,
    fence: Fence,
    bind: Bind,
) -> None:
    bind(a, havip)
    target.delete_havip(havip)
    again = target.create_havip(a.nic.subnet, address=str(havip.address))
    assert again.address == havip.address
    assert again.id != havip.id
    fence(a)
    assert control_plane.owner_of(again) is None
    b.announce(again.address)
    observer.wait_for_owner(again.address, b)
    assert control_plane.owner_of(again) is b


@requirement("HAVIP-RELEASE-003")
def test_releasing_one_leaves_the_others(
    target: Target, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    other = target.create_havip(a.nic.subnet, name="other")
    bind(a, havip)
    bind(b, other)
    target.delete_havip(havip)
    assert observer.owner_of(other.address) is b


@requirement("HAVIP-RELEASE-003")
def test_releasing_one_leaves_the_owners_others(troupe: Troupe, floating: Havip) -> None:
    other = troupe.havip()
    for havip in (floating, other):
        troupe.bind(troupe.a, havip)
    troupe.target.delete_havip(floating)
    assert troupe.observer.owner_of(other.address) is troupe.a
    assert troupe.control_plane.owner_of(other) is troupe.a


@requirement("HAVIP-RELEASE-004")
def test_a_second_release_is_refused(troupe: Troupe, floating: Havip) -> None:
    other = troupe.havip()
    troupe.bind(troupe.a, other)
    troupe.target.delete_havip(floating)
    with pytest.raises(Refused):
        troupe.target.delete_havip(floating)
    assert troupe.control_plane.owner_of(other) is troupe.a


@contextmanager
def announcing(machines: Sequence[Instance], havip: Havip) -> Iterator[None]:
    """Let machines announce a HAVIP in turn, a thousand times a second, meanwhile."""
    enough, begun = Event(), Event()
    frames = [(machine, machine.announcement(havip.address)) for machine in machines]

    def announce() -> None:
        while not enough.is_set():
            for machine, frame in frames:
                machine.send(frame)
            begun.set()
            sleep(0.001)

    announcer = Thread(target=announce)
    announcer.start()
    try:
        begun.wait()
        yield
    finally:
        enough.set()
        announcer.join()


@requirement("HAVIP-RELEASE-005")
def test_announcing_during_a_release_leaves_nothing(troupe: Troupe) -> None:
    for _ in range(ROUNDS):
        havip = troupe.havip()
        troupe.bind(troupe.a, havip)
        with announcing((troupe.a, troupe.b), havip):
            troupe.target.delete_havip(havip)
        for machine in (troupe.a, troupe.b):
            troupe.fence(machine)
        assert troupe.target.havip_state(havip) is None
        assert havip not in troupe.target.havips(troupe.stage.vpc)
        again = troupe.havip(havip.address)
        assert troupe.control_plane.owner_of(again) is None
        assert troupe.observer.owner_of(again.address) is None
        troupe.clear()


@requirement("HAVIP-RELEASE-006")
def test_a_released_havip_is_not_reached_from_another_subnet(
    troupe: Troupe, floating: Havip, remote: RemoteObserver
) -> None:
    with holding(troupe.a, floating):
        troupe.bind(troupe.a, floating)
        remote.wait_for_owner(floating.address, troupe.a)
        troupe.target.delete_havip(floating)
        assert remote.reached(floating.address) == []


@requirement("HAVIP-RELEASE-007")
def test_the_last_owner_sends_from_the_address_no_longer(troupe: Troupe, floating: Havip) -> None:
    owner, receiver = troupe.a, troupe.observer.instance
    troupe.bind(owner, floating)

    def arrives(payload: bytes) -> bool:
        since = owner.send(owner.datagram(floating.address, receiver.address, receiver.mac, payload))
        troupe.observer.control_from(owner)
        return receiver.name in troupe.observer.witnesses(lambda data: payload in data, since=since)

    assert arrives(b"as the owner")
    troupe.target.delete_havip(floating)
    assert not arrives(b"as the last owner")


@requirement("HAVIP-API-010")
def test_a_new_havip_has_no_stamp_of_the_old_one(troupe: Troupe, floating: Havip) -> None:
    untouched = troupe.target.havip_state(floating)
    assert untouched is not None
    troupe.bind(troupe.a, floating)
    troupe.target.delete_havip(floating)
    again = troupe.havip(floating.address)
    state = troupe.target.havip_state(again)
    assert state is not None
    assert state.flushed == untouched.flushed


@requirement("HAVIP-API-003")
def test_releasing_a_bound_havip_is_one_event(
    control_plane: ControlPlane, target: Target, havip: Havip, a: Instance, bind: Bind
) -> None:
    bind(a, havip)
    target.delete_havip(havip)
    assert control_plane.moves_of(havip) == [(None, a), (a, None)]


@requirement("HAVIP-RELEASE-008")
def test_a_bound_havip_is_not_released(
    target: Target, control_plane: ControlPlane, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    with pytest.raises(Refused):
        target.call("DeleteHaVip", HaVipId=havip.id)
    assert control_plane.owner_of(havip) is a
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-RELEASE-009")
def test_a_havip_unbound_by_hand_waits_for_an_announcement(troupe: Troupe, floating: Havip) -> None:
    target, other = troupe.target, troupe.havip()
    for havip in (floating, other):
        troupe.bind(troupe.a, havip)
    target.unbind(floating)
    assert troupe.control_plane.owner_of(floating) is None
    assert troupe.observer.owner_of(floating.address, destination=troupe.a.mac) is None
    question = troupe.a.arp(1, floating.address, troupe.b.address)
    since = troupe.a.send(question)
    troupe.fence(troupe.a)
    assert troupe.observer.witnesses(lambda data: data.startswith(question), since=since) == []
    assert troupe.observer.owner_of(other.address) is troupe.a
    troupe.bind(troupe.a, floating)
    assert troupe.control_plane.owner_of(floating) is troupe.a
