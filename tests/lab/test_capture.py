"""Raw frames out, everything that passes in."""

import sys
import threading
import time

import pytest

from pytest_havip.lab import Frame, Host, Lab, NotSeen

Pair = tuple[Host, Host]
KIND = bytes.fromhex("88b5")  # IEEE 802: local experiments
FRAME = b"\xff" * 6 + bytes.fromhex("020000000001") + KIND + b"payload".ljust(46, b"\0")


def test_a_frame_is_seen_at_both_ends(pair: Pair) -> None:
    a, b = pair
    near, far = a.port(), b.port()
    sent = near.send(FRAME)
    arrived = far.capture.wait(lambda frame: frame.data == FRAME, timeout=2, since=sent)
    (left,) = near.capture.frames(sent)
    assert left.outgoing
    assert not arrived.outgoing
    assert (left.host, arrived.host, arrived.interface) == ("a", "b", "eth0")
    assert sent <= left.time_ns <= arrived.time_ns <= time.time_ns()
    assert arrived.length == len(FRAME)


def test_a_capture_is_read_on_from_where_one_was(pair: Pair) -> None:
    a, b = pair
    near, far = a.port(), b.port()
    frames = [FRAME + bytes([number]) for number in range(4)]
    for frame in frames[:2]:
        near.send(frame)
    far.capture.wait(lambda frame: frame.data == frames[1], timeout=2)
    assert [frame.data for frame in far.capture.after(0)] == frames[:2]
    assert far.capture.after(2) == []
    sender = threading.Timer(0.05, near.send, [frames[2]])
    sender.start()
    assert [frame.data for frame in far.capture.after(2, timeout=5)] == frames[2:3]
    sender.join()
    near.send(frames[3])
    far.capture.wait(lambda frame: frame.data == frames[3], timeout=2)
    assert [frame.data for frame in far.capture.after(2)] == frames[2:]


def test_short_and_odd_frames_pass_as_they_are(pair: Pair) -> None:
    a, b = pair
    far = b.port()
    for data in (FRAME[:14], FRAME[:42], FRAME + b"x" * 1000):
        sent = a.port().send(data)
        assert far.capture.wait(lambda _: True, timeout=2, since=sent).data == data


def test_long_and_short_frames_keep_their_order(pair: Pair) -> None:
    a, b = pair
    near, far = a.port(), b.port()
    sent = [FRAME[:14] + bytes([number]) * (1500 if number % 3 else 50) for number in range(60)]
    for data in sent:
        near.send(data)
    assert [frame.data for frame in far.capture.frames()] == sent
    assert {len(frame.data) == frame.length for frame in far.capture.frames()} == {True}


def test_vlan_tags_are_put_back(pair: Pair) -> None:
    a, b = pair
    for tag in ("81000000", "81000005", "88a80007"):
        tagged = FRAME[:12] + bytes.fromhex(tag) + FRAME[12:]
        far = b.port()
        sent = a.port().send(tagged)
        arrived = far.capture.wait(lambda _: True, timeout=2, since=sent)
        assert arrived.data == tagged
        assert arrived.length == len(tagged)


def test_tcp_may_be_left_out(pair: Pair) -> None:
    a, b = pair
    far = b.port()
    addresses = FRAME[:12]
    header = bytes.fromhex("08004500002800010000400600000a0000010a000002")  # the protocol, TCP, is its 24th byte
    tcp, udp = (addresses + header[:11] + bytes([protocol]) + header[12:] + bytes(30) for protocol in (6, 17))
    far.capture.leave_out_tcp()
    for data in (tcp, FRAME, udp):
        a.port().send(data)
    far.capture.wait(lambda frame: frame.data == udp, timeout=2)
    assert [frame.data for frame in far.capture.frames() if frame.data in {tcp, FRAME, udp}] == [FRAME, udp]


def test_since_leaves_older_frames_out(pair: Pair) -> None:
    a, b = pair
    far = b.port()
    first = a.port().send(FRAME)
    second = a.port().send(FRAME)
    far.capture.sync()
    assert len(far.capture.frames(first)) == 2
    assert len(far.capture.frames(second)) == 1
    assert len(far.capture.frames()) >= 2
    assert far.capture.frames(time.time_ns()) == []


def test_sync_has_everything_that_was_sent_before(pair: Pair) -> None:
    a, b = pair
    near, far = a.port(), b.port()
    for count in range(1, 200):
        near.send(FRAME)
        far.capture.sync()
        assert len([frame for frame in far.capture.frames() if frame.data == FRAME]) == count


def test_what_was_waited_for_in_vain_is_told(pair: Pair) -> None:
    a, b = pair
    far = b.port()
    a.port().send(FRAME)
    sent = a.port().send(FRAME[:6] + FRAME[6:12] + bytes.fromhex("0806000108000604000102000000000afd") + bytes(30))
    far.capture.sync()
    with pytest.raises(NotSeen) as caught:
        far.capture.wait(lambda _: False, timeout=0.05)
    lines = str(caught.value).splitlines()
    assert lines[0] == "not seen on b/eth0 within 0.05 s; the last of 2 frames:"
    assert "b/eth0 received 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff type 0x88b5" in lines[1]
    assert "ARP request" in lines[2]
    with pytest.raises(NotSeen, match=r"no frame at all on b/eth0 within 0\.01 s; the last one before was"):
        far.capture.wait(lambda _: True, timeout=0.01, since=sent + 10**9)


