"""Running a part, by areas, and listing what would run."""

from collections.abc import Callable

import pytest

from pytest_havip.requirements.registry import AREAS

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

OWN = """
import pytest
from pytest_havip.requirements import requirement


@requirement("HAVIP-BIND-001")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_binds(form):
    pass


class TestQuota:
    @requirement("HAVIP-QUOTA-001", "HAVIP-BIND-003")
    def test_counts(self):
        pass


@requirement("HAVIP-API-003")
def test_lists():
    pass


def test_has_nothing_to_do_with_it():
    pass
"""


@pytest.fixture(autouse=True)
def own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN)


def names(result: pytest.RunResult) -> list[str]:
    """Last parts of the names of the tests that a verbose run passed."""
    return sorted(line.split("::")[-1].split()[0] for line in result.outlines if "PASSED" in line)


@pytest.mark.parametrize("areas", ["BIND", "bind", "BIND,SCOPE", "SCOPE, BIND"])
def test_the_tests_of_an_area_run_alone(havip: Run, areas: str) -> None:
    result = havip("-v", "--havip-areas", areas, "test_own.py")
    assert names(result) == ["test_binds[reply]", "test_binds[request]", "test_counts"]
    result.assert_outcomes(passed=3, deselected=2)


def test_a_second_area_joins_the_first(havip: Run) -> None:
    assert names(havip("-v", "--havip-areas", "QUOTA,API", "test_own.py")) == ["test_counts", "test_lists"]


@pytest.mark.parametrize("more", [(), ("--havip-areas", "all"), ("--havip-areas", "")])
def test_all_areas_run_by_default_and_tests_of_none(havip: Run, more: tuple[str, ...]) -> None:
    havip(*more, "test_own.py").assert_outcomes(passed=5)


@pytest.mark.parametrize("where", ["environment", "ini"])
def test_areas_can_be_set_elsewhere(
    havip: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "ini":
        pytester.makeini("[pytest]\nhavip_areas = API")
    else:
        monkeypatch.setenv("PYTEST_HAVIP_AREAS", "API")
    havip("test_own.py").assert_outcomes(passed=1, deselected=4)


def test_areas_hold_in_the_processes_of_xdist(havip: Run) -> None:
    havip("-n1", "--havip-areas", "QUOTA", "test_own.py").assert_outcomes(passed=1)


@pytest.mark.parametrize("more", [(), ("-n2",), ("--havip-list",)])
def test_an_unknown_area_ends_the_run_at_once(havip: Run, more: tuple[str, ...]) -> None:
    result = havip("--havip-areas", "BIND,nowhere", "test_own.py", *more)
    assert result.ret == 4
    assert [line for line in result.errlines if line] == [
        f"ERROR: --havip-areas: there is no area NOWHERE. There are: {', '.join(AREAS)}."
    ]
    assert "collected" not in result.stdout.str()


@pytest.mark.parametrize("more", [(), ("-n2",), ("-q",)])
def test_the_list_names_requirements_and_tests_and_runs_none(havip: Run, more: tuple[str, ...]) -> None:
    result = havip("--havip-list", "test_own.py", *more)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "HAVIP-BIND-001  MUST    A gratuitous ARP request for a free HAVIP*",
            "    test_own.py::test_binds",
            "HAVIP-BIND-003  MUST    *",
            "    test_own.py::TestQuota::test_counts",
            "HAVIP-API-003  SHOULD  *",
            "    test_own.py::test_lists",
            "HAVIP-QUOTA-001  MUST    *",
            "    test_own.py::TestQuota::test_counts",
        ],
        consecutive=True,
    )
    assert "passed" not in result.stdout.str()


def test_the_list_is_of_what_was_selected(havip: Run) -> None:
    result = havip("--havip-list", "--havip-areas", "QUOTA,BIND", "-k", "HAVIP-QUOTA", "test_own.py")
    assert [line.split()[0] for line in result.outlines if line.startswith("HAVIP-")] == [
        "HAVIP-BIND-003",
        "HAVIP-QUOTA-001",
    ]


def test_a_file_that_cannot_be_read_is_an_error_of_the_list_too(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_broken="1 / 0")
    assert havip("--havip-list", "test_own.py", "test_broken.py").ret == 2


def test_the_list_needs_neither_havip_nor_a_machine_that_can(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("raise RuntimeError('the surrounding conftest was loaded')")
    pytester.makepyfile(unable="from pytest_havip.lab import checks\nchecks.checks = lambda: 1 / 0")
    pytester.syspathinsert()
    result = pytester.runpytest_subprocess("-p", "unable", "--havip-list", "--havip-areas", "QUOTA")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["HAVIP-QUOTA-001  MUST    *", "    test_quota.py::test_the_eleventh_is_refused*"])
