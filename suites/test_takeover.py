"""TAKE: real keepalived, with the product document's configuration, takes a HAVIP over, and a third host feels how."""

from collections.abc import Callable

import pytest

from pytest_havip.clients.base import Cause
from pytest_havip.fixtures.takeovers import Play, Takeover
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Target

__all__: list[str] = []


def assert_taken_over(taken: Takeover, target: Target) -> None:
    """The control plane, the data path and the neighbours name the standby, and the probes were served by it last."""
    scene = taken.scene
    assert scene.havip is not None
    state = target.havip_state(scene.havip)
    neighbour = scene.observer.instance.host.neighbour(scene.address)
    assert state is not None
    assert neighbour is not None
    assert state.nic_id == scene.second.nic.id
    assert scene.observer.owner_of(scene.address) is scene.second
    assert neighbour.mac == scene.second.mac
    assert [tenure.owner for tenure in taken.record.tenures()] == [scene.first.name, scene.second.name]


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


@pytest.mark.parametrize(
    ("cause", "bound"),
    [
        pytest.param(Cause.STOP, 1.7, marks=requirement("HAVIP-TAKE-006"), id="stop"),
        pytest.param(Cause.CRASH, 4.7, marks=requirement("HAVIP-TAKE-007"), id="crash"),
    ],
)
def test_the_outage_is_vrrps_and_not_the_networks(keepalived_play: Play, cause: Cause, bound: float) -> None:
    taken = keepalived_play.takeover(cause)
    assert taken.record.outage(taken.fault).seconds < bound


@requirement("HAVIP-TAKE-001")
def test_an_ordinary_address_takes_no_effect(keepalived_play: Play) -> None:
    scene = keepalived_play.ordinary
    # The positive control: with a HAVIP the same configuration has been served, in the same lab, at the same time.
    keepalived_play.takeover(Cause.STOP)
    # keepalived believes that it succeeded: it was elected, it configured the address, and it moved it on.
    assert scene.cluster.holders() == (scene.second.host,)
    assert scene.cluster.belief(scene.second.host) == "MASTER"
    record = scene.stream.record()
    assert record.probes
    assert record.first_answer() is None
    assert scene.observer.saw_about(scene.address) == []
    for machine in (scene.first, scene.second):
        assert scene.observer.owner_of(scene.address, destination=machine.mac) is None
