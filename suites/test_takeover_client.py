"""TAKE: what holds for any HA client: ours, and those that `--havip-client` names.

A test file of one's own may import these tests, and put a fixture `client` beside them: see docs/vendors.md.
"""

from collections.abc import Callable

import pytest

from pytest_havip.fixtures.clients import GHOST, Parts, clients_of
from pytest_havip.observe.announcements import announced_by
from pytest_havip.observe.conduct import RULES
from pytest_havip.observe.endings import Blame, Outcome
from pytest_havip.reports import Inconclusive
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement

__all__ = [
    "pytestmark",
    "test_a_healed_fault_leaves_one_owner",
    "test_one_owner_is_elected",
    "test_the_clients_conduct",
    "test_the_outage_is_the_clients_and_not_the_networks",
    "test_the_standby_takes_over",
]

pytestmark = pytest.mark.xdist_group("takeovers")

STRUCK = ("graceful stop", "planned move", "kill -9", "service dead", "link cut", "host dead", "machine frozen")
#: For some demands on clients: the faults of which one must befall a client that is to show it.
SHOWN_BY = {
    "gives up the address": ("graceful stop", "planned move", "service dead"),
    "heeds a defender": (GHOST,),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test once for each client under test."""
    if "client" in metafunc.fixturenames:
        clients = clients_of(metafunc.config)
        metafunc.parametrize("client", clients, ids=[client.name for client in clients], indirect=True, scope="session")


@requirement("HAVIP-TAKE-070")
def test_one_owner_is_elected(parts: Parts) -> None:
    for played in parts.acts():
        scene, election = played.scene, played.elected()
        assert election.answer.owner == scene.first.name
        assert election.owner is scene.first
        assert scene.stream.record().dual_answers() == ()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("graceful stop", marks=requirement("HAVIP-TAKE-071")),
        pytest.param("planned move", marks=requirement("HAVIP-TAKE-072")),
        pytest.param("kill -9", marks=requirement("HAVIP-TAKE-073")),
        pytest.param("service dead", marks=requirement("HAVIP-TAKE-074")),
        pytest.param("link cut", marks=requirement("HAVIP-TAKE-075")),
        pytest.param("host dead", marks=requirement("HAVIP-TAKE-076")),
        pytest.param("machine frozen", marks=requirement("HAVIP-TAKE-077")),
    ],
)
def test_the_standby_takes_over(parts: Parts, record_takeover: Callable[[Row], None], fault: str) -> None:
    taken = parts.taken(fault)
    if parts.own:  # ours are in the table by their own tests
        record_takeover(taken.row)
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)
    assert taken.heir.name in taken.holders


@requirement("HAVIP-TAKE-078")
@pytest.mark.parametrize("fault", STRUCK)
def test_the_outage_is_the_clients_and_not_the_networks(parts: Parts, fault: str) -> None:
    taken = parts.taken(fault)
    assert taken.bound is not None
    assert taken.outage.seconds < taken.bound.latest + 1


@requirement("HAVIP-TAKE-079")
@pytest.mark.parametrize("fault", ["link cut", "machine frozen"])
def test_a_healed_fault_leaves_one_owner(parts: Parts, fault: str) -> None:
    played = parts.act(fault)
    parts.taken(fault)
    ended = played.aftermath
    if ended is None:
        pytest.skip(f"unsupported: {parts.name} is not healed of: {fault}")
    assert (ended.outcome in {Outcome.TAKEN, Outcome.KEPT}, ended.blame) == (True, Blame.NOBODY), ended.text


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param("announces what it takes", marks=requirement("HAVIP-TAKE-022")),
        pytest.param("announces in its declared time", marks=requirement("HAVIP-TAKE-023")),
        pytest.param("announces its own MAC", marks=requirement("HAVIP-TAKE-024")),
        pytest.param("is silent while passive", marks=requirement("HAVIP-TAKE-025")),
        pytest.param("gives up the address", marks=requirement("HAVIP-TAKE-026")),
        pytest.param("heeds a defender", marks=requirement("HAVIP-TAKE-027")),
    ],
)
def test_the_clients_conduct(parts: Parts, rule: str) -> None:
    shown_by = SHOWN_BY.get(rule, ())
    if shown_by and not any(fault in parts for fault in shown_by):
        pytest.skip(f"unsupported: {parts.name} declares none of: {', '.join(shown_by)}")
    complaints = []
    for played in parts.acts():
        conducts = played.conducts()
        if not conducts:
            raise Inconclusive(f"nothing befell the client in {played.scene.name}: {played.error}")
        complaints += [complaint for seen in conducts if (complaint := RULES[rule](seen))]
        if rule == "is silent while passive":
            concerned = {machine.name for seen in conducts for machine in (seen.victim, seen.heir)}
            others = [machine for machine in played.scene.machines if machine.name not in concerned]
            spoke = [machine.name for machine in others if announced_by(machine, played.scene.address)]
            complaints += [f"{name} announced {played.scene.address} and never was its turn" for name in spoke]
    assert complaints == []
