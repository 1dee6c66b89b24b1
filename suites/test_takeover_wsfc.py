"""TAKE: a WSFC-like cluster, the product document's best practice, moves a HAVIP and takes it over."""

from collections.abc import Callable

import pytest

from pytest_havip.fixtures.acts import Takeover
from pytest_havip.fixtures.takeovers import Acts
from pytest_havip.observe.announcements import announced_by
from pytest_havip.observe.endings import Blame, Outcome
from pytest_havip.reports import Inconclusive
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement

__all__: list[str] = []

pytestmark = pytest.mark.xdist_group("takeovers")

#: Seconds of an outage that nobody calls one: what a busy machine may hold a probe up.
UNNOTICED = 0.5


def assert_taken_over(taken: Takeover) -> None:
    """Everyone names the new owner, and it alone holds the address."""
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)


@requirement("HAVIP-TAKE-015")
@pytest.mark.parametrize("name", ["wsfc moved", "wsfc host", "wsfc frozen", "wsfc ghost"])
def test_a_cluster_elects_one_owner_at_start(act: Acts, name: str) -> None:
    played = act(name)
    scene, election = played.scene, played.elected()
    assert election.answer.owner == scene.first.name
    assert election.owner is scene.first
    assert scene.stream.record().dual_answers() == ()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param("wsfc moved", 0, marks=requirement("HAVIP-TAKE-016"), id="move"),
        pytest.param("wsfc moved", 1, marks=requirement("HAVIP-TAKE-018"), id="stop"),
        pytest.param("wsfc host", 0, marks=requirement("HAVIP-TAKE-019"), id="host"),
        pytest.param("wsfc frozen", 0, marks=requirement("HAVIP-TAKE-020"), id="frozen"),
    ],
)
def test_the_role_goes_to_the_other_node(
    act: Acts, record_takeover: Callable[[Row], None], name: str, number: int
) -> None:
    taken = act(name).taken(number)
    record_takeover(taken.row)
    assert_taken_over(taken)


@requirement("HAVIP-TAKE-017")
def test_a_planned_move_is_a_short_break(act: Acts) -> None:
    taken = act("wsfc moved").taken(0)
    assert taken.bound is not None
    assert taken.outage.seconds < taken.bound.latest + 1


@requirement("HAVIP-TAKE-020")
def test_a_thawed_owner_takes_nothing_back(act: Acts) -> None:
    played = act("wsfc frozen")
    played.taken()
    ended = played.aftermath
    assert ended is not None, played.error
    if played.announced_again():
        raise Inconclusive(f"{played.scene.first.name} announced the address again after its thaw: {ended.text}")
    assert (ended.outcome, ended.blame) == (Outcome.KEPT, Blame.NOBODY), ended.text
    assert played.scene.cluster.holders() == (played.scene.second.host,)


@requirement("HAVIP-TAKE-021")
def test_a_ghost_keeps_the_havip_and_is_named(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    played = act("wsfc ghost")
    killed, scene = played.taken(), played.scene
    record_takeover(killed.row)
    if announced_by(scene.second, scene.address):
        raise Inconclusive(f"{scene.second.name} did not heed the defender: {killed.ending.text}")
    assert "event 1049" in scene.cluster.log(scene.second.host)
    assert (killed.ending.outcome, killed.ending.blame) == (Outcome.GHOST, Blame.CLIENT), killed.ending.text
    assert killed.views == dict.fromkeys(killed.views, scene.first.name)
    assert killed.outage.seconds < UNNOTICED
