"""Faults, policies and the administration of the cluster's programs, on the plain bridge."""

import sys
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, TypeAlias

import pytest

from pytest_havip.clients.base import Cause, Client, Cluster, NotActive, NotMovable
from pytest_havip.clients.wsfc.cluster import WsfcCluster
from pytest_havip.clients.wsfc.settings import RoleScript, WsfcSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.wsfc.conftest import Cell

NewCell: TypeAlias = "Callable[..., Cell]"
VIP = IPv4Address("172.17.16.3")
#: What a busy machine may add to the cluster's timers.
SLACK = 1.5
PATIENCE = 12.0
ZERO = bytes(4)
HAVIP = (sys.executable, "-m", "pytest_havip.cli", "wsfc")


def test_a_defended_address_does_not_come_online(new_cell: NewCell) -> None:
    made = new_cell(started=False, restart_threshold=0, failover_threshold=0)
    a, _ = made.machines
    made.user.host.add_address(f"{VIP}/32")
    made.cluster.start()
    status = made.wait_status(a, lambda status: status["role"] == "failed")
    assert f"event 1049: {VIP} is a duplicate: {made.user.mac}" in status["event"]
    assert status["addresses"] == {str(VIP): "offline"}
    assert {frame.data[28:32] for frame in made.arp(a)} == {ZERO}, "it is probed for and never announced"
    with pytest.raises(NotActive, match="nobody is active"):
        made.cluster.wait_active(timeout=0.1)
    made.user.host.remove_address(f"{VIP}/32")
    made.cluster.wait_active(a.host, timeout=PATIENCE)


def test_two_of_four_without_a_witness_own_nothing(new_cell: NewCell) -> None:
    made = new_cell(witness=False)
    a, b = made.machines
    made.target.set_link(b.nic, up=False)
    status = made.wait_status(a, lambda status: not status["quorum"] and not status["owner"])
    assert status["votes"] == "1 reachable of 2, 2 needed"
    assert made.cluster.holders() == ()
    assert "event 1177" in made.cluster.log(a.host)
    lost = made.arp(a)[-1].time_ns + 1
    made.target.set_link(b.nic, up=True)
    made.cluster.wait_active(timeout=PATIENCE)
    assert made.arp(a, lost) == [] or made.arp(b, lost) == []


def test_the_witness_lets_one_of_two_go_on_and_may_die_itself(new_cell: NewCell) -> None:
    made = new_cell()
    a, b = made.machines
    made.cluster.crash(b.host)
    made.wait_status(a, lambda status: status["nodes"]["b"] == "down")
    assert made.cluster.active() is a.host
    made.cluster.crash_witness()
    status = made.wait_status(a, lambda status: not status["owner"])
    assert (status["witness"], status["quorum"]) == ("down", False)
    assert made.cluster.holders() == ()
    made.cluster.start_witness()
    made.cluster.wait_active(a.host, timeout=PATIENCE)


def test_three_nodes_need_no_witness_and_fail_back(new_cell: NewCell) -> None:
    made = new_cell(3, witness=False, failback="immediate")
    a, b, c = made.machines
    stopped = made.cluster.stop(a.host)
    made.cluster.wait_active(b.host, timeout=PATIENCE)
    bound = made.cluster.traits.takeover[Cause.STOP]
    assert bound.earliest <= made.announced(b, stopped) <= bound.latest + SLACK
    made.cluster.start(a.host)
    made.cluster.wait_active(a.host, timeout=PATIENCE)
    assert made.arp(c) == []


def test_pause_drains_and_resume_does_not_move(new_cell: NewCell) -> None:
    made = new_cell()
    a, b = made.machines
    made.cluster.pause(a.host)
    made.cluster.wait_active(b.host, timeout=PATIENCE)
    with pytest.raises(NotMovable, match="the role stays on b: a is paused; no other node could take it"):
        made.cluster.move(a.host)
    made.cluster.resume(a.host)
    assert made.wait_status(b, lambda status: status["nodes"]["a"] == "up")["owner"] == "b"
    made.cluster.pause(b.host, drain=False)
    assert made.wait_status(a, lambda status: status["nodes"]["b"] == "paused")["owner"] == "b"


def test_a_dead_service_moves_the_role(new_cell: NewCell) -> None:
    made = new_cell(service=True)
    a, b = made.machines
    failed = made.cluster.fail_service(a.host)
    made.cluster.wait_active(b.host, timeout=PATIENCE)
    bound = made.cluster.traits.takeover[Cause.SERVICE]
    assert bound.earliest <= made.announced(b, failed) <= bound.latest + SLACK
    assert "event 1069: the service on a has failed" in made.cluster.log(a.host)
    made.cluster.fail_service(b.host)
    assert made.wait_status(b, lambda status: not status["owner"])["quorum"] is True
    made.cluster.heal_service(a.host)
    made.cluster.wait_active(a.host, timeout=PATIENCE)


