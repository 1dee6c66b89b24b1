"""Planted bugs are found by what is drawn, and shrink to the shortest story that shows them."""

from pathlib import Path
from runpy import run_path

import pytest

from pytest_havip.fuzz import (
    ACTIONS,
    Action,
    Announce,
    Create,
    Cut,
    DataProbe,
    Detach,
    Look,
    Probe,
    Release,
    Rename,
    Wait,
    WireExecutor,
    explore,
    fails_on,
    minimise,
)
from pytest_havip.lab import Lab
from pytest_havip.mutants import MUTANTS
from pytest_havip.targets import open_target

#: `bench/planted.py`, which hunts the planted faults of order by as many seeds as one likes; here it is one seed each.
BENCH = run_path(str(Path(__file__).parents[2] / "bench" / "planted.py"))
#: Their stories take up to a minute to shorten: each try is slow, or is repeated, or takes a world of its own.
SLOW = {"changes-in-a-row-are-one", "late-data-path", "refreshes-overtake", "routes-lag"}
#: As slow are these.
LONG = {"silent-moves", "release-unbinds-all", "addresses-remember"}
CLAIM, RIVAL = Announce("a", "h1"), Announce("b", "h1")
#: By the mutant: the requirement that its shortest story breaks, and that story.
PLANTED: dict[str, tuple[str, tuple[Action, ...]]] = {
    "silent-moves": ("HAVIP-API-003", (CLAIM, RIVAL)),
    "replies-bind-nothing": ("HAVIP-BIND-002", (Announce("a", "h1", "reply"),)),
    "probes-bind": ("HAVIP-BIND-005", (Probe("a", "h1"),)),
    "any-sender-mac": ("HAVIP-SPOOF-004", (Announce("a", "h1", fault="sender-mac"),)),
    "any-subnet-announces": ("HAVIP-SCOPE-001", (Announce("a", "h4"),)),
    "heirs": ("HAVIP-BIND-015", (CLAIM, Detach("a"))),
    "release-unbinds-all": ("HAVIP-RELEASE-003", (CLAIM, Release("h2"))),
    "addresses-remember": ("HAVIP-RELEASE-002", (CLAIM, Release("h1"), Create("h1"))),
    "renaming-binds": ("HAVIP-API-001", (Rename("h1"),)),
    "stale-api": ("HAVIP-API-002", (CLAIM, Look("h1"), RIVAL)),
    "unicast-is-broadcast": ("HAVIP-BIND-011", (Announce("a", "h1", to="b"),)),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in PLANTED]
)
def test_it_is_found_and_shrunk_to_the_shortest_story(name: str) -> None:
    requirement, shortest = PLANTED[name]
    # After a restart a MUST may be broken, where before it was a SHOULD.
    kinds = [kind for kind in ACTIONS if kind not in {"wait", "restart"}]
    with (
        Lab.open() as lab,
        open_target(f"mutant:{name}", lab) as target,
        WireExecutor(lab, target) as executor,
    ):
        found = explore(executor, stories=300, kinds=kinds, seed=1)
        assert found.findings, f"{found.stories} stories did not find: {MUTANTS[name].fault}"
        # Before the MUST, the stories may have broken a SHOULD.
        failure = found.findings[-1].shortest(executor)
    assert len(failure.actions) == len(shortest), failure
    assert list(map(type, failure.actions)) == list(map(type, shortest)), failure
    assert failure.disagreement.requirement == requirement, failure


@pytest.mark.slow
def test_what_only_time_brings_to_light_shrinks_too() -> None:
    story = [RIVAL, Announce("c", "h2"), DataProbe("o", "h1"), Cut("b"), Wait(2500), Probe("o", "h2"), Cut("a")]
    with (
        Lab.open() as lab,
        open_target("mutant:health-check-of-links", lab) as target,
        WireExecutor(lab, target) as executor,
    ):
        shortest = minimise(story, fails_on(executor), executor.world)
    # On a busy machine the cut alone lasts long enough.
    assert list(map(type, shortest)) in ([Announce, Cut, Wait], [Announce, Cut]), shortest


@pytest.mark.parametrize("name", sorted(BENCH["PLANTED"].keys() - SLOW))
def test_a_fault_of_order_is_found_and_shrunk(name: str) -> None:
    with (
        Lab.open() as lab,
        open_target(f"mutant:{name}", lab) as target,
        WireExecutor(lab, target) as executor,
    ):
        hunted = BENCH["hunt"](executor, seed=1, seconds=60)
    assert hunted is not None, MUTANTS[name].fault
    assert hunted.steps == BENCH["PLANTED"][name], hunted


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SLOW))
def test_a_fault_that_is_slow_to_shrink_is_found(name: str) -> None:
    with (
        Lab.open() as lab,
        open_target(f"mutant:{name}", lab) as target,
        WireExecutor(lab, target) as executor,
    ):
        assert explore(executor, stories=0, opening=BENCH["drawn"](1, 60)).is_over, MUTANTS[name].fault
