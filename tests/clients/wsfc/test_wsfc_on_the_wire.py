"""What the cluster's programs put on the wire, on the plain bridge and on the reference network."""

import json
import time
from ipaddress import IPv4Address
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Cause
from pytest_havip.clients.wsfc.settings import WsfcSettings
from pytest_havip.lab import Frame
from pytest_havip.observe.probe import ProbeStream
from pytest_havip.targets.base import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.wsfc.conftest import Cell

NewCell: TypeAlias = "Callable[..., Cell]"
VIP = IPv4Address("172.17.16.3")
#: What a busy machine may add to the cluster's timers.
SLACK = 1.5
PATIENCE = 12.0
ZERO = bytes(4)
UDP = 17
#: Keeps every heartbeat out of a host.
DEAF = "table inet deaf { chain heartbeats { type filter hook input priority 0; udp dport 3343 drop; }; }"
HEARTBEATS = (3343).to_bytes(2, "big")


def test_it_forms_probes_and_only_then_announces(new_cell: NewCell, network: Target) -> None:
    made = new_cell(network=network, started=False)
    a, b = made.machines
    started = made.cluster.start()
    made.cluster.wait_active(a.host, timeout=PATIENCE)
    a.port.capture.wait(lambda frame: frame.outgoing and frame.data[28:32] == VIP.packed, timeout=PATIENCE)
    bound = made.cluster.traits.takeover[Cause.START]
    assert bound.earliest <= made.announced(a, started) <= bound.latest + SLACK
    last = made.cluster.traits.announcement.spacing + SLACK
    a.port.capture.wait(lambda _: len(made.arp(a)) == 5, timeout=last)
    frames = made.arp(a)
    assert [frame.data[28:32] for frame in frames] == [ZERO] * 3 + [VIP.packed] * 2
    for frame in frames:
        assert frame.data[:12] == b"\xff" * 6 + bytes.fromhex(a.mac.replace(":", ""))
        assert (frame.data[20:22], frame.data[32:38], len(frame.data)) == (b"\0\1", bytes(6), 42)
    gaps = [(after.time_ns - before.time_ns) / 1e9 for before, after in pairwise(frames)]
    check = made.cluster.settings.check
    least = [check.probe_min, check.probe_min, check.announce_wait, check.announce_interval]
    assert all(gap >= wait - 0.001 for gap, wait in zip(gaps, least, strict=True)), gaps
    assert made.arp(b) == []
    assert made.owner() is a
    assert (made.cluster.belief(a.host), made.cluster.belief(b.host)) == ("online", "offline")
    assert_heartbeats(a, b, made.cluster.settings.same_subnet_delay)


def spoken(one: Instance, other: Instance, since: int) -> list[tuple[float, dict[str, Any]]]:
    """What two nodes have said to each other, with its time, as the first one's interface saw it."""
    said = []
    for frame in one.port.capture.frames(since):
        data = frame.data
        between = {data[26:30], data[30:34]} == {one.address.packed, other.address.packed}
        if data[12:14] == b"\x08\x00" and data[23] == UDP and between:
            assert data[34:38] == HEARTBEATS * 2
            said.append((frame.time_ns / 1e9, json.loads(data[42:])))
    return said


