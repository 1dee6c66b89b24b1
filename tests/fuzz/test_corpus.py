"""Every story of the corpus can fail: it does, on the network that its trace names."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_havip.fuzz import REQUIREMENTS, Failure, Race, Trace, WireExecutor, replay
from pytest_havip.fuzz.core import CoreExecutor
from pytest_havip.lab import Lab
from pytest_havip.mutants import MUTANTS
from pytest_havip.requirements import Level, catalogue
from pytest_havip.targets import open_target

CORPUS = {path.stem: path for path in sorted((Path(__file__).parents[2] / "suites" / "corpus").glob("*.json"))}
TRACES = {name: Trace.read(path) for name, path in CORPUS.items()}
#: How many networks are played on at the same time.
AT_ONCE = 4
MUSTS = {each for each in REQUIREMENTS if catalogue()[each].level is Level.MUST}


def failure_of(trace: Trace) -> Failure | None:
    """What the story shows on the network that its trace names, judged as the tests of the corpus judge it."""
    with (
        Lab.open() as lab,
        open_target(trace.target, lab) as target,
        WireExecutor(lab, target, trace.world) as executor,
    ):
        return replay(executor, trace.actions, judged=MUSTS)


@pytest.fixture(scope="module")
def failures() -> Mapping[str, Failure | None]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(TRACES, pool.map(failure_of, TRACES.values()), strict=True))


@pytest.mark.parametrize("name", TRACES)
def test_it_turns_red_on_the_network_that_it_names(failures: Mapping[str, Failure | None], name: str) -> None:
    trace, failure = TRACES[name], failures[name]
    assert failure is not None
    found = failure.disagreement
    assert found.requirement == trace.requirement
    if not any(isinstance(action, Race) for action in trace.actions):  # who wins a race, nobody knows before
        assert (found.seen, found.expected) == (trace.seen, trace.expected)


@pytest.mark.parametrize("name", TRACES)
def test_it_is_played_as_it_should_be_on_the_bundled_rules(name: str) -> None:
    assert replay(CoreExecutor(TRACES[name].world), TRACES[name].actions) is None


@pytest.mark.parametrize("name", TRACES)
def test_it_is_canonical_and_says_where_it_comes_from_and_what_it_proves(name: str) -> None:
    trace = TRACES[name]
    assert CORPUS[name].read_text(encoding="utf-8") == trace.text()
    assert trace.source
    assert trace.requirements
    assert set(trace.requirements) <= set(catalogue())
    assert set(trace.requirements) <= MUTANTS[trace.target.removeprefix("mutant:")].breaks


def test_the_field_failures_are_among_them() -> None:
    assert TRACES.keys() >= {
        "announced-on-the-wrong-interface",
        "first-announcements-are-lost",
        "proxy-arp-answers-with-the-old-mac",
        "split-brain-heals-silently",
        "two-nodes-keep-claiming",
    }
