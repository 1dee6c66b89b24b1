"""How many announcements a takeover took, counted from what was sent and what was heard."""

from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_havip.fixtures.measures import Measures, announcements_heard
from pytest_havip.lab import Frame
from pytest_havip.observe.connection_record import Connection, ConnectionRecord
from pytest_havip.observe.probe_record import Answer, Probe, ProbeRecord

MS = 1_000_000
VIP = IPv4Address("172.17.16.3")
MAC = "02:00:00:00:00:07"


def machine(name: str, times: list[float], *, outgoing: bool) -> Any:
    own = bytes.fromhex(MAC.replace(":", ""))
    arp = bytes.fromhex("0001080006040001") + own + VIP.packed + bytes(6) + VIP.packed
    data = b"\xff" * 6 + own + b"\x08\x06" + arp
    frames = [Frame(round(time * MS), name, "eth0", outgoing, data) for time in times]
    capture = SimpleNamespace(frames=lambda since=0: [frame for frame in frames if frame.time_ns >= since])
    return SimpleNamespace(name=name, mac=MAC, port=SimpleNamespace(capture=capture))


def taken(sent: list[float], heard: list[float], served: float | None) -> Any:
    """A takeover with times in ms after the fault."""
    observer = SimpleNamespace(instance=machine("c", heard, outgoing=False))
    probes = [Probe(1, 1, ()), Probe(2, 50 * MS, (Answer("b", round(served * MS)),) if served else ())]
    record = ProbeRecord(tuple(probes), 0.01)
    return SimpleNamespace(
        scene=SimpleNamespace(address=VIP, observer=observer),
        victim=SimpleNamespace(name="a"),
        heir=machine("b", sent, outgoing=True),
        at=1,
        until=9_000 * MS,
        served=record.first_answer("b"),
        seconds=served and served / 1000,
        outage=record.outage(1),
        record=record,
        connections=ConnectionRecord((Connection(1, 60 * MS, [61 * MS], [Answer("b", 70 * MS)]),), 9_000 * MS),
    )


@pytest.mark.parametrize(
    ("sent", "heard", "served", "counted"),
    [
        pytest.param([40], [40.3], 60, (1, 1), id="one was enough"),
        pytest.param([40, 40.1, 40.2], [40.3, 40.4, 40.5], 60, (3, 1), id="the first was enough"),
        pytest.param([40, 40.1, 40.2], [40.4, 40.5], 60, (3, 2), id="the first was lost"),
        pytest.param([40, 40.1, 1040, 1040.1], [1040.3, 1040.4], 1060, (4, 3), id="the first block was lost"),
        pytest.param([40, 40.1, 1040], [40.3, 40.4, 1040.3], 60, (2, 1), id="what came later does not count"),
        pytest.param([40], [], 60, (1, 1), id="nobody else heard it"),
        pytest.param([], [], 60, (0, 0), id="it never announced"),
        pytest.param([40, 40.1], [40.4], None, (None, None), id="it never served"),
    ],
)
def test_announcements_needed(
    sent: list[float], heard: list[float], served: float | None, counted: tuple[int | None, int | None]
) -> None:
    found = Measures.of(taken(sent, heard, served))
    assert (found.announcements_sent, found.announcements_needed) == counted


def test_figures_are_milliseconds_after_the_fault() -> None:
    found = Measures.of(taken([40], [40.3], 60))
    assert found.first_answer_ms == pytest.approx(60)
    assert found.dual_answer_ms == 0
    assert found.new_connection_ms == pytest.approx(70)
    assert (found.connection, found.connection_ms) == (None, None)
    assert (found.lost_probes, found.outage_ended) == (1, True)


def test_announcements_of_a_later_block_are_not_counted_as_heard() -> None:
    played = taken([], [40, 40.1, 539, 1040], 60)
    assert announcements_heard(played.scene, played.heir, 1) == 3
    assert announcements_heard(played.scene, played.heir, 100 * MS) == 1
