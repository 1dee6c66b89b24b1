"""The smallest part of a history that no order of announcements explains, drawn for people.

What may be left out without putting words into the network's mouth: any reading, because an order that explains all
readings explains some; and an announcement that none of the kept readings can have seen, because an order with it is
an order without it. So whatever remains unexplained was unexplained in the whole.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, TypeVar

from pytest_havip.history.order import TooMany, Write
from pytest_havip.history.register import NOBODY, Read, explain_readings

__all__ = ["Register", "Violation", "smallest"]

_NANOSECONDS_IN_MS: Final = 1_000_000
_NEVER: Final = 1 << 63
_Item = TypeVar("_Item", Write, Read)


@dataclass(frozen=True, slots=True)
class Register:
    """One HAVIP in one view.

    Args:
        title: What people call it.
        writes: The announcements that may have changed its owner.
        reads: The readings.
        first: Who may be the owner at the beginning.
        most: The bound of a search for an order.
    """

    title: str
    writes: Sequence[Write]
    reads: Sequence[Read]
    first: Sequence[Write]
    most: int

    def unexplained(self, writes: Sequence[Write], reads: Sequence[Read]) -> bool:
        """Whether surely no order of these writes explains these readings."""
        try:
            return explain_readings(writes, reads, self.first, most=self.most).broken is not None
        except TooMany:
            return False


@dataclass(frozen=True, slots=True)
class Violation:
    """Readings that no order explains: why in one line, and the story."""

    reason: str
    text: str


def smallest(register: Register, broken: int, name: Callable[[str], str]) -> Violation:
    """Shrink an unexplained history, and draw it.

    Args:
        register: The history.
        broken: The number of its first reading (by the end) that nothing explains.
        name: What people call a NIC.
    """
    last = register.reads[broken]
    writes = [write for write in register.writes if write.begun <= last.ended]
    earlier = [read for read in register.reads if read is not last and read.begun <= last.ended]
    reads = _fewest(sorted(earlier, key=_end), lambda some: register.unexplained(writes, [*some, last]))
    reads.append(last)
    # What a reading says must stand there with what replaced it, else the story would be about an unknown owner.
    told = [max((each for each in writes if each.nic == read.nic), key=_end, default=None) for read in reads]
    seen = [may_be or write in told for write, may_be in zip(writes, _seen(writes, reads), strict=True)]
    unseen = [write for write, may_be in zip(writes, seen, strict=True) if not may_be]
    kept = [write for write, may_be in zip(writes, seen, strict=True) if may_be]
    kept += _fewest(sorted(unseen, key=_end), lambda some: register.unexplained([*kept, *some], reads))
    return _draw(register, kept, reads, name)


def _end(item: Write | Read) -> int:
    return item.ended


def _seen(writes: Sequence[Write], reads: Sequence[Read]) -> list[bool]:
    """For each write, whether a reading may have seen it: it says so, and no later write had surely replaced it."""
    sure = sorted((write.begun, write.due) for write in writes if write.certain and write.due is not None)
    begun = [each[0] for each in sure]
    replaced = [*list(accumulate((due for _, due in reversed(sure)), min))[::-1], _NEVER]

    def may_be(write: Write) -> bool:
        until = replaced[bisect_right(begun, write.ended)]
        says = {write.nic, NOBODY} if write.dies else {write.nic}
        return any(read.nic in says and read.ended >= write.begun and read.begun <= until for read in reads)

    return [may_be(write) for write in writes]


def _fewest(items: list[_Item], fails: Callable[[list[_Item]], bool]) -> list[_Item]:
    """As few of the items as still fail, given that all do: the last 0, 1, 3, 7 … first, then leaving parts out."""
    length = 0
    while length < len(items) and not fails(items[len(items) - length :]):
        length = 2 * length + 1
    items = items[max(0, len(items) - length) :]
    part = len(items)
    while part:
        place = 0
        while place < len(items):
            rest = items[:place] + items[place + part :]
            if fails(rest):
                items = rest
            else:
                place += part
        part //= 2
    return items


def _draw(register: Register, writes: list[Write], reads: list[Read], name: Callable[[str], str]) -> Violation:
    last = reads[-1]
    possible = explain_readings(writes, reads, register.first, most=register.most, trace=True).possible
    zero = min([*(write.begun for write in writes), *(read.begun for read in reads)])

    def ms(time: int) -> str:
        return f"{(time - zero) / _NANOSECONDS_IN_MS:.3f}"

    def of_write(write: Write) -> str:
        doubt = "" if write.certain else " (accepted or not)"
        due = "" if write.due is None else f", handled by {ms(write.due)}"
        died = "" if write.dies is None else f", taken away {ms(write.dies[0])} to {ms(write.dies[1])}"
        return f"{name(write.nic)} announces{doubt}{due}{died}"

    def of_read(number: int, read: Read) -> str:
        could = " or ".join(sorted(map(name, possible.get(number, ())))) or "nobody at all"
        return f"{name(read.nic)} is read; possible: {could}" + ("   <-- not explained" if read is last else "")

    story = [(write.begun, write.ended, of_write(write)) for write in writes]
    story += [(read.begun, read.ended, of_read(number, read)) for number, read in enumerate(reads)]
    at_first = "nobody" if len(register.first) == 1 else "unknown"
    lines = [f"{register.title}; owner at first: {at_first}; milliseconds:"]
    lines += [f"  {ms(begun):>10} to {ms(ended):>10}  {text}" for begun, ended, text in sorted(story)]
    could = " or ".join(sorted(map(name, possible.get(len(reads) - 1, ()))))
    return Violation(f"{name(last.nic)} was read where only {could} was possible", "\n".join(lines))
