"""A user of TCP tells a connection that is reset from one that is stalled or kept, and when a new one is served."""

import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from pytest_havip.lab import Host
from pytest_havip.observe import connection_agent
from pytest_havip.observe.connection_record import ConnectionReader, ConnectionRecord, Fate
from pytest_havip.observe.connections import Connections
from pytest_havip.observe.probe import ProbesFailed, Responders

Pair = tuple[Host, Host]
MS = 1_000_000


@pytest.fixture(scope="module")
def pair(new_host: Callable[[str, str], Host]) -> Pair:
    return new_host("a", "172.17.16.7"), new_host("b", "172.17.16.13")


@pytest.fixture
def responders(pair: Pair, observer: Host, vip: IPv4Address) -> Iterator[Responders]:
    observer.set_neighbour(vip, pair[0].mac())
    with Responders.start(vip, pair) as responders:
        yield responders
    for host in pair:
        if any(interface.ip == vip for interface in host.addresses()):
            host.remove_address(f"{vip}/32")


def wait_until(done: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def move(old: Host, new: Host, observer: Host, vip: IPv4Address) -> int:
    at = time.time_ns()
    old.remove_address(f"{vip}/32")
    new.add_address(f"{vip}/32")
    observer.set_neighbour(vip, new.mac())
    return at


def test_a_move_resets_the_old_connection_and_serves_new_ones(
    pair: Pair, observer: Host, responders: Responders, vip: IPv4Address
) -> None:
    a, b = pair
    a.add_address(f"{vip}/32")
    with Connections(observer, responders) as user:
        user.begin()
        at = move(a, b, observer, vip)
        wait_until(lambda: (fate := user.record().fate(at)) is not None and fate.kind == "reset")
        wait_until(lambda: user.record().first_served("b", at) is not None)
        # Another one is kept in its place.
        wait_until(lambda: (fate := user.record().fate(time.time_ns())) is not None and fate.kind == "kept")
        record = user.stop()
    fate = record.fate(at)
    assert fate is not None
    # The kernel sends again what was lost after 0.2, 0.6 and 1.4 s.
    assert 0 < fate.seconds < 5
    assert record.first_served("a", at) is None
    served = record.first_served("b", at)
    assert served is not None
    assert served < 5


def test_a_service_that_dies_closes_the_connection(
    pair: Pair, observer: Host, responders: Responders, vip: IPv4Address
) -> None:
    a, _ = pair
    a.add_address(f"{vip}/32")
    with Connections(observer, responders) as user:
        user.begin()
        at = responders.end(a)
        wait_until(lambda: (fate := user.record().fate(at)) is not None and fate.kind in {"closed", "reset"})


def test_a_connection_that_is_cut_off_is_stalled_and_then_goes_on(
    pair: Pair, observer: Host, responders: Responders, vip: IPv4Address
) -> None:
    a, _ = pair
    a.add_address(f"{vip}/32")
    with Connections(observer, responders) as user:
        user.begin()
        at = time.time_ns()
        a.link_down()
        wait_until(lambda: (fate := user.record().fate(at)) is not None and fate.kind == "stalled")
        a.link_up()
        wait_until(lambda: (fate := user.record().fate(at)) is not None and fate.kind == "kept")
        fate = user.stop().fate(at)
    assert fate is not None
    assert 0.05 < fate.seconds < 10


def test_where_nobody_serves_there_is_no_connection(
    observer: Host, responders: Responders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_havip.observe.connections._START_TIMEOUT", 0.2)
    with Connections(observer, responders) as user:
        assert user.stop() == ConnectionRecord((), 0)
        user.begin()
        record = user.stop()
    assert record.connections
    assert record.fate(0) is None
    assert record.first_served("a", 0) is None


def test_a_user_who_ends_on_its_own_is_told(
    observer: Host, responders: Responders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_agent, "__file__", "/nowhere/agent.py")
    with Connections(observer, responders) as user:
        with pytest.raises(ProbesFailed, match="the user of TCP ended at once"):
            user.begin()
        with pytest.raises(ProbesFailed, match="the user of TCP ended with 2"):
            user.stop()


@pytest.mark.parametrize(
    ("lines", "fate"),
    [
        ("", None),
        ("o 1 10;q 1 15;a 1 20 a;e 1 30 done", None),
        ("o 1 10;q 1 15;a 1 20 a;e 1 90 closed", None),
        ("o 1 150;q 1 155;a 1 160 a", None),
        ("o 1 10;q 1 15;a 1 90 a;e 1 400 closed", Fate("closed", 0.3)),
        ("o 1 10;q 1 15;a 1 90 a;q 1 99;o 2 95;e 2 99 given-up;e 1 6300 ECONNRESET", Fate("reset", 6.2)),
        ("o 1 10;q 1 15;a 1 90 a;q 1 190", Fate("stalled", 9.9)),
        ("o 1 10;q 1 15;a 1 90 a;q 1 95;a 1 700 a;q 1 800;a 1 810 a", Fate("kept", 0.605)),
        ("o 1 10;q 1 15;a 1 90 a;q 1 9999", Fate("kept", 0)),
    ],
)
def test_fates(lines: str, fate: Fate | None) -> None:
    """Times in the lines are milliseconds; the fault is at 100, the record's end at 10,000."""
    reader = ConnectionReader()
    for line in filter(None, lines.split(";")):
        kind, number, at, *rest = line.split()
        reader.feed(f"{' '.join([kind, number, str(int(at) * MS), *rest])}\n".encode())
    found = reader.record(10_000 * MS).fate(100 * MS)
    assert (found is None) == (fate is None)
    if found and fate:
        assert found.kind == fate.kind
        assert found.seconds == pytest.approx(fate.seconds)


def test_what_happens_later_does_not_count() -> None:
    reader = ConnectionReader()
    reader.feed(b"o 1 10\nq 1 15\na 1 20 a\nq 1 30\n")
    reader.feed(b"o 2 4000000000\nq 2 4000000001\na 2 4100000000 b\ne 1 6000000000 ECONNRESET\n")
    record = reader.record(7_000 * MS)
    whole, earlier = record.fate(100), record.until(5_000 * MS).fate(100)
    assert whole is not None
    assert earlier is not None
    assert (whole.kind, earlier.kind) == ("reset", "stalled")
    assert whole.seconds == pytest.approx(6)
    assert earlier.seconds == pytest.approx(5)
    assert record.first_served("b", 100) == pytest.approx(4.1)
    assert record.until(3_000 * MS).first_served("b", 100) is None


@pytest.mark.parametrize("line", ["x 1 2", "q 1 2", "a 1 2 b", "e 1 2 done", "o 1"])
def test_a_line_that_is_none_is_told(line: str) -> None:
    with pytest.raises(ValueError, match="none of its lines"):
        ConnectionReader().feed(line.encode() + b"\n")
