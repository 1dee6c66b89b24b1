"""Two boxes on cables of the machine, which is a namespace that the test made, take over from each other."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_havip.clients.appliance.cluster import CommandFailed
from pytest_havip.clients.appliance.outside import run_outside

#: The boxes: no lab knows them, and they are started and stopped as an operator would from this machine.
DESCRIPTION = """
[appliance]
name = "box"
[commands]
run_on = "machine"
start = '''{python} -I -S {program} far{{number}} {{mac}} {{address}} {{havip}} {{number}} {{node}} >{folder}/log 2>&1 &
echo $! >{folder}/pid{{number}}'''
stop = "kill $(cat {folder}/pid{{number}})"
crash = "kill -9 $(cat {folder}/pid{{number}})"
[network]
attachment = "device"
devices = ["box1", "box2"]
[traits.announcement]
count = 3
target_mac = "zero"
refresh = 1.0
[traits.takeover]
start = 1.0
stop = 0.5
crash = 1.5
"""
PLAY = """
import json, subprocess, sys
from contextlib import ExitStack
from pathlib import Path
from pytest_havip.clients.appliance.file import read_appliance
from pytest_havip.fixtures.clients import programme_of
from pytest_havip.fixtures.takeovers import play
from pytest_havip.lab import Lab
from pytest_havip.targets import open_target

def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout

def look(name):
    (link,) = [each for each in json.loads(ip("-json", "address", "show", "dev", name)) if each]
    return [link["ifname"], link["address"], "UP" in link["flags"], [each["local"] for each in link["addr_info"]
            if each["scope"] != "link"]]

ip("link", "set", "lo", "up")
for number in "12":
    ip("link", "add", "box" + number, "type", "veth", "peer", "name", "far" + number)
    ip("link", "set", "far" + number, "up")
    ip("address", "add", "192.0.2." + number + "/24", "dev", "box" + number)
ip("link", "set", "box1", "up")
before = [look("box1"), look("box2")]
client = read_appliance(Path(sys.argv[1]))
with Lab.open() as lab, open_target("reference", lab) as target, ExitStack() as ends:
    acts = play(ends, lab, target, programme_of(client))
told = {}
for name, act in acts.items():
    taken = act.taken()
    told[name] = [taken.ending.outcome, taken.ending.blame, list(taken.holders), taken.heir.name, taken.views]
print(json.dumps({"acts": told, "before": before, "after": [look("box1"), look("box2")]}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may lend a device of the machine")
def test_boxes_behind_lent_devices_take_over_and_the_devices_come_back(tmp_path: Path) -> None:
    program = Path(__file__).with_name("tap_appliance.py")
    path = tmp_path / "box.toml"
    path.write_text(DESCRIPTION.format(python=sys.executable, program=program, folder=tmp_path))
    command = ["unshare", "--net", sys.executable, "-c", PLAY, str(path)]
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90, env=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["acts"].keys() == {"box graceful stop", "box kill -9"}
    for outcome, blame, holders, heir, views in told["acts"].values():
        assert (outcome, blame) == ("taken over", "nobody")
        assert holders == [heir]
        assert set(views.values()) == {heir}
    assert told["after"] == told["before"]
    pids = {(tmp_path / f"pid{number}").read_text().strip() for number in "12"}
    deadline = time.monotonic() + 5
    while left := {pid for pid in pids if Path(f"/proc/{pid}").exists()}:  # a killed one goes a moment later
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_command_on_the_machine_ends_or_is_told() -> None:
    done = run_outside(["sh", "-c", "echo said; echo wrong >&2; exit 3"], 5)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "wrong\n")
    assert run_outside(["no-such-program"], 5).returncode == 127
    with pytest.raises(TimeoutError):
        run_outside(["sleep", "9"], 0.1)
    assert CommandFailed.havip_verdict == "inconclusive"
