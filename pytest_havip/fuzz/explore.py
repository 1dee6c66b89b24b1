"""Playing many stories until something is wrong, and telling how much of the rules they came to."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from time import perf_counter

from pytest_havip.fuzz.actions import ACTIONS, Action, Create, Release
from pytest_havip.fuzz.blame import REQUIREMENTS
from pytest_havip.fuzz.executor import Executor
from pytest_havip.fuzz.minimise import fails_on, fails_on_anew, failure_of, minimise, replay
from pytest_havip.fuzz.player import Failure, Player
from pytest_havip.fuzz.spelling import names_in
from pytest_havip.fuzz.strategies import drawn_story
from pytest_havip.requirements import Level, catalogue

__all__ = ["Exploration", "Finding", "explore"]

#: How often a story is played that did not show its fault the second time.
_ATTEMPTS = 5
#: In how many new worlds it is, which take their time.
_WORLDS = 2
#: A shortest story of more actions may be so long only because its fault did not show each time that it was tried.
_SHORT = 3
#: What happened in so many stories may be needed to show again what a network carried over from one to the next.
_REMEMBERED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """A story that showed something wrong.

    Args:
        failure: What was wrong.
        before: What had happened in the stories right before it.
        judged: Ids of the requirements by which it was judged.
        story: Which story it was, in words or as ``7:1234``.
    """

    failure: Failure
    before: tuple[Action, ...]
    judged: frozenset[str]
    story: str = ""

    def shortest(self, executor: Executor) -> Failure:
        """The shortest story that shows that something is wrong, and what; looked for on the network itself.

        Where the network carries something over from one story to the next, each is tried in a world of its own, with
        what happened before.

        Args:
            executor: The network.
        """
        story = self.failure.actions
        fails = fails_on(executor, judged=self.judged)
        patiently = fails_on(executor, judged=self.judged, attempts=_ATTEMPTS)
        # What is a matter of time shows again sooner or later.
        shortest = minimise(story, fails if fails(story) else patiently, executor.world)
        if len(shortest) > _SHORT:
            shortest = minimise(shortest, patiently, executor.world)
        anew = fails_on_anew(executor, judged=self.judged, attempts=_WORLDS)
        if anew(shortest):
            return replay(executor, shortest, judged=self.judged) or self.failure
        shortest = minimise(story if anew(story) else (*self.before, *story), anew, executor.world)
        with executor.renewed() as fresh:
            return replay(fresh, shortest, judged=self.judged) or self.failure


@dataclass(slots=True)
class Exploration:
    """What came of many stories; they end with the first that breaks a MUST.

    Args:
        findings: What was wrong. A SHOULD that was broken is judged no more, and the stories go on.
        judged: The requirements by which is judged now.
        reached: How often each pair of rule and state was judged.
        stories: How many were played.
        steps: How many actions were played and judged, the looks at the end of each story aside.
        moves: How many of them changed an owner, each seen by a third host.
        seconds: How long it took.
    """

    findings: list[Finding] = field(default_factory=list)
    judged: frozenset[str] = REQUIREMENTS
    reached: Counter[tuple[str, str]] = field(default_factory=Counter)
    stories: int = 0
    steps: int = 0
    moves: int = 0
    seconds: float = 0
    _before: deque[tuple[Action, ...]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _is_over: bool = False

    def note(self, player: Player, failure: Failure | None, story: str = "") -> None:
        """Count a story that has come to its end, and note what was wrong in it.

        Args:
            player: Has played it.
            failure: What was wrong, `None` if nothing was.
            story: Which one it was.
        """
        self.stories += 1
        self.steps += len(player.told)
        self.moves += player.model.moves
        self.reached.update(player.model.reached)
        if failure is None:
            self._before.append((*player.told, *player.looked, *_way_back(player)))
            return
        requirement, before = failure.disagreement.requirement, tuple(chain.from_iterable(self._before))
        if catalogue()[requirement].level is Level.MUST:
            # A story that is made short must not end as one that only breaks a SHOULD.
            musts = frozenset(each for each in self.judged if catalogue()[each].level is Level.MUST)
            self.findings.append(Finding(failure, before, musts, story))
            self._is_over = True
        else:
            self.findings.append(Finding(failure, before, frozenset({requirement}), story))
            self.judged -= {requirement}

    @property
    def is_over(self) -> bool:
        """A MUST was broken."""
        return self._is_over


def _way_back(player: Player) -> Iterator[Action]:
    """What a reset does, as actions: machines go back, and HAVIPs that were named are made anew."""
    now = player.model.now
    yield from now.way_home()
    for havip in dict.fromkeys(name for action in player.told for name in names_in(action)):
        if havip in now.owners:
            yield Release(havip)
        if havip in player.model.world.havips:
            yield Create(havip)


def explore(
    executor: Executor,
    *,
    stories: int,
    most: int = 100,
    kinds: Collection[str] = tuple(ACTIONS),
    seed: int = 0,
    opening: Iterable[Sequence[Action]] = (),
    judged: frozenset[str] = REQUIREMENTS,
) -> Exploration:
    """Play stories, up to the first one that breaks a MUST.

    They are drawn from the same actions as by `strategies.stories`, but by a generator of our own: the same seed gives
    the same stories wherever this runs, whatever else is loaded, and with any version of Hypothesis.

    Args:
        executor: The network.
        stories: How many.
        most: The greatest number of actions in a story.
        kinds: Names of the kinds of actions.
        seed: Chooses the stories.
        opening: Stories that are played before them, such as a `tour`.
        judged: The requirements that the network has to fulfil; others are not looked at.

    Returns:
        What was wrong, and how much was tried.

    Raises:
        Inconclusive: Nobody can say what the network did.

    >>> from pytest_havip.fuzz.core import CoreExecutor
    >>> explore(CoreExecutor(), stories=10).findings
    []
    """
    random = Random(seed)  # noqa: S311 - a seed, no secret
    drawn = (drawn_story(random, executor.world, kinds, most) for _ in range(stories))
    found = Exploration(judged=judged)
    began = perf_counter()
    for story in chain(opening, drawn):
        if found.is_over:
            break
        player = Player(executor, judged=found.judged)
        found.note(player, failure_of(player, story))
    found.seconds = perf_counter() - began
    return found
