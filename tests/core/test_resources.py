"""What may be created, changed and deleted, what is refused with which code, and that a refusal changes nothing."""

from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_havip.network.core import Change, Code, Network, Refused, check_id, parse_address, parse_cidr

ABSENT = "00000000"
NET = IPv4Network

Request: TypeAlias = Callable[[Any, Network], object]


def _havip_at(address: IPv4Address) -> Request:
    return lambda c, n: n.create_havip(c.vpc.id, c.here.id, "h", address=address, now=0)


REFUSALS: dict[str, tuple[Code, Request]] = {
    "VPC without a name": (Code.EMPTY, lambda _, n: n.create_vpc("", NET("10.0.0.0/16"), now=0)),
    "VPC with a long name": (Code.TOO_LONG, lambda _, n: n.create_vpc("x" * 61, NET("10.0.0.0/16"), now=0)),
    "multicast VPC": (Code.RANGE, lambda _, n: n.create_vpc("v", NET("224.0.0.0/16"), now=0)),
    "loopback VPC": (Code.RANGE, lambda _, n: n.create_vpc("v", NET("127.0.0.0/16"), now=0)),
    "tiny VPC": (Code.RANGE, lambda _, n: n.create_vpc("v", NET("10.0.0.0/30"), now=0)),
    "VPC with subnets": (Code.IN_USE, lambda c, n: n.delete_vpc(c.vpc.id)),
    "unknown VPC": (Code.NOT_FOUND, lambda _, n: n.delete_vpc(f"vpc-{ABSENT}")),
    "no id of a VPC": (Code.MALFORMED, lambda c, n: n.delete_vpc(c.here.id)),
    "negative quota": (Code.RANGE, lambda c, n: n.set_havip_quota(c.vpc.id, -1)),
    "subnet outside": (Code.RANGE, lambda c, n: n.create_subnet(c.vpc.id, "s", NET("10.1.0.0/24"), now=0)),
    "subnet too large": (Code.RANGE, lambda c, n: n.create_subnet(c.vpc.id, "s", NET("10.0.0.0/8"), now=0)),
    "tiny subnet": (Code.RANGE, lambda c, n: n.create_subnet(c.vpc.id, "s", NET("10.0.9.0/30"), now=0)),
    "overlapping subnet": (
        Code.CIDR_CONFLICT,
        lambda c, n: n.create_subnet(c.vpc.id, "s", NET("10.0.0.128/25"), now=0),
    ),
    "subnet of an unknown VPC": (
        Code.NOT_FOUND,
        lambda _, n: n.create_subnet(f"vpc-{ABSENT}", "s", NET("10.0.9.0/24"), now=0),
    ),
    "subnet with NICs": (Code.IN_USE, lambda c, n: n.delete_subnet(c.here.id)),
    "NIC with another's address": (
        Code.IN_USE,
        lambda c, n: n.create_nic(c.here.id, "n", addresses=c.b.addresses[1:], now=0),
    ),
    "NIC with a HAVIP's address": (
        Code.IN_USE,
        lambda c, n: n.create_nic(c.here.id, "n", addresses=[c.unbound.address], now=0),
    ),
    "NIC with an address twice": (
        Code.DUPLICATE,
        lambda c, n: n.create_nic(c.here.id, "n", addresses=[IPv4Address("10.0.0.50")] * 2, now=0),
    ),
    "NIC, second address bad": (
        Code.RANGE,
        lambda c, n: n.create_nic(
            c.here.id, "n", addresses=[IPv4Address("10.0.0.50"), IPv4Address("10.0.1.50")], now=0
        ),
    ),
    "NIC with more than there is": (
        Code.INSUFFICIENT,
        lambda c, n: n.create_nic(c.here.id, "n", secondary_count=250, now=0),
    ),
    "NIC with less than nothing": (Code.RANGE, lambda c, n: n.create_nic(c.here.id, "n", secondary_count=-1, now=0)),
    "NIC attached twice": (Code.INVALID_STATE, lambda c, n: n.attach_nic(c.a.id, "ins-00000000")),
    "NIC attached to no instance": (Code.MALFORMED, lambda c, n: n.attach_nic(c.a.id, "i-1")),
    "addresses, none named": (Code.INVALID, lambda c, n: n.assign_addresses(c.b.id)),
    "addresses, less than none": (Code.INVALID, lambda c, n: n.assign_addresses(c.b.id, count=-1)),
    "addresses, one of a HAVIP": (
        Code.IN_USE,
        lambda c, n: n.assign_addresses(c.b.id, addresses=[IPv4Address("10.0.0.50"), c.unbound.address]),
    ),
    "addresses of an unknown NIC": (Code.NOT_FOUND, lambda _, n: n.assign_addresses(f"eni-{ABSENT}", count=1)),
    "primary address taken away": (Code.PRIMARY_ADDRESS, lambda c, n: n.unassign_addresses(c.b.id, c.b.addresses)),
    "address taken from another": (Code.NOT_FOUND, lambda c, n: n.unassign_addresses(c.a.id, c.b.addresses[1:])),
    "address taken away twice": (
        Code.DUPLICATE,
        lambda c, n: n.unassign_addresses(c.b.id, c.b.addresses[1:] * 2),
    ),
    "primary address migrated": (
        Code.PRIMARY_ADDRESS,
        lambda c, n: n.migrate_address(c.b.id, c.a.id, c.b.addresses[0]),
    ),
    "address migrated to itself": (
        Code.INVALID,
        lambda c, n: n.migrate_address(c.b.id, c.b.id, c.b.addresses[1]),
    ),
    "address migrated to another subnet": (
        Code.INVALID,
        lambda c, n: n.migrate_address(c.b.id, c.far.id, c.b.addresses[1]),
    ),
    "NIC migrated to no instance": (Code.MALFORMED, lambda c, n: n.migrate_nic(c.a.id, "i-1", now=0)),
    "unknown NIC detached": (Code.NOT_FOUND, lambda _, n: n.detach_nic(f"eni-{ABSENT}", now=0)),
    "unknown NIC deleted": (Code.NOT_FOUND, lambda _, n: n.delete_nic(f"eni-{ABSENT}", now=0)),
    "HAVIP in the other VPC's subnet": (
        Code.SUBNET_NOT_IN_VPC,
        lambda c, n: n.create_havip(c.vpc.id, c.other_subnet.id, "h", now=0),
    ),
    "HAVIP in an unknown subnet": (
        Code.NOT_FOUND,
        lambda c, n: n.create_havip(c.vpc.id, f"subnet-{ABSENT}", "h", now=0),
    ),
    "HAVIP with a long name": (Code.TOO_LONG, lambda c, n: n.create_havip(c.vpc.id, c.here.id, "x" * 61, now=0)),
    "unknown HAVIP renamed": (Code.NOT_FOUND, lambda _, n: n.rename_havip(f"havip-{ABSENT}", "x")),
    "HAVIP renamed too long": (Code.TOO_LONG, lambda c, n: n.rename_havip(c.owned.id, "x" * 61)),
    "unknown HAVIP released": (Code.NOT_FOUND, lambda _, n: n.delete_havip(f"havip-{ABSENT}", now=0)),
    "unknown subnet's gateway": (Code.NOT_FOUND, lambda _, n: n.verdict_from_gateway(b"", f"subnet-{ABSENT}")),
    **{
        f"HAVIP at {address}": (code, _havip_at(IPv4Address(address)))
        for address, code in {
            "10.0.1.5": Code.RANGE,
            "192.0.2.1": Code.RANGE,
            "0.0.0.0": Code.RANGE,
            "127.0.0.1": Code.RANGE,
            "224.0.0.1": Code.RANGE,
            "169.254.1.1": Code.RANGE,
            "10.0.0.0": Code.RESERVED,
            "10.0.0.1": Code.RESERVED,
            "10.0.0.255": Code.RESERVED,
            "10.0.0.2": Code.IN_USE,
            "10.0.0.100": Code.IN_USE,
        }.items()
    },
}


