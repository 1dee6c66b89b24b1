"""The process: its patch panel, its sockets, its ends."""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_havip.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.network.conftest import Place, Rig

_SERVICE = (sys.executable, "-m", "pytest_havip.network")
_BROKEN = """
import sys
from pytest_havip.network.dataplane.commit import DataPlane
from pytest_havip.network.command import main
def commit(self, effects):
    raise RuntimeError("planted")
DataPlane.commit = commit
sys.exit(main())
"""


@pytest.mark.parametrize(
    "order",
    [
        [],
        {},
        {"do": "plug"},
        {"do": "plug", "nic": 7},
        {"do": "plug", "nic": "eni-00000000", "interface": "eth0"},
        {"do": "unplug", "nic": ["a"]},
    ],
)
def test_a_bad_order_is_refused(rig: "Rig", order: object) -> None:
    assert "error" in rig.patch(order)


def test_orders_that_do_not_fit_are_refused(rig: "Rig", place: "Place", tmp_path: Path) -> None:
    machine = place.machine()
    assert "plugged in already" in rig.patch({"do": "plug", "nic": machine.nic}, machine.host.namespace())["error"]
    assert "plug, unplug" in rig.patch({"do": "dance", "nic": machine.nic})["error"]
    loose = rig.call("CreateNetworkInterface", VpcId=place.id, SubnetId=place.subnet, NetworkInterfaceName="a")
    nic = loose["NetworkInterface"]["NetworkInterfaceId"]
    for verb in ("unplug", "cut", "mend"):
        assert "not plugged in" in rig.patch({"do": verb, "nic": nic})["error"]
    assert "attach it" in rig.patch({"do": "plug", "nic": nic}, machine.host.namespace())["error"]
    rig.call("AttachNetworkInterface", NetworkInterfaceId=nic, InstanceId="ins-00000000")
    assert "descriptor" in rig.patch({"do": "plug", "nic": nic, "interface": "eth1"})["error"]
    with (tmp_path / "no-namespace").open("w") as file:
        assert "error" in rig.patch({"do": "plug", "nic": nic, "interface": "eth1"}, file.fileno())
    for name in ("eth0", "", "a/b", "x" * 40, "a\0b", "\ud800"):
        assert "error" in rig.patch({"do": "plug", "nic": nic, "interface": name}, machine.host.namespace()), name
    assert rig.patch({"do": "plug", "nic": nic, "interface": "eth1"}, machine.host.namespace()) == {"ok": True}


def test_unplug_and_plug_again_with_the_same_name(rig: "Rig", place: "Place") -> None:
    machine, havip = place.machine(), place.havip()
    machine.announce(havip["Vip"])
    for _ in range(5):
        assert rig.patch({"do": "unplug", "nic": machine.nic}) == {"ok": True}
        assert rig.patch({"do": "plug", "nic": machine.nic}, machine.host.namespace()) == {"ok": True}
    assert rig.owner(havip) == machine.nic
    machine.announce(place.havip()["Vip"])


def test_hostile_frames_do_no_harm(rig: "Rig", place: "Place") -> None:
    hostile, honest, havip = place.machine(), place.machine(), place.havip()
    entropy = random.Random(20261122)
    good = hostile.announcement(havip["Vip"])
    with hostile.raw_socket() as raw:
        for _ in range(3000):
            frame = bytearray(good + entropy.randbytes(entropy.choice((0, 18, 200, 1400))))
            for _ in range(entropy.randrange(6)):
                frame[entropy.randrange(len(frame))] = entropy.randrange(256)
            raw.send(bytes(frame[: entropy.choice((len(frame), entropy.randrange(14, len(frame))))]))
    honest.announce(havip["Vip"])
    assert rig.owner(havip) == honest.nic


def test_deleted_vpcs_give_everything_back(
    rig: "Rig", make_place: "Callable[..., Place]", until: "Callable[..., None]"
) -> None:
    def descriptors() -> int:
        listing = rig.lab.spawn(["ls", f"/proc/{rig.process.pid}/fd"])
        assert listing.wait(5) == 0
        return len(listing.log().split())

    place = make_place()
    before = descriptors()
    for _ in range(5):
        other = rig.place()
        other.machine().announce(other.havip()["Vip"])
        rig.remove(other)
    place.havip()
    until(lambda: descriptors() <= before, "the end of the descriptors")


def test_killed_it_leaves_nothing(rig_class: "type[Rig]", until: "Callable[..., None]") -> None:
    with Lab.open() as lab:
        rig = rig_class(lab)
        machine = rig.place().machine()
        assert "eth0" in machine.host.interfaces()
        rig.close()
        until(lambda: "eth0" not in machine.host.interfaces(), "the end of the cable")


