"""ADDR: a HAVIP's address is a free one of its subnet; one that is wanted is checked as any private address is."""

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.crowd import AtOnce
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Launch
from pytest_havip.lab import Host, Lab
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Subnet, Target, Vpc

__all__: list[str] = []


@requirement("HAVIP-ADDR-001")
def test_an_automatic_address_is_a_free_one_of_the_subnet(
    target: Target, subnet: Subnet, launch: Launch, observer: Observer
) -> None:
    havips, machines = [], []
    # In turn, so that whoever takes the lowest free address, or the next one, meets the others'.
    for number in range(3):
        machines.append(launch(f"machine {number}", subnet))
        havips.append(target.create_havip(subnet))
    addresses = [havip.address for havip in havips]
    taken = [subnet.gateway, *(machine.address for machine in (*machines, observer.instance, observer.witness))]
    assert len({*addresses, *taken}) == len(addresses) + len(taken)
    assert set(addresses) <= set(subnet.cidr.hosts())
    for havip in havips:
        machines[0].announce(havip.address)
        observer.wait_for_owner(havip.address, machines[0])


@requirement("HAVIP-ADDR-002")
def test_a_wanted_address_is_given(target: Target, subnet: Subnet, a: Instance, observer: Observer) -> None:
    havip = target.create_havip(subnet, address="172.17.16.77")
    assert str(havip.address) == "172.17.16.77"
    a.announce(havip.address)
    observer.wait_for_owner(havip.address, a)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param("172.17.17.5", marks=requirement("HAVIP-ADDR-003"), id="of another subnet"),
        pytest.param("10.0.0.5", marks=requirement("HAVIP-ADDR-003"), id="of another network"),
        pytest.param("network", marks=requirement("HAVIP-ADDR-004"), id="network"),
        pytest.param("gateway", marks=requirement("HAVIP-ADDR-004"), id="gateway"),
        pytest.param("broadcast", marks=requirement("HAVIP-ADDR-004"), id="broadcast"),
        pytest.param("not an address", marks=requirement("HAVIP-ADDR-007"), id="no address"),
        pytest.param("172.17.16.300", marks=requirement("HAVIP-ADDR-007"), id="out of range"),
        pytest.param("172.17.16", marks=requirement("HAVIP-ADDR-007"), id="three numbers"),
        pytest.param("172.17.16.5/24", marks=requirement("HAVIP-ADDR-007"), id="with a mask"),
        pytest.param("172.17.16.05", marks=requirement("HAVIP-ADDR-015"), id="leading zero"),
        pytest.param("", marks=requirement("HAVIP-ADDR-015"), id="empty"),
        pytest.param("0.0.0.0", marks=requirement("HAVIP-ADDR-016"), id="unspecified"),
        pytest.param("127.0.0.1", marks=requirement("HAVIP-ADDR-016"), id="loopback"),
        pytest.param("169.254.0.5", marks=requirement("HAVIP-ADDR-016"), id="link-local"),
        pytest.param("224.0.0.18", marks=requirement("HAVIP-ADDR-016"), id="multicast"),
        pytest.param("255.255.255.255", marks=requirement("HAVIP-ADDR-016"), id="everyone"),
    ],
)
def test_an_impossible_address_is_refused(target: Target, vpc: Vpc, subnet: Subnet, wanted: str) -> None:
    reserved = {
        "network": subnet.cidr.network_address,
        "gateway": subnet.gateway,
        "broadcast": subnet.cidr.broadcast_address,
    }
    with pytest.raises(Refused, match="InvalidParameter"):
        target.create_havip(subnet, address=str(reserved.get(wanted, wanted)))
    # The control: a possible one is given, and nothing else has been.
    possible = target.create_havip(subnet, address="172.17.16.5")
    assert target.havips(vpc) == [possible]


@requirement("HAVIP-ADDR-005")
def test_an_occupied_address_is_refused(target: Target, subnet: Subnet, havip: Havip, a: Instance, bind: Bind) -> None:
    for occupied in (a.address, havip.address):
        with pytest.raises(Refused, match="ResourceInUse"):
            target.create_havip(subnet, address=str(occupied))
    bind(a, havip)


@requirement("HAVIP-ADDR-006")
def test_a_havips_address_is_no_machines(subnet: Subnet, launch: Launch, havip: Havip, b: Instance, bind: Bind) -> None:
    with pytest.raises(Refused, match="ResourceInUse"):
        launch("late", subnet, address=str(havip.address))
    bind(b, havip)


@pytest.fixture
def rich(lab: Lab) -> Iterator[Host]:
    """A machine that may have several addresses, plugged in nowhere yet."""
    host = lab.host("rich")
    yield host
    lab.remove(host)


