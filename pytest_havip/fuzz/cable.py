"""A bad cable: which of the frames that go into it come out, how often, and in which order. The same seed, the same."""

from collections.abc import Iterable
from random import Random
from typing import TypeVar

from pytest_havip.fuzz.actions import WireFault

__all__ = ["arrivals"]

_Sent = TypeVar("_Sent")
#: How likely a frame is struck.
_OFTEN = 0.5
#: How many later frames may overtake one.
_LAG = 3


def arrivals(frames: Iterable[_Sent], fault: WireFault, seed: int) -> list[_Sent]:
    """What comes out of a cable.

    Args:
        frames: What goes in.
        fault: What the cable does to about half of them: loses them, hands them on twice, or holds them back until up
            to three others have overtaken them.
        seed: Chooses which.

    >>> arrivals("abcdef", "loss", 1), arrivals("abc", "duplication", 1), arrivals("abcdef", "reordering", 2)
    (['b', 'c'], ['a', 'a', 'b', 'c'], ['a', 'b', 'e', 'f', 'c', 'd'])
    """
    random = Random(seed)  # noqa: S311 - a choice, no secret
    sent = list(frames)
    struck = [bool(fault) and random.random() < _OFTEN for _ in sent]
    if fault == "loss":
        return [frame for frame, is_lost in zip(sent, struck, strict=True) if not is_lost]
    if fault == "duplication":
        return [copy for frame, is_struck in zip(sent, struck, strict=True) for copy in [frame] * (1 + is_struck)]
    due = [at + (random.randint(1, _LAG) + 0.5 if is_late else 0) for at, is_late in enumerate(struck)]
    return [sent[at] for at in sorted(range(len(sent)), key=due.__getitem__)]
