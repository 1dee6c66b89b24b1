"""A device of the machine, lent to the lab and given back as it was; the machine is a namespace of the test's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_havip.lab import LabError
from pytest_havip.lab.lending import may_lend

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may lend a device of the machine")

#: Runs as a program in a network namespace that the test made, which is its machine.
PLAY = """
import json, subprocess, sys
from pytest_havip.lab import Lab
from pytest_havip.lab.lending import lend

def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout

def look():
    (link,) = [each for each in json.loads(ip("-json", "address", "show", "dev", "box0")) if each]
    kept = [(each["local"], each["prefixlen"], each.get("label"), each["scope"]) for each in link["addr_info"]
            if each["scope"] != "link"]
    routes = sorted(line.strip() for line in ip("route", "show", "dev", "box0").splitlines())
    return [link["ifname"], link["address"], "UP" in link["flags"], kept, [r.replace(" linkdown", "") for r in routes]]

ip("link", "set", "lo", "up")
ip("link", "add", "box0", "address", "02:00:00:00:00:aa", "type", "veth", "peer", "name", "far0")
for name in ("box0", "far0"):
    ip("link", "set", name, "up")
ip("address", "add", "192.0.2.7/24", "broadcast", "192.0.2.255", "dev", "box0", "label", "box0:one")
ip("address", "add", "192.0.2.8/32", "dev", "box0")
ip("-6", "address", "add", "2001:db8::7/64", "dev", "box0", "nodad")
ip("route", "add", "198.51.100.0/24", "via", "192.0.2.1", "dev", "box0", "metric", "7")
before = look()
told = {"before": before}
with Lab.open() as lab:
    host = lab.host("guest")
    try:
        with lend("box0", host):
            told["meanwhile"] = [host.interfaces(), "box0" in ip("link", "show")]
            host.set_mac("02:00:00:00:00:bb", "box0")
            host.add_bridge("br0")
            host.join_bridge("box0", "br0")
            if "raise" in sys.argv:
                raise KeyError("in the middle")
    except KeyError:
        told["raised"] = True
    told["after"] = look()
    told["peer"] = "far0" in ip("link", "show")
    told["left"] = host.interfaces()
    ip("route", "add", "default", "via", "192.0.2.1", "dev", "box0")
    try:
        with lend("box0", host):
            pass
    except Exception as refused:
        told["refused"] = str(refused)
print(json.dumps(told))
"""


def machine(*arguments: str) -> dict[str, object]:
    command = ["unshare", "--net", sys.executable, "-c", PLAY, *arguments]
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


@root
@pytest.mark.parametrize("end", [(), ("raise",)])
def test_a_lent_device_comes_back_as_it_was(end: tuple[str, ...]) -> None:
    told = machine(*end)
    assert told["meanwhile"] == [["lo", "box0"], False]
    assert told["after"] == told["before"]
    assert told["peer"]
    assert told["left"] == ["lo", "br0"]
    assert ("raised" in told) == bool(end)
    assert told["refused"] == "the machine's default route goes by box0: lend another device, or it is cut off"


@root
def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(LabError, match=r"`ip -json address show dev nobody0` was refused: .*nobody0"):
        may_lend("nobody0")


@root
def test_the_loopback_is_not_lent() -> None:
    with pytest.raises(LabError, match="lo carries no Ethernet: lend another device"):
        may_lend("lo")


def test_only_root_lends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="eth7 can be lent to the lab by root alone"):
        may_lend("eth7")


def test_the_guide_tells_what_a_crash_leaves() -> None:
    guide = (Path(__file__).parents[2] / "docs/vendors.md").read_text(encoding="utf-8")
    assert "killed with SIGKILL, the kernel gives hardware back down and without addresses" in guide
