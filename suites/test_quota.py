"""QUOTA: ten HAVIPs for each VPC, each of them a real one; a release makes room."""

from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Subnet, Target, Vpc

__all__: list[str] = []

#: "Each VPC's default quota is 10" (product document, note 1).
DEFAULT = 10
#: What the HAVIP beyond the quota would have had.
REFUSED = IPv4Address("172.17.16.99")


@pytest.fixture
def full(target: Target, vpc: Vpc, subnet: Subnet) -> list[Havip]:
    """As many HAVIPs as the VPC may have."""
    return [
        target.create_havip(subnet, address=str(REFUSED + number)) for number in range(1, target.havip_quota(vpc) + 1)
    ]


@requirement("HAVIP-QUOTA-001")
def test_the_eleventh_is_refused_and_ten_work(
    target: Target, vpc: Vpc, subnet: Subnet, full: list[Havip], a: Instance, observer: Observer
) -> None:
    assert len(full) == DEFAULT
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet, address=str(REFUSED))
    assert len(target.havips(vpc)) == len(full)
    since = a.announce(REFUSED)
    for havip in full:
        a.announce(havip.address)
        observer.wait_for_owner(havip.address, a)
    assert observer.heard_arp_from(REFUSED, since=since) == []


@requirement("HAVIP-QUOTA-002")
def test_a_full_vpc_leaves_another_ones_room(target: Target, full: list[Havip], twin: Subnet) -> None:
    assert len({target.create_havip(twin).id for _ in full}) == len(full)


@requirement("HAVIP-QUOTA-004")
def test_the_subnets_of_a_vpc_share_its_quota(target: Target, full: list[Havip], elsewhere: Subnet) -> None:
    assert full
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(elsewhere)


@requirement("HAVIP-QUOTA-003")
def test_a_release_makes_room_for_one(
    target: Target, subnet: Subnet, full: list[Havip], a: Instance, observer: Observer
) -> None:
    target.delete_havip(full[3])
    eleventh = target.create_havip(subnet, name="the eleventh")
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet)
    a.announce(eleventh.address)
    observer.wait_for_owner(eleventh.address, a)


@requirement("HAVIP-QUOTA-005")
def test_a_refused_creation_costs_nothing(target: Target, vpc: Vpc, subnet: Subnet) -> None:
    quota = target.havip_quota(vpc)
    for _ in range(quota):
        with pytest.raises(Refused, match="InvalidParameter"):
            target.create_havip(subnet, address="10.0.0.1")
    for _ in range(quota):
        target.create_havip(subnet)
    assert len(target.havips(vpc)) == quota
