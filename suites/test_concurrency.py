"""ORDER, when several machines announce at the same time: one of the last decides, and nobody reads back in time."""

from collections.abc import Sequence
from io import StringIO

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.stage import Launch
from pytest_havip.history import HistoryReader, Judgement, Outcome, Reading, Record, View, judge
from pytest_havip.observe.chronicle import Chronicle
from pytest_havip.observe.race import Race, race
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet

__all__: list[str] = []

#: Races: an owner's refresh that overtakes claims shows in every one in which the owner has the last word.
ROUNDS = 8
#: Announcements of each machine in a race; all together stay far below what a network allows a machine in a second.
TIMES = 10


@pytest.fixture
def rivals(a: Instance, b: Instance, launch: Launch, subnet: Subnet) -> list[Instance]:
    """Four machines that compete for a HAVIP."""
    return [a, b, launch("c", subnet), launch("d", subnet)]


def races(chronicle: Chronicle, havip: Havip, rivals: Sequence[Instance]) -> list[Race]:
    """Races in which the owner before the race, or nobody in particular, has the last word."""
    chronicle.opened(havip, rivals)
    run: list[Race] = []
    for number in range(ROUNDS):
        owner = rivals[number // 2 % len(rivals)]
        chronicle.send(owner, havip, owner.announcement(havip.address))
        chronicle.handled(owner)
        run.append(race(chronicle, havip, rivals, times=TIMES, straggler=None if number % 2 else owner))
    return run


@requirement("HAVIP-ORDER-050")
def test_after_a_race_one_of_the_last_holds_the_havip_and_keeps_it(
    chronicle: Chronicle, havip: Havip, rivals: list[Instance]
) -> None:
    for each in races(chronicle, havip, rivals):
        assert {len(reached) for reached in each.held} == {1}
        holders = {machine.nic.id for reached in each.held for machine in reached}
        assert len(holders) == 1
        assert holders <= {machine.nic.id for machine in each.last}
        assert set(each.named) == holders


@requirement("HAVIP-ORDER-051")
def test_during_a_race_packets_follow_one_order_of_the_announcements(
    chronicle: Chronicle, havip: Havip, rivals: list[Instance], history: StringIO
) -> None:
    races(chronicle, havip, rivals)
    by_packets = [
        record for record in recorded(chronicle, history) if not isinstance(record, Reading) or record.view is View.DATA
    ]
    for judgement in judge(chronicle.recorder.header, by_packets, ("register", "one-owner")):
        see(judgement)


@requirement("HAVIP-API-003")
def test_every_move_of_a_race_is_listed_once_in_order(
    chronicle: Chronicle, havip: Havip, rivals: list[Instance], history: StringIO
) -> None:
    races(chronicle, havip, rivals)
    (judgement,) = judge(chronicle.recorder.header, recorded(chronicle, history), ("changes",))
    see(judgement)


def recorded(chronicle: Chronicle, history: StringIO) -> list[Record]:
    """All records of this test."""
    chronicle.recorder.close()
    history.seek(0)
    return list(HistoryReader(history))


def see(judgement: Judgement) -> None:
    """A judgement as a test's verdict."""
    told = f"{judgement.checker}: {judgement.reason}\n{judgement.witness}"
    if judgement.outcome is Outcome.INCONCLUSIVE:
        raise Inconclusive(told)
    assert judgement.outcome is Outcome.PASS, told
    assert judgement.judged
