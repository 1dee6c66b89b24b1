"""SOURCE: an appliance's NIC may forward packets that others have sent; it may not announce for them."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Form, Instance
from pytest_havip.fixtures.troupe import Troupe
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Target

__all__: list[str] = []

#: Nobody's address in the VPC (RFC 5737).
FOREIGN = IPv4Address("192.0.2.9")

#: Whether a packet of a machine from a foreign address reaches the observer.
Passes = Callable[[Instance], bool]


@pytest.fixture
def passes(troupe: Troupe) -> Passes:
    """See whether a packet from a foreign address reaches the observer; one from the machine's own must."""

    def send(machine: Instance) -> bool:
        observer = troupe.observer.instance
        since = machine.send(machine.datagram(FOREIGN, observer.address, observer.mac, b"forwarded"))
        troupe.fence(machine)
        return observer.name in troupe.observer.witnesses(lambda data: b"forwarded" in data, since=since)

    return send


@pytest.fixture
def appliance(target: Target, troupe: Troupe) -> Iterator[Instance]:
    """A machine whose NIC may send from any address."""
    with troupe.guest("appliance") as machine:
        target.set_source_check(machine.nic, on=False)
        yield machine


@requirement("HAVIP-SOURCE-001")
def test_an_appliance_forwards(appliance: Instance, passes: Passes) -> None:
    assert passes(appliance)


@requirement("HAVIP-SOURCE-002")
def test_no_other_nic_is_opened(troupe: Troupe, appliance: Instance, passes: Passes) -> None:
    sibling = troupe.stage.plug_in(appliance, troupe.subnet)
    assert sibling.nic.instance_id == appliance.nic.instance_id
    assert not passes(sibling)
    assert not passes(troupe.a)
    assert passes(appliance)


@requirement("HAVIP-SOURCE-003")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_an_appliance_announces_for_nobody(troupe: Troupe, floating: Havip, appliance: Instance, form: Form) -> None:
    for address in (troupe.a.address, troupe.subnet.gateway, FOREIGN):
        since = appliance.announce(address, form=form)
        troupe.fence(appliance)
        assert troupe.observer.heard_arp_from(address, since=since, mac=appliance.mac) == []
    troupe.bind(troupe.a, floating)
    asked = appliance.arp(1, floating.address, troupe.b.address)
    since = appliance.send(asked)
    troupe.fence(appliance)
    assert troupe.observer.witnesses(lambda data: data.startswith(asked), since=since) == []
    assert troupe.observer.owner_of(floating.address) is troupe.a


@requirement("HAVIP-SOURCE-004")
def test_an_appliance_is_shut_again(target: Target, appliance: Instance, passes: Passes) -> None:
    assert passes(appliance)
    target.set_source_check(appliance.nic, on=True)
    assert not passes(appliance)


@requirement("HAVIP-SOURCE-005")
def test_an_appliance_takes_havips_like_any_machine(troupe: Troupe, floating: Havip, appliance: Instance) -> None:
    for owner in (appliance, troupe.a, appliance):
        owner.announce(floating.address)
        troupe.observer.wait_for_owner(floating.address, owner)
        assert troupe.control_plane.owner_of(floating) is owner
