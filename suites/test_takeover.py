"""TAKE: real keepalived, with the product document's configuration, takes a HAVIP over, and a third host feels how."""

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Cause
from pytest_havip.clients.keepalived import CONFIGURATION
from pytest_havip.fixtures.judges import ControlPlane
from pytest_havip.fixtures.takeovers import Play, Takeover
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Target

__all__: list[str] = []


#: What the product document prints, line by line; only the priority differs between the two machines.
DOCUMENT = (
    "state BACKUP",
    "nopreempt",
    "virtual_router_id 51",
    "advert_int 1",
    "auth_type PASS",
    "auth_pass 1111",
    "garp_master_delay 1",
    "garp_master_refresh 5",
    "172.17.16.3",
)


def assert_taken_over(taken: Takeover, target: Target) -> None:
    """The control plane, the data path and the neighbours name the standby, and the probes were served by it last."""
    scene = taken.scene
    assert scene.havip is not None
    neighbour = scene.observer.instance.host.neighbour(scene.address)
    assert neighbour is not None
    assert ControlPlane(target, [scene.first, scene.second]).owner_of(scene.havip) is scene.second
    assert scene.observer.owner_of(scene.address) is scene.second
    assert neighbour.mac == scene.second.mac
    assert [tenure.owner for tenure in taken.record.tenures()] == [scene.first.name, scene.second.name]


def holds(machine: Instance, address: IPv4Address) -> bool:
    """Whether the machine's kernel has the address, as an operator would look."""
    return str(address) in machine.host.infra.interface(machine.interface).addresses


def announcements(taken: Takeover) -> int:
    """How many announcements of the standby the observer has seen since the fault."""
    mac = bytes.fromhex(taken.scene.second.mac.replace(":", ""))
    seen = taken.scene.observer.saw_about(taken.scene.address, since=taken.fault)
    return sum(frame.data[22:28] == mac for frame in seen)


@requirement("HAVIP-TAKE-002")
def test_keepaliveds_elect_one_owner_at_start(keepalived_play: Play) -> None:
    for cause in keepalived_play.takeovers:
        taken = keepalived_play.takeover(cause)
        first = taken.record.first_answer()
        assert first is not None
        assert first.owner == taken.scene.first.name
        assert taken.record.dual_answers() == ()
        for machine, priority in ((taken.scene.first, 100), (taken.scene.second, 80)):
            configuration = machine.host.infra.file(CONFIGURATION)
            assert all(configuration.contains(line) for line in (*DOCUMENT, f"priority {priority}"))


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(Cause.STOP, marks=requirement("HAVIP-TAKE-003"), id="stop"),
        pytest.param(Cause.CRASH, marks=requirement("HAVIP-TAKE-004"), id="crash"),
        pytest.param(Cause.SERVICE, marks=requirement("HAVIP-TAKE-005"), id="service"),
    ],
)
def test_the_standby_takes_over(
    target: Target, keepalived_play: Play, record_takeover: Callable[[Row], None], cause: Cause
) -> None:
    taken = keepalived_play.takeover(cause)
    outage = taken.record.outage(taken.fault)
    served = taken.record.takeover(taken.scene.second.name, taken.fault)
    record_takeover(
        Row(
            taken.scene.cluster.traits.name,
            cause.value,
            outage.seconds * 1000,
            announcements(taken),
            f"served by the standby {served:.2f} s after the fault",
        )
    )
    assert_taken_over(taken, target)
    assert announcements(taken) >= 1
    assert holds(taken.scene.second, taken.scene.address)
    # A machine that died keeps the address in its kernel; one whose keepalived gave it up does not.
    assert holds(taken.scene.first, taken.scene.address) == (cause is Cause.CRASH)


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(Cause.STOP, marks=requirement("HAVIP-TAKE-006"), id="stop"),
        pytest.param(Cause.CRASH, marks=requirement("HAVIP-TAKE-007"), id="crash"),
    ],
)
def test_the_outage_is_vrrps_and_not_the_networks(keepalived_play: Play, cause: Cause) -> None:
    taken = keepalived_play.takeover(cause)
    by_the_clients_timers = taken.scene.cluster.traits.takeover[cause].latest
    assert taken.record.outage(taken.fault).seconds < by_the_clients_timers + 1


@requirement("HAVIP-TAKE-001")
def test_an_ordinary_address_takes_no_effect(keepalived_play: Play) -> None:
    scene = keepalived_play.ordinary
    # The positive control: with a HAVIP the same configuration has been served, in the same lab, at the same time.
    keepalived_play.takeover(Cause.STOP)
    # keepalived believes that it succeeded: it was elected, it configured the address, and it moved it on.
    assert holds(scene.second, scene.address)
    assert not holds(scene.first, scene.address)
    assert scene.cluster.belief(scene.second.host) == "MASTER"
    record = scene.stream.record()
    assert record.probes
    assert record.first_answer() is None
    assert scene.observer.saw_about(scene.address) == []
    for machine in (scene.first, scene.second):
        assert scene.observer.owner_of(scene.address, destination=machine.mac) is None
