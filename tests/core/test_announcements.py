"""Who owns a HAVIP after what: binding, moving, refreshing, losing it; and what is told about it."""

import itertools
from typing import Any

import pytest

from pytest_havip.network.core import Action, Cause, Change, Moved, Network, Reason, Resend
from pytest_havip.network.core.announcements import STEPS, Standing
from pytest_havip.wire import gratuitous_request


def moves(effects: Any) -> list[tuple[str | None, str | None, Cause, float]]:
    return [(e.old_nic_id, e.new_nic_id, e.cause, e.at) for e in effects if isinstance(e, Moved)]


def test_the_table_knows_every_standing() -> None:
    assert set(STEPS) == set(Standing)


def test_an_announcement_binds_what_nobody_owns(cloud: Any) -> None:
    decision = cloud.announce(cloud.b, cloud.unbound, now=7.0)
    havip = cloud.now(cloud.unbound)
    assert (havip.binding.nic_id, havip.binding.mac, havip.binding.since) == (cloud.b.id, cloud.b.mac, 7.0)
    assert (havip.flushed, havip.announced) == (7.0, 7.0)
    assert moves(decision.effects) == [(None, cloud.b.id, Cause.ANNOUNCED, 7.0)]


def test_an_announcement_by_another_nic_moves(cloud: Any) -> None:
    decision = cloud.announce(cloud.b, cloud.owned, now=7.0)
    assert cloud.owner(cloud.owned) == cloud.b.id
    assert cloud.now(cloud.owned).flushed == 7.0
    assert moves(decision.effects) == [(cloud.a.id, cloud.b.id, Cause.ANNOUNCED, 7.0)]


def test_a_refresh_moves_nothing_and_is_resent(cloud: Any) -> None:
    before = cloud.now(cloud.owned)
    decision = cloud.announce(cloud.a, cloud.owned, now=7.0)
    after = cloud.now(cloud.owned)
    assert after.binding == before.binding
    assert (after.flushed, after.announced) == (before.flushed, 7.0)
    assert [type(effect) for effect in decision.effects] == [Change, Resend]


@pytest.mark.parametrize("announcer", ["a", "b"])
def test_effects_come_in_the_order_commit_tell_resend(cloud: Any, announcer: str) -> None:
    nic = getattr(cloud, announcer)
    before = cloud.now(cloud.owned)
    frame = gratuitous_request(nic.mac, cloud.owned.address, padded=True)
    effects = cloud.network.receive(frame, nic.id, now=7.0).effects
    assert effects[0] == Change(before, cloud.now(cloud.owned))
    assert effects[-1] == Resend(cloud.here.id, frame, nic.id)
    assert cloud.network.take_effects() == ()


def test_the_last_announcement_wins(cloud: Any) -> None:
    for sequence in itertools.product("ab", repeat=4):
        for at, name in enumerate(sequence):
            cloud.announce(getattr(cloud, name), cloud.owned, now=float(at))
        assert cloud.owner(cloud.owned) == getattr(cloud, sequence[-1]).id


def test_a_nic_may_own_several_and_each_moves_alone(cloud: Any) -> None:
    cloud.announce(cloud.a, cloud.unbound)
    cloud.announce(cloud.b, cloud.owned)
    assert (cloud.owner(cloud.owned), cloud.owner(cloud.unbound)) == (cloud.b.id, cloud.a.id)


def test_only_nics_of_the_subnet_bind(cloud: Any) -> None:
    for nic in (cloud.far, cloud.twin):
        decision = cloud.announce(nic, cloud.unbound)
        assert decision.verdict.action is Action.DROP
        assert decision.effects == ()
    assert cloud.owner(cloud.unbound) is None


def test_an_equal_address_in_another_vpc_is_another_havip(cloud: Any) -> None:
    copy = cloud.network.create_havip(
        cloud.other_vpc.id, cloud.other_subnet.id, "copy", address=cloud.owned.address, now=3.0
    )
    cloud.announce(cloud.twin, copy)
    assert (cloud.owner(copy), cloud.owner(cloud.owned)) == (cloud.twin.id, cloud.a.id)


def test_forwarding_follows_a_move_at_once(cloud: Any) -> None:
    sent = gratuitous_request(cloud.b.mac, cloud.b.addresses[0])
    asked = sent[:38] + cloud.owned.address.packed
    assert cloud.network.verdict(asked, cloud.b.id).ethernet_destination == cloud.a.mac
    cloud.announce(cloud.b, cloud.owned)
    assert cloud.network.verdict(asked, cloud.b.id).reason is Reason.OWN


