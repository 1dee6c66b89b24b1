"""How a run starts: lightly without ``--havip``, from any folder with it, and not at all where it cannot."""

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

#: What costs time or privileges to import; nobody who doesn't ask for HAVIP shall pay for it.
HEAVY = ("scapy", "pyroute2", "starlette", "uvicorn")
LACKING = """
from pytest_havip.lab import checks

checks.checks = lambda: [
    checks.Check("kernel", "ok", "6.1", ""),
    checks.Check("user namespaces", "fail", "forbidden here, and hosts are made of them", "sysctl -w some.setting=1"),
]
"""


def test_without_havip_nothing_heavy_is_imported(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own=f"""
        import sys

        def test_it(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("havip")
            ours = [name for name in sys.modules if name.startswith("pytest_havip")]
            assert sorted(ours) == ["pytest_havip", "pytest_havip.options", "pytest_havip.plugin"]
            assert not [name for name in {HEAVY} if name in sys.modules]
        """
    )
    # testinfra and Hypothesis bring plugins of their own, and what those import.
    pytester.runpytest_subprocess("-p", "no:testinfra", "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_havip_without_paths_runs_the_installed_suites_alone(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("raise RuntimeError('the surrounding conftest was loaded')")
    pytester.makepyfile(test_surrounding="raise RuntimeError('the surrounding tests were collected')")
    pytester.makeini("[pytest]\ntestpaths = .\npython_files = check_*.py\npython_functions = check_*")
    result = havip("--collect-only", "-q")
    assert result.ret == 0
    tests = [line for line in result.outlines if "::" in line]
    assert len(tests) > 50
    assert not [line for line in tests if "surrounding" in line]
    assert any(line.endswith("test_binding.py::test_a_gratuitous_request_binds") for line in tests)


def test_havip_with_a_path_enables_the_fixtures(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n\n@pytest.fixture\ndef mine():\n    return 1")
    pytester.makepyfile(test_own="def test_it(mine, record_takeover):\n    pass")
    havip("test_own.py").assert_outcomes(passed=1)


def test_a_machine_that_cannot_is_told_once_and_for_all(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(lacking=LACKING, test_own="def test_it():\n    raise RuntimeError('it ran')")
    pytester.syspathinsert()
    result = pytester.runpytest_subprocess("-p", "lacking", "--havip", "test_own.py")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            "ERROR: this machine cannot run the HAVIP tests.",
            "  user namespaces: forbidden here, and hosts are made of them",
            "    mend it: sysctl -w some.setting=1",
        ]
    )
    both = result.stdout.str() + result.stderr.str()
    assert both.count("user namespaces") == 1
    assert "it ran" not in both
