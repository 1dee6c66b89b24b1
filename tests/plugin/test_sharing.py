"""Tests of a file that names a group run in one process of pytest-xdist, whatever the others do."""

import re

import pytest

pytest_plugins = ["pytester"]

GROUPED = """
import pytest

pytestmark = pytest.mark.xdist_group("together")


@pytest.mark.parametrize("number", range(6))
def test_grouped(number):
    pass
"""
SINGLE = """
import pytest


@pytest.mark.parametrize("number", range(6))
def test_single(number):
    pass
"""


def test_a_group_stays_in_one_process(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_a=GROUPED, test_b=GROUPED, test_c=SINGLE)
    result = pytester.runpytest_subprocess(
        "--havip", "-n2", "--dist", "loadgroup", "-v", "test_a.py", "test_b.py", "test_c.py"
    )
    result.assert_outcomes(passed=18)
    ran = re.findall(r"\[(gw\d)\].*::test_(grouped|single)", result.stdout.str())
    assert len({process for process, kind in ran if kind == "grouped"}) == 1
    assert {process for process, kind in ran if kind == "single"} - {
        process for process, kind in ran if kind == "grouped"
    }
