"""The search for an order, against trying all orders, and on histories written by hand."""

from collections.abc import Sequence
from itertools import combinations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_havip.history.order import Write
from pytest_havip.history.register import NOBODY, Read, explain_readings

UNBOUND = [Write(0, 0, NOBODY)]
LATER = 1000

times = st.integers(0, 12)
nics = st.sampled_from("abc")


@st.composite
def some_writes(draw: st.DrawFn) -> Write:
    begun = draw(times)
    ended = begun + draw(st.integers(0, 5))
    nic, due = draw(nics), draw(st.none() | st.integers(0, 6).map(lambda lag: ended + lag))
    if nic == "c" and draw(st.booleans()):
        return Write(begun, ended, nic, certain=False, due=20, dies=(15, 20))
    return Write(begun, ended, nic, draw(st.booleans() | st.just(value=True)), due)


@st.composite
def some_reads(draw: st.DrawFn) -> Read:
    begun = draw(st.integers(0, 24))
    return Read(begun, begun + draw(st.integers(0, 6)), draw(st.sampled_from(["a", "b", "c", NOBODY])))


def brute_force(writes: Sequence[Write], reads: Sequence[Read], first: Sequence[Write]) -> bool:
    """Whether some order explains the readings: every order that the times allow is tried."""
    doubtful = [write for write in writes if not write.certain]
    certain = [write for write in writes if write.certain]
    return any(
        goes_on([*certain, *accepted], [*reads], start, 0)
        for size in range(len(doubtful) + 1)
        for accepted in combinations(doubtful, size)
        for start in first
    )


def goes_on(writes: list[Write], reads: list[Read], state: Write, now: int) -> bool:
    """Whether what is left can happen in some order, each point as early as it can be."""
    if not reads and not writes:
        return True
    for place, write in enumerate(writes):
        rest = writes[:place] + writes[place + 1 :]
        at, latest = max(now, write.begun), LATER if write.due is None else write.due
        if at <= latest and all(other.ended >= write.begun for other in rest) and goes_on(rest, reads, write, at):
            return True
    for place, read in enumerate(reads):
        at, latest = max(now, read.begun), read.ended
        if read.nic == state.nic:
            latest = latest if state.dies is None else min(latest, state.dies[1])
        elif read.nic == NOBODY and state.dies is not None:
            at = max(at, state.dies[0])
        else:
            continue
        if at <= latest and goes_on(writes, reads[:place] + reads[place + 1 :], state, at):
            return True
    return False


@settings(max_examples=400, deadline=None)
@given(
    st.lists(some_writes(), max_size=4),
    st.lists(some_reads(), min_size=1, max_size=3),
    st.sampled_from([UNBOUND, [Write(0, 0, NOBODY), Write(0, 0, "a")]]),
)
@example([Write(0, 4, "a", due=20), Write(2, 6, "b", due=20)], [Read(3, 5, "a"), Read(21, 22, "a")], UNBOUND)
@example([Write(0, 4, "a", due=20), Write(2, 6, "b", due=20)], [Read(7, 8, "b"), Read(21, 22, "a")], UNBOUND)
def test_it_says_what_trying_all_orders_says(writes: list[Write], reads: list[Read], first: list[Write]) -> None:
    found = explain_readings(writes, reads, first, trace=True)
    assert (found.broken is None) == brute_force(writes, reads, first)
