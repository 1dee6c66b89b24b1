"""Tests that end in ways of their own: by taking their process with them, or as their xfail mark expects."""

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

CRASHES = """
import os
import pytest
from pytest_havip.requirements import requirement


@pytest.fixture
def deadly():
    os._exit(3)


@requirement("HAVIP-BIND-001")
def test_dies():
    os._exit(3)


@pytest.mark.parametrize("which", [
    pytest.param(1, marks=requirement("HAVIP-BIND-002")),
    pytest.param(2, marks=requirement("HAVIP-BIND-003")),
])
def test_dies_early(request, which):
    if which == 1:
        request.getfixturevalue("deadly")


@requirement("HAVIP-BIND-004")
def test_dies_in_a_fixture(deadly):
    pass


@requirement("HAVIP-BIND-005")
def test_lives():
    pass
"""

XFAILS = """
import pytest
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement


@pytest.fixture
def broken_scene():
    assert False


@requirement("HAVIP-BIND-001")
@pytest.mark.xfail(reason="a known fault", strict=True)
def test_known():
    assert 1 == 2


@requirement("HAVIP-BIND-002")
@pytest.mark.xfail(reason="was a fault", strict=True)
def test_outdated():
    pass


@requirement("HAVIP-BIND-003")
@pytest.mark.xfail(reason="sometimes", strict=False)
def test_lucky():
    pass


@requirement("HAVIP-BIND-004")
@pytest.mark.xfail(reason="kills the machine", run=False)
def test_not_tried():
    raise RuntimeError("it ran")


@requirement("HAVIP-BIND-005")
@pytest.mark.xfail(reason="another error", raises=KeyError)
def test_another():
    assert 1 == 2


@requirement("HAVIP-BIND-006")
def test_says_so_itself():
    pytest.xfail("found out underway")


@requirement("HAVIP-BIND-007")
@pytest.mark.xfail(reason="no scene")
def test_without_scene(broken_scene):
    pass
"""


def verdicts(result: pytest.RunResult) -> dict[str, str]:
    """The verdict of each requirement of the last table."""
    words = [line.split() for line in result.outlines]
    return {word[1]: word[0] for word in words if len(word) > 2 and word[1].startswith("HAVIP-") and word[2] == "MUST"}


def test_a_crash_reaches_the_requirement_table(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=CRASHES)
    result = havip("test_own.py", "-n2", "-v", "--max-worker-restart=9")
    assert result.ret == 1
    assert verdicts(result) == {f"HAVIP-BIND-00{number}": "engine-error" for number in (1, 2, 4)}
    result.stdout.fnmatch_lines(
        [
            "BIND *2 pass, 3 engine-error, *",
            "    test_own.py::test_dies: worker 'gw*' crashed while running 'test_own.py::test_dies'",
            "    replay: pytest --havip --havip-target reference test_own.py -k HAVIP-BIND-001",
        ]
    )
    assert "ENGINE-ERROR test_own.py::test_dies" in result.stdout.str()


def test_expected_failures_are_honoured(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=XFAILS)
    result = havip("test_own.py")
    result.assert_outcomes(failed=2, xfailed=4, xpassed=1)
    assert verdicts(result) == {
        "HAVIP-BIND-001": "non-strict",
        "HAVIP-BIND-002": "engine-error",
        "HAVIP-BIND-005": "fail",
        "HAVIP-BIND-006": "non-strict",
    }
    result.stdout.fnmatch_lines(
        [
            "BIND *1 pass, 1 engine-error, 1 fail, 2 non-strict, 2 disabled, *",
            "    test_own.py::test_outdated: [[]XPASS(strict)[]] was a fault",
            "    test_own.py::test_known: as its xfail mark expects: assert 1 == 2",
        ]
    )


def test_a_run_with_nothing_but_expected_failures_is_green(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=XFAILS)
    result = havip("test_own.py", "-k", "test_known or test_lucky or test_not_tried")
    assert result.ret == 0
    result.assert_outcomes(xfailed=2, xpassed=1)


def test_the_marks_can_be_ignored(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=XFAILS)
    result = havip("test_own.py", "--runxfail", "-k", "test_known")
    assert verdicts(result) == {"HAVIP-BIND-001": "fail"}
