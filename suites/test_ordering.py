"""ORDER: of several announcements the one that arrived last holds, whoever sent it and however soon."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, pairwise
from time import perf_counter_ns

import pytest

from pytest_havip.clients.announcer import Form, Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.scene import Scene
from pytest_havip.fixtures.stage import Stage
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip

__all__: list[str] = []

#: Rounds for each gap: the overtaking that this guards against showed in all of 100, and would in most of 20.
ROUNDS = 20


def wait(microseconds: int) -> None:
    """Let a gap of microseconds pass; sleeping is too coarse for it."""
    end = perf_counter_ns() + microseconds * 1000
    while perf_counter_ns() < end:
        pass


@requirement("HAVIP-ORDER-002")
@pytest.mark.parametrize("gap", [0, 50, 200, 1000], ids=lambda gap: f"{gap}us")
def test_an_owner_that_reasserts_after_a_claim_holds(scene: Scene, gap: int) -> None:
    havip, a, b = scene.havip(), scene.a, scene.b
    frame_of_a, frame_of_b = a.announcement(havip.address), b.announcement(havip.address)
    a.send(frame_of_a)
    held = []
    for _ in range(ROUNDS):
        b.send(frame_of_b)
        wait(gap)
        a.send(frame_of_a)
        scene.fence(a)
        held.append(scene.observer.owner_of(havip.address))
    assert held == [a] * ROUNDS


@requirement("HAVIP-ORDER-003")
@pytest.mark.parametrize("gap", [0, 50, 200, 1000], ids=lambda gap: f"{gap}us")
def test_a_claim_after_the_owners_refresh_holds(scene: Scene, gap: int) -> None:
    havip, a, b = scene.havip(), scene.a, scene.b
    frame_of_a, frame_of_b = a.announcement(havip.address), b.announcement(havip.address)
    held = []
    for _ in range(ROUNDS):
        a.send(frame_of_a)
        scene.fence(a)
        a.send(frame_of_a)
        wait(gap)
        b.send(frame_of_b)
        scene.fence(b)
        held.append(scene.observer.owner_of(havip.address))
    assert held == [b] * ROUNDS


def send_in_turn(scene: Scene, havip: Havip, turns: str, form: Form = "request") -> list[Instance]:
    """Let the machines announce without a pause, in the order of their letters; return them, each as often."""
    machines = {"A": scene.a, "B": scene.b}
    frames = {letter: machine.announcement(havip.address, form=form) for letter, machine in machines.items()}
    for letter in turns:
        machines[letter].send(frames[letter])
    announcers = [machines[letter] for letter in turns]
    scene.fence(announcers[-1])
    return announcers


#: A machine that takes back what it lost; duplicates; ten rapid switches; a long fight.
TURNS = ["ABA", "ABAB", "AABBA", "AB" * 5, "BA" * 25]


@requirement("HAVIP-ORDER-001")
@pytest.mark.parametrize("turns", TURNS)
def test_the_last_of_many_claims_holds_everywhere(scene: Scene, turns: str) -> None:
    havip = scene.havip()
    last = send_in_turn(scene, havip, turns)[-1]
    assert scene.observer.owner_of(havip.address) is last
    assert scene.observer.belief(havip.address) == last.mac
    assert scene.control_plane.owner_of(havip) is last


#: Refreshes among claims, and no rhythm.
UNEVEN = "AABABBBAABABBABAAAB" * 2


@requirement("HAVIP-ORDER-004")
@pytest.mark.parametrize("form", ["request", "reply"])
def test_all_neighbours_hear_of_the_owners_in_the_same_order(scene: Scene, form: Form) -> None:
    havip, observer = scene.havip(), scene.observer
    announced = [machine.mac for machine in send_in_turn(scene, havip, UNEVEN, form)]
    for view in (observer, replace(observer, instance=observer.witness, witness=observer.instance)):
        heard = [frame.data[22:28].hex(":") for frame in view.saw_about(havip.address)]
        # How often a network repeats an owner's announcement is its own affair.
        assert [mac for mac, _ in groupby(heard)] == [mac for mac, _ in groupby(announced)]


@requirement("HAVIP-ORDER-005")
@pytest.mark.parametrize("turns", [*TURNS, UNEVEN])
def test_every_change_of_a_burst_is_listed_in_order(scene: Scene, turns: str) -> None:
    havip = scene.havip()
    announcers = send_in_turn(scene, havip, turns)
    changes = [(old, new) for old, new in pairwise([None, *announcers]) if old is not new]
    assert scene.control_plane.moves_of(havip) == changes


@requirement("HAVIP-API-003")
def test_every_move_is_one_event_in_order(scene: Scene) -> None:
    havip = scene.havip()
    for machine in (scene.a, scene.a, scene.b, scene.b, scene.a):
        machine.announce(havip.address)
        scene.fence(machine)
    assert scene.control_plane.moves_of(havip) == [(None, scene.a), (scene.a, scene.b), (scene.b, scene.a)]


@requirement("HAVIP-ORDER-006")
def test_one_that_flaps_leaves_another_alone(scene: Scene) -> None:
    flapping, quiet, claimed, me = scene.havip(), scene.havip(), scene.havip(), scene.observer.instance
    for havip in (quiet, claimed):
        scene.bind(scene.a, havip)
    flaps = [(machine, machine.announcement(flapping.address)) for machine in (scene.a, scene.b)]
    claim = scene.b.announcement(claimed.address)
    tokens = [b"quiet %d|" % number for number in range(30)]
    packets = [me.datagram(me.address, quiet.address, scene.a.mac, token) for token in tokens]
    since = me.send(packets[0])
    for number, packet in enumerate(packets[1:]):
        for machine, frame in flaps:
            machine.send(frame)
        me.send(packet)
        if number == len(packets) // 2:
            scene.b.send(claim)
    for havip, owner in ((claimed, scene.b), (flapping, scene.b), (quiet, scene.a)):
        scene.observer.wait_for_owner(havip.address, owner)
    reached = [scene.observer.witnesses(lambda data, token=token: token in data, since=since) for token in tokens]  # type: ignore[misc]
    assert reached == [[scene.a.name]] * len(tokens)


@requirement("HAVIP-ORDER-007")
def test_a_single_claim_after_the_owners_burst_holds(scene: Scene) -> None:
    havip = scene.havip()
    assert send_in_turn(scene, havip, "A" * 25 + "B")[-1] is scene.b
    assert scene.observer.owner_of(havip.address) is scene.b
    assert scene.control_plane.owner_of(havip) is scene.b


#: Sends one frame every few milliseconds, until it is killed.
INSISTENT = """
import socket, sys, time
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
port.bind(("eth0", 0))
while True:
    port.send(bytes.fromhex(sys.argv[1]))
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def contested(scene: Scene) -> Iterator[Havip]:
    """A HAVIP that two machines go on announcing, each several times in every hundredth of a second."""
    havip = scene.havip()
    started = []
    try:
        # Two rhythms, so that now the one comes last and now the other.
        for machine, pause in ((scene.a, "0.003"), (scene.b, "0.004")):
            script = [sys.executable, "-I", "-S", "-c", INSISTENT]
            started.append(machine.host.spawn([*script, machine.announcement(havip.address).hex(), pause]))
        for machine in (scene.a, scene.b):
            scene.observer.wait_for_announcement(havip.address, machine, since=0)
        yield havip
    finally:
        for process in started:
            process.kill()


@requirement("HAVIP-ORDER-008")
def test_of_two_that_keep_announcing_exactly_one_is_the_owner(scene: Scene, contested: Havip) -> None:
    observer = scene.observer
    views = (observer, replace(observer, instance=observer.witness, witness=observer.instance))
    owners = [view.owner_of(contested.address) for _ in range(50) for view in views]
    assert None not in owners
    if set(owners) != {scene.a, scene.b}:
        raise Inconclusive(f"only {owners[0]} was ever seen to own it: the two did not compete")


@requirement("HAVIP-ORDER-009")
def test_the_end_of_the_former_owner_takes_nothing_from_the_new_one(
    stage: Stage, b: Instance, control_plane: ControlPlane, observer: Observer, fence: Fence, bind: Bind
) -> None:
    subnet, target = b.nic.subnet, stage.target
    owned = [(stage.launch(f"former {number}", subnet), target.create_havip(subnet)) for number in range(3)]
    for former, havip in owned:
        bind(former, havip)
    for former, havip in owned:
        b.send(b.announcement(havip.address))
        target.unplug(former.nic)
        fence(b)
        assert observer.owner_of(havip.address) is b
        assert control_plane.owner_of(havip) is b
