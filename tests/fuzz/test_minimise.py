"""The minimiser by itself: whatever fails, the story becomes as short and as simple as it can."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_havip.fuzz import WORLD, Action, Announce, DataProbe, Detach, Look, Race, Wait, minimise, stories


def shrunk(story: Sequence[Action], *needed: type[Action]) -> tuple[Action, ...]:
    """What is left of a story that fails if it has actions of these types in this order."""

    def fails(candidate: Sequence[Action]) -> bool:
        kinds = iter(type(action) for action in candidate)
        return all(kind in kinds for kind in needed)

    return minimise(story, fails, WORLD)


@settings(deadline=None)
@given(stories(), stories(), stories())
def test_nothing_needless_is_left(
    first: tuple[Action, ...], second: tuple[Action, ...], third: tuple[Action, ...]
) -> None:
    story = (*first, Announce("c", "h3", "reply", length=60), *second, Detach("c"), *third)
    assert shrunk(story, Announce, Detach) == (Announce("a", "h1"), Detach("a"))


@settings(deadline=None)
@given(stories(), st.data())
def test_without_any_one_action_it_does_not_fail(story: tuple[Action, ...], data: st.DataObject) -> None:
    wanted = data.draw(st.sets(st.sampled_from(story))) if story else set()

    def fails(candidate: Sequence[Action]) -> bool:
        return wanted <= set(candidate)

    shortest = minimise(story, fails, WORLD)
    assert set(shortest) == wanted
    assert len(shortest) == len(wanted)


def test_what_does_not_fail_comes_back_as_it_is() -> None:
    assert minimise((Wait(10),), lambda _: False, WORLD) == (Wait(10),)


def test_what_fails_without_any_action_is_the_empty_story() -> None:
    assert minimise((Wait(10), Look("h1")), lambda _: True, WORLD) == ()


def test_a_race_that_need_not_be_one_is_told_in_order() -> None:
    race = Race((Announce("b", "h2"), Announce("c", "h2", to="a"), Announce("b", "h2")))

    def announces_twice(story: Sequence[Action]) -> bool:
        parts = [part for action in story for part in (action.announcements if isinstance(action, Race) else (action,))]
        return len(parts) > 1

    assert minimise((race,), announces_twice, WORLD) == (Announce("a", "h1"), Announce("a", "h1"))
    assert shrunk((race,), Race) == (Race((Announce("a", "h1"),)),)


def test_times_and_fields_become_simple() -> None:
    assert shrunk((Wait(2500),), Wait) == (Wait(1),)
    assert shrunk((DataProbe("o", "h2", "b"),), DataProbe) == (DataProbe("a", "h1"),)
