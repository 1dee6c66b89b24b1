"""SCOPE: a HAVIP belongs to one subnet; from anywhere else it can't be announced."""

from collections.abc import Callable, Iterator

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Fence
from pytest_havip.fixtures.stage import Launch, Stage
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet, Target, Vpc

__all__: list[str] = []

Bind = Callable[[Instance, Havip], None]


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


def local_fence(target: Target, subnet: Subnet, launch: Launch) -> Fence:
    """A fence in another subnet, with an observer and a witness there."""
    members = [launch(f"{name} of {subnet.id}"[:30], subnet) for name in ("observer", "witness")]
    canary = target.create_havip(subnet, name="canary elsewhere")
    return Fence(Observer(members[0], members[1], members), canary.address, target.settle_time)


@requirement("HAVIP-SCOPE-001")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_another_subnet_cannot_announce(
    target: Target, elsewhere: Subnet, launch: Launch, havip: Havip, a: Instance, observer: Observer, bind: Bind, form: str
) -> None:
    intruder = launch("intruder", elsewhere)
    fence = local_fence(target, elsewhere, launch)
    bind(a, havip)
    since = intruder.announce(havip.address, form="reply" if form == "reply" else "request")
    fence(intruder)
    assert observer.owner_of(havip.address) is a
    assert observer.heard_arp_from(havip.address, since=since) == []
    state = target.havip_state(havip)
    assert state is not None
    assert state.nic_id == a.nic.id


@requirement("HAVIP-SCOPE-002")
def test_another_vpc_with_the_same_addresses_cannot_announce(
    target: Target, twin: Subnet, launch: Launch, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    intruder = launch("intruder", twin)
    fence = local_fence(target, twin, launch)
    bind(a, havip)
    since = intruder.announce(havip.address)
    fence(intruder)
    assert observer.owner_of(havip.address) is a
    heard = observer.heard_arp_from(havip.address, since=since)
    assert not {a.name, observer.instance.name, observer.witness.name}.intersection(heard)


@requirement("HAVIP-SCOPE-003")
def test_equal_havips_of_two_vpcs_move_apart(
    target: Target, twin: Subnet, launch: Launch, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    namesake = target.create_havip(twin, address=str(havip.address))
    far = launch("far", twin)
    members = [far, launch("far-observer", twin), launch("far-witness", twin)]
    far_observer = Observer(members[1], members[2], members)
    bind(a, havip)
    far.announce(namesake.address)
    far_observer.wait_for_owner(namesake.address, far)
    assert observer.owner_of(havip.address) is a
    for wanted, owner in ((havip, a), (namesake, far)):
        state = target.havip_state(wanted)
        assert state is not None
        assert state.nic_id == owner.nic.id


@requirement("HAVIP-SCOPE-004")
def test_a_rejection_from_another_subnet_says_so(
    target: Target, elsewhere: Subnet, launch: Launch, havip: Havip
) -> None:
    intruder = launch("intruder", elsewhere)
    fence = local_fence(target, elsewhere, launch)
    intruder.announce(havip.address)
    fence(intruder)
    counted = [
        (entry.address, entry.reason, entry.count) for entry in target.rejections() if entry.nic_id == intruder.nic.id
    ]
    assert counted == [(havip.address, "WRONG_SUBNET", 1)]
