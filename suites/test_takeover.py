"""TAKE: real keepalived, with the product document's configuration, takes a HAVIP over, and a third host feels how."""

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Cause
from pytest_havip.clients.keepalived import CONFIGURATION
from pytest_havip.fixtures.takeovers import Election, Play, Takeover
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.reports import Inconclusive
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Target

__all__: list[str] = []


#: What the product document prints of its configuration, but for the addresses and priorities of the two machines.
DOCUMENT = (
    "state BACKUP",
    "interface eth0",
    "virtual_router_id 51",
    "nopreempt",
    "advert_int 1",
    "auth_type PASS",
    "auth_pass 1111",
    "172.17.16.3",
    "garp_master_delay 1",
    "garp_master_refresh 5",
    "track_interface",
    "checkhaproxy",
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


@requirement("HAVIP-TAKE-002")
def test_keepaliveds_elect_one_owner_at_start(keepalived_play: Play) -> None:
    for cause, scene in keepalived_play.scenes.items():
        election = keepalived_play.election(cause)
        assert election.answer.owner == scene.first.name
        assert election.owner is scene.first
        assert scene.stream.record().dual_answers() == ()
        for machine, priority in ((scene.first, 100), (scene.second, 80)):
            configuration = machine.host.infra.file(CONFIGURATION)
            lines = (*DOCUMENT, f"unicast_src_ip {machine.address}", f"priority {priority}")
            assert [line for line in lines if not configuration.contains(line)] == []


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
            taken.announcements,
            f"served by the standby {served:.2f} s after the fault",
        )
    )
    assert_taken_over(taken, target)
    assert taken.announcements >= 1
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
    # The positive control: with a HAVIP the same configuration serves, in the same lab, at the same time; and here too
    # keepalived believes that it succeeded: it was elected, it configured the address, and it moved it on.
    served = isinstance(keepalived_play.elections[Cause.STOP], Election)
    moved = holds(scene.second, scene.address) and not holds(scene.first, scene.address)
    believes = scene.cluster.belief(scene.second.host) == "MASTER"
    probed = bool(scene.stream.record().probes)
    if not (served and moved and believes and probed):
        raise Inconclusive(
            f"with a HAVIP keepalived {'serves' if served else 'does not serve'}; with an ordinary address it "
            f"{'moved' if moved else 'did not move'} it and {'believes' if believes else 'does not believe'} in it; "
            f"the observer {'asked' if probed else 'did not ask'}"
        )
    assert scene.stream.record().first_answer() is None
    assert scene.observer.saw_about(scene.address) == []
    for machine in (scene.first, scene.second):
        assert scene.observer.owner_of(scene.address, destination=machine.mac) is None
