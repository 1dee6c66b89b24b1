"""Actions are plain data: they come back from JSON as they went, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from pytest_havip.fuzz import ACTIONS, Action, Announce, NotAnAction, Race, Wait, actions
from pytest_havip.fuzz.spelling import action_of, data_of, names_in
from pytest_havip.fuzz.strategies import menu


@pytest.mark.parametrize("kind", ACTIONS)
def test_all_actions_come_back_from_json(kind: str) -> None:
    told = menu(kinds=(kind,))
    assert told
    assert [action_of(json.loads(json.dumps(data_of(action)))) for action in told] == list(told)


@settings(deadline=None)
@given(actions())
def test_what_goes_without_saying_is_not_said(action: Action) -> None:
    data = data_of(action)
    assert "fault" not in data or data["fault"]
    assert data["do"] == action.name


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([], "JSON object"),
        ({}, "does nothing known"),
        ({"do": "dance"}, "does nothing known"),
        ({"do": "detach"}, "lacks machine"),
        ({"do": "detach", "machine": "a", "how": "gently"}, "has no 'how'"),
        ({"do": "detach", "machine": 1}, "is of type str"),
        ({"do": "wait", "milliseconds": True}, "is of type int"),
        ({"do": "announce", "machine": "a", "address": "h1", "length": 43}, "one of 42, 60"),
        ({"do": "announce", "machine": "a", "address": "h1", "fault": "odd"}, "one of"),
        ({"do": "race", "announcements": []}, "a list of announcements"),
        ({"do": "race", "announcements": [{"do": "detach", "machine": "a"}]}, "a list of announcements"),
    ],
)
def test_what_is_no_action_is_refused(data: Any, complaint: str) -> None:
    with pytest.raises(NotAnAction, match=complaint):
        action_of(data)


def test_names_are_found_in_races_too() -> None:
    race = Race((Announce("a", "h1"), Announce("b", "h2", to="c")))
    assert {"a", "b", "c", "h1", "h2"} <= set(names_in(race))
    assert names_in(Wait(10)) == ()
