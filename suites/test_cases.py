"""CASE: the product document's use cases, with real software: load balancers, and a database with its standby."""

from collections.abc import Callable

import pytest

from pytest_havip.fixtures.acts import Act, Takeover
from pytest_havip.fixtures.balancing import NEW_USERS, BalancedAct
from pytest_havip.fixtures.cases import MARK
from pytest_havip.fixtures.replication import Kill, ReplicatedAct
from pytest_havip.fixtures.takeovers import Acts
from pytest_havip.observe.attempts import Outcome
from pytest_havip.observe.endings import Blame
from pytest_havip.observe.endings import Outcome as Ending
from pytest_havip.reports import Inconclusive
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement

__all__: list[str] = []

pytestmark = [pytest.mark.xdist_group("takeovers"), getattr(pytest.mark, MARK)]

BALANCERS = "balancers keepalived"
#: Each kill of a primary: the act, and the number of the kill.
KILLS = [
    pytest.param("databases keepalived", 0, id="keepalived: machine dead"),
    pytest.param("databases keepalived", 1, id="keepalived: killed alone"),
    pytest.param("databases wsfc", 0, id="wsfc: machine dead"),
]
#: Both faults on an active balancer.
FAULTS = [pytest.param(0, id="balancer dead"), pytest.param(1, id="machine dead")]
#: Seconds that users add to a client's own timers: the network, a connection given up and tried again, a promotion.
ASIDE = 3.0


def balancing(act: Act) -> BalancedAct:
    assert isinstance(act, BalancedAct)
    return act


def killed(act: Act, number: int) -> tuple[ReplicatedAct, Takeover, Kill]:
    """A kill of a primary, and its takeover; it fails here where no new primary came to serve."""
    assert isinstance(act, ReplicatedAct)
    taken = act.taken(number)
    if number >= len(act.kills):
        raise act.error or Inconclusive(f"{act.scene.name} has no kill {number}")
    return act, taken, act.kills[number]


@requirement("HAVIP-CASE-001")
@pytest.mark.parametrize("number", FAULTS)
def test_users_of_the_web_are_served_by_the_other_balancer(
    act: Acts, record_takeover: Callable[[Row], None], number: int
) -> None:
    played = balancing(act(BALANCERS))
    taken = played.taken(number)
    record_takeover(played.case_row(taken))
    assert (taken.ending.outcome, taken.ending.blame) == (Ending.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)
    assert taken.served is not None
    # Users who connect for every request, and users who keep their connection.
    for is_new in (True, False):
        requests = played.requests.by_users(lambda user, new=is_new: (user < NEW_USERS) is new)  # type: ignore[misc]
        assert requests.servers(taken.served.received, taken.until).total() > 0
    assert played.error is None


@requirement("HAVIP-CASE-002")
def test_every_answer_is_whole_and_of_a_web_server(act: Acts) -> None:
    played = balancing(act(BALANCERS))
    played.taken()
    assert list(played.requests.having(Outcome.WRONG)) == []
    assert played.requests.servers().keys() == {guest.name for guest in played.scene.guests}


@requirement("HAVIP-CASE-003")
@pytest.mark.parametrize("number", FAULTS)
def test_all_web_servers_go_on_to_be_asked(act: Acts, number: int) -> None:
    played = balancing(act(BALANCERS))
    taken = played.taken(number)
    assert taken.served is not None
    asked = played.requests.servers(taken.served.received, taken.until)
    shares = {guest.name: asked[guest.name] / asked.total() for guest in played.scene.guests}
    assert min(shares.values()) > 0.5 / len(shares), shares


@requirement("HAVIP-CASE-004")
@pytest.mark.parametrize("number", FAULTS)
def test_users_of_the_web_wait_for_the_clients_timers(act: Acts, number: int) -> None:
    played = balancing(act(BALANCERS))
    taken = played.taken(number)
    assert taken.bound is not None
    silence = played.outage(taken)
    assert silence.ended
    assert silence.seconds < taken.bound.latest + ASIDE


@requirement("HAVIP-CASE-005")
@pytest.mark.parametrize(("name", "number"), KILLS)
def test_the_promoted_standby_acknowledges_writes(
    act: Acts, record_takeover: Callable[[Row], None], name: str, number: int
) -> None:
    played, taken, kill = killed(act(name), number)
    record_takeover(played.case_row(kill))
    assert (taken.ending.outcome, taken.ending.blame) == (Ending.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)
    assert kill.after > 0


@requirement("HAVIP-CASE-006")
@pytest.mark.parametrize(("name", "number"), KILLS)
def test_no_acknowledged_write_is_lost(act: Acts, name: str, number: int) -> None:
    _, _, kill = killed(act(name), number)
    if not (kill.under_way and kill.before):
        raise Inconclusive(f"{kill.under_way} writes were under way at the kill, {kill.before} acknowledged before")
    assert kill.lost == frozenset()
    assert kill.risen == frozenset()


@requirement("HAVIP-CASE-007")
def test_an_old_primary_that_lives_on_is_fenced(act: Acts) -> None:
    played, taken, kill = killed(act("databases keepalived"), 1)
    if not kill.old_lives:
        raise Inconclusive(f"{taken.victim.name} is no primary any more, so nothing need fence it")
    first = next(each for each in played.writes.having(Outcome.DONE, since=taken.at) if each.by == taken.heir.name)
    assert first.ended is not None
    late = [each for each in played.writes.having(Outcome.DONE) if each.began > first.ended]
    assert {each.by for each in late} == {taken.heir.name}


@requirement("HAVIP-CASE-008")
@pytest.mark.parametrize(("name", "number"), KILLS)
def test_who_writes_waits_for_the_clients_timers(act: Acts, name: str, number: int) -> None:
    played, taken, _ = killed(act(name), number)
    assert taken.bound is not None
    silence = played.outage(taken)
    assert silence.ended
    assert silence.seconds < taken.bound.latest + ASIDE
