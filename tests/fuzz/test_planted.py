"""Planted bugs are found by what is drawn, and shrink to the shortest story that shows them."""

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

CLAIM, RIVAL = Announce("a", "h1"), Announce("b", "h1")
#: By the mutant: the requirement that its shortest story breaks, and that story.
PLANTED: dict[str, tuple[str, tuple[Action, ...]]] = {
    "first-wins": ("HAVIP-ORDER-001", (CLAIM, RIVAL)),
    "stale-data-path": ("HAVIP-ORDER-001", (CLAIM, RIVAL)),
    "silent-moves": ("HAVIP-API-003", (CLAIM, RIVAL)),
    "refresh-is-a-change": ("HAVIP-API-003", (CLAIM, CLAIM)),
    "replies-bind-nothing": ("HAVIP-BIND-002", (Announce("a", "h1", "reply"),)),
    "probes-bind": ("HAVIP-BIND-005", (Probe("a", "h1"),)),
    "any-sender-mac": ("HAVIP-SPOOF-004", (Announce("a", "h1", fault="sender-mac"),)),
    "any-subnet-announces": ("HAVIP-SCOPE-001", (Announce("a", "h4"),)),
    "any-vpc-announces": ("HAVIP-SCOPE-003", (CLAIM, Announce("e", "h5"))),
    "heirs": ("HAVIP-BIND-015", (CLAIM, Detach("a"))),
    "release-unbinds-all": ("HAVIP-RELEASE-003", (CLAIM, Release("h2"))),
    "addresses-remember": ("HAVIP-RELEASE-002", (CLAIM, Release("h1"), Create("h1"))),
    "renaming-binds": ("HAVIP-API-001", (Rename("h1"),)),
    "stale-api": ("HAVIP-API-002", (CLAIM, Look("h1"), RIVAL)),
    "unicast-is-broadcast": ("HAVIP-BIND-011", (Announce("a", "h1", to="b"),)),
}


@pytest.mark.parametrize("name", PLANTED)
def test_it_is_found_and_shrunk_to_the_shortest_story(name: str) -> None:
    requirement, shortest = PLANTED[name]
    kinds = [kind for kind in ACTIONS if kind != "wait"]
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


def test_an_owner_that_reasserts_and_is_overtaken_is_found() -> None:
    """What brings it to light is a matter of milliseconds, and so is what else the story needs for that."""
    with (
        Lab.open() as lab,
        open_target("mutant:refreshes-overtake", lab) as target,
        WireExecutor(lab, target) as executor,
    ):
        found = explore(executor, stories=100, kinds=["announce", "data-probe", "look"], seed=1)
        assert found.findings
        failure = found.findings[0].shortest(executor)
    assert len(failure.actions) <= 5, failure
