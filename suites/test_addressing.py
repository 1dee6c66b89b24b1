"""ADDR: a HAVIP's address is a free one of its subnet; one that is wanted is checked as any private address is."""

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Launch
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Subnet, Target

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
    ],
)
def test_an_impossible_address_is_refused(target: Target, subnet: Subnet, a: Instance, bind: Bind, wanted: str) -> None:
    reserved = {
        "network": subnet.cidr.network_address,
        "gateway": subnet.gateway,
        "broadcast": subnet.cidr.broadcast_address,
    }
    with pytest.raises(Refused, match="InvalidParameter"):
        target.create_havip(subnet, address=str(reserved.get(wanted, wanted)))
    bind(a, target.create_havip(subnet))


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
