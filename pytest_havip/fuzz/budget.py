"""How long a campaign goes on: a time, or a number of stories."""

import re
from dataclasses import dataclass

__all__ = ["BadBudget", "Budget"]

_SPELLING = re.compile(r"(\d+)([smhx])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_STORIES = "x"


class BadBudget(ValueError):
    """A text that is no budget; it says how one is spelled."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The end of a campaign. Only one of the two is given.

    Args:
        seconds: How long stories are played; `None` if their number is the end.
        stories: How many are; `None` if time is the end.
    """

    seconds: float | None = None
    stories: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """The budget that a text is: `30s`, `10m`, `1h`, or `5000x` for 5,000 stories.

        Raises:
            BadBudget: It is none.

        >>> Budget.parse("10m")
        Budget(seconds=600, stories=None)
        >>> Budget.parse("5000x")
        Budget(seconds=None, stories=5000)
        """
        spelled = _SPELLING.fullmatch(text.strip().lower())
        if spelled is None or not int(spelled[1]):
            raise BadBudget(f"{text!r} is no end of a campaign; a time is 30s, 10m or 1h, a number of stories is 5000x")
        number, unit = int(spelled[1]), spelled[2]
        return cls(stories=number) if unit == _STORIES else cls(seconds=number * _SECONDS[unit])

    def is_used_up(self, *, seconds: float, number: int) -> bool:
        """Whether a campaign is over.

        Args:
            seconds: How long it has gone on.
            number: The number of the story that would be next, counted from 0 in all shares together.
        """
        if self.seconds is not None:
            return seconds >= self.seconds
        return self.stories is not None and number >= self.stories