class TestLosing:
    def test_a_detached_nic_loses_what_it_owns(self, cloud: Any) -> None:
        cloud.announce(cloud.a, cloud.unbound, now=3.0)
        cloud.network.detach_nic(cloud.a.id, now=8.0)
        for havip in (cloud.owned, cloud.unbound):
            assert cloud.now(havip).binding is None
            assert cloud.now(havip).flushed == 8.0
        told = moves(cloud.network.take_effects())
        assert told == [(cloud.a.id, None, Cause.DETACHED, 8.0)] * 2

    def test_a_deleted_nic_loses_what_it_owns(self, cloud: Any) -> None:
        cloud.network.delete_nic(cloud.a.id, now=8.0)
        assert cloud.owner(cloud.owned) is None
        assert moves(cloud.network.take_effects()) == [(cloud.a.id, None, Cause.DELETED, 8.0)]

    def test_it_is_bound_again_only_by_announcing(self, cloud: Any) -> None:
        cloud.network.detach_nic(cloud.a.id, now=8.0)
        cloud.network.attach_nic(cloud.a.id, "ins-00000000")
        assert cloud.owner(cloud.owned) is None
        cloud.announce(cloud.a, cloud.owned)
        assert cloud.owner(cloud.owned) == cloud.a.id

    def test_others_keep_theirs(self, cloud: Any) -> None:
        cloud.network.detach_nic(cloud.b.id, now=8.0)
        cloud.network.delete_nic(cloud.twin.id, now=8.0)
        assert cloud.owner(cloud.owned) == cloud.a.id
        assert moves(cloud.network.take_effects()) == []

    def test_a_release_while_bound_is_told_once(self, cloud: Any) -> None:
        cloud.network.delete_havip(cloud.owned.id, now=8.0)
        assert moves(cloud.network.take_effects()) == [(cloud.a.id, None, Cause.RELEASED, 8.0)]
        assert cloud.owned.id not in cloud.network.havips

    def test_a_release_while_unbound_moves_nothing(self, cloud: Any) -> None:
        cloud.network.delete_havip(cloud.unbound.id, now=8.0)
        assert moves(cloud.network.take_effects()) == []

    def test_an_announcement_of_a_released_havip_is_a_spoof(self, cloud: Any) -> None:
        cloud.network.delete_havip(cloud.owned.id, now=8.0)
        decision = cloud.announce(cloud.a, cloud.owned)
        assert (decision.verdict.reason, decision.effects) == (Reason.NOT_YOURS, ())

    def test_the_same_address_again_is_a_new_havip_without_a_past(self, cloud: Any) -> None:
        cloud.network.delete_havip(cloud.owned.id, now=8.0)
        again = cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "again", address=cloud.owned.address, now=9.0)
        assert again.id != cloud.owned.id
        assert (again.binding, again.flushed, again.announced) == (None, None, None)
        asked = gratuitous_request(cloud.b.mac, cloud.b.addresses[0])[:38] + again.address.packed
        assert cloud.network.verdict(asked, cloud.b.id).reason is Reason.UNBOUND

    def test_a_frame_that_was_waiting_binds_nothing_any_more(self, cloud: Any) -> None:
        for frame, nic in ((gratuitous_request(n.mac, cloud.unbound.address), n) for n in (cloud.a, cloud.b)):
            assert cloud.network.verdict(frame, nic.id).action is Action.PUNT
        cloud.network.delete_nic(cloud.a.id, now=8.0)
        cloud.network.detach_nic(cloud.b.id, now=8.0)
        for nic in (cloud.a, cloud.b):
            assert cloud.announce(nic, cloud.unbound).effects == ()
        assert cloud.owner(cloud.unbound) is None


def test_a_restored_network_goes_on_where_it_was(cloud: Any) -> None:
    network = cloud.network
    stored = [*network.havips.values(), *network.nics.values(), *network.subnets.values(), *network.vpcs.values()]
    restored = Network.restore(stored, new_token=lambda _: "zzzzzzzz", profile=network.profile)
    assert restored.take_effects() == ()
    assert dict(restored.havips) == dict(network.havips)
    frame = gratuitous_request(cloud.b.mac, cloud.owned.address)
    assert restored.receive(frame, cloud.b.id, now=9.0).effects == network.receive(frame, cloud.b.id, now=9.0).effects
    made = [n.create_nic(cloud.here.id, "next", now=9.0).addresses for n in (restored, network)]
    assert made[0] == made[1]
