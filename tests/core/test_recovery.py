"""Following a data path after a restart, and taking back what could not be written."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_havip.network.core import Cause, Change, Havip, Moved, Network, Record
from tests.core.conftest import tokens

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from tests.core.conftest import Cloud


def found(cloud: "Cloud", **owners: str) -> "dict[IPv4Address, str]":
    """The owners of the first VPC as its kernel has them: those that the core knows, and these by HAVIP."""
    macs = {one.address: one.binding.mac for one in (cloud.now(cloud.owned), cloud.now(cloud.elsewhere)) if one.binding}
    return macs | {getattr(cloud, name).address: mac for name, mac in owners.items()}


def test_where_both_agree_nothing_happens(cloud: "Cloud") -> None:
    assert cloud.network.recover(cloud.vpc.id, found(cloud), now=50.0) == ()


@pytest.mark.parametrize("name", ["owned", "unbound"])
def test_the_data_path_is_right_about_an_owner_with_one_event(cloud: "Cloud", name: str) -> None:
    before: Havip = cloud.now(getattr(cloud, name))
    change, moved = cloud.network.recover(cloud.vpc.id, found(cloud, **{name: cloud.b.mac}), now=50.0)
    after = cloud.now(before)
    assert change == Change(before, after)
    assert moved == Moved(after, before.binding.nic_id if before.binding else None, cloud.b.id, Cause.RECOVERED, 50.0)
    assert after.binding is not None
    assert (after.binding.nic_id, after.flushed) == (cloud.b.id, 50.0)
    assert cloud.network.take_effects() == ()


def test_an_owner_that_the_data_path_has_not_is_none(cloud: "Cloud") -> None:
    owners = {address: mac for address, mac in found(cloud).items() if address != cloud.owned.address}
    assert len(cloud.network.recover(cloud.vpc.id, owners, now=50.0)) == 2
    assert cloud.owner(cloud.owned) is None


def test_an_owner_that_a_request_ended_stays_ended(cloud: "Cloud") -> None:
    owners = found(cloud)
    cloud.network.detach_nic(cloud.a.id, now=20.0)
    assert cloud.network.recover(cloud.vpc.id, owners, now=50.0) == ()
    assert cloud.owner(cloud.owned) is None


def test_an_owner_of_another_subnet_is_none_of_ours(cloud: "Cloud") -> None:
    assert cloud.network.recover(cloud.vpc.id, found(cloud, unbound=cloud.far.mac), now=50.0) == ()


def test_another_vpc_is_left_alone(cloud: "Cloud") -> None:
    assert cloud.network.recover(cloud.other_vpc.id, {}, now=50.0) == ()
    assert cloud.owner(cloud.owned) == cloud.a.id


def test_what_is_taken_back_was_never_there(cloud: "Cloud") -> None:
    network = cloud.network
    network.take_effects()
    before = dict(network.havips), dict(network.nics)
    made = network.create_havip(cloud.vpc.id, cloud.here.id, "new", now=30.0)
    network.rename_havip(made.id, "newer")
    network.delete_havip(cloud.owned.id, now=30.0)
    network.detach_nic(cloud.b.id, now=30.0)
    network.undo(network.take_effects())
    assert (dict(network.havips), dict(network.nics)) == before
    again = network.create_havip(cloud.vpc.id, cloud.here.id, "new", now=30.0)
    assert replace(again, id=made.id) == made


def test_a_restored_network_goes_on_as_the_other(cloud: "Cloud") -> None:
    network = cloud.network
    records: list[Record] = [
        *network.havips.values(),
        *network.nics.values(),
        *network.subnets.values(),
        *network.vpcs.values(),
    ]
    restored = Network.restore(records, new_token=tokens(2))
    for one in ("vpcs", "subnets", "nics", "havips"):
        assert dict(getattr(restored, one)) == dict(getattr(network, one))
    assert restored.take_effects() == ()
