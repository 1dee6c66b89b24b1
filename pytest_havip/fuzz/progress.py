"""What a campaign has come to so far: told from process to process, and summed up for a reader."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_havip.fuzz.coverage import PAIRS
from pytest_havip.fuzz.explore import Exploration

__all__ = ["Found", "Progress", "progress_line", "progress_of"]


@dataclass(frozen=True, slots=True)
class Found:
    """A story that broke a requirement.

    Args:
        requirement: The id.
        story: Which one it was, such as ``7:1234``: story 1234 of seed 7.
        actions: How many actions its trace has.
        is_shortest: It has been made as short as it can be.
        path: Where its trace is, "" if it was not to be written.
        target: The network.
    """

    requirement: str
    story: str
    actions: int
    is_shortest: bool
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A campaign, or a share of one, up to now.

    Args:
        stories: How many were played.
        steps: How many actions were played and judged.
        moves: How many of them changed an owner, each seen by a third host.
        seconds: How long that took.
        reached: How often each pair of rule and state was judged.
        found: What broke a requirement.
        note: What is not as it should be with the campaign itself.
    """

    stories: int = 0
    steps: int = 0
    moves: int = 0
    seconds: float = 0
    reached: Mapping[tuple[str, str], int] = field(default_factory=dict)
    found: tuple[Found, ...] = ()
    note: str = ""

    def text(self) -> str:
        """The same as a line of JSON."""
        values = {name: getattr(self, name) for name in ("stories", "steps", "moves", "seconds", "note")}
        values["reached"] = [[*pair, count] for pair, count in self.reached.items()]
        values["found"] = [[getattr(each, name) for name in Found.__slots__] for each in self.found]
        return json.dumps(values)

    @classmethod
    def parse(cls, text: str) -> "Progress":
        """The progress that such a line tells.

        >>> Progress.parse(Progress(3, 99, reached={("race", "bound"): 2}).text()).reached
        {('race', 'bound'): 2}
        """
        values = json.loads(text)
        values["reached"] = {(rule, state): count for rule, state, count in values["reached"]}
        values["found"] = tuple(Found(*each) for each in values["found"])
        return cls(**values)

    @classmethod
    def of_all(cls, shares: Iterable["Progress"]) -> "Progress":
        """What shares have come to that were played at the same time."""
        played, reached = list(shares), Counter[tuple[str, str]]()
        for each in played:
            reached.update(each.reached)
        return cls(
            stories=sum(each.stories for each in played),
            steps=sum(each.steps for each in played),
            moves=sum(each.moves for each in played),
            seconds=max((each.seconds for each in played), default=0.0),
            reached=reached,
            found=tuple(found for each in played for found in each.found),
            note="; ".join(dict.fromkeys(each.note for each in played if each.note)),
        )

    @property
    def rate(self) -> float:
        """Steps a second."""
        return self.steps / self.seconds if self.seconds else 0.0


def progress_of(played: Exploration, found: Sequence[Found] = (), note: str = "") -> Progress:
    """The progress of what was played.

    Args:
        played: What came of it so far.
        found: What broke a requirement.
        note: What is not as it should be with the campaign itself.
    """
    return Progress(played.stories, played.steps, played.moves, played.seconds, played.reached, tuple(found), note)


def progress_line(progress: Progress) -> str:
    """The progress in a line.

    >>> progress_line(Progress(3, 99, 40, 2.0, {("race", "bound"): 2})).partition(";")[0]
    '3 stories, 99 steps in 2 s (50/s), 40 moves'
    """
    reached = len(PAIRS & progress.reached.keys())
    found = ", ".join(dict.fromkeys(each.requirement for each in progress.found))
    return (
        f"{progress.stories:,} stories, {progress.steps:,} steps in {progress.seconds:.0f} s ({progress.rate:,.0f}/s), "
        f"{progress.moves:,} moves; {reached} of {len(PAIRS)} pairs of rule and state; "
        f"{f'found: {found}' if found else 'nothing found'}{f'; {progress.note}' if progress.note else ''}"
    )
