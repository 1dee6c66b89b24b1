"""How fast histories are recorded, read and judged. Usage: python bench/history.py [OPERATIONS]."""

import io
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from pytest_havip.history import Announcement, Created, Handled, Header, HistoryReader, Reading, Record, Recorder, View
from pytest_havip.history.order import Write
from pytest_havip.history.register import NOBODY, Read, explain_readings

HAVIP = "havip-12345678"
#: Nanoseconds between two things that happen.
STEP = 100
_T = TypeVar("_T")


def timed(what: str, count: int, work: Callable[[], _T]) -> _T:
    """Do something once, and print how many operations that was in a second of processor time."""
    begun = time.process_time()
    result = work()
    took = time.process_time() - begun
    print(f"{what:52} {count / took:12,.0f} a second  ({count:,} in {took:.2f} s)")
    return result


def ordinary(count: int) -> Iterator[Record]:
    """Announcements one after the other, each with a proof that it was handled and two readings."""
    generator, now = random.Random(1), 0  # noqa: S311 - a seed, no secret
    yield Created(0, 1, HAVIP, "vpc", "subnet", "10.0.0.3")
    for _ in range(count // 4):
        nic = generator.choice(("eni-a", "eni-b", "eni-c"))
        now += STEP
        yield Announcement(now, now + 10, nic, HAVIP)
        yield Handled(now + 10, now + 30, nic)
        yield Reading(now + 40, now + 50, HAVIP, View.DATA, (nic,))
        yield Reading(now + 60, now + 70, HAVIP, View.DATA, (nic,))


def registers(count: int) -> tuple[list[Write], list[Read]]:
    """The same as a register's operations."""
    writes, reads, now, generator = [], [], 0, random.Random(1)  # noqa: S311 - a seed, no secret
    for _ in range(count // 3):
        nic = generator.choice("abc")
        now += STEP
        writes.append(Write(now, now + 10, nic, due=now + 30))
        reads += [Read(now + 40, now + 50, nic), Read(now + 60, now + 70, nic)]
    return writes, reads


def race(senders: int, count: int) -> tuple[list[Write], list[Read]]:
    """Senders that announce at the same time without a gap, and one reader."""
    generator, writes, points = random.Random(1), [], []  # noqa: S311 - a seed, no secret
    end = 0
    for sender in range(senders):
        now = 0
        for _ in range(count // senders // 2):
            ended = now + generator.randint(50, 150)
            points.append((generator.randint(now, ended), str(sender)))
            writes.append((now, ended, str(sender)))
            now = ended + generator.randint(1, 20)
        end = max(end, now)
    points.sort()
    reads, owner, place = [], NOBODY, 0
    for now in range(0, end, max(1, end // (count // 2))):
        while place < len(points) and points[place][0] <= now + 5:
            owner, place = points[place][1], place + 1
        reads.append(Read(now, now + 8, owner))
    return [Write(*write, due=end + 1) for write in writes], reads


def main() -> None:
    """Print all figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    sink = io.StringIO(newline="")
    recorder = Recorder(Header("bench", "bench"), sink)
    records = list(ordinary(count))

    def add() -> None:
        for record in records:
            recorder.add(record)

    timed("add to a recorder", len(records), add)
    timed("write", len(records), recorder.close)
    sink.seek(0)
    timed("read", len(records), lambda: list(HistoryReader(sink)))
    writes, reads = registers(count)
    first = [Write(0, 0, NOBODY)]
    timed("register, ordinary", len(writes) + len(reads), lambda: explain_readings(writes, reads, first))
    for senders in (2, 4, 8, 16):
        writes, reads = race(senders, count)
        answer = timed(
            f"register, {senders} senders without a gap",
            len(writes) + len(reads),
            lambda writes=writes, reads=reads: explain_readings(writes, reads, first),
        )
        assert answer.broken is None


if __name__ == "__main__":
    main()
