"""``havip replay``: a trace on a network of one's choice, or as a test."""

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_havip.cli import main
from pytest_havip.fuzz import WORLD, Announce, Trace

FIRST_WINS = Trace(
    (Announce("a", "h1"), Announce("b", "h1")), WORLD, "HAVIP-ORDER-001", "mutant:first-wins", "reaches b", "reaches a"
)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "trace.json"
    FIRST_WINS.write(path)
    return str(path)


@pytest.mark.parametrize("target", ["core", "reference"])
def test_a_right_network_plays_it_right(trace: str, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", trace, "--target", target]) == 0
    shown = capsys.readouterr().out
    assert "1. Announce(machine='a'" in shown
    assert "HAVIP-ORDER-001 broken by mutant:first-wins: reaches a" in shown
    assert f"{target}: played as it should be" in shown


def test_a_wrong_network_does_not(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", trace, "--target", "mutant:first-wins"]) == 1
    shown = capsys.readouterr().out
    assert "breaks HAVIP-ORDER-001" in shown
    assert "expected: reaches b" in shown


def test_it_becomes_a_test_that_runs(trace: str, tmp_path: Path) -> None:
    script = tmp_path / "test_story.py"
    assert main(["replay", trace, "--pytest", str(script)]) == 0
    command = [sys.executable, "-m", "pytest", "--havip", "-q", "-p", "no:cacheprovider", str(script)]
    for target, code in (("reference", 0), ("mutant:first-wins", 1)):
        done = subprocess.run(
            [*command, "--havip-target", target], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
    left = {path.name for path in (tmp_path / "havip-evidence").rglob("*.*")}
    assert left == {"trace.json", "test_story.py", "wire.pcapng", "ladder.txt"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere.json"], "No such file"),
        ([__file__], "a trace is JSON"),
        (["TRACE", "--target", "cloud"], "there is no network 'cloud'"),
    ],
)
def test_what_cannot_be_used_is_refused(
    trace: str, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", *(trace if word == "TRACE" else word for word in arguments)]) == 2
    assert complaint in capsys.readouterr().err
