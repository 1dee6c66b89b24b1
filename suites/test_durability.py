"""DUR: the control plane ends without a warning and is started again; who owns what, and who may not, stays so."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.observe.probe import ProbeStream
from pytest_havip.observe.probe_record import ProbeRecord
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Feature, Havip, Subnet, Target, Vpc

__all__: list[str] = []

#: Seconds that a user may be without service; starting all data paths anew takes longer.
TOLERABLE = 1.0
#: Seconds for the first answer to a probe.
PATIENCE = 10.0


@contextmanager
def interrupted(target: Target) -> Iterator[None]:
    """Let the control plane be down for the length of a `with` block."""
    target.interrupt()
    try:
        yield
    finally:
        target.resume()


@requirement("HAVIP-DUR-001")
def test_a_restart_forgets_nothing(
    target: Target, vpc: Vpc, subnet: Subnet, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    unbound = target.create_havip(subnet, name="another")
    bind(a, havip)
    before = [target.havip_state(one) for one in (havip, unbound)]
    listed = {one.id: one for one in target.havips(vpc)}
    with interrupted(target):
        pass
    assert [target.havip_state(one) for one in (havip, unbound)] == before
    assert {one.id: one for one in target.havips(vpc)} == listed
    assert observer.owner_of(havip.address) is a


def probed(target: Target, havip: Havip, owner: Instance, observer: Observer) -> tuple[ProbeRecord, int]:
    """Interrupt the control plane while a third machine asks the owner; return its record, and when it began."""
    owner.host.add_address(f"{havip.address}/32")
    with ProbeStream.start(observer.instance.host, havip.address, [owner.host]) as stream:
        first = stream.wait_for_owner(owner.host, timeout=PATIENCE)
        with interrupted(target):
            stream.wait_for_answer(lambda _: True, "an answer", timeout=PATIENCE, since=first.received)
        return stream.stop(), first.received


@requirement("HAVIP-DUR-002")
def test_packets_go_on_reaching_the_owner(
    target: Target, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    record, since = probed(target, havip, a, observer)
    assert record.outage(since).seconds < TOLERABLE
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-DUR-003")
def test_no_packet_is_lost(target: Target, havip: Havip, a: Instance, observer: Observer, bind: Bind) -> None:
    bind(a, havip)
    record, since = probed(target, havip, a, observer)
    assert record.lost(since) == ()


@requirement("HAVIP-DUR-004")
def test_spoofing_reaches_nobody_meanwhile_and_afterwards(
    target: Target, a: Instance, b: Instance, observer: Observer, fence: Fence
) -> None:
    with interrupted(target):
        since = b.announce(a.address)
        observer.control_from(b)  # what is sent later has arrived
        assert observer.heard_arp_from(a.address, since=since, mac=b.mac) == []
    since = b.announce(a.address)
    fence(b)
    assert observer.heard_arp_from(a.address, since=since, mac=b.mac) == []


@requirement("HAVIP-DUR-005")
def test_announcements_wait_for_the_control_plane(
    target: Target,
    control_plane: ControlPlane,
    havip: Havip,
    a: Instance,
    b: Instance,
    observer: Observer,
    fence: Fence,
    bind: Bind,
) -> None:
    bind(a, havip)
    with interrupted(target):
        for machine in (b, a, b):
            machine.announce(havip.address)
    fence(a)
    assert observer.owner_of(havip.address) is b
    assert control_plane.owner_of(havip) is b


@requirement("HAVIP-DUR-006")
def test_a_restart_is_no_event(
    target: Target, control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, fence: Fence
) -> None:
    if Feature.EVENTS not in target.features:
        pytest.skip(f"unsupported: {target.name} lacks {Feature.EVENTS.name}: {Feature.EVENTS.value}")
    for machine in (a, b):
        machine.announce(havip.address)
    fence(b)
    with interrupted(target):
        pass
    assert control_plane.moves_of(havip) == [(None, a), (a, b)]
    a.announce(havip.address)
    fence(a)
    assert control_plane.moves_of(havip) == [(None, a), (a, b), (b, a)]
