"""The capture file of a failed test, read back."""

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scapy.utils import RawPcapNgReader

from pytest_havip.lab import Frame
from pytest_havip.observe.pcap import write_capture

BASE = 1_700_000_000_123_456_000
FRAME = b"\xff" * 6 + bytes.fromhex("020000000001") + bytes.fromhex("88b5") + b"payload".ljust(46, b"\0")


def machine(*frames: Frame) -> Any:
    return SimpleNamespace(port=SimpleNamespace(capture=SimpleNamespace(frames=lambda: list(frames))))


def read(path: Path) -> list[tuple[int, str, int, bytes, int]]:
    """Time in microseconds, interface, direction, frame, bytes on the wire."""
    with RawPcapNgReader(str(path)) as reader:
        packets: list[tuple[bytes, Any]] = list(reader)
    return [
        ((meta.tshigh << 32) + meta.tslow, meta.ifname.decode(), meta.direction, data, meta.wirelen)
        for data, meta in packets
    ]


def test_frames_of_all_machines_in_the_order_of_time(tmp_path: Path) -> None:
    a = machine(
        Frame(BASE, "a", "eth0", outgoing=True, data=FRAME, length=len(FRAME)),
        Frame(BASE + 2_999, "a", "eth0", outgoing=False, data=FRAME[:42], length=1514),
    )
    b = machine(Frame(BASE + 1_000, "b", "eth1", outgoing=False, data=FRAME, length=len(FRAME)))
    write_capture(tmp_path / "wire.pcapng", [a, b])
    assert read(tmp_path / "wire.pcapng") == [
        (BASE // 1000, "a/eth0", 2, FRAME, len(FRAME)),
        (BASE // 1000 + 1, "b/eth1", 1, FRAME, len(FRAME)),
        (BASE // 1000 + 2, "a/eth0", 1, FRAME[:42], 1514),
    ]


def test_times_are_the_kernels_to_the_microsecond(tmp_path: Path) -> None:
    frames = [Frame(BASE + 1_000 * number, "a", "eth0", outgoing=True, data=FRAME) for number in range(1000)]
    write_capture(tmp_path / "wire.pcapng", [machine(*frames)])
    assert [time for time, *_ in read(tmp_path / "wire.pcapng")] == [frame.time_ns // 1000 for frame in frames]


def test_odd_frames_are_kept_as_they_are(tmp_path: Path) -> None:
    odd = [b"\x01", FRAME[:13], bytes.fromhex("81000000") * 20, FRAME + b"x" * 1500]
    frames = [Frame(BASE + number, "a", "eth0", outgoing=True, data=data) for number, data in enumerate(odd)]
    write_capture(tmp_path / "wire.pcapng", [machine(*frames)])
    assert [data for _, _, _, data, _ in read(tmp_path / "wire.pcapng")] == odd


def test_a_capture_without_frames_is_still_a_capture(tmp_path: Path) -> None:
    write_capture(tmp_path / "wire.pcapng", [machine()])
    assert (tmp_path / "wire.pcapng").read_bytes()[:4] == bytes.fromhex("0a0d0d0a")


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
def test_tcpdump_reads_it_too(tmp_path: Path) -> None:
    frames = [Frame(BASE + number, host, "eth0", outgoing=True, data=FRAME) for number, host in enumerate("aab")]
    write_capture(tmp_path / "wire.pcapng", [machine(*frames)])
    # Standard input, because tcpdump reads as a user of its own.
    with (tmp_path / "wire.pcapng").open("rb") as wire:
        read = subprocess.run(["tcpdump", "-enr", "-"], stdin=wire, capture_output=True, text=True, check=True)
    assert read.stdout.count("02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype Unknown (0x88b5), length 60") == 3
