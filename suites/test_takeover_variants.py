"""TAKE: real keepalived in other settings than the product document's."""

from collections.abc import Callable

import pytest

from pytest_havip.fixtures.acts import Takeover
from pytest_havip.fixtures.takeovers import Acts
from pytest_havip.observe.announcements import announced_by
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.endings import Blame, Outcome
from pytest_havip.reports import Inconclusive
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Feature

__all__: list[str] = []

pytestmark = pytest.mark.xdist_group("takeovers")

#: Seconds of an outage that nobody calls one: what a busy machine may hold a probe up.
UNNOTICED = 0.5
#: Nanoseconds before a fault in which a probe may be under way.
_MOMENT = 100_000_000


def assert_taken_over(taken: Takeover) -> None:
    """Everyone names the heir, which alone holds the address."""
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param("keepalived third", 0, marks=requirement("HAVIP-TAKE-053"), id="version 3"),
        pytest.param("keepalived shared", 0, marks=requirement("HAVIP-TAKE-054"), id="shared"),
        pytest.param("keepalived preempting", 1, marks=requirement("HAVIP-TAKE-055"), id="preempting"),
        pytest.param("keepalived weighed", 0, marks=requirement("HAVIP-TAKE-057"), id="weighed"),
        pytest.param("keepalived tracked", 0, marks=requirement("HAVIP-TAKE-058"), id="tracked"),
        pytest.param("keepalived once", 0, marks=requirement("HAVIP-TAKE-059"), id="one announcement"),
        pytest.param("keepalived repeating", 0, marks=requirement("HAVIP-TAKE-060"), id="other announcements"),
    ],
)
def test_the_address_is_taken_over(act: Acts, record_takeover: Callable[[Row], None], name: str, number: int) -> None:
    taken = act(name).taken(number)
    record_takeover(taken.row)
    assert_taken_over(taken)


@requirement("HAVIP-TAKE-054")
def test_each_machine_serves_an_address_of_its_own(act: Acts) -> None:
    played = act("keepalived shared")
    taken, scene = played.taken(), played.scene
    assert scene.beside is not None
    assert taken.record.outage(played.elected().answer.received, taken.at - _MOMENT).seconds < UNNOTICED
    assert scene.observer.reached(scene.beside.address) == [scene.second]
    assert ControlPlane(scene.target, scene.machines).owner_of(scene.beside) is scene.second
    if Feature.EVENTS in scene.target.features:
        moves = ControlPlane(scene.target, scene.machines).moves_of(scene.beside)
        assert moves[-1][1] is scene.second
        assert (scene.second, scene.first) not in moves, "it moved although its owner lived"


@requirement("HAVIP-TAKE-056")
def test_a_returning_machine_that_does_not_preempt_moves_nothing(act: Acts) -> None:
    returned = act("keepalived returning").taken(1)
    if sent := announced_by(returned.heir, returned.scene.address, since=returned.at):
        raise Inconclusive(f"{returned.heir.name} preempted: it announced the address {len(sent)} times")
    assert (returned.ending.outcome, returned.ending.blame) == (Outcome.KEPT, Blame.NOBODY), returned.ending.text
    assert returned.views == dict.fromkeys(returned.views, returned.victim.name)
    assert returned.outage.seconds < UNNOTICED


@requirement("HAVIP-TAKE-060")
@pytest.mark.parametrize("name", ["keepalived repeating", "keepalived third", "keepalived stopped"])
def test_a_takeover_is_one_change_however_often_it_is_announced(act: Acts, name: str) -> None:
    taken = act(name).taken()
    scene = taken.scene
    owners = [tenure.owner for tenure in taken.record.tenures()]
    assert owners == [scene.first.name, scene.second.name]
    if Feature.EVENTS in scene.target.features:
        assert scene.havip is not None
        moves = ControlPlane(scene.target, scene.machines).moves_of(scene.havip)
        assert moves == [(None, scene.first), (scene.first, scene.second)]
