"""ADDR: a HAVIP's address is a free one of its subnet; one that is wanted is checked as any private address is."""

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Subnet, Target

__all__: list[str] = []


@requirement("HAVIP-ADDR-001")
def test_an_automatic_address_is_a_free_one_of_the_subnet(
    target: Target, subnet: Subnet, a: Instance, b: Instance, bind: Bind
) -> None:
    havips = [target.create_havip(subnet) for _ in range(3)]
    addresses = {havip.address for havip in havips}
    assert len(addresses) == len(havips)
    assert addresses <= set(subnet.cidr.hosts())
    assert addresses.isdisjoint({subnet.gateway, a.address, b.address})
    for havip in havips:
        bind(a, havip)


@requirement("HAVIP-ADDR-002")
def test_a_wanted_address_is_given(target: Target, subnet: Subnet, a: Instance, bind: Bind) -> None:
    havip = target.create_havip(subnet, address="172.17.16.254")
    assert str(havip.address) == "172.17.16.254"
    bind(a, havip)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("172.17.17.5", marks=requirement("HAVIP-ADDR-003"), id="of another subnet"),
        pytest.param("10.0.0.5", marks=requirement("HAVIP-ADDR-003"), id="of another network"),
        pytest.param("172.17.16.0", marks=requirement("HAVIP-ADDR-004"), id="network"),
        pytest.param("172.17.16.1", marks=requirement("HAVIP-ADDR-004"), id="gateway"),
        pytest.param("172.17.16.255", marks=requirement("HAVIP-ADDR-004"), id="broadcast"),
        pytest.param("not an address", marks=requirement("HAVIP-ADDR-007"), id="no address"),
        pytest.param("172.17.16.300", marks=requirement("HAVIP-ADDR-007"), id="out of range"),
    ],
)
def test_an_impossible_address_is_refused(
    target: Target, subnet: Subnet, a: Instance, bind: Bind, address: str
) -> None:
    with pytest.raises(Refused, match="InvalidParameter"):
        target.create_havip(subnet, address=address)
    bind(a, target.create_havip(subnet))


@requirement("HAVIP-ADDR-005")
def test_an_occupied_address_is_refused(target: Target, subnet: Subnet, havip: Havip, a: Instance, bind: Bind) -> None:
    for occupied in (a.address, havip.address):
        with pytest.raises(Refused, match="ResourceInUse"):
            target.create_havip(subnet, address=str(occupied))
    bind(a, havip)


@requirement("HAVIP-ADDR-006")
def test_a_havips_address_is_no_machines(
    target: Target, subnet: Subnet, havip: Havip, a: Instance, b: Instance, bind: Bind
) -> None:
    spare = a.host.lab.host("late")
    with pytest.raises(Refused, match="ResourceInUse"):
        target.plug(spare, subnet, address=str(havip.address))
    assert havip.address not in {a.address, b.address}
    bind(b, havip)
