"""A real PostgreSQL and its standby, without an HA client; the last tests end the pair."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from time import monotonic, sleep, time_ns

import pytest

from pytest_havip.clients.base import Node
from pytest_havip.clients.postgres import Database, Running, Statement, find_postgres
from pytest_havip.clients.program import ProgramMissing
from pytest_havip.clients.replication import PROMOTE, DatabasePair
from pytest_havip.clients.service import ServiceNotStarted
from pytest_havip.lab import Host
from pytest_havip.observe.attempts import Outcome
from pytest_havip.observe.users import NotServed, Users

try:
    PSQL = find_postgres("psql")
except ProgramMissing as missing:
    pytest.skip(str(missing), allow_module_level=True)

PRIMARY, STANDBY = IPv4Address("172.17.16.51"), IPv4Address("172.17.16.52")
PATIENCE = 30.0


@dataclass
class Pair:
    primary: Database
    standby: Database
    running: dict[str, Running]

    def users(self, host: Host) -> Users:
        return Users.of_a_database(host, PRIMARY, PSQL, users=2)


@pytest.fixture(scope="module")
def pair(new_host: Callable[[str, str], Host]) -> Iterator[Pair]:
    nodes = [Node(new_host(name, str(address)), address) for name, address in (("db-a", PRIMARY), ("db-b", STANDBY))]
    databases = DatabasePair(nodes)
    databases.write_promotions()
    primary, standby = (databases.of(node.host) for node in nodes)
    running = {}
    primary.initialise()
    running["db-a"] = primary.start()
    primary.ask("CREATE TABLE writes (id bigint PRIMARY KEY)")
    standby.clone(primary.node)
    running["db-b"] = standby.start()
    primary.synchronise(standby)
    yield Pair(primary, standby, running)
    for server in running.values():
        server.crash()


def rows(database: Database) -> set[int]:
    return set(map(int, database.ask("SELECT id FROM writes").split()))


def test_a_host_without_a_database_says_so(new_host: Callable[[str, str], Host]) -> None:
    address = IPv4Address("172.17.16.53")
    empty = Database(Node(new_host("empty", str(address)), address))
    with pytest.raises(ServiceNotStarted, match=r"PostgreSQL on empty takes no connections: .*could not access"):
        empty.start()
    with pytest.raises(Statement, match=r"PostgreSQL on empty refused `SELECT 1`: .*No such file or directory"):
        empty.ask("SELECT 1")


def test_one_is_the_primary_and_the_other_refuses_writes(pair: Pair, observer: Host) -> None:
    assert (pair.primary.is_primary(), pair.standby.is_primary()) == (True, False)
    with Users.of_a_database(observer, STANDBY, PSQL, users=1) as users:
        deadline = monotonic() + PATIENCE
        while not any(users.record().having(Outcome.REFUSED)):
            assert monotonic() < deadline
            sleep(0.05)
        record = users.stop()
    assert {each.outcome for each in record.attempts} == {Outcome.REFUSED}


def test_what_is_acknowledged_is_there(pair: Pair, observer: Host) -> None:
    with pair.users(observer) as users:
        users.wait_served(50, since=time_ns(), timeout=PATIENCE, by="db-a")
        record = users.stop()
    assert {each.identity for each in record.having(Outcome.DONE)} <= rows(pair.primary)


def test_without_the_standby_nothing_is_acknowledged_and_what_is_unknown_may_be_there(
    pair: Pair, observer: Host
) -> None:
    pair.primary.ask("TRUNCATE writes")
    began = time_ns()
    pair.running["db-b"]._process.freeze()
    with pair.users(observer) as users:
        with pytest.raises(NotServed):
            users.wait_served(1, since=began, timeout=3.0)
        pair.running["db-b"]._process.thaw()
        users.wait_served(1, since=began, timeout=PATIENCE)
        record = users.stop()
    unknown = {each.identity for each in record.having(Outcome.UNKNOWN)}
    assert unknown & rows(pair.primary)


def test_an_asynchronous_standby_loses_acknowledged_writes(pair: Pair, observer: Host) -> None:
    """So the comparison that proves the use case can fail."""
    pair.primary.ask("TRUNCATE writes")
    pair.primary.ask("ALTER SYSTEM RESET synchronous_standby_names")
    pair.primary.ask("SELECT pg_reload_conf()")
    pair.running["db-b"].crash()
    with pair.users(observer) as users:
        users.wait_served(50, since=time_ns(), timeout=PATIENCE)
        pair.running["db-a"].crash()
        record = users.stop()
    pair.running["db-b"] = pair.standby.start()
    host = pair.standby.node.host
    assert host.run(PROMOTE).returncode == 0
    assert host.run(PROMOTE).returncode == 0  # it is the primary already
    assert pair.standby.is_primary()
    acknowledged = {each.identity for each in record.having(Outcome.DONE)}
    assert len(acknowledged) >= 50
    assert acknowledged & rows(pair.standby) == set()
