"""BIND: a HAVIP belongs to the machine that announced it last, and nothing else binds it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from time import monotonic, sleep, time

import pytest

from pytest_havip.clients.announcer import BROADCAST, ZERO, Form, Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Stage
from pytest_havip.lab import Lab
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Target

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")
#: Seconds for which an owner is silent before its binding is looked at: longer than the health checks of clouds wait.
SILENCE = 3.0


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


@requirement("HAVIP-BIND-010")
@pytest.mark.parametrize("form", ["request", "reply"])
@pytest.mark.parametrize("target_mac", [ZERO, BROADCAST, "own"])
@pytest.mark.parametrize("length", [42, 60])
def test_every_form_of_real_software_binds(
    havip: Havip, a: Instance, observer: Observer, form: Form, target_mac: str, length: int
) -> None:
    a.announce(havip.address, form=form, target_mac=a.mac if target_mac == "own" else target_mac, length=length)
    observer.wait_for_owner(havip.address, a)


@requirement("HAVIP-BIND-011")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_a_unicast_announcement_binds_and_stays_unicast(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, form: Form
) -> None:
    # A switch that learns knows the observer from now on.
    observer.control()
    since = a.announce(havip.address, form=form, ethernet_destination=observer.instance.mac)
    observer.wait_for_owner(havip.address, a)
    fence(a)
    heard = observer.heard_arp_from(havip.address, since=since)
    assert b.name not in heard
    assert heard == [observer.instance.name]


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
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence
) -> None:
    since = a.announce(havip.address)
    fence(a)
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
def test_a_refresh_is_no_event(
    control_plane: ControlPlane, havip: Havip, a: Instance, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    for _ in range(5):
        a.announce(havip.address)
    fence(a)
    assert control_plane.moves_of(havip) == [(None, a)]


@pytest.fixture
def assert_harmless(
    havip: Havip, a: Instance, b: Instance, control_plane: ControlPlane, observer: Observer, fence: Fence, bind: Bind
) -> Callable[[bytes], None]:
    """Send a frame of b's while nobody owns the HAVIP, and again while a does: nothing may change."""

    def send_twice(frame: bytes) -> None:
        b.send(frame)
        fence(b)
        assert control_plane.owner_of(havip) is None
        bind(a, havip)
        b.send(frame)
        fence(b)
        assert control_plane.owner_of(havip) is a
        assert observer.owner_of(havip.address) is a

    return send_twice


@requirement("HAVIP-BIND-005")
def test_a_probe_binds_nothing(havip: Havip, b: Instance, assert_harmless: Callable[[bytes], None]) -> None:
    assert_harmless(b.arp(1, NOBODY, havip.address))


@requirement("HAVIP-BIND-006")
def test_asking_binds_nothing(havip: Havip, b: Instance, assert_harmless: Callable[[bytes], None]) -> None:
    assert_harmless(b.arp(1, b.address, havip.address))


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(1, marks=requirement("HAVIP-BIND-007"), id="request"),
        pytest.param(2, marks=requirement("HAVIP-BIND-014"), id="reply"),
    ],
)
def test_arp_that_is_not_gratuitous_binds_nothing(
    havip: Havip, b: Instance, observer: Observer, assert_harmless: Callable[[bytes], None], operation: int
) -> None:
    assert_harmless(b.arp(operation, havip.address, observer.instance.address))


@dataclass(frozen=True)
class Silence:
    """An owner that has been silent for a while.

    Args:
        owner: The silent machine.
        heir: Another machine.
        havip: What the owner owns.
        observer: A third machine.
        control_plane: The network's own word.
    """

    owner: Instance
    heir: Instance
    havip: Havip
    observer: Observer
    control_plane: ControlPlane


@pytest.fixture(scope="module")
def silences(lab: Lab, target: Target) -> Iterator[dict[str, Silence]]:
    """Owners that fall silent at the same time, each in its own way; the silence has lasted `SILENCE` seconds."""
    ways: dict[str, Callable[[Instance], None]] = {
        "answers nothing": lambda machine: machine.host.remove_address(machine.nic.interface),
        "interface down": lambda machine: machine.host.link_down(),
        "link cut": lambda machine: target.set_link(machine.nic, up=False),
    }
    with Stage.build(lab, target) as stage:
        subnet = stage.subnet()
        observer = stage.observer(subnet, prefix="silence ")
        heir = stage.launch("heir", subnet)
        scenes = {}
        for number, (name, fall_silent) in enumerate(ways.items()):
            owner = stage.launch(f"silent {number}", subnet)
            havip = target.create_havip(subnet, name=name)
            owner.announce(havip.address)
            observer.wait_for_owner(havip.address, owner)
            fall_silent(owner)
            scenes[name] = Silence(owner, heir, havip, observer, ControlPlane(target, stage.cast))
        end = monotonic() + SILENCE
        # Users go on asking meanwhile, as a health check would.
        while monotonic() < end:
            observer.control()
            for scene in scenes.values():
                me = observer.instance
                me.send(me.arp(1, me.address, scene.havip.address))
            sleep(SILENCE / 20)
        yield scenes


def keeps_until_another_announces(scene: Silence) -> None:
    """The silent owner still owns it; then another announces, and does."""
    assert scene.control_plane.owner_of(scene.havip) is scene.owner
    scene.heir.announce(scene.havip.address)
    scene.observer.wait_for_owner(scene.havip.address, scene.heir)
    assert scene.control_plane.owner_of(scene.havip) is scene.heir


@requirement("HAVIP-BIND-008")
def test_an_owner_that_answers_nothing_keeps_the_binding(silences: dict[str, Silence]) -> None:
    scene = silences["answers nothing"]
    assert scene.observer.owner_of(scene.havip.address) is scene.owner
    keeps_until_another_announces(scene)


@requirement("HAVIP-BIND-009")
@pytest.mark.parametrize("way", ["interface down", "link cut"])
def test_an_owner_without_a_link_keeps_the_binding(silences: dict[str, Silence], way: str) -> None:
    keeps_until_another_announces(silences[way])


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
