"""The drift range: who may announce, what may be a member, and that editing it moves nothing by itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pytest_havip.network.core import Action, Cause, Code, Havip, Moved, Nic, OwnerRemoval, Reason, Refused, Verdict
from pytest_havip.wire import gratuitous_reply, reply

ABSENT = "00000000"
OUTSIDE = Verdict(Action.DROP, Reason.NOT_IN_RANGE)


@dataclass
class Ranged:
    """The cloud's machines, another NIC of ``a``'s instance, and a HAVIP whose range is in force and empty."""

    cloud: Any
    havip: Havip
    second: Nic

    @property
    def network(self) -> Any:
        return self.cloud.network

    @property
    def now(self) -> Havip:
        found: Havip = self.network.havips[self.havip.id]
        return found

    def add(self, *members: str) -> None:
        self.network.associate({self.havip.id: members})

    def remove(self, *members: str) -> None:
        self.network.dissociate({self.havip.id: members}, now=20.0)

    def announce(self, nic: Nic) -> Verdict:
        verdict: Verdict = self.cloud.announce(nic, self.havip).verdict
        return verdict

    @property
    def owner(self) -> str | None:
        return self.now.binding.nic_id if self.now.binding else None

    def admitted(self, *nics: Nic) -> set[str]:
        return {nic.id for nic in nics if self.announce(nic).action is Action.PUNT}


@pytest.fixture
def ranged(cloud: Any) -> Ranged:
    network = cloud.network
    second = network.attach_nic(network.create_nic(cloud.here.id, "second", now=1).id, cloud.a.instance_id)
    havip = network.create_havip(cloud.vpc.id, cloud.here.id, "ranged", check_associate=True, now=1)
    return Ranged(cloud, havip, second)


def test_a_range_in_force_admits_nobody_by_itself(ranged: Ranged) -> None:
    for nic in (ranged.cloud.a, ranged.cloud.b, ranged.second):
        assert ranged.announce(nic) == OUTSIDE
    assert ranged.owner is None
    assert ranged.now.announced is None


def test_a_range_that_is_not_in_force_admits_all(cloud: Any) -> None:
    free = cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "free", members=[cloud.a.id], now=1)
    cloud.announce(cloud.b, free)
    assert cloud.owner(free) == cloud.b.id


def test_a_nic_admits_itself_alone(ranged: Ranged) -> None:
    ranged.add(ranged.cloud.a.id)
    assert ranged.admitted(ranged.cloud.a, ranged.second, ranged.cloud.b) == {ranged.cloud.a.id}


def test_an_instance_admits_all_its_nics(ranged: Ranged) -> None:
    ranged.add(ranged.cloud.a.instance_id)
    assert ranged.admitted(ranged.cloud.a, ranged.second, ranged.cloud.b) == {ranged.cloud.a.id, ranged.second.id}


def test_an_instance_admits_none_in_other_subnets(ranged: Ranged) -> None:
    network, cloud = ranged.network, ranged.cloud
    ranged.add(cloud.a.instance_id)
    elsewhere = network.attach_nic(network.create_nic(cloud.there.id, "e", now=1).id, cloud.a.instance_id)
    assert ranged.announce(elsewhere).reason is Reason.WRONG_SUBNET


def test_nics_that_come_and_go_are_followed(ranged: Ranged) -> None:
    network, cloud = ranged.network, ranged.cloud
    ranged.add(cloud.a.instance_id)
    late = network.create_nic(cloud.here.id, "late", now=1)
    assert ranged.announce(late).reason is Reason.MAC_MISMATCH, "it has no port"
    late = network.attach_nic(late.id, cloud.a.instance_id)
    assert ranged.announce(late).action is Action.PUNT
    assert ranged.owner == late.id
    network.migrate_nic(late.id, cloud.b.instance_id, now=5)
    assert ranged.owner is None
    assert ranged.announce(late) == OUTSIDE
    network.delete_nic(cloud.a.id, now=6)
    assert ranged.now.drift_range.nics == {ranged.second.id}


def test_members_are_added_and_removed(ranged: Ranged) -> None:
    a, b = ranged.cloud.a, ranged.cloud.b
    ranged.add(a.id)
    ranged.add(b.id)
    assert ranged.now.drift_range.members == (a.id, b.id)
    assert ranged.admitted(a, b) == {a.id, b.id}
    ranged.remove(a.id)
    assert list(ranged.now.drift_range.members) == [b.id]
    assert ranged.admitted(a, b) == {b.id}


def test_editing_moves_nothing(ranged: Ranged) -> None:
    a, b = ranged.cloud.a, ranged.cloud.b
    ranged.add(a.id)
    ranged.announce(a)
    before = ranged.now
    ranged.network.take_effects()
    ranged.add(b.id)
    ranged.remove(a.id)
    assert not [effect for effect in ranged.network.take_effects() if isinstance(effect, Moved)]
    assert ranged.now == replace(before, drift_range=ranged.now.drift_range)
    # It still is the owner, but it is not asked any more.
    assert ranged.announce(a) == OUTSIDE
    assert ranged.network.verdict(reply(a.mac, ranged.havip.address, b.mac, b.addresses[0]), a.id).action is Action.PASS
    assert ranged.announce(b).action is Action.PUNT
    assert ranged.owner == b.id


def test_a_reply_of_an_outsider_is_rejected_alike(ranged: Ranged) -> None:
    nic = ranged.cloud.b
    assert ranged.network.receive(gratuitous_reply(nic.mac, ranged.havip.address), nic.id, now=3).verdict == OUTSIDE


def test_a_profile_may_refuse_to_remove_an_owner(ranged: Ranged) -> None:
    ranged.network.profile = replace(ranged.network.profile, owner_removal=OwnerRemoval.REFUSED)
    a, b = ranged.cloud.a, ranged.cloud.b
    ranged.add(a.id, b.id)
    ranged.announce(a)
    with pytest.raises(Refused, match="UnsupportedOperation"):
        ranged.remove(b.id, a.id)
    assert ranged.now.drift_range.members == (a.id, b.id)
    ranged.announce(b)
    ranged.remove(a.id)


def test_a_profile_may_unbind_an_owner_that_is_removed(ranged: Ranged) -> None:
    ranged.network.profile = replace(ranged.network.profile, owner_removal=OwnerRemoval.UNBINDS)
    a, b = ranged.cloud.a, ranged.cloud.b
    ranged.add(a.id, b.id)
    ranged.announce(a)
    ranged.network.take_effects()
    ranged.remove(b.id)
    assert ranged.owner == a.id
    ranged.remove(a.id)
    moved = [effect for effect in ranged.network.take_effects() if isinstance(effect, Moved)]
    assert [(each.old_nic_id, each.new_nic_id, each.cause) for each in moved] == [(a.id, None, Cause.EXCLUDED)]
    assert (ranged.owner, ranged.now.flushed) == (None, 20.0)


def test_the_profile_says_whether_ranges_are_in_force(cloud: Any) -> None:
    cloud.network.profile = replace(cloud.network.profile, check_associate=True)
    made = [
        cloud.network.create_havip(cloud.vpc.id, cloud.here.id, "h", check_associate=asked, now=1).drift_range.enforced
        for asked in (None, False)
    ]
    assert made == [True, False]


def test_ten_members_fit(ranged: Ranged) -> None:
    network, cloud = ranged.network, ranged.cloud
    members = [
        network.attach_nic(network.create_nic(cloud.here.id, "n", now=1).id, "ins-00000000").id for _ in range(11)
    ]
    with pytest.raises(Refused) as refused:
        ranged.add(*members)
    assert refused.value.code is Code.LIMIT_EXCEEDED
    ranged.add(*members[:10])
    with pytest.raises(Refused, match="LimitExceeded"):
        ranged.add(members[10])
    assert ranged.now.drift_range.members == tuple(members[:10])


Request = Callable[[Ranged], object]

REFUSALS: dict[str, tuple[Code, Request]] = {
    "no id": (Code.MALFORMED, lambda r: r.add("a")),
    "id of a subnet": (Code.MALFORMED, lambda r: r.add(r.cloud.here.id)),
    "unknown instance": (Code.NOT_FOUND, lambda r: r.network.associate({r.cloud.owned.id: [f"ins-{ABSENT}"]})),
    "unknown NIC": (Code.NOT_FOUND, lambda r: r.add(f"eni-{ABSENT}")),
    "one twice": (Code.DUPLICATE, lambda r: r.add(r.cloud.b.id, r.cloud.b.id)),
    "one that is there": (Code.DUPLICATED_ASSOCIATION, lambda r: r.add(r.cloud.b.id, r.cloud.a.id)),
    "both kinds at once": (Code.INVALID, lambda r: r.add(r.cloud.b.id, r.cloud.b.instance_id)),
    "the other kind later": (Code.INVALID, lambda r: r.add(r.cloud.b.instance_id)),
    "NIC of another subnet": (Code.INVALID, lambda r: r.add(r.cloud.far.id)),
    "NIC of another VPC": (Code.INVALID, lambda r: r.add(r.cloud.twin.id)),
    "NIC that is not attached": (
        Code.INVALID,
        lambda r: r.add(r.network.create_nic(r.cloud.there.id, "idle", now=1).id),
    ),
    "unknown HAVIP": (Code.NOT_FOUND, lambda r: r.network.associate({f"havip-{ABSENT}": [r.cloud.b.id]})),
    "second of two HAVIPs": (
        Code.NOT_FOUND,
        lambda r: r.network.associate({r.havip.id: [r.cloud.b.id], r.cloud.owned.id: [f"eni-{ABSENT}"]}),
    ),
    "removal of a stranger": (Code.NOT_FOUND, lambda r: r.remove(r.cloud.b.id)),
    "removal of one twice": (Code.DUPLICATE, lambda r: r.remove(r.cloud.a.id, r.cloud.a.id)),
    "removal of no id": (Code.MALFORMED, lambda r: r.remove("a")),
    "detaching a member": (Code.IN_RANGE, lambda r: r.network.detach_nic(r.cloud.a.id, now=1)),
    "migrating a member": (Code.IN_RANGE, lambda r: r.network.migrate_nic(r.cloud.a.id, f"ins-{ABSENT}", now=1)),
    "deleting a member": (Code.IN_RANGE, lambda r: r.network.delete_nic(r.cloud.a.id, now=1)),
    "new HAVIP with a stranger": (
        Code.NOT_FOUND,
        lambda r: r.network.create_havip(r.cloud.vpc.id, r.cloud.here.id, "h", members=[f"eni-{ABSENT}"], now=1),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_edit_changes_no_range(ranged: Ranged, name: str) -> None:
    code, request = REFUSALS[name]
    ranged.add(ranged.cloud.a.id)
    before = dict(ranged.network.havips)
    with pytest.raises(Refused) as refused:
        request(ranged)
    assert refused.value.code is code
    assert len(refused.value.message) > 20
    assert dict(ranged.network.havips) == before
    assert ranged.admitted(ranged.cloud.b, ranged.second) == set()
