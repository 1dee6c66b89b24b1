"""TAKE: faults of wires, of heartbeats and of people: what the network makes of them, and what it must not."""

from collections.abc import Callable

import pytest

from pytest_havip.fixtures.acts import Act, Takeover
from pytest_havip.fixtures.standing import arrived
from pytest_havip.fixtures.takeovers import Acts
from pytest_havip.observe.announcements import announced_by
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.endings import Blame, Ending, Outcome
from pytest_havip.reports import Inconclusive
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Feature

__all__: list[str] = []

pytestmark = pytest.mark.xdist_group("takeovers")

#: Seconds from the first announcement that the network hears to a user's answer: what a busy machine may take.
CONVERGENCE = 2.0
#: Seconds of an outage that nobody calls one: what a busy machine may hold a probe up.
UNNOTICED = 0.5
#: Seconds for which the old owner's late announcement keeps users away, at least, in the scene of it.
NOTICED = 1.0
SPLIT = ("keepalived split", "keepalived deaf standby")
OUTVOTED = ("wsfc split", "wsfc deaf standby")


def assert_taken_over(taken: Takeover) -> None:
    """Everyone names the heir, and it serves."""
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)


def assert_kept(taken: Takeover) -> None:
    """Everyone names the machine that owned the address before."""
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.KEPT, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.victim.name)


def aftermath(act: Act) -> Ending:
    """How things stood when the last fault had been undone."""
    act.taken(-1)
    assert act.aftermath is not None, act.error
    return act.aftermath


def first_heard(taken: Takeover) -> int:
    """When the first of the heir's announcements arrived at the network."""
    heard = [frame.time_ns for frame in arrived(taken.scene, taken.heir) if frame.time_ns >= taken.at]
    if not heard:
        raise Inconclusive(f"the network never heard {taken.heir.name} announce {taken.scene.address}")
    return heard[0]


@requirement("HAVIP-TAKE-032")
@pytest.mark.parametrize(
    ("name", "number"), [("keepalived lossy", 0), ("keepalived lossy", 1), ("wsfc lossy", 0)], ids=str
)
def test_the_first_announcement_that_gets_through_moves_the_havip(
    act: Acts, record_takeover: Callable[[Row], None], name: str, number: int
) -> None:
    taken = act(name).taken(number)
    record_takeover(taken.row)
    heard = first_heard(taken)
    assert taken.served is not None, taken.ending.text
    assert (taken.served.received - heard) / 1e9 < CONVERGENCE
    assert_taken_over(taken)


@requirement("HAVIP-TAKE-033")
@pytest.mark.parametrize(
    ("name", "number", "blame"),
    [
        ("keepalived lossy", 3, Blame.WIRE),
        ("keepalived once", 1, Blame.CLIENT),
        ("wsfc lossy", 1, Blame.CLIENT),
    ],
    ids=str,
)
def test_a_takeover_that_nobody_hears_moves_nothing(
    act: Acts, record_takeover: Callable[[Row], None], name: str, number: int, blame: Blame
) -> None:
    taken = act(name).taken(number)
    record_takeover(taken.row)
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.LOST, blame), taken.ending.text
    assert taken.views["control plane"] == taken.views["data path"] == taken.victim.name
    assert taken.served is None


@requirement("HAVIP-TAKE-034")
def test_a_refresh_repairs_a_takeover_that_nobody_heard(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    played = act("keepalived lossy")
    late, first = played.taken(2), played.scene.first
    record_takeover(late.row)
    assert late.served is not None, late.ending.text
    assert (late.served.received - first_heard(late)) / 1e9 < CONVERGENCE
    assert_taken_over(late)
    ended = aftermath(played)  # of the next fault, in which all announcements got lost until the wire was mended
    assert (ended.outcome, ended.blame) == (Outcome.KEPT, Blame.NOBODY), ended.text
    served = played.taken(3).record.takeover(first.name, played.healed)
    refresh = played.scene.cluster.traits.announcement.refresh
    assert served is not None
    assert refresh is not None
    assert served < refresh + CONVERGENCE
    note = f"served by the new owner {served:.2f} s after the wire was mended, by its refresh every {refresh:g} s"
    record_takeover(Row(played.scene.cluster.traits.name, "wire mended", served * 1000, 1, note, ended.outcome))


@requirement("HAVIP-TAKE-035")
def test_repeated_announcements_are_one_takeover(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    played = act("keepalived jumbled")
    taken, scene = played.taken(0), played.scene
    record_takeover(taken.row)
    assert_taken_over(taken)
    sent, heard = taken.announcements, len(arrived(scene, taken.heir))
    if heard <= sent:
        raise Inconclusive(f"the wire repeated nothing: {sent} announcements were sent, {heard} heard")
    owners = [tenure.owner for tenure in taken.record.tenures() if tenure.since < taken.until]
    assert owners == [scene.first.name, scene.second.name]
    if Feature.EVENTS in scene.target.features:
        assert scene.havip is not None
        moves = ControlPlane(scene.target, scene.machines).moves_of(scene.havip)
        assert moves[:2] == [(None, scene.first), (scene.first, scene.second)]
        # The old owner's late announcement, and the new one's refresh after it.
        assert moves[2:] == [(scene.second, scene.first), (scene.first, scene.second)]


@requirement("HAVIP-TAKE-036")
def test_a_late_announcement_of_the_old_owner_is_followed_until_the_next(
    act: Acts, record_takeover: Callable[[Row], None]
) -> None:
    late = act("keepalived jumbled").taken(1)
    record_takeover(late.row)
    assert_kept(late)
    assert late.outage.seconds > NOTICED, "packets never went to the machine whose announcement arrived last"
    assert late.outage.served


@requirement("HAVIP-TAKE-037")
def test_an_announcement_by_another_subnets_interface_moves_nothing(
    act: Acts, record_takeover: Callable[[Row], None]
) -> None:
    taken = act("keepalived astray").taken()
    record_takeover(taken.row)
    if "another subnet" not in taken.ending.text:
        raise Inconclusive(f"{taken.heir.name} did not announce it there: {taken.ending.text}")
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.STUCK, Blame.CLIENT), taken.ending.text
    assert taken.views["control plane"] == taken.views["data path"] == taken.victim.name
    assert taken.scene.observer.heard_arp_from(taken.scene.address, since=taken.at, mac=stray_mac(taken)) == []


def stray_mac(taken: Takeover) -> str:
    """The MAC address of the NIC by which the heir announces the address in another subnet."""
    return taken.scene.elsewhere[1].mac


@requirement("HAVIP-TAKE-038")
@pytest.mark.parametrize("name", SPLIT)
def test_a_split_brain_has_one_owner_at_any_time(act: Acts, record_takeover: Callable[[Row], None], name: str) -> None:
    played = act(name)
    taken, scene = played.taken(), played.scene
    record_takeover(taken.row)
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.SPLIT, Blame.CLIENT), taken.ending.text
    for machine in scene.machines:
        if not announced_by(machine, scene.address, since=taken.at, until=taken.until):
            raise Inconclusive(f"{machine.name} did not announce the address while they did not hear each other")
    assert taken.record.dual_answers() == ()
    if Feature.EVENTS in scene.target.features:
        assert scene.havip is not None
        moves = ControlPlane(scene.target, scene.machines).moves_of(scene.havip)
        assert [old for old, _ in moves] == [None, *(new for _, new in moves[:-1])]
        if played.survivors == (scene.first.name,):
            assert len(moves) >= len(("bound", "to the standby", "and back"))


