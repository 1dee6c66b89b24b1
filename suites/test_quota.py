"""QUOTA: ten HAVIPs for each VPC, each of them a real one; a release makes room."""

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Subnet, Target, Vpc

__all__: list[str] = []

QUOTA = 10
#: What the eleventh HAVIP would have had.
REFUSED = IPv4Address("172.17.16.99")


@pytest.fixture
def full(target: Target, subnet: Subnet) -> list[Havip]:
    """As many HAVIPs as the VPC may have."""
    return [target.create_havip(subnet, address=f"172.17.16.{100 + number}") for number in range(QUOTA)]


@pytest.fixture
def other_vpc(target: Target) -> Iterator[Vpc]:
    """A second VPC."""
    made = target.create_vpc("172.17.0.0/16")
    yield made
    target.delete_vpc(made)


@requirement("HAVIP-QUOTA-001")
def test_the_eleventh_is_refused_and_ten_work(
    target: Target, vpc: Vpc, subnet: Subnet, full: list[Havip], a: Instance, observer: Observer, bind: Bind
) -> None:
    assert target.havip_quota(vpc) == QUOTA
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet, address=str(REFUSED))
    assert len(target.havips(vpc)) == QUOTA
    for havip in full:
        bind(a, havip)
    since = a.announce(REFUSED)
    bind(a, full[0])
    assert observer.heard_arp_from(REFUSED, since=since) == []


@requirement("HAVIP-QUOTA-002")
def test_a_full_vpc_leaves_another_ones_room(target: Target, full: list[Havip], other_vpc: Vpc) -> None:
    assert len(full) == QUOTA
    elsewhere = target.create_subnet(other_vpc, "172.17.16.0/24")
    assert len({target.create_havip(elsewhere).id for _ in range(QUOTA)}) == QUOTA


@requirement("HAVIP-QUOTA-004")
def test_the_subnets_of_a_vpc_share_its_quota(target: Target, vpc: Vpc, full: list[Havip]) -> None:
    assert len(full) == QUOTA
    second = target.create_subnet(vpc, "172.17.32.0/24")
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(second)


@requirement("HAVIP-QUOTA-003")
def test_a_release_makes_room_for_one(
    target: Target, subnet: Subnet, full: list[Havip], a: Instance, bind: Bind
) -> None:
    target.delete_havip(full[3])
    bind(a, target.create_havip(subnet, name="the eleventh"))
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet)


@requirement("HAVIP-QUOTA-005")
def test_a_refused_creation_costs_nothing(target: Target, vpc: Vpc, subnet: Subnet) -> None:
    for _ in range(QUOTA):
        with pytest.raises(Refused):
            target.create_havip(subnet, address="10.0.0.1")
    for _ in range(QUOTA):
        target.create_havip(subnet)
    assert len(target.havips(vpc)) == QUOTA