def test_the_roles_script_runs_on_its_owner(new_cell: NewCell) -> None:
    words = {when: ("/bin/sh", "-c", f"echo {when} on $(hostname)") for when in ("online", "offline")}
    made = new_cell(script=RoleScript(**words))
    a, b = made.machines
    made.cluster.move(b.host)
    made.cluster.wait_active(b.host, timeout=PATIENCE)
    made.wait_log(b, "\nonline on b\n")
    made.wait_log(a, "\noffline on a\n")
    assert "offline on b" not in made.cluster.log(b.host)


def test_a_script_that_fails_moves_the_role(new_cell: NewCell) -> None:
    made = new_cell(script=RoleScript(("/bin/sh", "-c", "test $(hostname) = b")), started=False)
    a, b = made.machines
    made.cluster.start()
    made.cluster.wait_active(b.host, timeout=PATIENCE)
    made.wait_log(a, "event 1069: the role's script has failed: `/bin/sh -c test $(hostname) = b` ended with 1; it is")
    made.wait_log(a, "ended with 1; the role has failed here")


def test_an_address_removed_by_hand_comes_back(new_cell: NewCell) -> None:
    made = new_cell()
    a, b = made.machines
    since = made.arp(a)[-1].time_ns + 1
    a.host.remove_address(f"{VIP}/32")
    a.port.capture.wait(lambda frame: frame.outgoing and frame.data[28:32] == VIP.packed, timeout=PATIENCE, since=since)
    assert made.cluster.wait_active(timeout=PATIENCE) is a.host
    assert made.arp(b) == []


def test_a_killed_node_takes_its_leftover_away_when_it_starts(new_cell: NewCell) -> None:
    made = new_cell(witness=False)
    a, b = made.machines
    made.cluster.stop(b.host)
    made.cluster.crash(a.host)
    assert made.cluster.holders() == (a.host,)
    made.cluster.start(a.host)
    made.wait_status(a, lambda status: not status["quorum"])
    assert made.cluster.holders() == ()


def test_havip_wsfc_administers_a_node_from_its_host(new_cell: NewCell) -> None:
    made = new_cell()
    a, b = made.machines
    shown = b.host.run([*HAVIP, "status"]).stdout
    assert "a          up     owner" in shown
    assert "quorum: yes (3 reachable of 3, 2 needed)" in shown
    assert "on b: 172.17.16.3 offline" in shown
    assert "role: online, owner a, term 1" in shown
    moved = b.host.run([*HAVIP, "move", "b"])
    assert (moved.returncode, moved.stderr) == (0, "")
    assert moved.stdout.splitlines()[-1].endswith(" the role is online on b")
    assert made.cluster.active() is b.host
    refused = a.host.run([*HAVIP, "move", "nobody"])
    assert refused.returncode == 1
    assert "the role stays on b: there is no node nobody; a could take it" in refused.stderr
    paused = a.host.run([*HAVIP, "pause", "nobody"])
    assert (paused.returncode, "there is no node nobody" in paused.stderr) == (1, True)
    nowhere = made.user.host.run([*HAVIP, "status"])
    assert nowhere.returncode == 2
    assert "no node answers at /run/wsfc/control" in nowhere.stderr
    made.cluster.freeze(b.host)
    silent = a.host.run([*HAVIP, "move", "a"])
    assert (silent.returncode, "frozen or cut off" in silent.stderr) == (2, True)


def test_it_is_a_client(new_cell: NewCell) -> None:
    made = new_cell(started=False)
    client: Client = WsfcCluster
    cluster: Cluster = client.form(made.cluster.nodes, [VIP])
    assert (cluster.traits.name, tuple(cluster.addresses), cluster.traits.preemption) == (
        "wsfc (simulated)",
        (VIP,),
        False,
    )
    declared = {Cause.START, Cause.STOP, Cause.MOVE, Cause.SERVICE, Cause.LINK, Cause.HOST, Cause.FROZEN, Cause.NIC}
    assert set(cluster.traits.takeover) == declared
    first = cluster.nodes[0].host
    assert (cluster.belief(first), cluster.log(first), cluster.holders()) == ("", "", ())
    with pytest.raises(ValueError, match="never started on a"):
        cluster.stop(first)


def test_a_cluster_that_makes_no_sense_is_refused(new_cell: NewCell) -> None:
    nodes = new_cell(started=False).cluster.nodes
    with pytest.raises(ValueError, match="two nodes at least"):
        WsfcCluster.form(nodes[:1], [VIP])
    with pytest.raises(ValueError, match="a is a node"):
        WsfcCluster.form(nodes, [VIP], witness=nodes[0])
    with pytest.raises(ValueError, match="no node is called x: owners are among a, b"):
        WsfcCluster.form(nodes, [VIP], settings=replace(WsfcSettings(), possible_owners=("x",)))
    with pytest.raises(ValueError, match="no witness"):
        WsfcCluster.form(nodes, [VIP]).start_witness()
