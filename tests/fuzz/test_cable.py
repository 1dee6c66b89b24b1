"""A bad cable does what its fault says, and the same each time."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pytest_havip.fuzz.cable import arrivals

SENT = list(range(10))


@given(st.integers(0, 1000))
def test_a_good_cable_hands_on_what_it_gets(seed: int) -> None:
    assert arrivals(SENT, "", seed) == SENT


@given(st.integers(0, 1000))
def test_a_lossy_one_hands_on_part_of_it_in_order(seed: int) -> None:
    come = arrivals(SENT, "loss", seed)
    assert come == sorted(set(come))
    assert come == arrivals(SENT, "loss", seed)


@given(st.integers(0, 1000))
def test_a_duplicating_one_hands_on_all_of_it_once_or_twice(seed: int) -> None:
    come = arrivals(SENT, "duplication", seed)
    assert come == sorted(come)
    assert set(Counter(come).values()) <= {1, 2}
    assert set(come) == set(SENT)


@given(st.integers(0, 1000))
def test_a_reordering_one_lets_few_overtake(seed: int) -> None:
    come = arrivals(SENT, "reordering", seed)
    assert sorted(come) == SENT
    assert all(sum(other > frame for other in come[: come.index(frame)]) <= 3 for frame in SENT)


def test_each_of_them_does_harm() -> None:
    assert all(any(arrivals(SENT, fault, seed) != SENT for seed in range(5)) for fault in ("loss", "reordering"))
    assert any(len(arrivals(SENT, "duplication", seed)) > len(SENT) for seed in range(5))
