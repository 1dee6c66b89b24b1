"""``havip replay``: a trace on a network of one's choice, or as a test."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_havip.cli import main
from pytest_havip.fuzz import WORLD, Announce, Trace, World

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
    assert left == {"trace.json", "test_story.py", "history.jsonl", "wire.pcapng", "ladder.txt"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere.json"], "nowhere.json cannot be read: No such file"),
        (["."], ". cannot be read: Is a directory"),
        ([__file__], "test_replay.py: a trace is JSON"),
        (["NEWER"], "newer.json: the trace has version 2, this program reads version 1; a newer one reads it: python"),
        (["CROWDED", "--target", "core"], "core refuses what the story needs: LimitExceeded"),
        (["TRACE", "--target", "cloud"], "there is no network 'cloud'"),
        (["TRACE", "--target", "cloud"], "`core` plays it on the bundled network's rules, without a kernel"),
        (["TRACE", "--pytest", "nowhere/test_story.py"], "nowhere/test_story.py cannot be written: No such file"),
    ],
)
def test_what_cannot_be_used_is_refused(
    trace: str, tmp_path: Path, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    newer, crowded = tmp_path / "newer.json", tmp_path / "crowded.json"
    newer.write_text(FIRST_WINS.text().replace('"version": 1', '"version": 2'), encoding="utf-8")
    data = WORLD.data()
    data["havips"] |= {f"more{number}": {"subnet": "here", "number": number} for number in range(60, 80)}
    replace(FIRST_WINS, world=World.of(data)).write(crowded)
    files = {"TRACE": trace, "NEWER": str(newer), "CROWDED": str(crowded)}
    assert main(["replay", *(files.get(word, word) for word in arguments)]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert len(told.splitlines()) == 1


def test_where_the_story_comes_from_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(FIRST_WINS, source="a field report").write(tmp_path / "trace.json")
    assert main(["replay", str(tmp_path / "trace.json"), "--target", "core"]) == 0
    assert capsys.readouterr().out.startswith("a field report\n")
