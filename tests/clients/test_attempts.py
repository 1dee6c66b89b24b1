"""What is read out of the log of users, and how long they were not served."""

import pytest

from pytest_havip.observe.attempts import Attempt, AttemptReader, AttemptRecord, Outcome, Silence

MS = 1_000_000


def record(*attempts: tuple[int, int, int | None, Outcome, str]) -> AttemptRecord:
    """Attempts of (user, began, ended, outcome, by), in ms."""
    return AttemptRecord(
        tuple(
            Attempt(user, number, began * MS, None if ended is None else ended * MS, outcome, by)
            for number, (user, began, ended, outcome, by) in enumerate(attempts)
        )
    )


SERVED = record(
    (0, 0, 10, Outcome.DONE, "a"),
    (1, 5, 20, Outcome.DONE, "a"),
    (0, 15, 2015, Outcome.UNKNOWN, ""),
    (1, 25, 26, Outcome.REFUSED, ""),
    (1, 1000, 3000, Outcome.DONE, "b"),
    (0, 2020, 3010, Outcome.DONE, "b"),
    (0, 3020, None, Outcome.UNKNOWN, ""),
)


def test_a_log_is_read_however_it_is_cut() -> None:
    log = b"b 0 1 100\nb 1 1 110\ne 0 1 120 done a\nb 0 2 130\ne 0 2 140 refused \n"
    log += b"e 1 1 150 wrong status-503\nb 1 2 160\n"
    whole = AttemptReader()
    whole.feed(log)
    for cut in range(len(log)):
        reader = AttemptReader()
        reader.feed(log[:cut])
        reader.feed(log[cut:])
        assert reader.record() == whole.record()
        assert reader.done == whole.done
    assert whole.record().attempts == (
        Attempt(0, 1, 100, 120, Outcome.DONE, "a"),
        Attempt(1, 1, 110, 150, Outcome.WRONG, "status-503"),
        Attempt(0, 2, 130, 140, Outcome.REFUSED),
        Attempt(1, 2, 160),
    )


def test_attempts_of_all_users_have_numbers_of_their_own() -> None:
    identities = [Attempt(user, number, 0).identity for user in range(3) for number in range(1, 4)]
    assert len(set(identities)) == len(identities)


def test_silence_lasts_from_one_that_was_done_to_the_next_one() -> None:
    assert SERVED.silence(22 * MS, 4000 * MS) == Silence(20 * MS, 3000 * MS, ended=True)
    assert SERVED.silence(22 * MS, 4000 * MS).seconds == pytest.approx(2.98)


def test_silence_may_have_no_end() -> None:
    assert SERVED.silence(22 * MS, 2500 * MS) == Silence(20 * MS, 2500 * MS, ended=False)
    assert record().silence(0, 5 * MS) == Silence(0, 5 * MS, ended=False)


def test_what_ends_late_counts_where_no_end_is_given() -> None:
    assert [each.began for each in SERVED.having(Outcome.UNKNOWN)] == [15 * MS, 3020 * MS]
    assert [each.began for each in SERVED.having(Outcome.UNKNOWN, until=9000 * MS)] == [15 * MS]
    assert SERVED.servers() == {"a": 2, "b": 2}
    assert SERVED.servers(since=21 * MS) == {"b": 2}


def test_under_way_is_what_overlaps() -> None:
    assert [each.began for each in SERVED.under_way(21 * MS, 22 * MS)] == [15 * MS]
    assert [each.began for each in SERVED.under_way(3005 * MS, 9000 * MS)] == [2020 * MS, 3020 * MS]


def test_it_is_over_when_the_last_one_began() -> None:
    assert (SERVED.over, record().over) == (3020 * MS, 0)


def test_users_may_be_looked_at_apart() -> None:
    assert SERVED.by_users(lambda user: user == 1).servers() == {"a": 1, "b": 1}
