"""A campaign: drawn stories for as long as one likes, shared among processes, with what others have found."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from time import perf_counter

from pytest_havip.fuzz.actions import ACTIONS, Action
from pytest_havip.fuzz.blame import REQUIREMENTS
from pytest_havip.fuzz.budget import Budget
from pytest_havip.fuzz.executor import Executor
from pytest_havip.fuzz.explore import Exploration
from pytest_havip.fuzz.finds import Finds
from pytest_havip.fuzz.minimise import failure_of
from pytest_havip.fuzz.player import Player
from pytest_havip.fuzz.strategies import drawn_story
from pytest_havip.fuzz.tour import tour

__all__ = ["Campaign", "Plan", "Share", "story_of"]

#: Seconds between two looks at what others have found.
_LOOK_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a campaign, played by one process.

    Args:
        number: Which one, from 1 on.
        of: How many there are.
    """

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number} of {self.of}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played.

    Args:
        seed: Chooses the stories; with a number each has a name, such as ``7:1234``.
        budget: When it ends.
        share: Which of its stories: of 3 shares the first one plays every third story.
        most: The greatest number of actions in a story.
        kinds: Names of the kinds of actions.
        judged: Ids of the requirements by which to judge.
    """

    seed: int
    budget: Budget
    share: Share = Share()
    most: int = 60
    kinds: Collection[str] = tuple(ACTIONS)
    judged: frozenset[str] = REQUIREMENTS


def story_of(plan: Plan, executor: Executor, number: int) -> tuple[Action, ...]:
    """Story number so-and-so of a seed: the same one in every share of every campaign."""
    random = Random(f"{plan.seed}:{number}")  # noqa: S311 - a seed, no secret
    return drawn_story(random, executor.world, plan.kinds, plan.most)


class Campaign:
    """Plays what was found before, then a tour of all rules and states, then drawn stories.

    It ends when its budget is used up, or with the first story that breaks a MUST: what follows might be its
    consequence. What others find meanwhile is played too; whoever can see it too, ends with it.

    Args:
        executor: The network.
        plan: What is played.
        finds: What was found before, or by others.
        tell: Is called after each story.

    Attributes:
        found: What came of it so far.

    >>> from hypothesis.database import InMemoryExampleDatabase
    >>> from pytest_havip.fuzz.core import CoreExecutor
    >>> finds = Finds(InMemoryExampleDatabase(), "core")
    >>> Campaign(CoreExecutor(), Plan(seed=7, budget=Budget(stories=20)), finds).run().findings
    []
    """

    def __init__(
        self, executor: Executor, plan: Plan, finds: Finds, *, tell: Callable[[Exploration], None] = lambda _: None
    ) -> None:
        self._executor = executor
        self._plan = plan
        self._finds = finds
        self._tell = tell
        self.found = Exploration(judged=plan.judged)

    def run(self) -> Exploration:
        """Play.

        Returns:
            What was found, and how much was tried.

        Raises:
            Inconclusive: Nobody can say what the network did.
        """
        began = perf_counter()
        for name, story in self._stories(began):
            player = Player(self._executor, judged=self.found.judged)
            self.found.note(player, failure_of(player, story), name)
            self.found.seconds = perf_counter() - began
            self._tell(self.found)
            if self.found.is_over:
                break
        return self.found

    def _stories(self, began: float) -> Iterator[tuple[str, Sequence[Action]]]:
        plan, share = self._plan, self._plan.share
        yield from self._found_elsewhere()
        if share.number == 1:
            yield from (("the tour", story) for story in tour(self._executor.world))
        looked, number = perf_counter(), share.number - 1
        while not plan.budget.is_used_up(seconds=perf_counter() - began, number=number):
            yield f"{plan.seed}:{number}", story_of(plan, self._executor, number)
            number += share.of
            if perf_counter() - looked >= _LOOK_EVERY:
                looked = perf_counter()
                yield from self._found_elsewhere()

    def _found_elsewhere(self) -> Iterator[tuple[str, Sequence[Action]]]:
        for trace in self._finds.new():
            # A trace may tell of another world than the one that stands here.
            if trace.world.data() == self._executor.world.data():
                yield trace.seed or "a find", trace.actions
