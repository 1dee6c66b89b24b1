"""BIND: a HAVIP belongs to the machine that announced it last, and nothing else binds it."""

from contextlib import suppress
from ipaddress import IPv4Address
from time import monotonic, sleep, time, time_ns

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Stage
from pytest_havip.fixtures.troupe import Troupe
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet, Target

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")


@requirement("HAVIP-BIND-001")
def test_a_gratuitous_request_binds(control_plane: ControlPlane, havip: Havip, a: Instance, observer: Observer) -> None:
    a.announce(havip.address, form="request")
    observer.wait_for_owner(havip.address, a)
    assert control_plane.owner_of(havip) is a


@requirement("HAVIP-BIND-002")
def test_a_gratuitous_reply_binds(control_plane: ControlPlane, havip: Havip, a: Instance, observer: Observer) -> None:
    a.announce(havip.address, form="reply", target_mac=a.mac)
    observer.wait_for_owner(havip.address, a)
    assert control_plane.owner_of(havip) is a


@requirement("HAVIP-BIND-003")
def test_another_machines_announcement_moves(
    control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    b.announce(havip.address)
    observer.wait_for_owner(havip.address, b)
    assert control_plane.owner_of(havip) is b


@requirement("HAVIP-BIND-004")
def test_a_refresh_changes_nothing(
    target: Target, havip: Havip, a: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    before = target.havip_state(havip)
    # A stamp counts whole seconds, so the refresh comes in a later one than the binding.
    sleep(1 - time() % 1)
    a.announce(havip.address)
    fence(a)
    assert observer.owner_of(havip.address) is a
    assert target.havip_state(havip) == before


@requirement("HAVIP-BIND-013")
def test_a_refresh_is_no_event(
    control_plane: ControlPlane, havip: Havip, a: Instance, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    for _ in range(5):
        a.announce(havip.address)
    fence(a)
    assert control_plane.moves_of(havip) == [(None, a)]


def assert_harmless(troupe: Troupe, havip: Havip, frame: bytes) -> None:
    """Send a frame of b's while nobody owns the HAVIP, and again while a does: nothing may change."""
    troupe.b.send(frame)
    troupe.fence(troupe.b)
    assert troupe.control_plane.owner_of(havip) is None
    troupe.bind(troupe.a, havip)
    troupe.b.send(frame)
    troupe.fence(troupe.b)
    assert troupe.control_plane.owner_of(havip) is troupe.a
    assert troupe.observer.owner_of(havip.address) is troupe.a


@requirement("HAVIP-BIND-005")
def test_a_probe_binds_nothing(troupe: Troupe) -> None:
    havip = troupe.havip()
    assert_harmless(troupe, havip, troupe.b.arp(1, NOBODY, havip.address))


@requirement("HAVIP-BIND-006")
def test_asking_binds_nothing(troupe: Troupe) -> None:
    havip = troupe.havip()
    assert_harmless(troupe, havip, troupe.b.arp(1, troupe.b.address, havip.address))


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(1, marks=requirement("HAVIP-BIND-007"), id="request"),
        pytest.param(2, marks=requirement("HAVIP-BIND-014"), id="reply"),
    ],
)
@pytest.mark.parametrize("about", ["a neighbour", "the gateway"])
def test_arp_that_is_not_gratuitous_binds_nothing(troupe: Troupe, operation: int, about: str) -> None:
    havip = troupe.havip()
    # "arping -U -s HAVIP gateway" sends a request for the gateway.
    target = troupe.subnet.gateway if about == "the gateway" else troupe.observer.instance.address
    assert_harmless(troupe, havip, troupe.b.arp(operation, havip.address, target))


@requirement("HAVIP-API-001")
def test_nothing_but_an_announcement_binds(
    target: Target, havip: Havip, a: Instance, control_plane: ControlPlane, observer: Observer, bind: Bind
) -> None:
    target.rename_havip(havip, "renamed")
    a.host.add_address(f"{havip.address}/32")
    assert control_plane.owner_of(havip) is None
    bind(a, havip)
    target.rename_havip(havip, "renamed again")
    assert control_plane.owner_of(havip) is a
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-BIND-015")
def test_a_detached_nic_loses_its_binding(
    target: Target, havip: Havip, a: Instance, b: Instance, control_plane: ControlPlane, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    target.unplug(a.nic)
    assert control_plane.owner_of(havip) is None
    b.announce(havip.address)
    observer.wait_for_owner(havip.address, b)


@requirement("HAVIP-BIND-016")
def test_one_machine_may_own_several(
    target: Target, havip: Havip, a: Instance, b: Instance, observer: Observer
) -> None:
    second = target.create_havip(a.nic.subnet, name="second")
    for one in (havip, second):
        a.announce(one.address)
        observer.wait_for_owner(one.address, a)
    b.announce(second.address)
    observer.wait_for_owner(second.address, b)
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-BIND-019")
def test_the_only_one_of_five_that_arrives_binds(
    target: Target, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    frame = b.announcement(havip.address)
    target.set_link(b.nic, up=False)
    for _ in range(4):
        send_in_vain(b, frame)
    target.set_link(b.nic, up=True)
    wait_until_mended(b, observer)
    assert observer.owner_of(havip.address) is a
    b.send(frame)
    observer.wait_for_owner(havip.address, b)


def send_in_vain(machine: Instance, frame: bytes) -> None:
    """Send a frame over a cut link; the kernel may say that it is lost."""
    with suppress(OSError):
        machine.send(frame)


def wait_until_mended(machine: Instance, observer: Observer) -> None:
    """Wait until what a machine sends over its mended link arrives.

    Raises:
        Inconclusive: It does not.
    """
    me, token = observer.instance, b"is the link mended?"
    greeting = machine.datagram(machine.address, me.address, me.mac, token)
    since, deadline = time_ns(), monotonic() + 5
    while me.name not in observer.witnesses(lambda data: token in data, since=since):
        if monotonic() > deadline:
            raise Inconclusive(f"5 s after its link was mended, nothing that {machine.name} sends arrives")
        sleep(0.002)
        # A kernel notices within a second that a cable is whole; asked about it, Linux does so at once.
        machine.host.mac()
        send_in_vain(machine, greeting)


@requirement("HAVIP-BIND-020")
def test_a_burst_of_refreshes_leaves_no_gap(troupe: Troupe) -> None:
    havip, a, observer, canary = troupe.havip(), troupe.a, troupe.observer, troupe.fence.canary
    me = observer.instance
    troupe.bind(a, havip)
    token = b"during the burst"
    packet, refresh = me.datagram(me.address, havip.address, a.mac, token), a.announcement(havip.address)
    burst = [refresh] * 25 + [a.announcement(canary)]
    since, sent = me.send(packet), 1
    for frame in burst:
        a.send(frame)
        me.send(packet)
        sent += 1
    # Packets go on until all of that has been handled, however long it takes the network.
    end = monotonic() + (observer.settle_time or 2)
    while monotonic() < end and (observer.settle_time or not observer.saw_about(canary, since=since)):
        me.send(packet)
        sent += 1
    observer.control()
    arrived = [frame for frame in a.port.capture.frames(since) if token in frame.data]
    assert len(arrived) == sent, f"of {sent} packets to {havip.address} {len(arrived)} reached {a.name}"
    assert observer.witnesses(lambda data: token in data, since=since) == [a.name]


@requirement("HAVIP-BIND-021")
def test_an_announcement_before_the_creation_binds_nothing_later(
    target: Target, subnet: Subnet, a: Instance, control_plane: ControlPlane, observer: Observer, fence: Fence
) -> None:
    address = IPv4Address("172.17.16.3")
    a.announce(address)
    fence(a)
    created = target.create_havip(subnet, address=str(address))
    fence(a)
    assert control_plane.owner_of(created) is None
    assert observer.owner_of(address, destination=a.mac) is None
    a.announce(address)
    observer.wait_for_owner(address, a)
    assert control_plane.owner_of(created) is a


@requirement("HAVIP-BIND-022")
def test_a_machine_that_comes_later_binds_like_any_other(
    stage: Stage, havip: Havip, a: Instance, control_plane: ControlPlane, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    latecomer = stage.launch("latecomer", a.nic.subnet)
    latecomer.announce(havip.address)
    observer.wait_for_owner(havip.address, latecomer)
    assert control_plane.owner_of(havip) is latecomer


@requirement("HAVIP-BIND-025")
def test_what_else_the_owner_says_changes_nothing(troupe: Troupe) -> None:
    havip, a, me, target = troupe.havip(), troupe.a, troupe.observer.instance, troupe.stage.target
    troupe.bind(a, havip)
    before = target.havip_state(havip)
    # A stamp counts whole seconds, so all this comes in a later one than the binding.
    sleep(1 - time() % 1)
    for frame in (
        a.arp(1, NOBODY, havip.address),
        a.arp(1, a.address, havip.address),
        a.arp(1, havip.address, me.address),
        a.arp(2, havip.address, me.address, target_mac=me.mac, ethernet_destination=me.mac),
        a.datagram(havip.address, me.address, me.mac, b"as the HAVIP"),
    ):
        a.send(frame)
    troupe.fence(a)
    assert target.havip_state(havip) == before
    assert troupe.observer.owner_of(havip.address) is a