def test_a_wait_ends_with_a_frame_that_comes_later(pair: Pair) -> None:
    a, b = pair
    far = b.port()
    timer = threading.Timer(0.05, a.port().send, [FRAME])
    timer.start()
    assert far.capture.wait(lambda frame: frame.data == FRAME, timeout=2)
    timer.join()


def test_a_burst_is_taken_in_whole_while_this_process_is_busy(pair: Pair) -> None:
    a, b = pair
    far = b.port()
    count = 5000
    code = f"""
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for n in range({count}):
    s.send(bytes.fromhex("{FRAME[:14].hex()}") + n.to_bytes(28, "big"))
"""
    process = a.spawn([sys.executable, "-I", "-S", "-c", code])
    while process.alive:
        sum(range(20_000))
    assert process.wait(5) == 0, process.log()
    numbers = [int.from_bytes(f.data[14:42], "big") for f in far.capture.frames() if f.data[12:14] == KIND]
    assert far.capture.lost == 0
    assert numbers == list(range(count))


def test_loss_is_counted(pair: Pair) -> None:
    a, b = pair
    near, far = a.port(), b.port()
    with far.capture._news:  # nobody can empty the ring
        for _ in range(10_000):
            near.send(FRAME)
    seen = len([frame for frame in far.capture.frames() if frame.data == FRAME])
    assert seen + far.capture.lost == 10_000
    assert far.capture.lost > 0
    sent = near.send(FRAME)
    assert far.capture.wait(lambda frame: frame.data == FRAME, timeout=2, since=sent)


def test_a_capture_survives_its_link_going_down(pair: Pair) -> None:
    a, b = pair
    far = b.port()
    b.link_down()
    with pytest.raises(OSError, match=r"\bdown\b"):
        far.send(FRAME)
    b.link_up()
    sent = a.port().send(FRAME)
    assert far.capture.wait(lambda frame: frame.data == FRAME, timeout=2, since=sent)
    assert b.port() is far


def test_long_frames_survive_their_link_going_down(pair: Pair) -> None:
    a, b = pair
    far = b.port()
    with far.capture._news:  # nobody takes them in before
        for _ in range(3):
            a.port().send(FRAME + bytes(1000))
        b.link_down()
    assert [len(frame.data) for frame in far.capture.frames()] == [len(FRAME) + 1000] * 3


def test_a_lost_interface_costs_no_time(lab: Lab, pair: Pair) -> None:
    a, b = pair
    a.port()
    b.port()
    b.delete_interface("eth0")
    before = time.process_time()
    lab.host("c").run(["sleep", "0.3"])
    assert time.process_time() - before < 0.15


def test_a_replaced_interface_gets_a_new_port(lab: Lab, pair: Pair) -> None:
    a, b = pair
    old = b.port()
    sent = a.port().send(FRAME)
    old.capture.wait(lambda frame: frame.data == FRAME, timeout=2, since=sent)
    b.delete_interface("eth0")
    lab.link(a, "eth0", b, "eth0")
    new = b.port()
    assert new is not old
    sent = a.port().send(FRAME)
    assert new.capture.wait(lambda frame: frame.data == FRAME, timeout=2, since=sent)
    assert [frame.data for frame in old.capture.frames()] == [FRAME]
    with pytest.raises(NotSeen):
        old.capture.wait(lambda _: False, timeout=1)


def test_frames_stay_readable_when_the_lab_is_closed() -> None:
    with Lab.open() as lab:
        a, b = lab.host("a"), lab.host("b")
        lab.link(a, "eth0", b, "eth0")
        capture = b.port().capture
        a.port().send(FRAME)
    assert [frame.data for frame in capture.frames()] == [FRAME]
    assert capture.lost == 0


def test_many_captures_share_one_thread(lab: Lab) -> None:
    before = threading.active_count()
    switch = lab.host("switch")
    for number in range(6):
        lab.link(lab.host(f"h{number}"), "eth0", switch, f"p{number}")
        switch.port(f"p{number}")
    assert threading.active_count() == before + 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x01", "01 (cut short)"),
        (FRAME[:12] + bytes.fromhex("8100000508060001"), "VLAN 0005 08060001"),
        (FRAME[:12] + bytes.fromhex("0800") + bytes(9) + b"\x11" + bytes(10), "IPv4 0.0.0.0 > 0.0.0.0 protocol 17"),
        (FRAME[:12] + bytes.fromhex("86dd") + bytes(4), "type 0x86dd 18 bytes 00000000"),
    ],
)
def test_frames_describe_themselves(data: bytes, said: str) -> None:
    assert said in str(Frame(0, "a", "eth0", outgoing=False, data=data))
