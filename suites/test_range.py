"""RANGE: with a drift range in force, none but its members announce a HAVIP; editing the range moves nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from time import time_ns
from typing import Any

import pytest

from pytest_havip.clients.announcer import Form, Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Launch, Stage
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Subnet, Target

__all__: list[str] = []

#: How many members a range may have.
MOST = 10
#: Sends one frame many times, as fast as a machine can, and another one in their midst.
FLOOD = """
import socket, sys
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
port.bind(("eth0", 0))
many, one = (bytes.fromhex(argument) for argument in sys.argv[1:])
for number in range(6000):
    port.send(one if number == 5000 else many)
"""

#: Makes a HAVIP with these members in its range, which is in force unless said otherwise.
Ranged = Callable[..., Havip]


@pytest.fixture
def ranged(target: Target, subnet: Subnet) -> Ranged:
    """Make HAVIPs with a drift range."""

    def create(*members: str, in_force: bool = True) -> Havip:
        view: dict[str, Any] = target.call(
            "CreateHaVip",
            VpcId=subnet.vpc_id,
            SubnetId=subnet.id,
            HaVipName="ranged",
            CheckAssociate=in_force,
            HaVipAssociationSet=[{"InstanceId": member} for member in members] or None,
        )["HaVip"]
        return Havip(view["HaVipId"], view["HaVipName"], IPv4Address(view["Vip"]), subnet.vpc_id, subnet.id)

    return create


def associate(target: Target, havip: Havip, *members: str) -> None:
    """Add members to a HAVIP's range."""
    pairs = [{"HaVipId": havip.id, "InstanceId": member} for member in members]
    target.call("AssociateHaVipInstance", HaVipAssociationSet=pairs)


def dissociate(target: Target, havip: Havip, *members: str) -> None:
    """Take members out of a HAVIP's range."""
    pairs = [{"HaVipId": havip.id, "InstanceId": member} for member in members]
    target.call("DisassociateHaVipInstance", HaVipAssociationSet=pairs)


def members_of(target: Target, havip: Havip) -> list[str]:
    """The members of a HAVIP's range, as the control plane lists them."""
    (view,) = target.call("DescribeHaVips", HaVipIds=[havip.id])["HaVipSet"]
    return [member["InstanceId"] for member in view["HaVipAssociationSet"]]


@contextmanager
def another_nic(stage: Stage, machine: Instance, interface: str = "eth1") -> Iterator[Instance]:
    """Plug a machine in by another NIC of its subnet."""
    second = Instance(machine.host, stage.target.plug(machine.host, machine.nic.subnet, interface=interface), interface)
    second.port.capture.sync()
    stage.cast.append(second)
    try:
        yield second
    finally:
        # The stage removes a host once for each machine that is in its cast.
        stage.cast.remove(second)


@pytest.fixture
def second(stage: Stage, a: Instance) -> Iterator[Instance]:
    """Another NIC of the first machine, in the same subnet."""
    with another_nic(stage, a) as nic:
        yield nic


@pytest.fixture
def assert_shut_out(
    control_plane: ControlPlane, observer: Observer, fence: Fence
) -> Callable[[Instance, Havip, Instance | None], None]:
    """See that a machine's announcements, of either form, leave the owner as it is and reach nobody."""

    def announce(machine: Instance, havip: Havip, owner: Instance | None) -> None:
        forms: tuple[Form, ...] = ("request", "reply")
        for form in forms:
            since = machine.announce(havip.address, form=form)
            fence(machine)
            assert control_plane.owner_of(havip) is owner
            assert observer.owner_of(havip.address) is owner
            assert observer.heard_arp_from(havip.address, since=since) == []

    return announce


ShutOut = Callable[[Instance, Havip, Instance | None], None]


@requirement("HAVIP-RANGE-001")
def test_an_outsider_announces_in_vain(
    ranged: Ranged, a: Instance, b: Instance, bind: Bind, assert_shut_out: ShutOut
) -> None:
    havip = ranged(a.nic.instance_id)
    assert_shut_out(b, havip, None)
    bind(a, havip)
    assert_shut_out(b, havip, a)


@requirement("HAVIP-RANGE-002")
def test_an_instance_brings_all_its_nics(
    ranged: Ranged, control_plane: ControlPlane, a: Instance, second: Instance, observer: Observer
) -> None:
    havip = ranged(a.nic.instance_id)
    for nic in (a, second, a):
        nic.announce(havip.address)
        observer.wait_for_owner(havip.address, nic)
        assert control_plane.owner_of(havip) is nic


