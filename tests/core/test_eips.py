"""Elastic IPs: who may have how many, and where each leads."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from pytest_havip.network.core import Change, Code, Havip, Moved, Network, Refused, Subnet
from pytest_havip.network.core.eips import PUBLIC_RANGE


@pytest.fixture
def subnet(network: Network) -> Subnet:
    vpc = network.create_vpc("v", IPv4Network("10.0.0.0/16"), now=0)
    return network.create_subnet(vpc.id, "s", IPv4Network("10.0.0.0/24"), now=0)


@pytest.fixture
def havip(network: Network, subnet: Subnet) -> Havip:
    return network.create_havip(subnet.vpc_id, subnet.id, "h", now=1)


def code(request: object, *arguments: object, **more: object) -> Code:
    with pytest.raises(Refused) as refused:
        request(*arguments, **more)  # type: ignore[operator]
    return refused.value.code


def test_each_is_another_public_address(network: Network) -> None:
    eips = (*network.allocate_eips("e", 2, now=5), *network.allocate_eips("e", 1, now=6))
    assert len({eip.address for eip in eips}) == len({eip.id for eip in eips}) == 3
    assert all(eip.address in PUBLIC_RANGE and eip.havip_id == "" for eip in eips)


def test_the_quota_is_the_accounts(network: Network) -> None:
    most = network.profile.eip_quota
    eips = network.allocate_eips("e", most, now=0)
    network.take_effects()
    assert code(network.allocate_eips, "e", 1, now=0) is Code.EIP_LIMIT_EXCEEDED
    assert network.take_effects() == ()
    network.release_eips([eips[3].id])
    (again,) = network.allocate_eips("e", 1, now=0)
    assert again.address == eips[3].address
    assert again.id != eips[3].id


def test_releases_are_granted_whole_or_not(network: Network, havip: Havip) -> None:
    free, used = network.allocate_eips("e", 2, now=0)
    network.associate_eip(havip.id, used.address)
    assert code(network.release_eips, [free.id, used.id]) is Code.EIP_STATUS
    assert code(network.release_eips, [free.id, free.id]) is Code.DUPLICATE
    assert code(network.release_eips, [free.id, "eip-00000000"]) is Code.EIP_NOT_FOUND
    assert code(network.release_eips, ["havip-00000000"]) is Code.MALFORMED
    assert set(network.eips) == {free.id, used.id}
    network.release_eips([free.id])
    assert set(network.eips) == {used.id}


def test_an_association_is_a_change_of_both_and_moves_nothing(network: Network, havip: Havip) -> None:
    (eip,) = network.allocate_eips("e", 1, now=0)
    network.take_effects()
    network.associate_eip(havip.id, eip.address)
    effects = network.take_effects()
    assert not any(isinstance(effect, Moved) for effect in effects)
    assert {effect.after for effect in effects if isinstance(effect, Change)} == {
        network.eips[eip.id],
        network.havips[havip.id],
    }
    assert (network.eips[eip.id].havip_id, network.havips[havip.id].eip) == (havip.id, eip.address)
    network.undo(effects)
    assert (network.eips[eip.id], network.havips[havip.id]) == (eip, havip)


def test_one_leads_to_one(network: Network, subnet: Subnet, havip: Havip) -> None:
    one, another = network.allocate_eips("e", 2, now=0)
    other = network.create_havip(subnet.vpc_id, subnet.id, "h", now=1)
    assert code(network.dissociate_eip, havip.id) is Code.HAS_NO_EIP
    network.associate_eip(havip.id, one.address)
    assert code(network.associate_eip, havip.id, another.address) is Code.HAS_EIP
    assert code(network.associate_eip, other.id, one.address) is Code.UNSUPPORTED
    assert code(network.associate_eip, other.id, IPv4Address("9.9.9.9")) is Code.NOT_FOUND
    assert code(network.delete_havip, havip.id, now=2) is Code.UNSUPPORTED
    network.dissociate_eip(havip.id)
    assert network.delete_havip(havip.id, now=2).eip is None
    network.associate_eip(other.id, one.address)


@pytest.mark.parametrize("count", [0, -1])
def test_so_many_cannot_be_had(network: Network, count: int) -> None:
    assert code(network.allocate_eips, "e", count, now=0) is Code.RANGE
