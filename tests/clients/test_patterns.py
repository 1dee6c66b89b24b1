"""Patterns of announcements, Linux's arp_notify, and FRR's vrrpd, on a plain bridge."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.base import Cause, Node, NotMovable
from pytest_havip.clients.frr import VIRTUAL_MAC, FrrCluster
from pytest_havip.clients.patterns import KUBE_VIP, METALLB, ArpNotifyCluster, PatternCluster
from pytest_havip.clients.program import ProgramMissing
from pytest_havip.lab import Frame, Host

NewHost = Callable[[str, str], Host]
PATIENCE = 15.0
REQUEST, REPLY, BROADCAST = 1, 2, "ff:ff:ff:ff:ff:ff"


@pytest.fixture(scope="module")
def pair(new_host: NewHost) -> tuple[Node, Node]:
    first, second = (
        Node(new_host(f"pattern-{end}", f"172.17.16.{end}"), IPv4Address(f"172.17.16.{end}")) for end in (81, 82)
    )
    for node in (first, second):
        node.host.port("eth0").capture.sync()
    return first, second


def announcement(vip: IPv4Address) -> Callable[[Frame], bool]:
    return lambda frame: (
        frame.outgoing and frame.data[12:14] == b"\x08\x06" and frame.data[28:32] == vip.packed == frame.data[38:42]
    )


def sent(node: Node, vip: IPv4Address, since: int, count: int) -> list[tuple[int, str]]:
    """The operations and target MAC addresses of so many announcements."""
    capture, is_one = node.host.port("eth0").capture, announcement(vip)
    seen: set[int] = set()

    def enough(frame: Frame) -> bool:
        if is_one(frame):
            seen.add(frame.time_ns)
        return len(seen) >= count

    capture.wait(enough, timeout=PATIENCE, since=since)
    frames = [frame.data for frame in capture.frames(since) if is_one(frame)][:count]
    return [(int.from_bytes(data[20:22], "big"), data[32:38].hex(":")) for data in frames]


def test_metallb_sends_a_request_and_a_reply_to_everybody(pair: tuple[Node, Node], vip: IPv4Address) -> None:
    first, second = pair
    cluster = PatternCluster.form(pair, [vip], pattern=replace(METALLB, interval=0.05))
    at = cluster.start()
    assert sent(first, vip, at, 10) == [(REQUEST, BROADCAST), (REPLY, BROADCAST)] * 5
    moved = cluster.move(second.host)
    assert sent(second, vip, moved, 2) == [(REQUEST, BROADCAST), (REPLY, BROADCAST)]
    assert cluster.holders() == (second.host,)
    cluster.close()
    assert cluster.holders() == ()


def test_kube_vip_sends_by_turns_until_it_is_released(pair: tuple[Node, Node], vip: IPv4Address) -> None:
    first, _ = pair
    cluster = PatternCluster.form(pair, [vip], pattern=replace(KUBE_VIP, first=0.05, interval=0.05))
    own = first.host.mac()
    at = cluster.start()
    assert sent(first, vip, at, 5) == [(REPLY, own), (REQUEST, BROADCAST)] * 2 + [(REPLY, own)]
    assert (cluster.traits.name, cluster.traits.announcement.refresh) == ("kube-vip (simulated)", 3.0)
    cluster.close()
    assert [each.name for each in threading.enumerate() if each.name.startswith("announces")] == []
    assert cluster.belief(first.host) == "released"


def test_linux_announces_what_an_interface_has(pair: tuple[Node, Node], vip: IPv4Address) -> None:
    first, second = pair
    cluster = ArpNotifyCluster.form(pair, [vip])
    at = cluster.start()
    assert sent(first, vip, at, 1) == [(REQUEST, "00:00:00:00:00:00")]
    moved = cluster.move(second.host)
    assert sent(second, vip, moved, 1) == [(REQUEST, "00:00:00:00:00:00")]
    assert cluster.active() is second.host
    cluster.close()


def test_frr_takes_over_with_one_announcement(pair: tuple[Node, Node], vip: IPv4Address) -> None:
    first, second = pair
    try:
        cluster = FrrCluster.form(pair, [vip])
    except ProgramMissing:
        pytest.skip("FRR is not installed")
    with cluster:
        started = cluster.start()
        assert sent(first, vip, started, 1) == [(REQUEST, BROADCAST)]
        cluster.wait_active(first.host, timeout=PATIENCE)
        with pytest.raises(NotMovable, match="vrrpd does not move"):
            cluster.move(second.host)
        stopped = cluster.stop(first.host)
        frame = second.host.port("eth0").capture.wait(announcement(vip), timeout=PATIENCE, since=stopped)
        assert frame.data[6:12].hex(":") == frame.data[22:28].hex(":") == VIRTUAL_MAC
        assert cluster.wait_active(second.host, timeout=PATIENCE) is second.host
        assert set(cluster.traits.takeover) >= {Cause.STOP, Cause.CRASH, Cause.LINK}
    assert cluster.holders() == ()


def test_a_missing_frr_is_told_with_its_remedy(
    pair: tuple[Node, Node], vip: IPv4Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_havip.clients.frr._FOLDER", "/nowhere")
    monkeypatch.setenv("PATH", os.defpath)
    with pytest.raises(ProgramMissing, match="apt-get install frr"):
        FrrCluster.form(pair, [vip])
    with pytest.raises(ValueError, match="two nodes"):
        FrrCluster.form(pair[:1], [vip])
