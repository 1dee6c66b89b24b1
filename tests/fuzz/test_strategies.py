"""What is drawn can be told of the world, is mostly what matters, and shrinks."""

from collections import Counter

from hypothesis import HealthCheck, find, given, settings

from pytest_havip.fuzz import ACTIONS, WORLD, Action, Announce, Detach, World, actions, stories
from pytest_havip.fuzz.strategies import menu

QUIET = settings(database=None, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SMALL = World.of(
    {
        "vpcs": {"v": "10.0.0.0/16"},
        "subnets": {"s": {"vpc": "v", "cidr": "10.0.0.0/24"}},
        "machines": {
            "x": {"subnet": "s", "number": 10},
            "y": {"subnet": "s", "number": 11},
            "z": {"subnet": "s", "number": 12, "observes": True},
        },
        "havips": {"h": {"subnet": "s", "number": 20}},
    }
)


@settings(QUIET, max_examples=30)
@given(stories(most=50))
def test_a_story_is_made_of_the_menu(story: tuple[Action, ...]) -> None:
    assert len(story) <= 50
    assert set(story) <= set(menu())


@settings(QUIET, max_examples=30)
@given(stories(SMALL, kinds=["announce", "move"]))
def test_a_story_happens_in_its_world_with_its_kinds(story: tuple[Action, ...]) -> None:
    assert set(story) <= set(menu(SMALL, ("announce", "move")))


def test_announcements_are_the_matter() -> None:
    drawn: Counter[type[Action]] = Counter()

    @settings(QUIET, max_examples=100)
    @given(stories())
    def draw(story: tuple[Action, ...]) -> None:
        drawn.update(map(type, story))

    draw()
    assert drawn[Announce] > drawn.total() / 2
    assert drawn.keys() == {type(action) for action in menu()}


def test_actions_shrink_to_the_simplest_that_will_do() -> None:
    assert find(actions(), lambda _: True, settings=QUIET) == Announce("a", "h1")
    assert find(actions(kinds=["race", "look"]), lambda _: True, settings=QUIET) == menu(kinds=("race",))[0]


def test_stories_shrink_to_few_actions() -> None:
    def detaches_after_an_announcement(story: tuple[Action, ...]) -> bool:
        kinds = [type(action) for action in story]
        return Detach in kinds and Announce in kinds[: kinds.index(Detach)]

    found = find(stories(), detaches_after_an_announcement, settings=settings(QUIET, max_examples=2000))
    assert len(found) == 2


def test_the_menu_has_every_kind_for_the_usual_world() -> None:
    assert {action.name for action in menu(WORLD)} == set(ACTIONS)
    assert len(set(menu(WORLD))) > 1000
