"""What a run with every verdict in it prints and returns."""

import shlex
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]
OWN = "test_every_verdict.py"
pytestmark = pytest.mark.usefixtures("every_verdict")


def test_the_tables_and_the_exit_code(havip: Run) -> None:
    result = havip(OWN)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*HAVIP requirements, target reference*",
            "area *MUST *SHOULD",
            "BIND *1 pass, 2 fail, * not-run *",
            "SPOOF *1 engine-error, 1 inconclusive, 1 unsupported, 1 disabled, * not-run *",
            "API *1 non-strict*",
            "all *1 pass, 1 engine-error, 2 fail, 1 inconclusive, 1 unsupported, 1 disabled, * not-run *",
            "*takeovers*",
            "client *cause *outcome *outage ms  heard  note",
            "keepalived 2.2.7  kill -9  taken over     3712.4      5",
            "keepalived 2.2.7  stop     taken over          -      5  not measured",
            "*HAVIP requirements that did not pass*",
            "engine-error  HAVIP-SPOOF-002 MUST*",
            "    test_every_verdict.py::test_breaks: OSError: no lab",
            "    replay: pytest --havip --havip-target reference test_every_verdict.py -k HAVIP-SPOOF-002",
            "fail  HAVIP-BIND-002 MUST*",
            "fail  HAVIP-BIND-003 MUST*",
            "inconclusive  HAVIP-SPOOF-001 MUST*",
            "non-strict  HAVIP-API-003 SHOULD*",
            "    test_every_verdict.py::test_misses_a_should: assert 1 == 2",
        ]
    )
    assert "SCOPE " not in result.stdout.str(), "an area in which nothing ran needs no row"


def test_a_failure_explains_itself(havip: Run) -> None:
    result = havip(OWN, "-k", "test_fails")
    result.stdout.fnmatch_lines(
        [
            "*HAVIP-BIND-002 (MUST): fail*",
            "requirement  HAVIP-BIND-002 MUST: A gratuitous ARP reply *",
            "             「*ARP 宣告*」",
            "             source: product document*",
            'expected     owner == "a"',
            "actual       assert 'b' == 'a'",
            "             +17.2 ms  172.17.16.3 is at b, as c sees it",
            "evidence     */elsewhere.txt",
            "             havip-evidence/test_fails-????????/wire.pcapng",
            "             (notes.txt could not be written: OSError: the disk is full)",
            "             havip-evidence/test_fails-????????/ladder.txt",
            "             the frames below",
            "replay       pytest --havip --havip-target reference test_every_verdict.py::test_fails",
            "frames, oldest first",
            "0.0 ms  a > everyone  ARP announcement",
            "(this evidence could not be made: ZeroDivisionError: *)",
        ]
    )


def test_the_replay_command_works(havip: Run, pytester: pytest.Pytester) -> None:
    (line,) = [line for line in havip(OWN, "-k", "test_fails").outlines if line.startswith("replay ")]
    program, *arguments = shlex.split(line.removeprefix("replay"))
    assert program == "pytest"
    again = pytester.runpytest_subprocess("-p", "healthy", *arguments)
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["*HAVIP-BIND-002 (MUST): fail*"])


def test_the_replay_command_works_from_another_folder(havip: Run, pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("elsewhere")
    pytester.makeini("[pytest]")
    pytester.chdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = havip(f"../{OWN}", "-k", "test_fails")
    result.stdout.fnmatch_lines([f"replay       pytest --havip --havip-target reference ../{OWN}::test_fails"])


def test_a_missed_should_leaves_the_run_green(havip: Run) -> None:
    result = havip(OWN, "-v", "-k", "test_misses_a_should")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_misses_a_should NON-STRICT*", "non-strict  HAVIP-API-003*", "*1 non-strict*"])


def test_verdicts_have_words_of_their_own(havip: Run) -> None:
    havip(OWN, "-v").stdout.fnmatch_lines(
        [
            "*::test_passes PASSED*",
            "*::test_fails FAILED*",
            "*::test_cannot_say INCONCLUSIVE*",
            "*::test_breaks ENGINE-ERROR*",
            "*::test_is_unsupported UNSUPPORTED*",
            "*::test_is_disabled SKIPPED*",
        ]
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_several_processes_find_the_same_and_print_once(havip: Run, workers: str) -> None:
    def summary(result: pytest.RunResult) -> list[str]:
        start = next(number for number, line in enumerate(result.outlines) if "HAVIP requirements, target" in line)
        return [
            line for line in result.outlines[start:] if line.startswith(("BIND", "SPOOF", "API", "all", "keepalived"))
        ]

    alone, spread = havip(OWN), havip(OWN, "-n", workers)
    assert sorted(summary(spread)) == sorted(summary(alone))
    assert spread.stdout.str().count("HAVIP requirements, target") == 1
    assert spread.ret == alone.ret == 1


def test_junit_files_name_requirements_and_verdicts(havip: Run, pytester: pytest.Pytester) -> None:
    havip(OWN, "--junitxml", "junit.xml")
    cases = {case.get("name"): case for case in ET.parse(pytester.path / "junit.xml").iter("testcase")}
    properties = [(each.get("name"), each.get("value")) for each in cases["test_fails"].iter("property")]
    assert ("havip_requirement", "HAVIP-BIND-002") in properties
    assert ("havip_verdict", "fail") in properties
    (failure,) = cases["test_fails"].iter("failure")
    assert "replay       pytest --havip" in str(failure.text)
    assert not list(cases["test_misses_a_should"].iter("failure"))


def test_without_havip_conformance_tests_are_skipped(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(OWN, "-rs")
    result.assert_outcomes(passed=1, skipped=8)
    result.stdout.fnmatch_lines(["*run it with --havip"])
