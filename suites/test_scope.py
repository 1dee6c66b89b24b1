"""SCOPE: a HAVIP belongs to one subnet; from anywhere else it can't be announced."""

from dataclasses import dataclass
from time import time_ns

import pytest

from pytest_havip.clients.announcer import Form, Instance
from pytest_havip.fixtures.judges import Bind, announce_and_see
from pytest_havip.fixtures.stage import Stage
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet

__all__: list[str] = []


@dataclass(frozen=True)
class Intruder:
    """A machine of another subnet, with an observer and a fence there."""

    machine: Instance
    observer: Observer
    fence: Fence


def intrude(stage: Stage, subnet: Subnet, prefix: str = "far ") -> Intruder:
    """Start an intruder in another subnet; the names of the machines there begin with the prefix."""
    observer = stage.observer(subnet, prefix=prefix)
    return Intruder(stage.launch(f"{prefix}intruder", subnet), observer, stage.fence(subnet, observer))


def neighbours_that_heard(havip: Havip, observer: Observer, since: int) -> set[str]:
    """Names of the machines in the HAVIP's VPC that an ARP frame about it reached since a time (nanoseconds)."""
    vpc_id = observer.instance.nic.subnet.vpc_id
    here = {machine.name for machine in observer.cast if machine.nic.subnet.vpc_id == vpc_id}
    return here.intersection(observer.heard_arp_from(havip.address, since=since))


@pytest.mark.parametrize(
    ("place", "form"),
    [
        pytest.param("elsewhere", "request", marks=requirement("HAVIP-SCOPE-001"), id="another subnet, request"),
        pytest.param("elsewhere", "reply", marks=requirement("HAVIP-SCOPE-001"), id="another subnet, reply"),
        pytest.param("twin", "request", marks=requirement("HAVIP-SCOPE-002"), id="another VPC, request"),
        pytest.param("twin", "reply", marks=requirement("HAVIP-SCOPE-002"), id="another VPC, reply"),
    ],
)
def test_nobody_from_elsewhere_can_announce(
    stage: Stage,
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    havip: Havip,
    a: Instance,
    observer: Observer,
    bind: Bind,
    place: str,
    form: Form,
) -> None:
    intruder = intrude(stage, request.getfixturevalue(place))
    since = intruder.machine.announce(havip.address, form=form)
    intruder.fence(intruder.machine)
    assert control_plane.owner_of(havip) is None
    assert neighbours_that_heard(havip, observer, since) == set()
    bind(a, havip)
    since = intruder.machine.announce(havip.address, form=form)
    intruder.fence(intruder.machine)
    assert control_plane.owner_of(havip) is a
    assert observer.owner_of(havip.address) is a
    assert neighbours_that_heard(havip, observer, since) == set()


@requirement("HAVIP-SCOPE-003")
def test_equal_havips_of_two_vpcs_move_apart(
    control_plane: ControlPlane, stage: Stage, twin: Subnet, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    namesake = stage.target.create_havip(twin, address=str(havip.address))
    far = intrude(stage, twin)
    bind(a, havip)
    far.machine.announce(namesake.address)
    far.observer.wait_for_owner(namesake.address, far.machine)
    assert observer.owner_of(havip.address) is a
    assert control_plane.owner_of(havip) is a
    assert control_plane.owner_of(namesake) is far.machine


@requirement("HAVIP-SCOPE-004")
def test_a_rejection_from_another_subnet_says_so(stage: Stage, elsewhere: Subnet, havip: Havip) -> None:
    intruder = intrude(stage, elsewhere)
    machine, neighbour = intruder.machine, intruder.observer.instance
    machine.announce(havip.address)
    machine.send(machine.datagram(havip.address, neighbour.address, neighbour.mac, b""))
    intruder.fence(machine)
    nic_id = machine.nic.id
    counted = [
        (entry.address, entry.reason, entry.count) for entry in stage.target.rejections() if entry.nic_id == nic_id
    ]
    assert counted == [(havip.address, "WRONG_SUBNET", 2)]


@requirement("HAVIP-SCOPE-005")
def test_a_machine_that_moves_leaves_its_havips_behind(
    control_plane: ControlPlane, stage: Stage, elsewhere: Subnet, havip: Havip, a: Instance, observer: Observer
) -> None:
    far = stage.observer(elsewhere, prefix="far ")
    fence = stage.fence(elsewhere, far)
    announce_and_see(observer, a, havip)
    stage.unplug(a)
    assert control_plane.owner_of(havip) is None
    moved = stage.plug_in(a, elsewhere, interface="eth0")
    since = moved.announce(havip.address)
    fence(moved)
    assert control_plane.owner_of(havip) is None
    assert neighbours_that_heard(havip, observer, since) == set()
    assert observer.owner_of(havip.address, destination=moved.mac) is None


@requirement("HAVIP-SCOPE-006")
def test_an_announcement_stays_in_its_subnet(
    stage: Stage, elsewhere: Subnet, twin: Subnet, havip: Havip, a: Instance, bind: Bind
) -> None:
    strangers = [intrude(stage, subnet, prefix) for subnet, prefix in ((elsewhere, "far "), (twin, "twin "))]
    since = time_ns()
    bind(a, havip)
    for stranger in strangers:
        # What is announced there is heard there, so that silence means something.
        stranger.fence(stranger.machine)
    heard = strangers[0].observer.heard_arp_from(havip.address, since=since)
    outside = {name for name in heard if name.startswith(("far ", "twin "))}
    assert outside == set()
