"""A trace is canonical JSON that follows its schema, and a test file that runs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings

from pytest_havip.fuzz import WORLD, Action, Announce, BadTrace, Detach, Race, Trace, script, stories
from pytest_havip.fuzz.schema import schema
from pytest_havip.fuzz.strategies import menu

STORY = (Announce("a", "h1"), Race((Announce("a", "h1"), Announce("b", "h1", to="c"))), Detach("a"))
TRACE = Trace(STORY, WORLD, "HAVIP-BIND-003", "mutant:first-wins", "reaches b", "reaches a")
COMMITTED = Path(__file__).parents[2] / "docs" / "trace.schema.json"


@settings(deadline=None)
@given(stories())
def test_a_trace_comes_back_and_is_the_same_text(story: tuple[Action, ...]) -> None:
    text = Trace(story).text()
    read = Trace.parse(text)
    assert read.actions == story
    assert read.text() == text
    assert read.world.data() == WORLD.data()


def test_what_was_found_stands_in_it(tmp_path: Path) -> None:
    TRACE.write(tmp_path / "trace.json")
    read = Trace.read(tmp_path / "trace.json")
    assert (read.requirement, read.target, read.expected, read.seen) == (
        "HAVIP-BIND-003",
        "mutant:first-wins",
        "reaches b",
        "reaches a",
    )


def test_where_it_comes_from_stands_in_it_if_it_is_known() -> None:
    assert "origin" not in json.loads(TRACE.text())
    told = replace(TRACE, source="a field report", seed="7:12", requirements=("HAVIP-BIND-003", "HAVIP-ORDER-001"))
    assert json.loads(told.text())["origin"] == {
        "source": "a field report",
        "seed": "7:12",
        "requirements": ["HAVIP-BIND-003", "HAVIP-ORDER-001"],
    }
    read = Trace.parse(told.text())
    assert (read.source, read.seed, read.requirements) == (told.source, told.seed, told.requirements)
    assert read.text() == told.text()
    jsonschema.Draft202012Validator(schema()).validate(json.loads(told.text()))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trace.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(BadTrace, match="JSON in UTF-8"):
        Trace.read(tmp_path / "trace.json")


def test_every_action_follows_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    validator.validate(json.loads(Trace(menu()).text()))
    validator.validate(json.loads(TRACE.text()))


def test_the_committed_schema_is_this_one() -> None:
    text = json.dumps(schema(), indent=2) + "\n"
    assert COMMITTED.read_text(encoding="utf-8") == text, "python -m pytest_havip.fuzz.schema > docs/trace.schema.json"


def changed(**changes: Any) -> str:
    return json.dumps({**json.loads(TRACE.text()), **changes})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is JSON"),
        ("[]", "no trace"),
        (changed(format="story"), "no trace"),
        (changed(version=2), "reads version 1; a newer one reads it: python -m pip install --upgrade"),
        (changed(version="1"), "has version '1', this program reads version 1$"),
        (changed(origin=[]), "are objects"),
        (changed(origin={"requirements": "HAVIP-BIND-001"}), "is a list of ids"),
        (changed(actions={}), "of a trace is a list"),
        (changed(actions=[{"do": "dance"}]), "action 1 of 1: .* does nothing known"),
        (changed(actions=[{"do": "detach", "machine": "x"}]), "there is no machine 'x'"),
        (changed(actions=[{"do": "announce", "machine": "a", "address": "h9"}]), "there is no address 'h9'"),
        (changed(world={}), "is no world"),
    ],
)
def test_what_is_no_trace_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(BadTrace, match=complaint):
        Trace.parse(text)
    if '"havip-trace"' in text and "there is no" not in complaint and complaint != "is no world":
        assert not jsonschema.Draft202012Validator(schema()).is_valid(json.loads(text))


def test_the_script_is_a_test_of_the_same_story() -> None:
    scope: dict[str, Any] = {}
    exec(compile(script(TRACE), "test_story.py", "exec"), scope)
    told: list[Any] = []
    scope["test_the_story_is_played_as_it_should_be"](lambda *given: told.extend(given))
    assert told == [STORY]


@pytest.mark.parametrize("requirement", ["", "HAVIP-BIND-999"])
def test_the_script_of_a_trace_that_names_no_known_requirement_is_a_plain_test(requirement: str) -> None:
    text = script(replace(TRACE, requirement=requirement, seen='nothing """ \\'))
    scope: dict[str, Any] = {}
    exec(compile(text, "test_story.py", "exec"), scope)
    assert "@requirement" not in text
    assert scope["STORY"] == STORY


def test_the_script_brings_an_unusual_world_along() -> None:
    data = WORLD.data()
    data["machines"]["f"] = {"subnet": "here", "number": 99}
    trace = Trace.parse(changed(world=data))
    scope: dict[str, Any] = {}
    exec(compile(script(trace), "test_story.py", "exec"), scope)
    told: list[Any] = []
    scope["test_the_story_is_played_as_it_should_be"](lambda *given: told.extend(given))
    assert told[1].data() == data