@requirement("HAVIP-ADDR-008")
def test_a_secondary_address_is_occupied_as_a_primary_one_is(
    rich: Host, target: Target, vpc: Vpc, subnet: Subnet, havip: Havip
) -> None:
    with pytest.raises(Refused, match="ResourceInUse"):
        target.plug(rich, subnet, address="172.17.16.7", secondary=["172.17.16.8", str(havip.address)])
    nic = target.plug(rich, subnet, address="172.17.16.7", secondary=["172.17.16.8"])
    with pytest.raises(Refused, match="ResourceInUse"):
        target.create_havip(subnet, address="172.17.16.8")
    assert target.havips(vpc) == [havip]
    # The control: once the NIC is gone, the address is not.
    target.unplug(nic)
    target.create_havip(subnet, address="172.17.16.8")


@pytest.fixture
def narrow(target: Target, vpc: Vpc) -> Subnet:
    """A subnet of eight addresses: fewer than a VPC may have HAVIPs."""
    return target.create_subnet(vpc, "172.17.64.0/29")


@pytest.fixture
def crowded(target: Target, narrow: Subnet) -> list[Havip]:
    """The HAVIPs of a subnet that is full of them."""
    havips: list[Havip] = []
    for _ in range(narrow.cidr.num_addresses):
        try:
            havips.append(target.create_havip(narrow))
        except Refused:
            break
    return havips


@requirement("HAVIP-ADDR-009")
def test_automatic_addresses_end_before_the_reserved_ones(target: Target, narrow: Subnet, crowded: list[Havip]) -> None:
    with pytest.raises(Refused, match="ResourceInsufficient"):
        target.create_havip(narrow)
    given = {havip.address for havip in crowded}
    assert len(given) == len(crowded) > 0
    assert given <= set(narrow.cidr.hosts()) - {narrow.gateway}


@requirement("HAVIP-ADDR-010")
def test_every_address_but_the_reserved_ones_can_be_had(crowded: list[Havip]) -> None:
    assert sorted(str(havip.address) for havip in crowded) == [f"172.17.64.{number}" for number in range(2, 7)]


@requirement("HAVIP-ADDR-011")
def test_a_machine_gets_no_havips_address(target: Target, narrow: Subnet, crowded: list[Havip], launch: Launch) -> None:
    free = crowded.pop(len(crowded) // 2)
    target.delete_havip(free)
    assert launch("late", narrow).address not in {havip.address for havip in crowded}


@requirement("HAVIP-ADDR-012")
def test_parallel_creations_get_an_address_each(target: Target, vpc: Vpc, subnet: Subnet, at_once: AtOnce) -> None:
    granted, refused = at_once(lambda: target.create_havip(subnet), target.havip_quota(vpc))
    assert refused == []
    assert len({havip.address for havip in granted}) == len(granted)
    assert len({havip.id for havip in granted}) == len(granted)


@requirement("HAVIP-ADDR-013")
def test_of_parallel_wishes_for_one_address_one_is_granted(
    target: Target, vpc: Vpc, subnet: Subnet, at_once: AtOnce
) -> None:
    granted, refused = at_once(lambda: target.create_havip(subnet, address="172.17.16.3"), target.havip_quota(vpc))
    assert len(granted) == 1
    assert {refusal.code.partition(".")[0] for refusal in refused} == {"ResourceInUse"}
    assert target.havips(vpc) == granted


@requirement("HAVIP-ADDR-014")
def test_two_vpcs_may_use_one_address(target: Target, havip: Havip, twin: Subnet) -> None:
    double = target.create_havip(twin, address=str(havip.address))
    assert double.address == havip.address
    for one in (havip, double):
        state = target.havip_state(one)
        assert state is not None
        assert state.havip == one


@requirement("HAVIP-ADDR-017")
def test_an_address_that_was_let_go_can_be_had_by_anyone(
    target: Target, subnet: Subnet, havip: Havip, launch: Launch
) -> None:
    target.delete_havip(havip)
    machine = launch("heir", subnet, address=str(havip.address))
    assert machine.address == havip.address
    target.unplug(machine.nic)
    assert target.create_havip(subnet, address=str(havip.address)).address == havip.address


@requirement("HAVIP-ADDR-019")
def test_the_inventory_names_the_holder(target: Target, vpc: Vpc, subnet: Subnet, a: Instance) -> None:
    def holder(address: IPv4Address) -> list[tuple[str, str]]:
        asked = {"VpcId": vpc.id, "SubnetId": subnet.id, "IpAddresses": [str(address)]}
        states = target.call("DescribeUsedIpAddress", **asked)["IpAddressStates"]
        return [(state["IpAddress"], state["ResourceId"]) for state in states]

    havip = target.create_havip(subnet)
    assert holder(havip.address) == [(str(havip.address), havip.id)]
    assert holder(a.address) == [(str(a.address), a.nic.id)]
    target.delete_havip(havip)
    assert holder(havip.address) == []
