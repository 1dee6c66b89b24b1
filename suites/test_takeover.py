"""TAKE: real keepalived, with the product document's configuration, takes a HAVIP over, and a third host feels how."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Cause
from pytest_havip.clients.keepalived import CONFIGURATION
from pytest_havip.fixtures.acts import Act, Takeover
from pytest_havip.fixtures.takeovers import Acts
from pytest_havip.observe.announcements import announced_by
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.endings import Blame, Outcome
from pytest_havip.reports import Inconclusive
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement

__all__: list[str] = []

pytestmark = pytest.mark.xdist_group("takeovers")

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
#: The acts whose client has the document's configuration and suffers one fault.
STRUCK = ("keepalived stopped", "keepalived killed", "keepalived service", "keepalived link", "keepalived frozen")
#: Seconds of an outage that nobody calls one: what a busy machine may hold a probe up.
UNNOTICED = 0.5


def assert_taken_over(taken: Takeover) -> None:
    """Everyone names the standby, and the probes were served by it last."""
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)
    assert taken.announcements >= 1


def holds(machine: Instance, address: IPv4Address) -> bool:
    """Whether the machine's kernel has the address, as an operator would look."""
    return str(address) in machine.host.infra.interface(machine.interface).addresses


def healed(played: Act, cause: str, note: str) -> Row:
    """What users felt when a fault was healed, as the run's table shows it."""
    taken, ended = played.takeovers[-1], played.aftermath
    assert ended is not None
    outage = taken.record.outage(played.healed)
    return Row(
        played.scene.cluster.traits.name,
        cause,
        outage.seconds * 1000,
        len(played.announced_again()),
        note,
        ended.outcome,
        outage_ended=outage.served,
        lost_probes=outage.lost,
    )


@requirement("HAVIP-TAKE-002")
@pytest.mark.parametrize("name", STRUCK)
def test_keepaliveds_elect_one_owner_at_start(act: Acts, name: str) -> None:
    played = act(name)
    scene, election = played.scene, played.elected()
    assert election.answer.owner == scene.first.name
    assert election.owner is scene.first
    assert scene.stream.record().dual_answers() == ()
    for machine, priority in ((scene.first, 100), (scene.second, 80)):
        configuration = machine.host.infra.file(CONFIGURATION)
        lines = (*DOCUMENT, f"unicast_src_ip {machine.address}", f"priority {priority}")
        assert [line for line in lines if not configuration.contains(line)] == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("keepalived stopped", marks=requirement("HAVIP-TAKE-003"), id="stop"),
        pytest.param("keepalived killed", marks=requirement("HAVIP-TAKE-004"), id="crash"),
        pytest.param("keepalived service", marks=requirement("HAVIP-TAKE-005"), id="service"),
        pytest.param("keepalived link", marks=requirement("HAVIP-TAKE-008"), id="link"),
        pytest.param("keepalived frozen", marks=requirement("HAVIP-TAKE-009"), id="frozen"),
    ],
)
def test_the_standby_takes_over(act: Acts, record_takeover: Callable[[Row], None], name: str) -> None:
    taken = act(name).taken()
    record_takeover(taken.row)
    assert_taken_over(taken)
    assert taken.heir.name in taken.holders
    # A machine that died, or was frozen, keeps the address in its kernel; one whose keepalived gave it up does not.
    assert (taken.victim.name in taken.holders) == (name in {"keepalived killed", "keepalived frozen"})


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("keepalived stopped", marks=requirement("HAVIP-TAKE-006"), id="stop"),
        pytest.param("keepalived killed", marks=requirement("HAVIP-TAKE-007"), id="crash"),
    ],
)
def test_the_outage_is_vrrps_and_not_the_networks(act: Acts, name: str) -> None:
    taken = act(name).taken()
    assert taken.bound is not None
    assert taken.outage.seconds < taken.bound.latest + 1


