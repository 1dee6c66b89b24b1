"""BIND: an owner that falls silent keeps its HAVIP until another announces it; the network does no health check."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.stage import Stage
from pytest_havip.lab import Lab
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Target

__all__: list[str] = []

#: Seconds for which an owner is silent before its binding is looked at: longer than the health checks of clouds wait.
SILENCE = 3.0


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
def silences(lab: Lab, target: Target, request: pytest.FixtureRequest) -> Iterator[dict[str, Silence]]:
    """Owners that fall silent at the same time, each in its own way; the silence has lasted `SILENCE` seconds."""
    ways: dict[str, Callable[[Instance], None]] = {
        "answers nothing": lambda machine: machine.host.remove_address(machine.nic.interface),
        "interface down": lambda machine: machine.host.link_down(),
        "link cut": lambda machine: target.set_link(machine.nic, up=False),
    }
    with Stage.build(lab, target) as stage:
        stage.attach_to(request)
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