@requirement("HAVIP-RANGE-003")
def test_a_nic_brings_no_other(
    ranged: Ranged, a: Instance, second: Instance, bind: Bind, assert_shut_out: ShutOut
) -> None:
    havip = ranged(second.nic.id)
    assert_shut_out(a, havip, None)
    bind(second, havip)
    assert_shut_out(a, havip, second)


@requirement("HAVIP-RANGE-004")
def test_a_range_that_is_not_in_force_shuts_nobody_out(
    ranged: Ranged, control_plane: ControlPlane, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    havip = ranged(a.nic.instance_id, in_force=False)
    bind(a, havip)
    b.announce(havip.address)
    observer.wait_for_owner(havip.address, b)
    assert control_plane.owner_of(havip) is b


@requirement("HAVIP-RANGE-005")
def test_nobody_is_in_an_empty_range(
    target: Target, ranged: Ranged, a: Instance, b: Instance, bind: Bind, assert_shut_out: ShutOut
) -> None:
    havip = ranged()
    for machine in (a, b):
        assert_shut_out(machine, havip, None)
    associate(target, havip, a.nic.instance_id)
    bind(a, havip)


@requirement("HAVIP-RANGE-006")
def test_editing_a_range_moves_nothing(
    target: Target,
    ranged: Ranged,
    control_plane: ControlPlane,
    a: Instance,
    b: Instance,
    observer: Observer,
    bind: Bind,
    launch: Launch,
    subnet: Subnet,
) -> None:
    havip, third = ranged(a.nic.id, b.nic.id), launch("third", subnet)
    bind(a, havip)
    before = target.havip_state(havip)
    for edit, member in ((associate, third), (dissociate, b), (dissociate, third), (associate, b)):
        edit(target, havip, member.nic.id)
        assert target.havip_state(havip) == before
        assert observer.owner_of(havip.address) is a
    assert control_plane.owner_of(havip) is a


@requirement("HAVIP-RANGE-007")
def test_who_is_in_a_range_is_so_at_once(
    target: Target,
    ranged: Ranged,
    a: Instance,
    b: Instance,
    observer: Observer,
    bind: Bind,
    assert_shut_out: ShutOut,
) -> None:
    havip = ranged(a.nic.instance_id)
    assert_shut_out(b, havip, None)
    associate(target, havip, b.nic.instance_id)
    assert sorted(members_of(target, havip)) == sorted([a.nic.instance_id, b.nic.instance_id])
    b.announce(havip.address)
    observer.wait_for_owner(havip.address, b)
    bind(a, havip)
    dissociate(target, havip, b.nic.instance_id)
    assert members_of(target, havip) == [a.nic.instance_id]
    assert_shut_out(b, havip, a)


@requirement("HAVIP-RANGE-008")
@pytest.mark.parametrize("first", ["instance", "NIC"])
def test_a_range_has_members_of_one_kind(
    target: Target, ranged: Ranged, a: Instance, b: Instance, bind: Bind, assert_shut_out: ShutOut, first: str
) -> None:
    member, other = (a.nic.instance_id, b.nic.id) if first == "instance" else (a.nic.id, b.nic.instance_id)
    havip = ranged(member)
    with pytest.raises(Refused):
        associate(target, havip, other)
    with pytest.raises(Refused):
        ranged(member, other)
    assert members_of(target, havip) == [member]
    assert_shut_out(b, havip, None)
    bind(a, havip)


@requirement("HAVIP-RANGE-009")
def test_a_range_has_room_for_ten(
    target: Target, stage: Stage, ranged: Ranged, a: Instance, assert_shut_out: ShutOut
) -> None:
    with ExitStack() as plugged:
        nics = [plugged.enter_context(another_nic(stage, a, f"eth{number}")) for number in range(1, MOST + 2)]
        havip = ranged(*(nic.nic.id for nic in nics[: MOST - 1]))
        associate(target, havip, nics[MOST - 1].nic.id)
        with pytest.raises(Refused, match="LimitExceeded"):
            associate(target, havip, nics[MOST].nic.id)
        with pytest.raises(Refused, match="LimitExceeded"):
            ranged(*(nic.nic.id for nic in nics))
        assert members_of(target, havip) == [nic.nic.id for nic in nics[:MOST]]
        assert_shut_out(nics[MOST], havip, None)


@requirement("HAVIP-RANGE-010")
def test_an_outsiders_announcements_are_counted_as_such(
    target: Target, ranged: Ranged, a: Instance, b: Instance, fence: Fence, bind: Bind
) -> None:
    havip = ranged(a.nic.instance_id)
    bind(a, havip)
    for _ in range(3):
        b.announce(havip.address)
    fence(b)
    counted = [(entry.address, entry.reason, entry.count) for entry in target.rejections() if entry.nic_id == b.nic.id]
    assert counted == [(havip.address, "NOT_IN_RANGE", 3)]


@requirement("HAVIP-RANGE-011")
def test_what_is_in_vain_costs_nothing(
    stage: Stage, ranged: Ranged, subnet: Subnet, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    other = ranged(a.nic.instance_id)
    bind(a, other)
    # No capture could keep up with it.
    machine = stage.launch("outsider", subnet, watched=False)
    many, one = (machine.announcement(each.address).hex() for each in (other, havip))
    since = time_ns()
    flood = machine.host.run([sys.executable, "-I", "-S", "-c", FLOOD, many, one])
    assert flood.returncode == 0, flood.stderr
    observer.wait_for_announcement(havip.address, machine, since=since)
    state = stage.target.havip_state(havip)
    assert state is not None
    assert state.nic_id == machine.nic.id
    assert observer.owner_of(other.address) is a


@requirement("HAVIP-RANGE-012")
def test_a_machine_that_there_is_not_is_no_member(target: Target, ranged: Ranged, a: Instance, bind: Bind) -> None:
    havip = ranged(a.nic.id)
    with pytest.raises(Refused, match="ResourceNotFound"):
        associate(target, havip, "eni-00000000")
    assert members_of(target, havip) == [a.nic.id]
    bind(a, havip)


@requirement("HAVIP-RANGE-013")
def test_an_edit_is_carried_out_whole_or_not_at_all(
    target: Target, ranged: Ranged, a: Instance, b: Instance, bind: Bind, assert_shut_out: ShutOut
) -> None:
    havip = ranged(a.nic.id)
    for impossible in (a.nic.id, "eni-00000000"):
        with pytest.raises(Refused):
            associate(target, havip, b.nic.id, impossible)
        with pytest.raises(Refused):
            dissociate(target, havip, a.nic.id, "eni-00000000")
        assert members_of(target, havip) == [a.nic.id]
    assert_shut_out(b, havip, None)
    bind(a, havip)


@requirement("HAVIP-RANGE-014")
def test_a_member_must_be_dissociated_before_it_goes(
    target: Target, ranged: Ranged, a: Instance, b: Instance, bind: Bind
) -> None:
    havip = ranged(a.nic.id, b.nic.id)
    bind(a, havip)
    with pytest.raises(Refused, match="UnsupportedOperation"):
        target.detach(a.nic)
    state = target.havip_state(havip)
    assert state is not None
    assert state.nic_id == a.nic.id
    dissociate(target, havip, a.nic.id)
    target.detach(a.nic)
    state = target.havip_state(havip)
    assert state is not None
    assert not state.bound


def of_default_range(target: Target, subnet: Subnet) -> Havip:
    """A HAVIP whose creation says nothing about its range."""
    view = target.call("CreateHaVip", VpcId=subnet.vpc_id, SubnetId=subnet.id, HaVipName="default")["HaVip"]
    return Havip(view["HaVipId"], view["HaVipName"], IPv4Address(view["Vip"]), subnet.vpc_id, subnet.id)


@requirement("HAVIP-RANGE-015")
def test_association_comes_first(
    target: Target, subnet: Subnet, a: Instance, b: Instance, bind: Bind, assert_shut_out: ShutOut
) -> None:
    havip = of_default_range(target, subnet)
    assert_shut_out(a, havip, None)
    associate(target, havip, a.nic.instance_id)
    bind(a, havip)
    assert_shut_out(b, havip, a)


@requirement("HAVIP-RANGE-016")
def test_the_owner_stays_in_the_range(
    target: Target, ranged: Ranged, control_plane: ControlPlane, a: Instance, b: Instance, bind: Bind
) -> None:
    havip = ranged(a.nic.id, b.nic.id)
    bind(a, havip)
    with pytest.raises(Refused):
        dissociate(target, havip, a.nic.id)
    assert control_plane.owner_of(havip) is a
    dissociate(target, havip, b.nic.id)
    assert members_of(target, havip) == [a.nic.id]


@requirement("HAVIP-RANGE-017")
def test_the_owner_goes_with_its_place_in_the_range(
    target: Target,
    ranged: Ranged,
    control_plane: ControlPlane,
    a: Instance,
    b: Instance,
    observer: Observer,
    bind: Bind,
) -> None:
    havip = ranged(a.nic.id, b.nic.id)
    bind(a, havip)
    dissociate(target, havip, a.nic.id)
    assert control_plane.owner_of(havip) is None
    assert observer.owner_of(havip.address, destination=a.mac) is None
    bind(b, havip)