def assert_heartbeats(one: Instance, other: Instance, delay: float) -> None:
    """Each sends a heartbeat every `delay`, beside those that tell of a change, and a response to each it gets."""
    since = time.time_ns()

    def beats(machine: Instance) -> dict[int, float]:
        heard = spoken(one, other, since)
        return {
            told["number"]: at for at, told in heard if (told["kind"], told["sender"]) == ("Heartbeat", machine.name)
        }

    def all_have_beaten(_: Frame) -> bool:
        return min(len(beats(one)), len(beats(other))) > 6

    one.port.capture.wait(all_have_beaten, timeout=9 * delay + SLACK, since=since)
    answered = {(told["number"], told["sender"]) for _, told in spoken(one, other, since) if told["kind"] == "Response"}
    for machine, peer in ((one, other), (other, one)):
        gaps = sorted(after - before for before, after in pairwise(beats(machine).values()))
        assert gaps[len(gaps) // 2] == pytest.approx(delay, abs=0.1)
        assert gaps[-1] < delay + 0.5
        assert {(number, peer.name) for number in list(beats(machine))[:-1]} <= answered


def test_a_planned_move_is_silent_first_and_short(new_cell: NewCell, network: Target) -> None:
    made = new_cell(network=network)
    a, b = made.machines
    with ProbeStream.start(made.user.host, VIP, [a.host, b.host]) as stream:
        stream.wait_for_owner(a.host, timeout=PATIENCE)
        asked = made.cluster.move(b.host)
        made.cluster.wait_active(b.host, timeout=PATIENCE)
        stream.wait_for_owner(b.host, timeout=PATIENCE, since=asked)
        record = stream.stop()
    assert [tenure.owner for tenure in record.tenures()] == ["a", "b"]
    assert record.dual_answers() == ()
    bound = made.cluster.traits.takeover[Cause.MOVE]
    assert bound.earliest <= record.outage(asked).seconds <= bound.latest + SLACK
    assert bound.earliest <= made.announced(b, asked) <= bound.latest + SLACK
    assert made.arp(a, asked) == []
    assert made.cluster.holders() == (b.host,)
    assert made.owner() is b


def test_a_dead_machine_is_followed_after_the_threshold(new_cell: NewCell, network: Target) -> None:
    made = new_cell(network=network)
    a, b = made.machines
    cut = time.time_ns()
    network.set_link(a.nic, up=False)
    made.cluster.wait_active(b.host, timeout=PATIENCE)
    bound = made.cluster.traits.takeover[Cause.LINK]
    assert bound.earliest - 0.1 <= made.announced(b, cut) <= bound.latest + SLACK
    assert made.cluster.holders() == (b.host,), "without a carrier the old owner gives the address up"
    network.set_link(a.nic, up=True)
    made.wait_status(a, lambda status: status["nodes"]["b"] == "up" and status["owner"] == "b")
    assert made.arp(a, cut) == []
    assert made.cluster.active() is b.host
    assert made.owner() is b


def test_who_loses_all_heartbeats_stops_before_the_other_starts(new_cell: NewCell, network: Target) -> None:
    made = new_cell(network=network)
    a, b = made.machines
    with ProbeStream.start(made.user.host, VIP, [a.host, b.host]) as stream:
        stream.wait_for_owner(a.host, timeout=PATIENCE)
        at = time.time_ns()
        # Nothing else is lost: its interface has a carrier, and its kernel would answer the other one's probes.
        assert a.host.run(["nft", DEAF]).returncode == 0
        stream.wait_for_owner(b.host, timeout=PATIENCE, since=at)
        record = stream.stop()
    assert record.dual_answers() == ()
    assert [tenure.owner for tenure in record.tenures()] == ["a", "b"]
    lease = made.cluster.settings.lease
    outage = record.outage(at)
    assert lease - made.cluster.settings.same_subnet_delay <= (outage.start - at) / 1e9 <= lease + SLACK
    assert outage.seconds >= made.cluster.settings.check.earliest
    assert "event 1177: quorum was lost" in made.cluster.log(a.host)
    assert made.owner() is b
    assert made.arp(a, at) == [], "it goes without a word"
    assert a.host.run(["nft", "flush ruleset"]).returncode == 0
    made.wait_status(a, lambda status: status["owner"] == "b")
    assert made.arp(a, at) == []


@pytest.mark.parametrize("fault", ["crash", "freeze"])
def test_a_ghost_keeps_its_successor_offline_until_it_is_gone(new_cell: NewCell, network: Target, fault: str) -> None:
    made = new_cell(network=network)
    a, b = made.machines
    at = getattr(made.cluster, fault)(a.host)
    status = made.wait_status(b, lambda status: status["role"] == "failed")
    assert (status["owner"], status["nodes"]["a"]) == ("b", "down")
    assert f"event 1049: {VIP} is a duplicate: {a.mac}" in status["event"]
    assert {frame.data[28:32] for frame in made.arp(b, at)} == {ZERO}, "it probes and does not announce"
    assert made.cluster.holders() == (a.host,)
    assert made.cluster.active() is None
    assert made.owner() is a
    back = made.cluster.start(a.host) if fault == "crash" else made.cluster.thaw(a.host)
    status = made.wait_status(b, lambda status: status["role"] == "online")
    owner = next(machine for machine in made.machines if machine.name == status["owner"])
    assert made.cluster.wait_active(owner.host, timeout=PATIENCE) is owner.host
    assert made.announced(owner, back) > made.cluster.settings.check.earliest
    assert made.owner() is owner


def test_real_timers_keep_their_formula(new_cell: NewCell) -> None:
    made = new_cell(settings=WsfcSettings(), started=False)
    a, b = made.machines
    started = made.cluster.start()
    made.cluster.wait_active(a.host, timeout=15)
    bounds = made.cluster.traits.takeover
    assert bounds[Cause.START].earliest <= made.announced(a, started) <= bounds[Cause.START].latest + SLACK
    assert_heartbeats(a, b, 1.0)
    cut = time.time_ns()
    made.target.set_link(a.nic, up=False)
    b.port.capture.wait(lambda frame: frame.outgoing and frame.data[28:32] == VIP.packed, timeout=25, since=cut)
    bound = bounds[Cause.LINK]
    assert (bound.earliest, bound.latest) == (13.0, 17.0)
    assert bound.earliest - 0.1 <= made.announced(b, cut) <= bound.latest + SLACK
