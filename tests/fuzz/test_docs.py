"""The examples run."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import pytest_havip.fuzz
from pytest_havip.fuzz import ACTIONS

GUIDE = Path(__file__).parents[2] / "docs" / "fuzzing.md"
NAMES = [module.name for module in pkgutil.iter_modules(pytest_havip.fuzz.__path__, "pytest_havip.fuzz.")]


def test_those_of_the_guide() -> None:
    result = doctest.testfile(str(GUIDE), module_relative=False, encoding="utf-8")
    assert result.attempted > 20
    assert result.failed == 0


@pytest.mark.parametrize("name", NAMES)
def test_those_of_the_modules(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_some_modules_have_examples() -> None:
    finder = doctest.DocTestFinder()
    found = {name for name in NAMES if any(test.examples for test in finder.find(importlib.import_module(name)))}
    assert {f"pytest_havip.fuzz.{name}" for name in ("spelling", "explore", "machine", "strategies", "trace")} <= found


def test_the_guide_names_every_action() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [kind.__name__ for kind in ACTIONS.values() if f"`{kind.__name__}" not in text] == []
