"""What a cluster can be told, the file that its nodes read, and what it declares about itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_havip.clients.base import Cause
from pytest_havip.clients.wsfc.memory import Memory
from pytest_havip.clients.wsfc.settings import NT, SINGLE, AddressCheck, NodeFile, RoleScript, WsfcSettings
from pytest_havip.clients.wsfc.traits import declare_traits

TOLD = NodeFile(
    name="b",
    interface="eth1",
    members={"a": "172.17.16.7", "b": "172.17.16.13"},
    witness="172.17.16.20",
    addresses=("172.17.16.3", "172.17.16.4"),
    service="/run/haproxy.pid",
    script=RoleScript(("/bin/sh", "/run/promote"), ("/bin/true",)),
    settings=WsfcSettings(same_subnet_threshold=5, preferred_owners=("b",), failback="immediate", check=SINGLE),
)


def test_the_defaults_are_windowss_and_the_rfcs() -> None:
    settings = WsfcSettings()
    assert (settings.same_subnet_delay, settings.same_subnet_threshold, settings.lease) == (1.0, 10, 10.0)
    assert (settings.failback, settings.restart_threshold, settings.retry_period) == ("never", 1, 3600.0)
    assert settings.check == AddressCheck(1.0, 3, 1.0, 2.0, 2.0, 2, 2.0, 10.0, "zero")


def test_a_nodes_file_says_what_it_was_told() -> None:
    assert NodeFile.read(TOLD.render()) == TOLD


@pytest.mark.parametrize("lacking", ["settings", "name", "addresses", "script"])
def test_a_file_of_another_version_is_refused(lacking: str) -> None:
    fields = json.loads(TOLD.render())
    del fields[lacking]
    with pytest.raises(ValueError, match=r"no node's file of this version: .*form the cluster again"):
        NodeFile.read(json.dumps(fields))


@pytest.mark.parametrize("wrong", [{"same_subnet_delay": 0.0}, {"same_subnet_threshold": 1}])
def test_timers_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="take a delay above 0 and a threshold of 2 at least"):
        WsfcSettings(**wrong)  # type: ignore[arg-type]


def test_the_traits_follow_the_settings() -> None:
    traits = declare_traits(WsfcSettings())
    announcement = traits.announcement
    assert (announcement.form, announcement.target_mac, announcement.refresh) == ("request", "zero", None)
    assert (announcement.count, announcement.blocks, announcement.spacing) == (2, (0.0,), 2.0)
    assert not traits.preemption
    other = declare_traits(WsfcSettings(failback="immediate", check=NT))
    assert other.preemption
    assert (other.announcement.count, other.announcement.spacing) == (3, 0.5)


def test_the_bounds_of_the_defaults() -> None:
    bounds = declare_traits(WsfcSettings(arbitration_delay=7.0)).takeover
    assert {cause: (bound.earliest, bound.latest) for cause, bound in bounds.items()} == {
        Cause.START: (4.0, 9.0),
        Cause.STOP: (4.0, 7.0),
        Cause.MOVE: (4.0, 7.0),
        Cause.SERVICE: (4.0, 12.0),
        Cause.LINK: (20.0, 24.0),
        Cause.HOST: (20.0, 24.0),
        Cause.FROZEN: (20.0, 24.0),
        Cause.NIC: (20.0, 24.0),
    }
    at_once = declare_traits(WsfcSettings(check=replace(NT, probe_wait=0.2))).takeover[Cause.MOVE]
    assert (at_once.earliest, at_once.latest) == (0.0, 0.2), "its first probe announces"


def test_a_voters_record_outlives_its_program(tmp_path: Path) -> None:
    path = tmp_path / "vote.json"
    assert Memory.read(path) == Memory()
    record = Memory(7, "a", 3)
    record.write(path)
    assert Memory.read(path) == record
    assert [file.name for file in tmp_path.iterdir()] == ["vote.json"]


def test_incarnations_grow_whatever_the_clock_says() -> None:
    ahead = 1 << 70
    assert Memory(ahead).next_incarnation() == ahead + 1
    assert Memory().next_incarnation() > 1 << 60
