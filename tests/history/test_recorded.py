"""Histories recorded from networks: the good one's passes, and each wrong one's fails by the right checkers."""

from io import StringIO

import pytest

from pytest_havip.fixtures.stage import Stage
from pytest_havip.history import Header, Integrity, Outcome, Recorder, Report, judge_file
from pytest_havip.lab import Lab
from pytest_havip.observe.chronicle import Chronicle
from pytest_havip.observe.race import race
from pytest_havip.targets import open_target

#: Network -> the checkers that find it out.
FOUND_OUT: dict[str, set[str]] = {
    "reference": set(),
    "mutant:first-wins": {"register", "agreement", "changes", "one-register"},
    "mutant:refreshes-overtake": {"register", "changes", "one-register"},
    "mutant:stale-data-path": {"register", "agreement", "one-register"},
    "mutant:stale-api": {"register", "agreement", "one-register"},
    "mutant:silent-moves": {"changes"},
    "mutant:refresh-is-a-change": {"changes"},
}
CHECKERS = ("register", "agreement", "one-owner", "changes", "quota", "scope", "one-register")


def recorded(lab: Lab, network: str) -> Report:
    """What is found about races of four machines, of which the owner has the last word in every other one."""
    sink, races = StringIO(newline=""), []
    with open_target(network, lab) as target, Stage.build(lab, target) as stage:
        subnet = stage.subnet()
        observer = stage.observer(subnet)
        machines = [stage.launch(name, subnet) for name in "abcd"]
        recorder = Recorder(Header(network, "tests", target.profile), sink)
        chronicle = Chronicle(recorder, target, observer, stage.fence(subnet, observer))
        havip = target.create_havip(subnet)
        chronicle.opened(havip, machines)
        for number in range(6):
            owner = machines[number // 2]
            chronicle.send(owner, havip, owner.announcement(havip.address))
            chronicle.handled(owner)
            straggler = None if number % 2 else owner
            races.append(race(chronicle, havip, machines, times=15, straggler=straggler))
        recorder.close()
    assert all(each.overlaps for each in races)
    sink.seek(0)
    return judge_file(sink, CHECKERS, name=network)


@pytest.mark.parametrize("network", FOUND_OUT)
def test_the_right_checkers_find_a_network_out(network: str) -> None:
    with Lab.open() as lab:
        report = recorded(lab, network)
    assert report.integrity is Integrity.WHOLE
    failed = {each.checker for each in report.judgements if each.outcome is Outcome.FAIL}
    assert failed == FOUND_OUT[network], [
        f"{each.checker}: {each.reason}\n{each.witness}" for each in report.judgements
    ]
    assert {each.checker for each in report.judgements if each.outcome is Outcome.INCONCLUSIVE} == set()
    assert {each.checker for each in report.judgements if not each.judged} <= {"quota"}
    assert all(each.witness for each in report.judgements if each.checker in failed)
