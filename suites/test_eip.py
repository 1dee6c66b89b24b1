"""EIP: the elastic IP of a HAVIP leads from outside of all VPCs to whoever owns it, and to nobody else."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.troupe import Troupe, holding
from pytest_havip.observe.dialogue import Dialogue
from pytest_havip.observe.remote import RemoteObserver
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Eip, Feature, Havip, Refused, Target

__all__: list[str] = []

#: Lets a new elastic IP lead to a HAVIP.
Elastic = Callable[[Havip], Eip]
_PORT = 9500


@pytest.fixture(scope="module")
def outside(standing_troupe: Troupe) -> RemoteObserver:
    """A machine outside of all VPCs; that silence means something is shown by an elastic IP of the witness."""
    stage, target, near = standing_troupe.stage, standing_troupe.target, standing_troupe.observer
    if Feature.EIP not in target.features:  # what a test asks of the network is only seen after this
        pytest.skip(f"unsupported: {target.name} lacks EIP: {Feature.EIP.value}")
    witnessed = target.create_havip(standing_troupe.subnet, address="172.17.16.24", name="witnessed")
    near.witness.host.add_address(f"{witnessed.address}/32")
    standing_troupe.bind(near.witness, witnessed)
    way = target.allocate_eip()
    target.associate_eip(way, witnessed)
    return RemoteObserver(stage.launch_outside("troupe outside"), near, way.address)


@pytest.fixture
def elastic(target: Target, troupe: Troupe) -> Iterator[Elastic]:
    """Give HAVIPs elastic IPs, and take them back after the test."""
    given: list[tuple[Eip, Havip]] = []

    def give(havip: Havip) -> Eip:
        eip = target.allocate_eip()
        given.append((eip, havip))
        target.associate_eip(eip, havip)
        return eip

    yield give
    there = {havip.id for havip in target.havips(troupe.stage.vpc)}
    for _, havip in given:
        if havip.id in there and target.eip_of(havip) is not None:
            target.dissociate_eip(havip)
    for eip, _ in given:
        target.release_eip(eip)


@dataclass(frozen=True)
class Play:
    """A HAVIP with an elastic IP, whose address both machines of the troupe hold."""

    havip: Havip
    eip: Eip


@pytest.fixture
def play(troupe: Troupe, floating: Havip, elastic: Elastic, outside: RemoteObserver) -> Iterator[Play]:
    """A HAVIP that is unbound, and has an elastic IP."""
    assert outside.instance
    with holding(troupe.a, floating), holding(troupe.b, floating):
        yield Play(floating, elastic(floating))


@requirement("HAVIP-EIP-001")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_the_owner_serves_the_world(
    troupe: Troupe, play: Play, outside: RemoteObserver, protocol: Literal["tcp", "udp"]
) -> None:
    troupe.bind(troupe.a, play.havip)
    with Dialogue.open(play.havip.address, (troupe.a, troupe.b), protocol) as served:
        dialogue = replace(served, address=play.eip.address)
        assert dialogue.ask(outside.instance, b"x" * 900) is troupe.a


@requirement("HAVIP-EIP-002")
def test_the_elastic_ip_follows_the_binding(troupe: Troupe, play: Play, outside: RemoteObserver) -> None:
    for owner in (troupe.a, troupe.b, troupe.a):
        owner.announce(play.havip.address)
        outside.wait_for_owner(play.eip.address, owner)


@requirement("HAVIP-EIP-003")
def test_nobody_is_reached_while_nobody_owns_it(
    troupe: Troupe, elastic: Elastic, play: Play, outside: RemoteObserver
) -> None:
    assert outside.reached(play.eip.address) == []
    left = troupe.havip()
    with troupe.guest("leaving") as owner, holding(troupe.b, left):
        owner.host.add_address(f"{left.address}/32")  # it goes with the interface
        troupe.bind(owner, left)
        eip = elastic(left)
        outside.wait_for_owner(eip.address, owner)
        troupe.stage.attach(troupe.stage.detach(owner), owner.host)
        assert outside.reached(eip.address) == []


@requirement("HAVIP-EIP-004")
def test_a_havip_with_an_elastic_ip_is_not_released(
    target: Target, troupe: Troupe, play: Play, outside: RemoteObserver
) -> None:
    troupe.bind(troupe.a, play.havip)
    with pytest.raises(Refused):
        target.delete_havip(play.havip)
    outside.wait_for_owner(play.eip.address, troupe.a)
    assert troupe.control_plane.owner_of(play.havip) is troupe.a
    target.dissociate_eip(play.havip)
    target.delete_havip(play.havip)
    assert target.havip_state(play.havip) is None


@requirement("HAVIP-EIP-005")
def test_a_dissociated_elastic_ip_leads_nowhere(
    target: Target, troupe: Troupe, play: Play, outside: RemoteObserver
) -> None:
    troupe.bind(troupe.a, play.havip)
    outside.wait_for_owner(play.eip.address, troupe.a)
    target.dissociate_eip(play.havip)
    assert target.eip_of(play.havip) is None
    troupe.bind(troupe.b, play.havip)
    assert outside.reached(play.eip.address) == []


@requirement("HAVIP-EIP-006")
def test_one_elastic_ip_for_one_havip(
    target: Target, troupe: Troupe, elastic: Elastic, play: Play, outside: RemoteObserver
) -> None:
    other = troupe.havip()
    another = elastic(other)
    troupe.bind(troupe.a, play.havip)
    with pytest.raises(Refused):
        target.associate_eip(another, play.havip)
    with pytest.raises(Refused):
        target.associate_eip(play.eip, other)
    assert target.eip_of(play.havip) == play.eip.address
    assert target.eip_of(other) == another.address
    outside.wait_for_owner(play.eip.address, troupe.a)


@requirement("HAVIP-EIP-007")
def test_each_elastic_ip_leads_to_its_own_havip(
    troupe: Troupe, elastic: Elastic, play: Play, outside: RemoteObserver
) -> None:
    other = troupe.havip()
    another = elastic(other)
    with holding(troupe.a, other), holding(troupe.b, other):
        troupe.bind(troupe.a, play.havip)
        troupe.bind(troupe.b, other)
        outside.wait_for_owner(play.eip.address, troupe.a)
        outside.wait_for_owner(another.address, troupe.b)
        troupe.bind(troupe.b, play.havip)
        troupe.bind(troupe.a, other)
        outside.wait_for_owner(play.eip.address, troupe.b)
        outside.wait_for_owner(another.address, troupe.a)


@requirement("HAVIP-EIP-008")
def test_equal_addresses_of_another_vpc_are_another_havips(
    target: Target, troupe: Troupe, play: Play, outside: RemoteObserver
) -> None:
    vpc = target.create_vpc(str(troupe.stage.vpc.cidr))
    try:
        twin = target.create_havip(
            target.create_subnet(vpc, str(troupe.subnet.cidr)), address=str(play.havip.address), name="twin"
        )
        eip = target.allocate_eip()
        target.associate_eip(eip, twin)
        try:
            troupe.bind(troupe.a, play.havip)
            outside.wait_for_owner(play.eip.address, troupe.a)
            assert outside.reached(eip.address) == []
        finally:
            target.dissociate_eip(twin)
            target.release_eip(eip)
    finally:
        target.delete_vpc(vpc)


@requirement("HAVIP-EIP-009")
def test_the_owner_speaks_to_the_world_as_the_elastic_ip(troupe: Troupe, play: Play, outside: RemoteObserver) -> None:
    with ExitStack() as opened:
        service = opened.enter_context(outside.instance.host.socket(socket.AF_INET, socket.SOCK_DGRAM))
        service.bind((str(outside.instance.address), _PORT))
        service.settimeout(3)

        def heard_from(machine: Instance) -> str:
            with machine.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
                asking.bind((str(play.havip.address), _PORT))
                asking.sendto(machine.name.encode(), (str(outside.instance.address), _PORT))
            try:
                said, (address, _) = service.recvfrom(100)
            except TimeoutError as missing:
                message = f"nothing that {machine.name} sent as {play.havip.address} came to the world within 3 s"
                raise AssertionError(message) from missing
            assert said == machine.name.encode()
            return str(address)

        for owner in (troupe.a, troupe.b):
            troupe.bind(owner, play.havip)
            assert heard_from(owner) == str(play.eip.address)


@requirement("HAVIP-EIP-010")
def test_an_association_changes_no_binding(target: Target, troupe: Troupe, floating: Havip, elastic: Elastic) -> None:
    troupe.bind(troupe.a, floating)
    before = target.havip_state(floating)
    elastic(floating)
    assert target.havip_state(floating) == before
    target.dissociate_eip(floating)
    assert target.havip_state(floating) == before
    assert troupe.observer.owner_of(floating.address) is troupe.a


@requirement("HAVIP-EIP-011")
def test_elastic_ips_survive_the_control_plane(
    target: Target, troupe: Troupe, play: Play, outside: RemoteObserver
) -> None:
    if Feature.RESTART not in target.features:
        pytest.skip(f"unsupported: {target.name} lacks {Feature.RESTART.name}: {Feature.RESTART.value}")
    troupe.bind(troupe.a, play.havip)
    outside.wait_for_owner(play.eip.address, troupe.a)
    target.interrupt()
    try:
        assert outside.reached(play.eip.address) == [troupe.a]
    finally:
        target.resume()
    assert target.eip_of(play.havip) == play.eip.address
    assert outside.reached(play.eip.address) == [troupe.a]
    troupe.bind(troupe.b, play.havip)
    outside.wait_for_owner(play.eip.address, troupe.b)
    target.dissociate_eip(play.havip)
    assert outside.reached(play.eip.address) == []


@requirement("HAVIP-EIP-012")
def test_both_sides_tell_of_the_association(target: Target, troupe: Troupe, floating: Havip, elastic: Elastic) -> None:
    def told() -> tuple[object, ...]:
        (havip,) = target.call("DescribeHaVips", HaVipIds=[floating.id])["HaVipSet"]
        (eip,) = target.call("DescribeAddresses", AddressIds=[address.id])["AddressSet"]
        by_address = [{"Name": "address-ip", "Values": [str(address.address)]}]
        (havips, eips) = (
            target.call(action, Filters=by_address)["TotalCount"] for action in ("DescribeHaVips", "DescribeAddresses")
        )
        return (
            havip["AddressIp"],
            eip["AddressStatus"],
            eip["InstanceId"],
            eip["PrivateAddressIp"],
            eip["InstanceType"],
            havips,
            eips,
        )

    (before,) = target.call("DescribeHaVips", HaVipIds=[floating.id])["HaVipSet"]
    assert before["AddressIp"] == ""
    address = elastic(floating)
    troupe.bind(troupe.a, floating)
    assert told() == (str(address.address), "BIND", floating.id, str(floating.address), "HAVIP", 1, 1)
    target.dissociate_eip(floating)
    assert told()[:2] == ("", "UNBIND")
    assert told()[-2:] == (0, 1)


@requirement("HAVIP-EIP-013")
def test_refusals_say_why(target: Target, troupe: Troupe, floating: Havip, elastic: Elastic) -> None:
    def code(action: str, **parameters: object) -> str:
        with pytest.raises(Refused) as refused:
            target.call(action, **parameters)
        return refused.value.code

    assert code("HaVipDisassociateAddressIp", HaVipId=floating.id) == "UnsupportedOperation.UnbindEIP"
    address = elastic(floating)
    spare = target.allocate_eip()
    try:
        assert (
            code("HaVipAssociateAddressIp", HaVipId=floating.id, AddressIp=str(spare.address))
            == "UnsupportedOperation.BindEIP"
        )
    finally:
        target.release_eip(spare)
    other = troupe.havip()
    assert code("HaVipAssociateAddressIp", HaVipId=other.id, AddressIp=str(address.address)) == "UnsupportedOperation"
    assert code("HaVipAssociateAddressIp", HaVipId=other.id, AddressIp=str(spare.address)) == "ResourceNotFound"
    assert code("DeleteHaVip", HaVipId=floating.id) == "UnsupportedOperation"
