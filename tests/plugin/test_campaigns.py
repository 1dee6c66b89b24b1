"""Campaigns as people run them, on the real wire: what is shown, what is kept, and how they end."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_havip.fixtures import campaigns as module
from pytest_havip.fuzz import PAIRS, REQUIREMENTS, Announce, Trace
from pytest_havip.requirements import catalogue
from pytest_havip.targets.base import Feature

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
#: Progress is shown at once, and all the time.
EAGER = "import pytest_havip.watch as watch; watch._FIRST = watch._TERMINAL = watch._LOG = 0"
#: Somebody loses patience when something was found.
IMPATIENT = """
from pytest_havip.fuzz import Finding

def shortest(self, executor):
    raise KeyboardInterrupt

Finding.shortest = shortest
"""
FEW = "from pytest_havip.fixtures import stories; stories._STORIES = 1"


class Run:
    """``pytest --havip`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *words: str, plugin: str = "") -> subprocess.Popen[str]:
        (self.folder / "extra.py").write_text(plugin, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        return subprocess.Popen(
            [*PYTEST, "-p", "extra", "--havip", *words],
            cwd=self.folder,
            env={**environment, "PYTHONPATH": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *words: str, plugin: str = "") -> tuple[int, str]:
        with self.start(*words, plugin=plugin) as process:
            shown, _ = process.communicate(timeout=120)
        return process.returncode, shown

    def left(self) -> dict[str, list[Path]]:
        """The files of the evidence, by their names."""
        found: dict[str, list[Path]] = {}
        for path in sorted((self.folder / "havip-evidence").rglob("*.*")):
            found.setdefault(path.name, []).append(path)
        return found


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_find_stays_is_named_and_is_played_first_the_next_time(run: Run) -> None:
    code, shown = run("--havip-target=mutant:first-wins", "--havip-fuzz=60x", "-n2")
    assert code == 1, shown
    told = re.search(r"a campaign of 60x \(--havip-fuzz\), seed (\d+) \(at random\), finds kept in", shown)
    assert told is not None, shown
    assert f"the same stories again: --havip-fuzz 60x --havip-fuzz-seed {told[1]}" in shown
    assert re.search(r"fail +HAVIP-ORDER-001 MUST", shown)
    # The second process plays no tour; both play stories of one seed.
    stories = re.findall(r"story (.*), 2 actions\n", shown)
    assert stories
    assert all(re.fullmatch(rf"the tour|{told[1]}:\d+", story) for story in stories), stories
    left = run.left()
    assert left.keys() == {"trace.json", "test_story.py", "history.jsonl", "wire.pcapng", "ladder.txt"}
    assert Trace.read(left["trace.json"][0]).actions == (Announce("a", "h1"), Announce("b", "h1"))
    replays = [shlex.split(line.partition("replay:")[2]) for line in shown.splitlines() if "replay: havip" in line]
    assert {words[2] for words in replays} == {str(path.relative_to(run.folder)) for path in left["trace.json"]}

    code, shown = run("--havip-target=mutant:first-wins", "--havip-fuzz=60x", "--havip-fuzz-seed=8")
    assert code == 1, shown
    assert re.search(r"^1 stories, 2 steps", shown, re.MULTILINE)
    assert "the same stories again: --havip-fuzz 60x --havip-fuzz-seed 8" in shown


def test_a_campaign_that_is_interrupted_says_how_far_it_came(run: Run) -> None:
    with run.start("--havip-fuzz=10m", "-n2", plugin=EAGER) as process:
        assert process.stdout is not None
        shown = ""
        for line in process.stdout:
            shown += line
            if line.startswith("havip: ") and "pairs of rule and state; nothing found" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        shown += process.communicate(timeout=60)[0]
    assert process.returncode == 2, shown
    assert re.search(r"^interrupted: \d+ stories, [\d,]+ steps in", shown, re.MULTILINE), shown
    assert "how often each rule was judged, by state:" in shown


def test_what_was_found_before_an_interruption_is_kept(run: Run) -> None:
    code, shown = run("--havip-target=mutant:first-wins", "--havip-fuzz=10m", plugin=IMPATIENT)
    assert code == 2, shown
    assert re.search(r"story the tour, \d+ actions, not made short yet\n", shown)
    left = run.left()
    assert left.keys() == {"trace.json", "test_story.py"}
    assert len(Trace.read(left["trace.json"][0]).actions) >= 2


def test_a_should_does_not_end_it_and_leaves_it_green(run: Run) -> None:
    # Of the other areas it breaks a MUST, too: after a restart its events are missing.
    words = ("--havip-target=mutant:silent-moves", "--havip-areas=API", "--havip-fuzz=3x", "--havip-fuzz-database=")
    code, shown = run(*words, plugin=EAGER)
    assert code == 0, shown
    assert re.search(r"^havip: [\d,]+ stories, .*; nothing found\n", shown, re.MULTILINE)
    assert "non-strict  HAVIP-API-003 SHOULD" in shown
    assert "trace-HAVIP-API-003.json --target mutant:silent-moves" in shown
    assert "trace-HAVIP-API-003.json" in run.left()
    assert not (run.folder / ".hypothesis").exists()


def test_it_judges_by_what_the_network_has_to_fulfil_and_the_areas_say() -> None:
    def judged(areas: tuple[str, ...], *features: Feature, profile: str = "tencent") -> frozenset[str]:
        settings = SimpleNamespace(areas=areas)
        return module._judged(SimpleNamespace(profile=profile, features=frozenset(features)), settings)  # type: ignore[arg-type]

    assert judged((), *Feature) == REQUIREMENTS
    assert judged((), *(set(Feature) - {Feature.EVENTS})) == REQUIREMENTS - {"HAVIP-API-003"}
    of_others = {each for each in REQUIREMENTS if catalogue()[each].profile not in {"", "ovn"}}
    assert "HAVIP-SPOOF-007" in of_others
    assert judged((), *Feature, profile="ovn") == REQUIREMENTS - of_others
    assert judged(("SCOPE", "BIND"), *Feature) == {each for each in REQUIREMENTS if each[6:-4] in {"SCOPE", "BIND"}}


def test_the_usual_run_tells_what_it_judged_if_asked(run: Run) -> None:
    code, shown = run("--havip-fuzz-pairs", "-k", "HAVIP-ORDER-001 and story", plugin=FEW)
    assert code == 0, shown
    assert f"{len(PAIRS)} of {len(PAIRS)} pairs of rule and state; nothing found" in shown
    assert "never judged: none of them" in shown
    assert "the same stories again" not in shown


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--havip-fuzz=3y"], "--havip-fuzz: '3y' is no end of a campaign"),
        (
            ["--havip-fuzz=3s", "--havip-fuzz-seed=seven"],
            "--havip-fuzz-seed: a seed is a number, such as 7, not 'seven'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(run: Run, words: list[str], complaint: str) -> None:
    code, shown = run(*words)
    assert code == 4, shown
    assert f"ERROR: {complaint}" in shown