def contents(network: Network) -> tuple[dict[str, Any], ...]:
    return tuple(map(dict, (network.vpcs, network.subnets, network.nics, network.havips)))


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_has_its_code_and_changes_nothing(cloud: Any, name: str) -> None:
    code, request = REFUSALS[name]
    before = contents(cloud.network)
    with pytest.raises(Refused) as refused:
        request(cloud, cloud.network)
    assert refused.value.code == code
    assert len(refused.value.message) > 20
    assert contents(cloud.network) == before
    assert cloud.network.take_effects() == ()
    following = cloud.network.create_nic(cloud.here.id, "next", now=0)
    assert following.addresses == (IPv4Address("10.0.0.5"),), "an address was lost"


class TestAddresses:
    def test_automatic_is_the_lowest_free_one(self, cloud: Any) -> None:
        assert [str(a) for a in (*cloud.a.addresses, *cloud.b.addresses)] == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
        cloud.network.delete_nic(cloud.a.id, now=0)
        assert str(cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "h", now=0).address) == "10.0.0.2"
        assert str(cloud.network.create_nic(cloud.here.id, "n", now=0).addresses[0]) == "10.0.0.5"

    def test_wanted_addresses_come_first_and_are_granted_exactly(self, cloud: Any) -> None:
        wanted = [IPv4Address("10.0.0.77"), IPv4Address("10.0.0.5")]
        nic = cloud.network.create_nic(cloud.here.id, "n", addresses=wanted, secondary_count=1, now=0)
        assert nic.addresses == (*wanted, IPv4Address("10.0.0.6"))

    def test_the_highest_and_the_lowest_host_address_can_be_had(self, cloud: Any) -> None:
        cloud.network.delete_nic(cloud.a.id, now=0)
        for address in map(IPv4Address, ("10.0.0.2", "10.0.0.254")):
            made = cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "h", address=address, now=0)
            assert made.address == address

    def test_a_released_address_can_be_had_again(self, cloud: Any) -> None:
        cloud.network.delete_havip(cloud.unbound.id, now=0)
        nic = cloud.network.create_nic(cloud.here.id, "n", addresses=[cloud.unbound.address], now=0)
        assert nic.addresses == (cloud.unbound.address,)

    def test_the_gateway_is_the_first_host_with_a_mac_of_its_own(self, cloud: Any) -> None:
        assert str(cloud.here.gateway) == "10.0.0.1"
        network = cloud.network
        macs = [*(s.gateway_mac for s in network.subnets.values()), *(n.mac for n in network.nics.values())]
        assert len(set(macs)) == len(macs)
        assert all(mac.startswith("02:") for mac in macs)


