"""What the use cases look like when something in them is broken: so their tests can fail."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.base import Node
from pytest_havip.clients.faults import SERVICE_DEAD
from pytest_havip.clients.keepalived import KeepalivedCluster
from pytest_havip.clients.program import ProgramMissing
from pytest_havip.clients.replication import DatabasePair
from pytest_havip.fixtures.balancing import BalancedAct, balanced, form_balancers
from pytest_havip.fixtures.numbers import Number
from pytest_havip.fixtures.replication import ReplicatedAct, replicated
from pytest_havip.fixtures.takeovers import Played, play
from pytest_havip.lab import Lab
from pytest_havip.observe.attempts import Outcome
from pytest_havip.observe.endings import Outcome as Ending
from pytest_havip.observe.users import NotServed
from pytest_havip.targets import open_target


def form_without_promotion(nodes: Sequence[Node], addresses: Sequence[IPv4Address], _: Node) -> KeepalivedCluster:
    """The database's standby takes the address over, and stays a standby."""
    return KeepalivedCluster.form(nodes, addresses, service=DatabasePair(nodes).service)


BROKEN = {
    "one web server is missing": Number(form_balancers, balanced(SERVICE_DEAD), of=BalancedAct, guests=1),
    "nobody promotes": Number(
        form_without_promotion, replicated(SERVICE_DEAD, writes=20, patience=8.0), of=ReplicatedAct
    ),
}


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Played]]:
    with Lab.open() as lab, open_target("reference", lab) as target, ExitStack() as ends:
        yield play(ends, lab, target, BROKEN)


def test_a_web_server_that_is_not_asked_is_seen(played: dict[str, Played]) -> None:
    act = played["one web server is missing"]
    assert isinstance(act, BalancedAct)
    assert act.requests.servers().keys() == {"one-web-server-is-missing-guest-1"}
    assert act.takeovers[0].ending.outcome is Ending.TAKEN


def test_a_standby_that_stays_one_is_seen(played: dict[str, Played]) -> None:
    act = played["nobody promotes"]
    if isinstance(act, ProgramMissing):
        pytest.skip(str(act))
    assert isinstance(act, ReplicatedAct)
    assert act.takeovers[0].ending.outcome is Ending.TAKEN  # the address moved
    assert isinstance(act.error, NotServed)
    assert act.kills == []
    assert any(act.writes.having(Outcome.REFUSED, since=act.takeovers[0].at))
