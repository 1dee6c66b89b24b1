"""BIND: a HAVIP belongs to the machine that announced it last, and nothing else binds it."""

from ipaddress import IPv4Address
from time import sleep, time

import pytest

from pytest_havip.clients.announcer import BROADCAST, ZERO, Instance, Shape
from pytest_havip.fixtures.judges import Bind, ControlPlane, Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Target

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")


@requirement("HAVIP-BIND-001")
def test_a_gratuitous_request_binds(control_plane: ControlPlane, havip: Havip, a: Instance, observer: Observer) -> None:
    a.announce(havip.address, form="request")
    observer.wait_for_owner(havip.address, a)
    assert control_plane.owner_of(havip) is a


@requirement("HAVIP-BIND-002")
def test_a_gratuitous_reply_binds(havip: Havip, a: Instance, observer: Observer) -> None:
    a.announce(havip.address, form="reply", target_mac=a.mac)
    observer.wait_for_owner(havip.address, a)


@requirement("HAVIP-BIND-010")
@pytest.mark.parametrize("form", ["request", "reply"])
@pytest.mark.parametrize("target_mac", [ZERO, BROADCAST, "own"])
@pytest.mark.parametrize("length", [42, 60])
def test_every_form_of_real_software_binds(
    havip: Havip, a: Instance, observer: Observer, form: str, target_mac: str, length: int
) -> None:
    shape: Shape = {
        "form": "reply" if form == "reply" else "request",
        "target_mac": a.mac if target_mac == "own" else target_mac,
        "length": length,
    }
    a.announce(havip.address, **shape)
    observer.wait_for_owner(havip.address, a)


@requirement("HAVIP-BIND-011")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_a_unicast_announcement_binds(havip: Havip, a: Instance, b: Instance, observer: Observer, form: str) -> None:
    since = a.announce(
        havip.address, form="reply" if form == "reply" else "request", ethernet_destination=observer.instance.mac
    )
    observer.wait_for_owner(havip.address, a)
    observer.wait_for_announcement(havip.address, a, since=since)
    assert b.name not in observer.heard_arp_from(havip.address, since=since), "a unicast announcement was broadcast"


@requirement("HAVIP-BIND-003")
def test_another_machines_announcement_moves(
    control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    b.announce(havip.address)
    observer.wait_for_owner(havip.address, b)
    assert control_plane.owner_of(havip) is b


@requirement("HAVIP-BIND-012")
def test_an_accepted_announcement_reaches_the_neighbours_but_not_its_sender(
    havip: Havip, a: Instance, b: Instance, observer: Observer
) -> None:
    since = a.announce(havip.address)
    observer.wait_for_announcement(havip.address, a, since=since)
    heard = observer.heard_arp_from(havip.address, since=since)
    assert sorted(heard) == [b.name, observer.instance.name, observer.witness.name]


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
def test_a_refresh_is_no_event(target: Target, havip: Havip, a: Instance, fence: Fence, bind: Bind) -> None:
    bind(a, havip)
    for _ in range(5):
        a.announce(havip.address)
    fence(a)
    moves = [(event.old_nic_id, event.new_nic_id) for event in target.events() if event.havip_id == havip.id]
    assert moves == [("", a.nic.id)]


@requirement("HAVIP-BIND-005")
def test_a_probe_binds_nothing(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    b.send(b.arp(1, NOBODY, havip.address))
    fence(b)
    assert observer.owner_of(havip.address) is None
    bind(a, havip)
    b.send(b.arp(1, NOBODY, havip.address))
    fence(b)
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-BIND-006")
def test_asking_binds_nothing(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    b.send(b.arp(1, b.address, havip.address))
    fence(b)
    assert observer.owner_of(havip.address, destination=b.mac) is None
    bind(a, havip)
    b.send(b.arp(1, b.address, havip.address))
    fence(b)
    assert observer.owner_of(havip.address) is a


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(1, marks=requirement("HAVIP-BIND-007"), id="request"),
        pytest.param(2, marks=requirement("HAVIP-BIND-014"), id="reply"),
    ],
)
def test_arp_that_is_not_gratuitous_binds_nothing(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind, operation: int
) -> None:
    for owner in (None, a):
        if owner:
            bind(owner, havip)
        b.send(b.arp(operation, havip.address, observer.instance.address))
        fence(b)
        assert observer.owner_of(havip.address, destination=b.mac) is owner


@requirement("HAVIP-BIND-008")
def test_an_owner_that_answers_nothing_keeps_the_binding(
    control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    # The owner's kernel does not hold the address: whoever asks for it, nobody answers.
    bind(a, havip)
    assert observer.answers_to_who_has(havip.address) == set()
    fence(b)
    assert control_plane.owner_of(havip) is a
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-BIND-009")
def test_an_owner_whose_interface_is_down_keeps_the_binding(
    control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    a.host.link_down()
    fence(b)
    assert control_plane.owner_of(havip) is a
    a.host.link_up()
    observer.wait_for_owner(havip.address, a)


@requirement("HAVIP-BIND-009")
def test_a_cut_link_keeps_the_binding(
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
    target.set_link(a.nic, up=False)
    fence(b)
    assert control_plane.owner_of(havip) is a
    target.set_link(a.nic, up=True)
    observer.wait_for_owner(havip.address, a)


@requirement("HAVIP-API-001")
def test_nothing_but_an_announcement_binds(
    control_plane: ControlPlane, target: Target, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    target.rename_havip(havip, "renamed")
    a.host.add_address(f"{havip.address}/32")
    assert control_plane.owner_of(havip) is None
    assert observer.owner_of(havip.address, destination=a.mac) is None
    bind(a, havip)


@requirement("HAVIP-BIND-015")
def test_a_detached_nic_loses_its_binding(
    control_plane: ControlPlane, target: Target, havip: Havip, a: Instance, b: Instance, bind: Bind
) -> None:
    bind(a, havip)
    target.unplug(a.nic)
    assert control_plane.owner_of(havip) is None
    bind(b, havip)


@requirement("HAVIP-BIND-016")
def test_one_machine_may_own_several(
    target: Target, subnet: object, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    del subnet
    second = target.create_havip(a.nic.subnet, name="second")
    bind(a, havip)
    bind(a, second)
    b.announce(second.address)
    observer.wait_for_owner(second.address, b)
    assert observer.owner_of(havip.address) is a
