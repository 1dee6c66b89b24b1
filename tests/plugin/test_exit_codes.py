"""The exit codes that docs/usage.md promises."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]
USAGE = Path(__file__).parents[2] / "docs/usage.md"
OWN = "test_every_verdict.py"

#: Each code, and what ends with it.
ENDS = [
    (0, (OWN, "-k", "test_passes")),
    (0, (OWN, "-k", "test_misses_a_should")),
    (0, (OWN, "-k", "test_is_unsupported")),
    (0, (OWN, "-k", "test_is_disabled")),
    (0, ("--havip-list", OWN)),
    (1, (OWN, "-k", "test_fails")),
    (1, (OWN, "-k", "test_cannot_say")),
    (1, (OWN, "-k", "test_breaks")),
    (1, (OWN, "-n2", "-k", "test_passes or test_cannot_say")),
    (2, ("test_unreadable.py",)),
    (3, ("-p", "faulty_plugin", OWN)),
    (4, ("--havip-target", "nowhere", OWN)),
    (4, ("--havip-areas", "NOWHERE", OWN)),
    (4, ("--havip-no-such-option", OWN)),
    (4, ("test_not_there.py",)),
    (5, (OWN, "-k", "test_of_nobody")),
    (5, (OWN, "--havip-areas", "RELEASE")),
]


@pytest.mark.usefixtures("every_verdict")
@pytest.mark.parametrize(("code", "arguments"), ENDS, ids=lambda value: value if isinstance(value, int) else value[-1])
def test_a_run_ends_as_documented(havip: Run, pytester: pytest.Pytester, code: int, arguments: tuple[str, ...]) -> None:
    pytester.makepyfile(
        test_unreadable="1 / 0", faulty_plugin="def pytest_collection_modifyitems():\n    raise OSError('a fault')"
    )
    assert havip(*arguments).ret == code


def test_every_documented_code_is_shown() -> None:
    codes = re.findall(r"^\| (\d) \| ", USAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(code) for code in codes] == sorted({code for code, _ in ENDS})
