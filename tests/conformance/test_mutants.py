"""Every mutant is killed by the tests that must kill it. (`bench/mutants.py` shows that no other test does.)"""

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_havip.mutants import MUTANTS
from pytest_havip.mutants.table import document
from pytest_havip.mutants.trial import RED, Verdicts
from pytest_havip.requirements import catalogue

#: How many of a mutant's requirements the gate tries: enough to see that it is caught, few enough to try them all.
MOST = 3


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_killed(name: str, try_target: Callable[..., Verdicts]) -> None:
    mutant = MUTANTS[name]
    assert mutant.breaks, f"{name} breaks no requirement: either it is no fault, or the catalogue has a blind spot"
    assert mutant.breaks <= catalogue().keys()
    tried = sorted(mutant.breaks)[:MOST]
    verdicts = try_target(f"mutant:{name}", *tried)
    assert {identifier: verdicts[identifier] & RED for identifier in tried if not verdicts[identifier] & RED} == {}


def test_the_document_names_what_each_mutant_breaks() -> None:
    committed = Path(__file__).parents[2] / "docs" / "mutants.md"
    assert committed.read_text(encoding="utf-8") == document(), "python -m pytest_havip.mutants.table > docs/mutants.md"
