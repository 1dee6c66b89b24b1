"""A wire that loses, repeats and delays what it is told to, and carries everything else."""

import socket
from collections.abc import Callable

import pytest

from pytest_havip.lab import Frame, Host, Lab, LabError, Wire

PROBES = "udp dport 5000"
SO_NO_CHECK = 11  # asm-generic/socket.h: else the kernel leaves the checksum to a NIC that there is not


@pytest.fixture
def wired(lab: Lab) -> tuple[Host, Host, Wire]:
    """Two hosts, a at the near end of a wire and b at its far end."""
    a, b, middle = lab.host("a"), lab.host("b"), lab.host("middle")
    lab.link(a, "eth0", middle, "near", mac="02:00:00:00:00:01")
    lab.link(b, "eth0", middle, "far")
    a.add_address("10.0.0.1/24")
    b.add_address("10.0.0.2/24")
    wire = Wire(middle)
    wire.arrivals.sync()
    wire.connect()
    return a, b, wire


def sender(host: Host, to: str) -> Callable[[str], None]:
    opened = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    opened.connect((to, 5000))

    def say(word: str) -> None:
        opened.send(word.encode())

    return say


def receiver(host: Host, address: str) -> Callable[[], str]:
    opened = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((address, 5000))
    opened.settimeout(5)
    return lambda: opened.recv(100).decode()


def is_probe(word: str) -> Callable[[Frame], bool]:
    return lambda frame: frame.outgoing and frame.data.endswith(word.encode())


def test_a_wire_carries_everything_both_ways(wired: tuple[Host, Host, Wire]) -> None:
    a, b, _ = wired
    with b.socket(socket.AF_INET, socket.SOCK_STREAM) as listener, a.socket(socket.AF_INET, socket.SOCK_STREAM) as near:
        listener.bind(("10.0.0.2", 80))
        listener.listen()
        near.settimeout(5)
        near.connect(("10.0.0.2", 80))
        far, _ = listener.accept()
        with far:
            near.sendall(b"question" * 10_000)
            assert len(far.recv(80_000, socket.MSG_WAITALL)) == 80_000
            far.sendall(b"answer")
            assert near.recv(6) == b"answer"
    assert a.neighbour("10.0.0.2") is not None


def test_the_first_frames_are_lost_and_no_more(wired: tuple[Host, Host, Wire]) -> None:
    a, b, wire = wired
    say, hear = sender(a, "10.0.0.2"), receiver(b, "10.0.0.2")
    say("before")
    assert hear() == "before"
    wire.lose(PROBES, first=3)
    for word in ("one", "two", "three", "four", "five"):
        say(word)
    assert [hear(), hear()] == ["four", "five"]
    wire.lose(PROBES)
    say("never")
    wire.mend()
    say("after")
    assert hear() == "after"


def test_one_way_is_lost_and_the_other_is_not(wired: tuple[Host, Host, Wire]) -> None:
    a, b, wire = wired
    wire.lose(PROBES, inward=True)
    say, hear = sender(a, "10.0.0.2"), receiver(b, "10.0.0.2")
    answer, listen = sender(b, "10.0.0.1"), receiver(a, "10.0.0.1")
    answer("lost")
    say("heard")
    assert hear() == "heard"
    wire.mend()
    answer("heard, too")
    assert listen() == "heard, too"


def test_frames_arrive_several_times(wired: tuple[Host, Host, Wire]) -> None:
    a, b, wire = wired
    say, hear = sender(a, "10.0.0.2"), receiver(b, "10.0.0.2")
    wire.repeat(PROBES, 3)
    say("again")
    wire.mend()
    say("once")
    assert [hear() for _ in range(4)] == ["again", "again", "again", "once"]


def test_a_lost_frame_arrives_late(wired: tuple[Host, Host, Wire]) -> None:
    a, b, wire = wired
    say, hear = sender(a, "10.0.0.2"), receiver(b, "10.0.0.2")
    sent = a.port().capture
    wire.lose(PROBES, first=1)
    say("early")
    late = sent.wait(is_probe("early"), timeout=5)
    say("later")
    assert hear() == "later"
    at = wire.deliver(late.data)
    assert hear() == "early"
    assert wire.arrivals.wait(is_probe("early"), timeout=5, since=at).data == late.data


def test_a_fault_that_nft_does_not_know_is_told(wired: tuple[Host, Host, Wire]) -> None:
    with pytest.raises(LabError, match=r"(?s)nft refused `add rule netdev wire outward gibberish drop` on middle"):
        wired[2].lose("gibberish")
