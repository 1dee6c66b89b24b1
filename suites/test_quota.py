"""QUOTA: ten HAVIPs for each VPC, each of them a real one; a release makes room."""

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.crowd import AtOnce
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Subnet, Target, Vpc

__all__: list[str] = []

#: "Each VPC's default quota is 10" (product document, note 1); other clouds' by their profile.
DEFAULTS = {"tencent": 10, "alibaba": 50}
#: The name of the quota in Tencent's API.
HAVIPS_PER_VPC = "vpc-max-havips"
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
    assert len(full) == DEFAULTS.get(target.profile, len(full))
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


@requirement("HAVIP-QUOTA-006")
def test_of_twice_as_many_at_once_the_quota_is_granted(
    target: Target, vpc: Vpc, subnet: Subnet, at_once: AtOnce
) -> None:
    quota = target.havip_quota(vpc)
    granted, refused = at_once(lambda: target.create_havip(subnet), 2 * quota)
    assert len(granted) == quota
    assert {refusal.code.partition(".")[0] for refusal in refused} == {"LimitExceeded"}
    assert {havip.id for havip in target.havips(vpc)} == {havip.id for havip in granted}


@requirement("HAVIP-QUOTA-007")
def test_bound_and_unbound_count_alike(
    target: Target, subnet: Subnet, full: list[Havip], a: Instance, observer: Observer
) -> None:
    bound, unbound = full[:2]
    a.announce(bound.address)
    observer.wait_for_owner(bound.address, a)
    for one in (bound, unbound):
        with pytest.raises(Refused, match="LimitExceeded"):
            target.create_havip(subnet)
        target.delete_havip(one)
        target.create_havip(subnet)
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet)


@requirement("HAVIP-QUOTA-008")
def test_the_limit_that_is_told_is_the_one_in_force(target: Target, vpc: Vpc, subnet: Subnet) -> None:
    (limit,) = target.call("DescribeVpcLimits", LimitTypes=[HAVIPS_PER_VPC])["VpcLimitSet"]
    assert limit["LimitType"] == HAVIPS_PER_VPC
    most = limit["LimitValue"]
    assert type(most) is int
    for _ in range(most):
        target.create_havip(subnet)
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet)
    assert len(target.havips(vpc)) == most


@requirement("HAVIP-QUOTA-009")
def test_a_limit_that_there_is_not_is_not_told(target: Target) -> None:
    with pytest.raises(Refused, match="InvalidParameterValue"):
        target.call("DescribeVpcLimits", LimitTypes=["vpc-max-miracles"])
    with pytest.raises(Refused, match="InvalidParameterValue"):
        target.call("DescribeVpcLimits", LimitTypes=[HAVIPS_PER_VPC] * 101)


@requirement("HAVIP-QUOTA-010")
def test_what_the_quota_refused_leaves_nothing(target: Target, vpc: Vpc, subnet: Subnet, full: list[Havip]) -> None:
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet, address=str(REFUSED))
    assert {havip.id for havip in target.havips(vpc)} == {havip.id for havip in full}
    target.delete_havip(full[0])
    assert target.create_havip(subnet, address=str(REFUSED)).address == REFUSED


@pytest.fixture
def adjustable(target: Target, vpc: Vpc) -> Iterator[int]:
    """The quota, which is the same again after the test."""
    quota = target.havip_quota(vpc)
    yield quota
    target.set_havip_quota(vpc, quota)


@requirement("HAVIP-QUOTA-011")
def test_a_lower_quota_keeps_what_there_is_and_refuses_more(
    target: Target, vpc: Vpc, subnet: Subnet, adjustable: int, full: list[Havip], a: Instance, observer: Observer
) -> None:
    target.set_havip_quota(vpc, adjustable - 2)
    assert target.havip_quota(vpc) == adjustable - 2
    assert {havip.id for havip in target.havips(vpc)} == {havip.id for havip in full}
    for havip in (full[0], full[-1]):
        a.announce(havip.address)
        observer.wait_for_owner(havip.address, a)
    for havip in full[:3]:
        with pytest.raises(Refused, match="LimitExceeded"):
            target.create_havip(subnet)
        target.delete_havip(havip)
    target.create_havip(subnet)
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet)


@requirement("HAVIP-QUOTA-012")
def test_a_higher_quota_makes_room(
    target: Target, vpc: Vpc, subnet: Subnet, adjustable: int, full: list[Havip]
) -> None:
    target.set_havip_quota(vpc, adjustable + 1)
    assert target.havip_quota(vpc) == len(full) + 1
    target.create_havip(subnet)
    with pytest.raises(Refused, match="LimitExceeded"):
        target.create_havip(subnet)
