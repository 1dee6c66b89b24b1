"""``pytest --havip`` in a folder of somebody else's: its tests stay out, and what its user tells pytest holds."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ["pytester"]

#: With this fault of the network one of two tests fails, the one that comes last.
FAULTY = ("--havip", "--havip-target", "mutant:eleven-havips", "-k", "HAVIP-ADDR-002 or HAVIP-QUOTA-001")
GREEN, RED = "test_a_wanted_address_is_given", "test_the_eleventh_is_refused_and_ten_work"


@pytest.fixture(autouse=True)
def surroundings(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with tests, a conftest and settings of its own, none of which may take part, and a user's plugin."""
    pytester.makeconftest("raise RuntimeError('the surrounding conftest was loaded')")
    pytester.makepyfile(
        test_surrounding="raise RuntimeError('the surrounding tests were collected')",
        mine="def pytest_runtest_logstart(nodeid):\n    open('ran.txt', 'a').write(f'{nodeid}\\n')",
    )
    pytester.makeini("[pytest]\ntestpaths = .\npython_files = check_*.py\npython_functions = check_*")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))


def names(result: pytest.RunResult) -> list[str]:
    """Names of the tests that a quiet ``--collect-only`` lists, in their order."""
    return [line.partition("::")[2] for line in result.outlines if "::" in line and not line.startswith(" ")]


def verdicts(report: Path) -> dict[str, tuple[str, str]]:
    """Requirement and verdict of each test of a JUnit file."""
    found = {}
    for case in ET.parse(report).iter("testcase"):
        noted = {str(each.get("name")): str(each.get("value")) for each in case.iter("property")}
        found[str(case.get("name"))] = (noted["havip_requirement"], noted["havip_verdict"])
    return found


def test_a_user_says_as_ever_what_runs_where_and_how_it_is_told(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pytester.runpytest_subprocess(*FAULTY, "-p", "mine", "-q", "-n2", "--junitxml=junit.xml")
    assert first.ret == 1
    first.stdout.no_fnmatch_line("*surrounding*")
    assert verdicts(pytester.path / "junit.xml") == {
        GREEN: ("HAVIP-ADDR-002", "pass"),
        RED: ("HAVIP-QUOTA-001", "fail"),
    }
    ran = set((pytester.path / "ran.txt").read_text(encoding="utf-8").split())
    assert {name.partition("::")[2] for name in ran} == {GREEN, RED}

    assert names(pytester.runpytest_subprocess(*FAULTY, "--collect-only", "-q")) == [GREEN, RED]
    assert names(pytester.runpytest_subprocess(*FAULTY, "--collect-only", "-q", "--lf")) == [RED]
    assert names(pytester.runpytest_subprocess(*FAULTY, "--collect-only", "-q", "--ff")) == [RED, GREEN]

    monkeypatch.setenv("PYTEST_ADDOPTS", "--ff --maxfail=1")
    last = pytester.runpytest_subprocess(*FAULTY)
    last.assert_outcomes(failed=1, deselected=int(last.parseoutcomes()["deselected"]))
    last.stdout.fnmatch_lines(["*stopping after 1 failures*"])
