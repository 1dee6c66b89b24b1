"""Every way in which a fault can end, and whose fault it is."""

from dataclasses import replace

import pytest

from pytest_havip.observe.endings import Blame, Outcome, Situation, judge

WELL = Situation(before="a", announcer="b", reached=("b",), serving="b", holders=("b",), active=("b",))


@pytest.mark.parametrize(
    ("seen", "outcome", "blame", "words"),
    [
        (WELL, Outcome.TAKEN, Blame.NOBODY, "b announced the address last, holds it and serves it"),
        (replace(WELL, holders=("a", "b")), Outcome.TAKEN, Blame.NOBODY, "b announced"),
        (replace(WELL, before="b"), Outcome.KEPT, Blame.NOBODY, "b announced"),
        (replace(WELL, announcer=""), Outcome.SILENT, Blame.CLIENT, "nobody ever announced"),
        (
            replace(WELL, reached=("a",)),
            Outcome.ASTRAY,
            Blame.NETWORK,
            "b announced the address last, and packets reach a",
        ),
        (replace(WELL, reached=()), Outcome.ASTRAY, Blame.NETWORK, "packets reach nobody"),
        (replace(WELL, reached=("a", "b")), Outcome.ASTRAY, Blame.NETWORK, "packets reach a and b"),
        (replace(WELL, serving=""), Outcome.ASTRAY, Blame.NETWORK, "users are served by nobody"),
        (replace(WELL, active=("a", "b"), holders=("a", "b")), Outcome.SPLIT, Blame.CLIENT, "a and b hold the address"),
        (
            replace(WELL, holders=("a",), active=("a",), serving=""),
            Outcome.STUCK,
            Blame.CLIENT,
            "b announced the address last and no longer serves it; a holds it and did not announce it",
        ),
        (replace(WELL, holders=(), active=(), serving=""), Outcome.STUCK, Blame.CLIENT, "nobody holds it"),
        (
            Situation("a", "a", ("a",), "a", ("a",), ()),
            Outcome.GHOST,
            Blame.CLIENT,
            "the client on a is dead, and its kernel still answers for the address",
        ),
    ],
)
def test_an_ending_is_judged(seen: Situation, outcome: Outcome, blame: Blame, words: str) -> None:
    ending = judge(seen)
    assert (ending.outcome, ending.blame) == (outcome, blame)
    assert words in ending.text