class TestQuota:
    def test_ten_is_the_default(self, network: Network) -> None:
        vpc = network.create_vpc("v", NET("10.0.0.0/16"), now=0)
        subnet = network.create_subnet(vpc.id, "s", NET("10.0.0.0/24"), now=0)
        for _ in range(10):
            network.create_havip(vpc.id, subnet.id, "h", now=0)
        with pytest.raises(Refused, match="10 HAVIPs, its quota is 10") as refused:
            network.create_havip(vpc.id, subnet.id, "h", now=0)
        assert refused.value.code == Code.LIMIT_EXCEEDED
        assert len(network.havips) == 10

    def test_it_counts_bound_and_unbound_of_this_vpc_only(self, cloud: Any) -> None:
        for _ in range(5):
            cloud.network.create_havip(cloud.other_vpc.id, cloud.other_subnet.id, "h", now=0)
        for _ in range(2):
            cloud.network.create_havip(cloud.vpc.id, cloud.there.id, "h", now=0)
        with pytest.raises(Refused, match="LimitExceeded"):
            cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "h", now=0)
        cloud.network.delete_havip(cloud.owned.id, now=0)
        cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "h", now=0)

    def test_it_can_be_raised_and_lowered(self, cloud: Any) -> None:
        before = cloud.network.vpcs[cloud.vpc.id]
        after = cloud.network.set_havip_quota(cloud.vpc.id, 3)
        assert cloud.network.take_effects() == (Change(before, after),)
        with pytest.raises(Refused, match="LimitExceeded"):
            cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "h", now=0)
        cloud.network.set_havip_quota(cloud.vpc.id, 4)
        cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "h", now=0)
        assert cloud.network.set_havip_quota(cloud.vpc.id, 0).havip_quota == 0
        assert len([h for h in cloud.network.havips.values() if h.vpc_id == cloud.vpc.id]) == 4


def test_every_change_is_an_effect_and_is_taken_once(network: Network) -> None:
    vpc = network.create_vpc("v", NET("10.0.0.0/16"), now=1)
    subnet = network.create_subnet(vpc.id, "s", NET("10.0.0.0/24"), now=2)
    nic = network.create_nic(subnet.id, "n", now=3)
    attached = network.attach_nic(nic.id, "ins-00000000")
    havip = network.create_havip(vpc.id, subnet.id, "h", now=4)
    renamed = network.rename_havip(havip.id, "other")
    made = [Change(None, vpc), Change(None, subnet), Change(None, nic), Change(nic, attached), Change(None, havip)]
    assert network.take_effects() == (*made, Change(havip, renamed))
    assert network.take_effects() == ()
    network.delete_havip(havip.id, now=5)
    detached = network.detach_nic(nic.id, now=5)
    network.delete_nic(nic.id, now=5)
    network.delete_subnet(subnet.id)
    network.delete_vpc(vpc.id)
    gone = [Change(record, None) for record in (renamed, detached, subnet, vpc)]
    assert network.take_effects() == (gone[0], Change(attached, detached), *gone[1:])
    assert not any(contents(network))


