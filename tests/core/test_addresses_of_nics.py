"""Addresses of NICs that come and go, and NICs that change their instance, while they own HAVIPs."""

from ipaddress import IPv4Address
from typing import Any

from pytest_havip.network.core import Action, Cause, Moved, Network
from pytest_havip.wire import reply

WANTED = IPv4Address("10.0.0.50")


def may_send_from(network: Network, nic: Any, address: IPv4Address) -> bool:
    asker = IPv4Address("10.0.0.60")
    return network.verdict(reply(nic.mac, address, nic.mac, asker), nic.id).action is Action.PASS


def test_a_new_address_is_the_nics_and_the_havip_stays(cloud: Any) -> None:
    network = cloud.network
    chosen = network.assign_addresses(cloud.a.id, addresses=[WANTED], count=1)
    assert chosen == (WANTED, IPv4Address("10.0.0.5"))
    assert network.nics[cloud.a.id].addresses == (*cloud.a.addresses, *chosen)
    for address in (*cloud.a.addresses, *chosen, cloud.owned.address):
        assert may_send_from(network, cloud.a, address)
    assert cloud.owner(cloud.owned) == cloud.a.id


def test_an_address_that_is_taken_away_is_free_and_a_spoof(cloud: Any) -> None:
    network = cloud.network
    network.assign_addresses(cloud.a.id, addresses=[WANTED])
    network.unassign_addresses(cloud.a.id, [WANTED])
    assert network.nics[cloud.a.id].addresses == cloud.a.addresses
    assert not may_send_from(network, cloud.a, WANTED)
    assert may_send_from(network, cloud.a, cloud.owned.address)
    assert network.create_havip(cloud.vpc.id, cloud.here.id, "h", address=WANTED, now=1).address == WANTED


def test_an_address_migrates(cloud: Any) -> None:
    network, address = cloud.network, cloud.b.addresses[1]
    network.migrate_address(cloud.b.id, cloud.a.id, address)
    assert may_send_from(network, cloud.a, address)
    assert not may_send_from(network, cloud.b, address)
    assert address not in network.create_nic(cloud.here.id, "n", secondary_count=5, now=1).addresses


def test_a_nic_that_changes_its_instance_loses_its_havips(cloud: Any) -> None:
    network = cloud.network
    nic = network.migrate_nic(cloud.a.id, "ins-00000009", now=7.0)
    assert nic.instance_id == "ins-00000009"
    assert cloud.owner(cloud.owned) is None
    (moved,) = [effect for effect in network.take_effects() if isinstance(effect, Moved)]
    assert (moved.old_nic_id, moved.new_nic_id, moved.cause) == (cloud.a.id, None, Cause.DETACHED)
    cloud.announce(nic, cloud.owned)
    assert cloud.owner(cloud.owned) == cloud.a.id
