import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from pytest_havip.lab import Host
from pytest_havip.observe.probe import OwnerNotSeen, ProbesFailed, ProbeStream, Responders

INTERVAL = 0.002
Pair = tuple[Host, Host]


@pytest.fixture(scope="module")
def pair(new_host: Callable[[str, str], Host]) -> Pair:
    return new_host("a", "172.17.16.7"), new_host("b", "172.17.16.13")


@pytest.fixture(autouse=True)
def clean(pair: Pair, observer: Host, vip: IPv4Address) -> Iterator[None]:
    """Every test begins and ends with nobody holding the address and an observer that knows no neighbour."""
    yield
    for host in pair:
        drop(host, vip)
    observer.link_down("eth0")
    observer.link_up("eth0")


def drop(host: Host, vip: IPv4Address) -> None:
    if any(interface.ip == vip for interface in host.addresses("eth0")):
        host.remove_address(f"{vip}/32", "eth0")


def take(host: Host, vip: IPv4Address) -> int:
    """Hold the address and announce it, as a client would; return the time just before."""
    at = time.time_ns()
    host.add_address(f"{vip}/32", "eth0")
    hardware = bytes.fromhex(host.mac().replace(":", ""))
    arp = bytes.fromhex("0001080006040001") + hardware + vip.packed + b"\xff" * 6 + vip.packed
    host.port("eth0").send(b"\xff" * 6 + hardware + b"\x08\x06" + arp)
    return at


def test_only_the_holder_answers(observer: Host, pair: Pair, vip: IPv4Address) -> None:
    a, _ = pair
    with ProbeStream.start(observer, vip, pair, interval=INTERVAL) as stream:
        with pytest.raises(OwnerNotSeen, match="answers came from nobody"):
            stream.wait_for_owner(a, timeout=0.1)
        take(a, vip)
        first = stream.wait_for_owner(a, timeout=3)
        assert first.received > stream.record().probes[0].sent
        record = stream.stop()
    assert {tenure.owner for tenure in record.tenures()} == {"a"}
    assert record.dual_answers() == ()
    assert record.probes[-1].answers, "the last probe's answer was waited for"


def test_a_move_is_seen_with_its_outage(observer: Host, pair: Pair, vip: IPv4Address) -> None:
    a, b = pair
    take(a, vip)
    with ProbeStream.start(observer, vip, pair, interval=INTERVAL) as stream:
        stream.wait_for_owner("a", timeout=3)
        fault = time.time_ns()
        drop(a, vip)
        silent = len(stream.record().probes) + 20
        wait_until(lambda: len(stream.record().probes) > silent)
        taken = take(b, vip)
        stream.wait_for_owner("b", timeout=3, since=taken)
        record = stream.stop()
    outage = record.outage(fault)
    assert (outage.before, outage.after) == ("a", "b")
    assert outage.lost >= 15
    assert outage.start >= fault - INTERVAL * 1e9
    assert taken < outage.end < taken + 1e9
    assert [tenure.owner for tenure in record.tenures()] == ["a", "b"]
    assert record.takeover("b", fault) == pytest.approx((outage.end - fault) / 1e9)


def test_an_unresolved_neighbour_does_not_hold_up_the_stream(observer: Host, pair: Pair, vip: IPv4Address) -> None:
    a, _ = pair
    with ProbeStream.start(observer, vip, pair, interval=INTERVAL) as stream:
        wait_until(lambda: len(stream.record().probes) > 300)
        taken = take(a, vip)
        stream.wait_for_owner(a, timeout=3)
        record = stream.stop()
    before = [probe for probe in record.probes if probe.sent < taken]
    assert len(before) > 300
    assert record.probes[-1].number == len(record.probes), "no number was left out"
    assert record.outage(before[0].sent).seconds > 300 * INTERVAL * 0.9


def test_a_dead_responder_on_a_living_kernel_answers_nothing(observer: Host, pair: Pair, vip: IPv4Address) -> None:
    a, _ = pair
    take(a, vip)
    with Responders.start(vip, pair) as responders, ProbeStream.start(observer, vip, responders) as stream:
        stream.wait_for_owner(a, timeout=3)
        fault = responders.end(a)
        with pytest.raises(OwnerNotSeen, match="no answer from a within"):
            stream.wait_for_owner(a, timeout=0.1, since=time.time_ns())
        record = stream.stop()
    assert not record.outage(fault).served


def test_two_streams_share_responders(observer: Host, pair: Pair, vip: IPv4Address) -> None:
    a, b = pair
    take(a, vip)
    with (
        Responders.start(vip, pair) as responders,
        ProbeStream.start(observer, vip, responders) as one,
        ProbeStream.start(b, vip, responders) as other,
    ):
        one.wait_for_owner(a, timeout=3)
        other.wait_for_owner(a, timeout=3)


def test_a_taken_port_is_told(observer: Host, pair: Pair, vip: IPv4Address) -> None:
    a, _ = pair
    with a.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 9400))
        with pytest.raises(ProbesFailed, match="Address already in use"):
            ProbeStream.start(observer, vip, [a], port=9400)


def test_a_record_is_readable_after_the_stream_was_closed(observer: Host, pair: Pair, vip: IPv4Address) -> None:
    with ProbeStream.start(observer, vip, pair) as stream:
        pass
    assert stream.record().probes
    assert stream.stop() == stream.record()


def test_a_killed_prober_leaves_its_record_and_is_told(observer: Host, pair: Pair, vip: IPv4Address) -> None:
    with ProbeStream.start(observer, vip, pair) as stream:
        stream._process.kill()
        with pytest.raises(OwnerNotSeen, match="the prober has ended"):
            stream.wait_for_owner("a", timeout=5)
        with pytest.raises(ProbesFailed, match="the prober ended with -9"):
            stream.stop()
    assert stream.record().probes


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.002)
