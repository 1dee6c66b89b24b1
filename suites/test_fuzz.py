"""What no story may break, in whatever order things happen; the stories are drawn, and the same in every run."""

import pytest

from pytest_havip.fixtures.stories import JudgeStories
from pytest_havip.fuzz import REQUIREMENTS
from pytest_havip.requirements import requirement

__all__: list[str] = []

pytestmark = pytest.mark.xdist_group("stories")


@pytest.mark.parametrize("broken", [pytest.param(each, marks=requirement(each)) for each in sorted(REQUIREMENTS)])
def test_no_story_breaks_it(judge_stories: JudgeStories, broken: str) -> None:
    judge_stories(broken)
