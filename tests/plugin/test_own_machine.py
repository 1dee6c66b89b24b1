"""The guide's state machine of a vendor's, on the wire."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

GUIDE = Path(__file__).parents[2] / "docs/fuzzing.md"


@pytest.mark.parametrize(("target", "verdict"), [("reference", "1 pass"), ("mutant:the-old-owner-is-asked", "1 fail")])
def test_the_example_runs_and_can_fail(pytester: pytest.Pytester, target: str, verdict: str) -> None:
    section = GUIDE.read_text(encoding="utf-8").partition("### A machine of one's own")[2]
    code, command = (re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)[0] for kind in ("python", "console"))
    program, *arguments = command.removeprefix("$ ").split()
    assert (program, arguments[-1]) == ("pytest", "test_appliance.py")
    pytester.makepyfile(test_appliance=code)
    result = pytester.runpytest_subprocess(*arguments, "--havip-target", target)
    result.stdout.fnmatch_lines([f"ORDER *{verdict}, *"])
    # What failed is kept, to be tried first the next time.
    kept = pytester.path / ".hypothesis" / "examples"
    assert any(kept.iterdir()) == (verdict == "1 fail")
