"""Where a client is: behind a tap, behind a device of the machine, on a heartbeat network, with more than two nodes."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_havip.clients.appliance.description import Appliance
from pytest_havip.clients.appliance.file import read_appliance
from pytest_havip.clients.base import Setting
from pytest_havip.fixtures.acts import Act
from pytest_havip.fixtures.clients import programme_of
from pytest_havip.fixtures.nodes import Unsupported, launch_nodes
from pytest_havip.fixtures.stage import Stage
from pytest_havip.fixtures.takeovers import play
from pytest_havip.lab import Lab, LabError
from pytest_havip.observe.announcements import announced_by
from pytest_havip.observe.conduct import complaints
from pytest_havip.observe.endings import Blame, Outcome
from pytest_havip.targets import open_target
from pytest_havip.targets.base import Feature, Target

HERE = Path(__file__).parent
#: A client on a tap, and another one, on three nodes that hear each other on a network of their own.
ON_A_TAP = f"""
[appliance]
name = "vm"
[commands]
start = ["{sys.executable}", "-I", "-S", "{{here}}/tap_appliance.py",
         "{{interface}}", "{{mac}}", "{{address}}", "{{havip}}", "{{number}}", "{{node}}"]
[network]
attachment = "tap"
[traits.announcement]
count = 3
target_mac = "zero"
refresh = 1.0
[traits.takeover]
start = 1.0
stop = 0.5
crash = 1.5
host = 1.5
link = 1.5
"""
PROGRAM = """
import os, socket, subprocess, sys, time
interface, havip, beside, number, *peers = sys.argv[1:]
number = int(number)
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind((beside, 5999))
def ip(verb): subprocess.run(["ip", "address", verb, havip + "/32", "dev", interface], check=True)
line.settimeout(0.1)
heard, active, farewell = time.monotonic(), False, False
import signal
signal.signal(signal.SIGTERM, lambda *_: globals().update(farewell=True))
while not farewell:
    try:
        said = line.recvfrom(64)[0]
        heard = 0.0 if said == b"bye" else time.monotonic()
    except TimeoutError:
        pass
    if not active and time.monotonic() - heard > 0.7 * number:
        active = True
        ip("add")
        subprocess.Popen(["arping", "-U", "-q", "-c", "1", "-I", interface, havip])
    for peer in peers if active else ():
        line.sendto(b"here", (peer, 5999))
if active:
    ip("delete")
    line.sendto(b"bye", (peers[0], 5999))
"""
BESIDE = f"""
[appliance]
name = "trio"
nodes = 3
[commands]
start = ["{sys.executable}", "-I", "-S", "-c", "import sys; exec(open('{{state}}/trio.py').read())",
         "{{interface}}", "{{havip}}", "{{heartbeat_address}}", "{{number}}", "{{heartbeat_peers}}"]
[files]
"trio.py" = '''{PROGRAM}'''
[network]
heartbeat = true
[traits.announcement]
count = 1
[traits.takeover]
start = 1.5
stop = 0.5
host = 3.0
"""


#: Many machines let root alone make a tap device.
TAPS = os.access("/dev/net/tun", os.R_OK | os.W_OK)
with_taps = pytest.mark.skipif(not TAPS, reason="this user may not open /dev/net/tun")


def described(folder: Path, text: str) -> Appliance:
    path = folder / "appliance.toml"
    path.write_text(text)
    return replace(read_appliance(path), folder=HERE)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.open([HERE]) as lab:
        yield lab


@pytest.fixture(scope="module")
def target(lab: Lab) -> Iterator[Target]:
    with open_target("reference", lab) as target:
        yield target


@pytest.fixture(scope="module")
def played(lab: Lab, target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Act]]:
    folder = tmp_path_factory.mktemp("described")
    clients = [described(folder, text) for text in ((ON_A_TAP, BESIDE) if TAPS else (BESIDE,))]
    programme = {name: number for client in clients for name, number in programme_of(client).items()}
    with ExitStack() as ends:
        acts = play(ends, lab, target, programme)
        yield {name: act for name, act in acts.items() if isinstance(act, Act)}


@pytest.mark.parametrize(
    "name",
    [
        *(
            pytest.param(f"vm {fault}", marks=with_taps)
            for fault in ("graceful stop", "kill -9", "host dead", "link cut")
        ),
        "trio graceful stop",
        "trio host dead",
    ],
)
def test_the_second_node_takes_over(played: dict[str, Act], name: str) -> None:
    taken = played[name].taken()
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)
    complained = complaints(played[name].conducts()[0])
    complained.pop("announces again", None)  # what this client announces with does so once, and says so
    assert complained == {}


@with_taps
def test_who_is_behind_a_tap_holds_what_it_answers_for(played: dict[str, Act]) -> None:
    # A machine that is killed is gone; one whose link is cut still holds the address.
    assert played["vm kill -9"].taken().holders == (played["vm kill -9"].scene.second.name,)
    assert set(played["vm link cut"].taken().holders) == {
        machine.name for machine in played["vm link cut"].scene.machines
    }
    ended = played["vm link cut"].aftermath
    assert ended is not None
    assert ended.blame is Blame.NOBODY, ended.text


@with_taps
def test_the_question_whether_it_holds_an_address_reaches_nobody_else(played: dict[str, Act]) -> None:
    scene = played["vm graceful stop"].scene
    bridges = {bytes.fromhex(machine.host.mac("br0").replace(":", "")) for machine in scene.machines}
    seen = [frame for frame in scene.observer.instance.port.capture.frames() if frame.data[6:12] in bridges]
    taps = [machine.host.port("tap0").capture for machine in scene.machines]
    asked = [frame for tap in taps for frame in tap.frames() if frame.data[6:12] in bridges]
    left = [frame for machine in scene.machines for frame in machine.port.capture.frames() if frame.data[:6] in bridges]
    assert (seen, left) == ([], [])
    assert asked


def test_a_third_node_hears_the_heartbeats_and_stays_silent(played: dict[str, Act]) -> None:
    act = played["trio host dead"]
    third = act.scene.machines[2]
    assert third.name == "trio-host-dead-c"
    assert announced_by(third, act.scene.address) == []
    beside = third.host.port("eth1").capture.frames()
    assert [frame for frame in beside if not frame.outgoing and b"here" in frame.data]
    assert not [frame for frame in third.port.capture.frames() if b"here" in frame.data]


def test_dhcp_is_for_networks_that_lease_addresses(lab: Lab) -> None:
    with open_target("bridge", lab) as bridge, ExitStack() as ends:
        stage = ends.enter_context(Stage.build(lab, bridge))
        with pytest.raises(Unsupported, match="the client gets its address by DHCP; bridge lacks DHCP"):
            launch_nodes(ends, stage, stage.subnet(), "leased", Setting(leased=True))


def test_a_node_that_leases_its_address_has_none_yet(lab: Lab, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(target), "features", frozenset(Feature))
    with ExitStack() as ends:
        stage = ends.enter_context(Stage.build(lab, target))
        launched = launch_nodes(ends, stage, stage.subnet(), "leased", Setting(leased=True))
        assert launched.machines[0].host.addresses("eth0") == []
        assert launched.nodes[0].nics[0].address == launched.machines[0].address


@pytest.mark.skipif(TAPS, reason="this user may open /dev/net/tun")
def test_a_user_who_may_make_no_tap_is_told_what_mends_it(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"cannot have a tap device tap0: .* chmod 666 /dev/net/tun"):
        lab.host("tapless").add_tap("tap0")