@requirement("HAVIP-TAKE-039")
@pytest.mark.parametrize("name", SPLIT)
def test_a_healed_split_brain_ends_with_one_owner_for_good(
    act: Acts, record_takeover: Callable[[Row], None], name: str
) -> None:
    played = act(name)
    ended, scene = aftermath(played), played.scene
    if played.survivors != (scene.first.name,):
        raise Inconclusive(f"{played.survivors} hold the address after they heard each other again: {ended.text}")
    assert (ended.outcome, ended.blame) == (Outcome.TAKEN, Blame.NOBODY), ended.text
    record = played.taken().record
    afterwards = [tenure for tenure in record.tenures() if tenure.since > played.settled]
    assert afterwards == []
    assert record.outage(played.settled).seconds < UNNOTICED
    seconds = (played.settled - played.healed) / 1e9
    note = f"{scene.first.name} alone {seconds:.2f} s after, and nothing moved any more"
    record_takeover(Row(scene.cluster.traits.name, f"{name.partition(' ')[2]}, healed", None, 0, note, ended.outcome))


@requirement("HAVIP-TAKE-040")
def test_nobody_owns_the_havip_until_a_slow_client_announces_it(act: Acts) -> None:
    played = act("keepalived slow")
    scene, election = played.scene, played.elected()
    assert [
        frame.time_ns for frame in scene.observer.saw_about(scene.address) if frame.time_ns < election.announced
    ] == []
    first = scene.stream.record().first_answer()
    assert first is not None
    assert first.received > election.announced
    assert election.owner is scene.first


@pytest.mark.parametrize("ours", ["keepalived", "wsfc"])
@requirement("HAVIP-TAKE-041")
def test_an_address_removed_by_hand_comes_back(act: Acts, record_takeover: Callable[[Row], None], ours: str) -> None:
    removed = act(f"{ours} careless").taken(0)
    record_takeover(removed.row)
    assert_kept(removed)
    assert removed.holders == (removed.victim.name,)
    assert removed.outage.served


@pytest.mark.parametrize("ours", ["keepalived", "wsfc"])
@requirement("HAVIP-TAKE-042")
def test_the_standby_follows_an_owner_whose_nic_is_down(
    act: Acts, record_takeover: Callable[[Row], None], ours: str
) -> None:
    taken = act(f"{ours} careless").taken(1)
    record_takeover(taken.row)
    assert_taken_over(taken)


@pytest.mark.parametrize("ours", ["keepalived", "wsfc"])
@requirement("HAVIP-TAKE-043")
def test_a_nic_that_is_up_again_moves_nothing(act: Acts, ours: str) -> None:
    played = act(f"{ours} careless")
    ended, taken = aftermath(played), played.taken(1)
    if played.announced_again():
        raise Inconclusive(f"{taken.victim.name} announced the address again: {ended.text}")
    assert (ended.outcome, ended.blame) == (Outcome.KEPT, Blame.NOBODY), ended.text
    assert taken.record.outage(played.healed).seconds < UNNOTICED


@requirement("HAVIP-TAKE-044")
@pytest.mark.parametrize("name", OUTVOTED)
def test_a_quorum_keeps_the_havip_where_it_is(act: Acts, record_takeover: Callable[[Row], None], name: str) -> None:
    played = act(name)
    taken = played.taken()
    record_takeover(taken.row)
    assert_kept(taken)
    ended = aftermath(played)
    assert ended.blame is Blame.NOBODY, ended.text
    assert taken.record.outage(taken.at).seconds < UNNOTICED
    assert {tenure.owner for tenure in taken.record.tenures()} == {taken.victim.name}


@requirement("HAVIP-TAKE-045")
def test_the_role_follows_the_service(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    taken = act("wsfc service").taken()
    record_takeover(taken.row)
    assert_taken_over(taken)
    assert taken.holders == (taken.heir.name,)
