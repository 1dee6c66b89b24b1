"""SCOPE: a HAVIP belongs to one subnet; from anywhere else it can't be announced."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind, ControlPlane, Fence
from pytest_havip.fixtures.stage import Stage
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet, Target, Vpc

__all__: list[str] = []


@pytest.fixture
def elsewhere(target: Target, vpc: Vpc) -> Subnet:
    """Another subnet of the same VPC."""
    return target.create_subnet(vpc, "172.17.32.0/24")


@pytest.fixture
def twin(stage: Stage) -> Iterator[Subnet]:
    """A subnet with the same addresses in another VPC; it ends before its machines do."""
    target = stage.target
    other = target.create_vpc("172.17.0.0/16")
    yield target.create_subnet(other, "172.17.16.0/24")
    target.delete_vpc(other)


@dataclass(frozen=True)
class Intruder:
    """A machine of another subnet, and a fence there."""

    machine: Instance
    fence: Fence


def intrude(stage: Stage, subnet: Subnet) -> Intruder:
    """Start an intruder in another subnet; its fence's observer and witness are there too."""
    members = [stage.launch(name, subnet) for name in ("intruder", "far observer", "far witness")]
    canary = stage.target.create_havip(subnet, name="canary elsewhere")
    fence = Fence(Observer(members[1], members[2], members), canary.address, stage.target.settle_time)
    return Intruder(members[0], fence)


@requirement("HAVIP-SCOPE-001")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_another_subnet_cannot_announce(
    control_plane: ControlPlane,
    stage: Stage,
    elsewhere: Subnet,
    havip: Havip,
    a: Instance,
    observer: Observer,
    bind: Bind,
    form: str,
) -> None:
    intruder = intrude(stage, elsewhere)
    bind(a, havip)
    since = intruder.machine.announce(havip.address, form="reply" if form == "reply" else "request")
    intruder.fence(intruder.machine)
    assert observer.owner_of(havip.address) is a
    assert control_plane.owner_of(havip) is a
    assert observer.heard_arp_from(havip.address, since=since) == []


@requirement("HAVIP-SCOPE-002")
def test_another_vpc_with_the_same_addresses_cannot_announce(
    stage: Stage, twin: Subnet, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    intruder = intrude(stage, twin)
    bind(a, havip)
    since = intruder.machine.announce(havip.address)
    intruder.fence(intruder.machine)
    assert observer.owner_of(havip.address) is a
    heard = observer.heard_arp_from(havip.address, since=since)
    assert not {a.name, observer.instance.name, observer.witness.name}.intersection(heard)


@requirement("HAVIP-SCOPE-003")
def test_equal_havips_of_two_vpcs_move_apart(
    control_plane: ControlPlane, stage: Stage, twin: Subnet, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    namesake = stage.target.create_havip(twin, address=str(havip.address))
    far = intrude(stage, twin)
    bind(a, havip)
    far.machine.announce(namesake.address)
    far.fence.observer.wait_for_owner(namesake.address, far.machine)
    assert observer.owner_of(havip.address) is a
    assert control_plane.owner_of(havip) is a
    assert control_plane.owner_of(namesake) is far.machine


@requirement("HAVIP-SCOPE-004")
def test_a_rejection_from_another_subnet_says_so(stage: Stage, elsewhere: Subnet, havip: Havip) -> None:
    intruder = intrude(stage, elsewhere)
    machine, neighbour = intruder.machine, intruder.fence.observer.instance
    machine.announce(havip.address)
    machine.send(machine.datagram(havip.address, neighbour.address, neighbour.mac, b""))
    intruder.fence(machine)
    nic_id = machine.nic.id
    counted = [
        (entry.address, entry.reason, entry.count) for entry in stage.target.rejections() if entry.nic_id == nic_id
    ]
    assert counted == [(havip.address, "WRONG_SUBNET", 2)]
