"""Stories on the bundled network's rules: depth, and what of the rules they come to."""

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

import pytest_havip.fuzz
from pytest_havip.fuzz import (
    REQUIREMENTS,
    Announce,
    Broken,
    DataProbe,
    HavipMachine,
    Race,
    WhoHas,
    explore,
    machine_for,
    replay,
    report,
    tour,
    unreached,
)
from pytest_havip.fuzz.core import CoreExecutor
from pytest_havip.requirements import catalogue


@pytest.mark.parametrize("seed", [1, 2])
def test_no_story_is_played_wrongly(core: CoreExecutor, seed: int) -> None:
    found = explore(core, stories=500, seed=seed)
    assert [str(finding.failure) for finding in found.findings] == []
    assert found.steps > 1000
    assert found.moves > found.steps / 4


def test_the_default_run_comes_to_every_rule_in_every_state(core: CoreExecutor) -> None:
    found = explore(core, stories=0, opening=tour())
    assert unreached(found.reached) == []
    assert found.findings == []


def test_drawn_stories_come_to_them_too(core: CoreExecutor) -> None:
    found = explore(core, stories=1500)
    assert unreached(found.reached) == [], report(found.reached)


def test_the_report_names_what_was_never_tried() -> None:
    shown = report({("race", "bound"): 3})
    assert "race " in shown
    assert "bound 3, unbound -" in shown


def test_the_same_stories_are_told_every_time(core: CoreExecutor) -> None:
    first, second = (explore(core, stories=20) for _ in range(2))
    assert first.reached == second.reached
    assert first.reached != explore(core, stories=20, seed=3).reached


def test_a_question_that_gets_lost_is_no_matter_of_the_binding(
    core: CoreExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "_gets_through", lambda _sender, _frame: False)
    failure = replay(core, [Announce("a", "h1"), WhoHas("o", "h1")], patience=0)
    assert failure is not None
    assert failure.disagreement.requirement == "HAVIP-PATH-002"
    assert "owner='a'" in failure.word


def test_the_state_machine_ends_with_what_is_wrong(core: CoreExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "_told", lambda _sender, _effects: ())
    quickly = settings(
        max_examples=50, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    with pytest.raises(Broken, match="HAVIP-BIND-001"):
        run_state_machine_as_test(machine_for(core, kinds=("announce",)), settings=quickly)


def test_a_vendor_adds_what_should_be_looked_at(core: CoreExecutor) -> None:
    looked: list[int] = []

    class Mine(HavipMachine):
        executor = core

        def teardown(self) -> None:
            super().teardown()
            looked.append(len(self.player.told))

    run_state_machine_as_test(Mine, settings=settings(max_examples=5, deadline=None, database=None, derandomize=True))
    assert len(looked) >= 5


def test_a_race_is_run_in_the_order_in_which_it_is_told(core: CoreExecutor) -> None:
    race = Race((Announce("a", "h1"), Announce("b", "h1")))
    assert replay(core, [race, DataProbe("o", "h1"), WhoHas("o", "h1")]) is None


def test_the_requirements_that_can_be_broken_are_all_of_them() -> None:
    folder = Path(pytest_havip.fuzz.__file__).parent
    named = {
        node.value
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in set(catalogue())
    }
    assert named == REQUIREMENTS
