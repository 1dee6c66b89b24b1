"""The search for an order, against trying all orders, and on histories written by hand."""

from collections.abc import Sequence
from itertools import chain, combinations, permutations

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
    """Whether some order explains the readings: all of them are tried."""
    doubtful = [number for number, write in enumerate(writes) if not write.certain]
    certain = [number for number, write in enumerate(writes) if write.certain]
    items: list[Write | Read]
    for lost in chain.from_iterable(combinations(doubtful, size) for size in range(len(doubtful) + 1)):
        applied = [writes[number] for number in (*certain, *doubtful) if number not in lost]
        for start in first:
            for order in permutations([*applied, *reads]):
                if happens(order, start):
                    return True
    return False


def happens(order: Sequence[Write | Read], state: Write) -> bool:
    """Whether this order fits the times, each point as early as it can be."""
    now = 0
    writes = [item for item in order if isinstance(item, Write)]
    if any(later.ended < earlier.begun for earlier, later in combinations(writes, 2)):
        return False
    for item in order:
        now = max(now, item.begun)
        if isinstance(item, Write):
            state = item
            latest = LATER if item.due is None else item.due
        elif item.nic == state.nic:
            latest = item.ended if state.dies is None else min(item.ended, state.dies[1])
        elif item.nic == NOBODY and state.dies is not None:
            now, latest = max(now, state.dies[0]), item.ended
        else:
            return False
        if now > latest:
            return False
    return True


@settings(max_examples=1500, deadline=None)
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