def test_a_signal_ends_it_in_peace(rig_class: "type[Rig]") -> None:
    with Lab.open() as lab:
        rig = rig_class(lab)
        rig.place().machine()
        rig.process.signal(15)
        assert rig.process.wait(5) == 0, rig.process.log()
        assert rig.process.log() == ""
        rig.close()


def test_an_internal_error_ends_it_loudly(rig_class: "type[Rig]") -> None:
    with Lab.open() as lab:
        rig = rig_class(lab, program=("-c", _BROKEN))
        body = b'{"VpcName": "a", "CidrBlock": "10.0.0.0/16"}'
        answer = rig.send(body, rig.sign(body) | {"X-TC-Action": "CreateVpc"})
        assert answer["Error"]["Code"] == "InternalError"
        assert rig.process.wait(5) == 1
        assert "RuntimeError: planted" in rig.process.log()
        rig.close()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "10.0.0.1:80", "localhost:80", "127.0.0.1", "127.0.0.1:x"])
def test_it_listens_on_loopback_only(address: str) -> None:
    done = subprocess.run(
        [*_SERVICE, "--without-credentials", "--listen", address], capture_output=True, check=False, text=True
    )
    assert done.returncode == 1
    assert "loopback" in done.stderr


def test_a_passed_socket_must_be_on_loopback() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        done = subprocess.run(
            [*_SERVICE, "--without-credentials", "--listen-fd", str(listener.fileno())],
            pass_fds=[listener.fileno()],
            capture_output=True,
            check=False,
            text=True,
            env=os.environ,
        )
    assert done.returncode == 1
    assert "127.0.0.0/8" in done.stderr


def test_who_may_call_must_be_said() -> None:
    done = subprocess.run([*_SERVICE, "--listen", "127.0.0.1:0"], capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert "--without-credentials" in done.stderr


def test_the_switch_by_its_name_lets_everyone_in() -> None:
    headers = {"X-TC-Action": "DescribeHaVips", "X-TC-Version": "2017-03-12", "X-TC-Region": "lab"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor = listener.fileno()
        command = [*_SERVICE, "--without-credentials", "--listen-fd", str(descriptor)]
        with subprocess.Popen(command, pass_fds=[descriptor]) as process:
            with closing(http.client.HTTPConnection(*listener.getsockname())) as connection:
                connection.request("POST", "/", "{}", headers)
                answer = json.load(connection.getresponse())
            process.terminate()
    assert answer["Response"]["TotalCount"] == 0
    assert process.returncode == 0


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"id": ""}', '{"id": 7}', "secret"])
def test_credentials_that_are_none_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(content)
    with (tmp_path / "credentials").open() as file:
        done = subprocess.run(
            [*_SERVICE, "--listen", "127.0.0.1:0", "--credentials-fd", str(file.fileno())],
            pass_fds=[file.fileno()],
            capture_output=True,
            check=False,
            text=True,
        )
    assert done.returncode == 1
    assert "holds no credentials" in done.stderr


_SMALL_BUFFER = """
import sys
from pytest_havip.network.command import main
from pytest_havip.network.dataplane import punt
punt._WANTED_BUFFER = 4096
sys.exit(main())
"""


def test_lost_announcements_are_an_event(rig_class: "type[Rig]", until: "Callable[..., None]") -> None:
    with Lab.open() as lab:
        rig = rig_class(lab, program=("-c", _SMALL_BUFFER))
        place = rig.place()
        machine, havip = place.machine(), place.havip()
        rig.process.freeze()
        with machine.raw_socket() as raw:
            for _ in range(500):
                raw.send(machine.announcement(havip["Vip"]))
        rig.process.thaw()
        until(lambda: "OVERFLOW" in [event["Cause"] for event in place.events()], "the event")
        assert rig.owner(havip) == machine.nic
        rig.close()


def test_a_plugged_cable_carries_frames_at_once(rig: "Rig", place: "Place") -> None:
    observer, havip = place.machine(), place.havip()
    for _ in range(10):
        machine = place.machine()
        since = machine.announce(havip["Vip"])
        observer.saw(machine.announcement(havip["Vip"]), since=since)
        assert rig.patch({"do": "cut", "nic": machine.nic}) == {"ok": True}
        assert rig.patch({"do": "mend", "nic": machine.nic}) == {"ok": True}
        since = machine.announce(havip["Vip"])
        observer.saw(machine.announcement(havip["Vip"]), since=since)
