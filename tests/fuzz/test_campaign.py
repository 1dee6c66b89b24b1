"""Campaigns on the bundled network's rules: what is played, shared, kept and told."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase

from pytest_havip.fuzz import (
    PAIRS,
    WORLD,
    Announce,
    BadBudget,
    Budget,
    Campaign,
    Exploration,
    Finds,
    Found,
    NoDatabase,
    Plan,
    Progress,
    Share,
    Trace,
    World,
    progress_line,
    story_of,
    unreached,
)
from pytest_havip.fuzz.core import CoreExecutor

FIND = Trace((Announce("a", "h1"),), requirement="HAVIP-BIND-001", target="core", seed="3:14")


def plan(stories: int = 30, share: Share = Share(), seed: int = 7) -> Plan:  # noqa: B008 - it cannot be changed
    return Plan(seed, Budget(stories=stories), share)


def played(executor: CoreExecutor, plan: Plan, finds: Finds) -> tuple[Exploration, list[str]]:
    """What came of a campaign, and how many stories it had played at each telling."""
    told: list[str] = []
    found = Campaign(executor, plan, finds, tell=lambda found: told.append(f"{found.stories}")).run()
    return found, told


def texts(finds: Finds) -> list[str]:
    return [trace.text() for trace in finds.new()]


@pytest.fixture
def finds() -> Finds:
    return Finds(InMemoryExampleDatabase(), "core")


@pytest.fixture
def deaf(core: CoreExecutor, monkeypatch: pytest.MonkeyPatch) -> CoreExecutor:
    """A network whose announcements reach nobody."""
    monkeypatch.setattr(core, "_told", lambda _sender, _effects: ())
    return core


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "10 m", "-5s", "1.5h", "10d", "ten"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(BadBudget, match="a time is 30s, 10m or 1h, a number of stories is 5000x"):
        Budget.parse(text)


def test_a_number_of_stories_is_played_and_told(core: CoreExecutor, finds: Finds) -> None:
    found, told = played(core, plan(20), finds)
    of_the_tour = found.stories - 20
    assert of_the_tour > 10
    assert told == [str(number) for number in range(1, found.stories + 1)]
    assert found.findings == []
    assert unreached(found.reached) == []


def test_a_time_ends_it(core: CoreExecutor, finds: Finds) -> None:
    found = Campaign(core, Plan(7, Budget(seconds=0.3)), finds).run()
    assert 0.3 <= found.seconds < 10
    assert found.stories > 20


def test_the_same_seed_is_the_same_campaign(core: CoreExecutor, finds: Finds) -> None:
    first, second, other = (played(core, plan(seed=seed), finds)[0] for seed in (7, 7, 8))
    assert first.reached == second.reached != other.reached


def test_shares_together_play_what_one_would(core: CoreExecutor, finds: Finds) -> None:
    whole = played(core, plan(31), finds)[0]
    parts = [played(core, plan(31, Share(number, 3)), finds)[0] for number in (1, 2, 3)]
    assert sum(part.stories for part in parts) == whole.stories
    assert sum((part.reached for part in parts[1:]), parts[0].reached) == whole.reached
    assert len({story_of(plan(), core, number) for number in range(10)}) > 5


def test_it_ends_with_the_first_must_and_says_which_story_it_was(deaf: CoreExecutor, finds: Finds) -> None:
    found = Campaign(deaf, plan(share=Share(2, 2)), finds).run()
    (finding,) = found.findings
    assert finding.story.startswith("7:")
    number = int(finding.story.removeprefix("7:"))
    told = finding.failure.actions
    assert story_of(plan(), deaf, number)[: len(told)] == told
    assert found.stories < 10


def test_what_was_found_is_played_first(deaf: CoreExecutor, finds: Finds) -> None:
    finds.keep(FIND)
    found = Campaign(deaf, plan(), Finds(finds.database, "core")).run()
    assert found.stories == 1
    assert (found.findings[0].story, found.findings[0].failure.actions) == ("3:14", FIND.actions)


def test_what_was_found_and_is_mended_is_played_and_kept(core: CoreExecutor, finds: Finds) -> None:
    finds.keep(FIND)
    assert played(core, plan(5), Finds(finds.database, "core"))[0].findings == []
    assert texts(Finds(finds.database, "core")) == [FIND.text()]


def test_what_another_finds_meanwhile_ends_whoever_can_see_it_too(
    core: CoreExecutor, finds: Finds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_havip.fuzz.campaign._LOOK_EVERY", 0)
    other = Finds(finds.database, "core")

    def tell(found: Exploration) -> None:
        # Nobody would see that by any story of its own: the network breaks only now.
        if found.stories == 50:
            monkeypatch.setattr(core, "_told", lambda _sender, _effects: ())
            other.keep(FIND)

    found = Campaign(core, plan(1000), finds, tell=tell).run()
    assert [finding.story for finding in found.findings] == ["3:14"]
    assert found.stories == 51


def test_what_was_found_on_another_network_or_in_another_world_is_not_played(deaf: CoreExecutor, finds: Finds) -> None:
    Finds(finds.database, "bridge").keep(FIND)
    data = WORLD.data()
    data["machines"]["f"] = {"subnet": "here", "number": 99}
    finds.keep(Trace(FIND.actions, World.of(data), target="core", seed="9:9"))
    found = Campaign(deaf, plan(), Finds(finds.database, "core")).run()
    assert found.findings[0].story == "the tour"


def test_a_find_is_new_once_and_gone_when_it_is_forgotten(finds: Finds) -> None:
    other = Finds(finds.database, "core")
    finds.keep(FIND)
    assert texts(finds) == []
    assert texts(other) == [FIND.text()]
    assert texts(other) == []
    other.forget(FIND)
    assert Finds(finds.database, "core").new() == []


def test_a_folder_keeps_them_and_what_another_version_wrote_is_left_alone(tmp_path: Path) -> None:
    with Finds.open("kept/here", "core", folder=tmp_path) as first:
        first.keep(FIND)
        first.database.save(b"pytest-havip/finds/core", FIND.text().replace('"version": 1', '"version": 9').encode())
        first.database.save(b"pytest-havip/finds/core", b"\xff")
    with Finds.open(str(tmp_path / "kept" / "here"), "core", folder=Path("/nowhere")) as second:
        assert texts(second) == [FIND.text()]
        assert len(list(second.database.fetch(b"pytest-havip/finds/core"))) == 3


@pytest.mark.parametrize(
    ("where", "complaint"), [("file/folder", "cannot be made"), ("http://host", "begins with redis://")]
)
def test_what_is_no_database_is_refused(tmp_path: Path, where: str, complaint: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NoDatabase, match=complaint):
        Finds.open(where, "core", folder=tmp_path)


def test_nowhere_forgets(tmp_path: Path) -> None:
    with Finds.open("", "core", folder=tmp_path) as first:
        first.keep(FIND)
    with Finds.open("", "core", folder=tmp_path) as second:
        assert second.new() == []
    assert list(tmp_path.iterdir()) == []


class Broken(ExampleDatabase):
    """A database that has gone away."""

    def save(self, key: bytes, value: bytes) -> None:
        del key, value
        raise OSError("the line is dead")

    def fetch(self, key: bytes) -> Iterable[bytes]:
        del key
        raise OSError("the line is dead")

    delete = save


def test_a_database_that_fails_does_not_end_a_campaign(core: CoreExecutor) -> None:
    finds = Finds(Broken(), "core")
    assert played(core, plan(5), finds)[0].stories > 5
    assert "the line is dead" in finds.trouble
    finds.keep(FIND)
    finds.forget(FIND)


def test_the_progress_of_shares_adds_up() -> None:
    one = Progress(3, 90, 40, 2.0, {("race", "bound"): 2, ("no", "pair"): 1}, note="no database")
    told = Found("HAVIP-BIND-001", "7:1", 2, is_shortest=False, path="trace.json", target="core")
    other = Progress(1, 10, 5, 4.0, {("race", "bound"): 1, ("race", "unbound"): 1}, (told,), "no database")
    both = Progress.of_all([Progress.parse(each.text()) for each in (one, other)])
    assert (both.stories, both.steps, both.moves, both.seconds, both.note) == (4, 100, 45, 4.0, "no database")
    assert both.reached == {("race", "bound"): 3, ("race", "unbound"): 1, ("no", "pair"): 1}
    assert both.found == (told,)
    line = progress_line(both)
    assert f"4 stories, 100 steps in 4 s (25/s), 45 moves; 2 of {len(PAIRS)} pairs" in line
    assert line.endswith("found: HAVIP-BIND-001; no database")
