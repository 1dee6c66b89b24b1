"""What clouds decide differently: each setting alone, and the profiles that are shipped."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_havip.network.core import (
    ALIBABA,
    OVN,
    PROFILES,
    TENCENT,
    VIRTUAL_MACS,
    Cause,
    Code,
    Moved,
    OwnerRemoval,
    Reason,
    Refused,
)
from pytest_havip.wire import gratuitous_reply

if TYPE_CHECKING:
    from tests.core.conftest import Cloud


def set_profile(cloud: "Cloud", **settings: Any) -> None:
    cloud.network.profile = replace(cloud.network.profile, **settings)


def test_a_reply_may_be_no_announcement(cloud: "Cloud") -> None:
    frame = gratuitous_reply(cloud.b.mac, cloud.owned.address)
    set_profile(cloud, replies_bind=False)
    decision = cloud.network.receive(frame, cloud.b.id, now=5)
    assert (decision.verdict.reason, decision.effects) == (Reason.NOT_ARP_ANNOUNCEMENT, ())
    assert cloud.owner(cloud.owned) == cloud.a.id
    cloud.announce(cloud.b, cloud.owned)
    assert cloud.owner(cloud.owned) == cloud.b.id
    set_profile(cloud, replies_bind=True)
    cloud.network.receive(gratuitous_reply(cloud.a.mac, cloud.owned.address), cloud.a.id, now=6)
    assert cloud.owner(cloud.owned) == cloud.a.id


def test_damping_keeps_a_havip_for_a_while(cloud: "Cloud") -> None:
    set_profile(cloud, damping=3.0)
    cloud.announce(cloud.b, cloud.owned, now=10.0)  # the first one, at 2.0, is long ago
    early = cloud.announce(cloud.a, cloud.owned, now=12.9)
    assert (early.verdict.reason, early.effects) == (Reason.DAMPED, ())
    assert not Reason.DAMPED.is_rejection
    assert cloud.announce(cloud.b, cloud.owned, now=12.9).effects  # the owner's own
    assert cloud.announce(cloud.a, cloud.unbound, now=12.9).effects  # the first one of another
    assert cloud.announce(cloud.b, cloud.unbound, now=13.0).verdict.reason is Reason.DAMPED
    cloud.announce(cloud.a, cloud.owned, now=13.0)
    assert cloud.owner(cloud.owned) == cloud.a.id


def test_damping_never_delays_the_next_owner_of_nobodys(cloud: "Cloud") -> None:
    set_profile(cloud, damping=3.0)
    cloud.announce(cloud.b, cloud.owned, now=10.0)
    cloud.network.detach_nic(cloud.b.id, now=10.1)
    cloud.announce(cloud.a, cloud.owned, now=10.2)
    assert cloud.owner(cloud.owned) == cloud.a.id


def test_a_bound_havip_may_have_to_be_unbound_first(cloud: "Cloud") -> None:
    set_profile(cloud, bound_is_released=False)
    with pytest.raises(Refused) as refused:
        cloud.network.delete_havip(cloud.owned.id, now=5)
    assert refused.value.code is Code.INVALID_STATE
    assert cloud.network.take_effects() == ()
    cloud.network.unbind_havip(cloud.owned.id, now=6)
    cloud.network.unbind_havip(cloud.unbound.id, now=6)
    (moved,) = (effect for effect in cloud.network.take_effects() if isinstance(effect, Moved))
    assert (moved.old_nic_id, moved.new_nic_id, moved.cause) == (cloud.a.id, None, Cause.UNBOUND)
    assert (cloud.now(cloud.owned).binding, cloud.now(cloud.owned).flushed) == (None, 6)
    cloud.network.delete_havip(cloud.owned.id, now=7)


def test_the_shipped_profiles_are_found_by_name() -> None:
    assert [*PROFILES.items()] == [
        ("tencent", TENCENT),
        ("alibaba", ALIBABA),
        ("ovn", OVN),
        (
            "virtual-macs",
            VIRTUAL_MACS,
        ),
    ]
    assert (TENCENT.havip_quota, TENCENT.check_associate, TENCENT.owner_removal) == (10, False, OwnerRemoval.KEEPS)


def test_an_account_that_is_not_admitted_keeps_what_it_has(cloud: "Cloud") -> None:
    network = cloud.network
    (eip,) = network.allocate_eips("e", 1, now=1)
    network.admitted = False
    for request in (
        lambda: network.create_havip(cloud.vpc.id, cloud.here.id, "h", now=1),
        lambda: network.associate({cloud.owned.id: [cloud.a.id]}),
        lambda: network.associate_eip(cloud.owned.id, eip.address),
    ):
        with pytest.raises(Refused) as refused:
            request()
        assert refused.value.code is Code.UNAUTHORIZED
    cloud.announce(cloud.b, cloud.owned)
    assert cloud.owner(cloud.owned) == cloud.b.id
    network.delete_havip(cloud.owned.id, now=2)
