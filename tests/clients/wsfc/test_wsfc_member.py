"""One node by itself: which answers it counts, what it lends, and what it remembers of failures."""

from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, TypeAlias

import pytest

from pytest_havip.clients.wsfc.actions import Action, Release, Send
from pytest_havip.clients.wsfc.arp import announcement
from pytest_havip.clients.wsfc.member import Member, Phase
from pytest_havip.clients.wsfc.messages import WITNESS, Heartbeat, Response, RoleState, Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.wsfc.conftest import World

NewWorld: TypeAlias = "Callable[..., World]"
FOREIGN = announcement("02:00:00:00:00:99", IPv4Address("172.17.16.3"))


def heartbeats(actions: list[Action]) -> list[Heartbeat]:
    return [each.message for each in actions if isinstance(each, Send) and isinstance(each.message, Heartbeat)]


def answer(asked: Heartbeat, sender: str, *, term: int, newest: int = 0) -> Response:
    return Response(
        sender=sender,
        incarnation=asked.incarnation,
        number=asked.number,
        sent=asked.sent,
        term=term,
        newest=newest,
        remaining=0.0,
    )


@pytest.fixture
def candidate(new_world: NewWorld) -> tuple[Member, Heartbeat, float]:
    """A node of three with a witness that asks for votes, its heartbeat, and the time; it needs three votes of four."""
    world = new_world("abc")
    world.start("a")
    member, now = world.nodes["a"], world.now
    greeting = heartbeats(member.tick(now))[0]
    member.hear(answer(greeting, WITNESS, term=0), now)
    member.hear(_plain("b"), now)
    asked = heartbeats(member.hear(_plain("c"), now))[-1]
    assert (member.phase, asked.term, member.tally.needed) == (Phase.CANDIDATE, 1, 3)
    return member, asked, now


def _plain(sender: str) -> Heartbeat:
    return Heartbeat(
        sender=sender,
        incarnation=1,
        number=1,
        sent=0.0,
        term=0,
        newest=0,
        standing=Standing.UP,
        able=False,
        healthy=True,
        role=RoleState.OFFLINE,
        failovers=0,
        successor="",
    )


def test_three_votes_of_four_make_an_owner(candidate: tuple[Member, Heartbeat, float]) -> None:
    member, asked, now = candidate
    member.hear(answer(asked, "b", term=1), now)
    assert member.phase is Phase.CANDIDATE
    member.hear(answer(asked, WITNESS, term=1), now)
    assert (member.phase, member.role.state) == (Phase.OWNER, RoleState.PENDING)


def test_votes_for_another_term_or_incarnation_do_not_count(candidate: tuple[Member, Heartbeat, float]) -> None:
    member, asked, now = candidate
    for voter in ("b", "c", WITNESS):
        member.hear(answer(asked, voter, term=2), now)
        member.hear(answer(replace(asked, incarnation=7), voter, term=1), now)
    assert (member.phase, member.tally.count(now)) == (Phase.CANDIDATE, 1)


def test_a_candidate_that_hears_of_a_higher_term_asks_all_again(candidate: tuple[Member, Heartbeat, float]) -> None:
    member, asked, now = candidate
    member.hear(answer(asked, "b", term=1), now)
    again = heartbeats(member.hear(answer(asked, WITNESS, term=0, newest=5), now))[-1]
    assert (again.term, member.tally.count(now)) == (6, 1)


def test_a_leaving_node_lends_nobody_its_vote(formed: NewWorld) -> None:
    world = formed(witness=False)
    leaving = world.nodes["a"]
    leaving.leave(world.now)
    claim = replace(_plain("b"), number=1000, term=50)
    responses = [
        each.message
        for each in leaving.hear(claim, world.now)
        if isinstance(each, Send) and isinstance(each.message, Response)
    ]
    assert [response.term for response in responses] == [0]
    assert leaving.vote.holder(world.now) == ""


def test_the_role_does_not_fail_back_to_where_it_failed_until_that_is_resumed(formed: NewWorld) -> None:
    world = formed(failback="immediate", restart_threshold=0)
    for _ in range(2):
        world.perform("a", world.nodes["a"].hear_arp(FOREIGN, world.now))
    world.until_online("b", 5.0)
    world.run(20.0)
    assert world.online() == "b"
    world.ask("a", "resume")
    world.until_online("a", 5.0)


def test_what_was_released_is_told_only_afterwards(formed: NewWorld) -> None:
    world = formed()
    actions = world.nodes["a"].move("b", world.now)
    kinds = [type(each) for each in actions]
    assert kinds.index(Release) < kinds.index(Send)
