"""One vote, and the count of votes: what a voter promises, and what a claimant may believe."""

from dataclasses import replace

import pytest

from pytest_havip.clients.wsfc.messages import Heartbeat, RoleState, Standing
from pytest_havip.clients.wsfc.vote import Tally, Vote, majority

LENGTH = 10.0


def heartbeat(sender: str, number: int, term: int, *, incarnation: int = 1) -> Heartbeat:
    return Heartbeat(
        sender=sender,
        incarnation=incarnation,
        number=number,
        sent=0.0,
        term=term,
        newest=term,
        standing=Standing.UP,
        able=True,
        healthy=True,
        role=RoleState.OFFLINE,
        failovers=0,
        successor="",
    )


@pytest.fixture
def vote() -> Vote:
    """A vote that a has since 0 s, in term 1."""
    vote = Vote("v", LENGTH, now=0.0)
    assert given(vote, heartbeat("a", 1, 1), 0.0)
    return vote


def given(vote: Vote, asked: Heartbeat, now: float) -> bool:
    response = vote.hear(asked, now)
    assert response is not None
    assert response.term in {0, asked.term}
    return response.term != 0


def test_a_vote_is_for_one_until_its_time_is_over(vote: Vote) -> None:
    assert not given(vote, heartbeat("b", 1, 2), 9.9)
    assert given(vote, heartbeat("b", 2, 2), 10.0)
    assert not given(vote, heartbeat("a", 2, 1), 10.0)


def test_a_refusal_tells_how_long_it_lasts(vote: Vote) -> None:
    response = vote.hear(heartbeat("b", 1, 2), 4.0)
    assert response is not None
    assert (response.term, response.newest, response.remaining) == (0, 1, 6.0)


def test_each_heartbeat_renews_it(vote: Vote) -> None:
    assert given(vote, heartbeat("a", 2, 1), 9.0)
    assert not given(vote, heartbeat("b", 1, 2), 18.9)


def test_who_claims_no_longer_frees_it(vote: Vote) -> None:
    assert not given(vote, heartbeat("a", 2, 0), 1.0)
    assert vote.holder(1.0) == ""
    assert given(vote, heartbeat("b", 1, 2), 1.0)


def test_a_new_incarnation_frees_what_the_old_one_had(vote: Vote) -> None:
    assert not given(vote, heartbeat("a", 1, 0, incarnation=2), 1.0)
    assert given(vote, heartbeat("b", 1, 2), 1.0)


def test_what_is_late_is_not_answered_and_frees_nothing(vote: Vote) -> None:
    assert given(vote, heartbeat("a", 5, 1), 1.0)
    assert vote.hear(heartbeat("a", 4, 0), 1.0) is None
    assert vote.hear(heartbeat("a", 5, 1), 1.0) is None
    assert vote.holder(1.0) == "a"


def test_a_term_is_voted_for_once(vote: Vote) -> None:
    assert not given(vote, heartbeat("b", 1, 1), 10.0)
    assert given(vote, heartbeat("b", 2, 2), 10.0)
    assert not given(vote, heartbeat("b", 3, 1), 10.0), "it claims less than it had"


def test_a_voter_that_is_about_to_leave_votes_for_nobody_new(vote: Vote) -> None:
    response = vote.hear(heartbeat("b", 1, 2), 10.0, silent=True)
    assert response is not None
    assert response.term == 0
    assert vote.holder(10.0) == ""


def test_a_voter_that_remembers_keeps_its_word_for_as_long_as_it_may_have_been_given() -> None:
    vote = Vote("v", LENGTH, now=0.0, holder="a", term=3)
    assert not given(vote, heartbeat("b", 1, 4), 9.9)
    # It might be a late one, of the time before the holder claimed.
    assert not given(vote, heartbeat("a", 1, 0), 9.9)
    assert vote.holder(9.9) == "a"
    assert given(vote, heartbeat("a", 2, 3), 9.9), "the holder has it still"
    assert vote.until(9.9) == 19.9
    fresh = Vote("v", LENGTH, now=0.0, holder="a", term=3)
    assert given(fresh, heartbeat("a", 1, 4, incarnation=2), 1.0), "and may claim anew"
    assert not given(Vote("v", LENGTH, now=0.0, term=3), heartbeat("b", 1, 3), 0.0)


@pytest.mark.parametrize(("voters", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4)])
def test_a_majority_is_more_than_half(voters: int, needed: int) -> None:
    assert majority(voters) == needed
    tally = Tally(map(str, range(voters)), LENGTH)
    for voter in range(needed):
        assert not tally.holds(0.0)
        tally.add(str(voter), 0.0)
    assert tally.holds(9.9)
    assert not tally.holds(10.0)


def test_votes_count_from_when_they_were_asked_for() -> None:
    tally = Tally("abc", LENGTH)
    for voter, sent in (("a", 5.0), ("b", 3.0), ("c", 1.0), ("b", 2.0), ("x", 9.0)):
        tally.add(voter, sent)
    assert tally.lapse() == 13.0, "the second of three; an older answer takes nothing away, a stranger gives nothing"
    assert [tally.count(now) for now in (0.0, 11.0, 13.0, 15.0)] == [3, 2, 1, 0]
    tally.clear()
    assert tally.count(0.0) == 0


def test_a_claimant_stops_believing_before_the_voter_is_free() -> None:
    asked = replace(heartbeat("a", 1, 1), sent=7.0)
    vote, tally = Vote("v", LENGTH, now=0.0), Tally(["v"], LENGTH)
    response = vote.hear(asked, 7.2)
    assert response is not None
    tally.add("v", response.sent)
    assert tally.lapse() <= vote.until(7.2)