@requirement("HAVIP-TAKE-010")
def test_a_thawed_owner_is_followed_when_it_refreshes(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    played = act("keepalived frozen")
    taken, first, traits = played.taken(), played.scene.first, played.scene.cluster.traits
    assert played.aftermath is not None, played.error
    if not played.announced_again():
        raise Inconclusive(f"{first.name} did not announce again: {played.aftermath.text}")
    assert (played.aftermath.outcome, played.aftermath.blame) == (Outcome.TAKEN, Blame.NOBODY), played.aftermath.text
    refresh = traits.announcement.refresh
    assert refresh is not None
    served = taken.record.takeover(first.name, played.healed)
    assert served is not None
    assert served < refresh + 1
    row = healed(played, "thawed", f"by its refresh every {refresh:g} s")
    record_takeover(replace(row, first_answer_ms=served * 1000))


@requirement("HAVIP-TAKE-011")
def test_a_silent_resumption_leaves_the_havip_stuck(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    played = act("keepalived stuck")
    played.taken()
    scene, ended = played.scene, played.aftermath
    assert ended is not None, played.error
    if played.announced_again() or holds(scene.second, scene.address):
        raise Inconclusive(f"{scene.first.name} did not resume in silence: {ended.text}")
    row = healed(played, "thawed, no refresh", f"{ended.blame}: {ended.text}")
    record_takeover(row)
    assert (ended.outcome, ended.blame) == (Outcome.STUCK, Blame.CLIENT), ended.text
    assert not row.outage_ended
    assert scene.havip is not None
    assert ControlPlane(scene.target, scene.machines).owner_of(scene.havip) is scene.second


@requirement("HAVIP-TAKE-012")
def test_a_reload_without_a_change_moves_nothing(act: Acts) -> None:
    reloaded = act("keepalived edited").taken(0)
    assert (reloaded.ending.outcome, reloaded.ending.blame) == (Outcome.KEPT, Blame.NOBODY), reloaded.ending.text
    assert reloaded.views == dict.fromkeys(reloaded.views, reloaded.victim.name)
    assert reloaded.outage.seconds < UNNOTICED


@requirement("HAVIP-TAKE-013")
def test_an_edited_priority_moves_the_havip(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    taken = act("keepalived edited").taken(1)
    record_takeover(taken.row)
    assert_taken_over(taken)
    assert taken.holders == (taken.heir.name,)


@requirement("HAVIP-TAKE-014")
def test_a_virtual_mac_is_refused_and_says_so(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    played = act("keepalived vmac")
    scene = played.scene
    sent = announced_by(scene.first, scene.address)
    if not sent:
        raise Inconclusive(f"{scene.first.name} announced nothing: {played.error}")
    assert {frame.data[6:12].hex(":") for frame in sent} == {"00:00:5e:00:01:33"}
    assert scene.havip is not None
    assert ControlPlane(scene.target, scene.machines).owner_of(scene.havip) is None
    assert scene.observer.saw_about(scene.address) == []
    refused = [entry for entry in scene.target.rejections() if entry.nic_id == scene.first.nic.id]
    assert {(entry.address, entry.reason) for entry in refused} == {(scene.address, "MAC_MISMATCH")}
    assert sum(entry.count for entry in refused) >= len(sent)
    note = f"virtual MAC 00:00:5e:00:01:33: {len(sent)} announcements refused, MAC_MISMATCH"
    record_takeover(Row("keepalived use_vmac", Cause.START, None, 0, note, "unsupported"))


@requirement("HAVIP-TAKE-001")
def test_an_ordinary_address_takes_no_effect(act: Acts) -> None:
    scene = act("keepalived ordinary").scene
    # The positive control: with a HAVIP the same configuration serves, in the same lab, at the same time; and here too
    # keepalived believes that it succeeded: it was elected, it configured the address, and it moved it on.
    served = act("keepalived stopped").election is not None
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
    for machine in scene.machines:
        assert scene.observer.owner_of(scene.address, destination=machine.mac) is None