def test_detaching_twice_is_refused(cloud: Any) -> None:
    cloud.network.detach_nic(cloud.a.id, now=0)
    with pytest.raises(Refused, match="attached to no instance"):
        cloud.network.detach_nic(cloud.a.id, now=0)


def test_equal_ranges_stand_side_by_side(cloud: Any) -> None:
    assert cloud.twin.addresses == cloud.a.addresses


def test_ids_are_unique_although_tokens_repeat() -> None:
    tokens = iter(["aaaaaaaa", "aaaaaaaa", "bbbbbbbb"])
    network = Network(new_token=lambda _: next(tokens))
    made = [network.create_vpc("v", NET("10.0.0.0/16"), now=0).id for _ in range(2)]
    assert made == ["vpc-aaaaaaaa", "vpc-bbbbbbbb"]


@pytest.mark.parametrize("token", ["short", "UPPERCAS", "ninechars", ""])
def test_a_bad_source_of_tokens_is_told_so(token: str) -> None:
    with pytest.raises(ValueError, match="source of tokens"):
        Network(new_token=lambda _: token).create_vpc("v", NET("10.0.0.0/16"), now=0)


def test_a_source_that_always_gives_the_same_is_told_so() -> None:
    network = Network(new_token=lambda _: "aaaaaaaa")
    network.create_vpc("v", NET("10.0.0.0/16"), now=0)
    with pytest.raises(ValueError, match="not random"):
        network.create_vpc("v", NET("10.0.0.0/16"), now=0)


@pytest.mark.parametrize(
    "text", ["10.0.0", "10.0.0.300", "10.0.0.5/24", "010.0.0.5", "", " 10.0.0.5", "::1", "a.b.c.d"]
)
def test_what_is_no_address_is_malformed(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_address(text)
    assert refused.value.code == Code.MALFORMED


@pytest.mark.parametrize("text", ["10.0.0.0", "10.0.0.1/24", "10.0.0.0/33", "10.0.0.0/255.255.0.0", "", "fe80::/64"])
def test_what_is_no_range_is_malformed(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_cidr(text)
    assert refused.value.code == Code.MALFORMED


def test_addresses_and_ranges_are_read() -> None:
    assert parse_address("10.0.0.5") == IPv4Address("10.0.0.5")
    assert parse_cidr("10.0.0.0/16") == NET("10.0.0.0/16")


@pytest.mark.parametrize(
    "text", ["", "havip", "havip-", "havip-1234567", "havip-123456789", "havip-ABCDEFGH", "eni-12345678"]
)
def test_what_is_no_id_of_its_kind_is_malformed(text: str) -> None:
    with pytest.raises(Refused) as refused:
        check_id("havip", text)
    assert refused.value.code == Code.MALFORMED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["nic", "havip", "delete"]), st.integers(0, 20)), max_size=40))
def test_no_two_things_ever_have_the_same_address(cloud: Any, steps: list[tuple[str, int]]) -> None:
    network = cloud.network
    vpc = network.create_vpc("v", NET("10.9.0.0/28"), now=0)
    network.set_havip_quota(vpc.id, 100)
    subnet = network.create_subnet(vpc.id, "s", NET("10.9.0.0/28"), now=0)
    made: list[Any] = []
    for kind, number in steps:
        with suppress(Refused):  # nothing free, or not to be had
            if kind == "nic":
                made.append(network.create_nic(subnet.id, "n", secondary_count=number % 3, now=0))
            elif kind == "havip":
                address = IPv4Address(f"10.9.0.{number}") if number else None
                made.append(network.create_havip(vpc.id, subnet.id, "h", address=address, now=0))
            elif made:
                gone = made.pop(number % len(made))
                delete = network.delete_havip if gone.id.startswith("havip") else network.delete_nic
                delete(gone.id, now=0)
        taken = [address for one in made for address in getattr(one, "addresses", None) or (one.address,)]
        assert len(set(taken)) == len(taken)
        assert set(taken) <= set(list(subnet.cidr.hosts())[1:])
