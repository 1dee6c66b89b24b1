"""Announcements and the order that their times give them: disjoint ones are ordered, overlapping ones are not."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

__all__ = ["Applied", "Order", "TooMany", "Write", "add", "is_applied"]

#: What is applied or passed over: all writes below the number, and of the others those in the set. Whatever is ordered
#: before one of them is among them.
Applied: TypeAlias = tuple[int, frozenset[int]]

_NONE: frozenset[int] = frozenset()


class TooMany(Exception):
    """So many announcements overlap that not all orders that the times allow can be tried; the text says where."""


@dataclass(frozen=True, slots=True)
class Write:
    """An announcement of a HAVIP.

    Args:
        begun: Entry of `send()`, in nanoseconds.
        ended: Its return.
        nic: The sender.
        certain: Whether the network had to accept it; else it may have.
        due: When it had surely been handled; `None` where nobody knows.
        dies: From when to when its sender was detached, or the HAVIP released; afterwards it makes nobody the owner.
    """

    begun: int
    ended: int
    nic: str
    certain: bool = True
    due: int | None = None
    dies: tuple[int, int] | None = None


class Order:
    """The writes of one HAVIP, by the times at which they began, and which of them are before which.

    Args:
        writes: The writes, in any order.
    """

    def __init__(self, writes: Sequence[Write]) -> None:
        self.writes = sorted(writes, key=lambda write: (write.begun, write.ended))
        self.begun = [write.begun for write in self.writes]
        self.ended = [write.ended for write in self.writes]
        self.of_nic: dict[str, list[int]] = {}
        for number, write in enumerate(self.writes):
            self.of_nic.setdefault(write.nic, []).append(number)
        self._latest = list(accumulate(self.ended, max))

    def firsts(self, nic: str, applied: Applied, entered: int) -> Iterator[int]:
        """The NIC's writes that may come next: not applied, begun, and after no other one of the NIC's.

        Args:
            nic: Whose.
            applied: What is applied already.
            entered: How many writes have begun.
        """
        numbers = self.of_nic.get(nic, ())
        base, extra = applied
        earliest_end = None
        for place in range(bisect_left(numbers, base), len(numbers)):
            number = numbers[place]
            if number >= entered or (earliest_end is not None and self.begun[number] > earliest_end):
                return
            if number not in extra:
                yield number
                end = self.ended[number]
                earliest_end = end if earliest_end is None or end < earliest_end else earliest_end

    def before(self, number: int, applied: Applied) -> list[int]:
        """The writes that are ordered before one and not applied yet."""
        base, extra = applied
        begun, ended = self.begun[number], self.ended
        sure = bisect_left(self._latest, begun)  # all below returned before it began
        if not extra and sure >= number:
            return list(range(base, number))
        return [each for each in range(base, number) if each not in extra and (each < sure or ended[each] < begun)]


def add(applied: Applied, numbers: Sequence[int]) -> Applied:
    """Apply more writes, which are not applied yet, each given once."""
    base, extra = applied
    if not numbers:
        return applied
    if not extra and max(numbers) - base + 1 == len(numbers):
        return base + len(numbers), _NONE
    together = set(extra.union(numbers))
    while base in together:
        together.discard(base)
        base += 1
    return base, frozenset(together)


def is_applied(number: int, applied: Applied) -> bool:
    """Whether a write is among those that are applied."""
    return number < applied[0] or number in applied[1]
