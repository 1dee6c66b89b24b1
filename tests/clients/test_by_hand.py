"""arping, IPaddr2 and ucarp on a plain bridge."""

import os
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients import ipaddr2
from pytest_havip.clients.arping import ArpingCluster
from pytest_havip.clients.base import Cause, Client, Cluster, Node, NoSuchFault, NotActive, NotMovable, SeveralActive
from pytest_havip.clients.ipaddr2 import IPaddr2Cluster
from pytest_havip.clients.program import ProgramMissing, find_program
from pytest_havip.clients.ucarp import VIRTUAL_MAC, UcarpCluster
from pytest_havip.lab import Frame, Host

NewHost = Callable[[str, str], Host]
PATIENCE = 10.0
REQUEST, REPLY = 1, 2


def has_ucarp() -> bool:
    try:
        return bool(find_program("ucarp", "ucarp"))
    except ProgramMissing:
        return False


@pytest.fixture(scope="module")
def pair(new_host: NewHost) -> tuple[Node, Node]:
    first, second = (
        Node(new_host(f"hand-{end}", f"172.17.16.{end}"), IPv4Address(f"172.17.16.{end}")) for end in (71, 72)
    )
    for node in (first, second):
        node.host.port("eth0").capture.sync()
    return first, second


def announces(node: Node, vip: IPv4Address, operation: int) -> Callable[[Frame], bool]:
    own = bytes.fromhex(node.host.mac().replace(":", ""))
    wanted = operation.to_bytes(2, "big") + own + vip.packed
    return lambda frame: frame.outgoing and frame.data[20:32] == wanted and frame.data[38:42] == vip.packed


@pytest.mark.parametrize(("option", "operation"), [("-U", REQUEST), ("-A", REPLY)])
def test_arping_takes_an_address_over(pair: tuple[Node, Node], vip: IPv4Address, option: str, operation: int) -> None:
    first, second = pair
    with_probes = option == "-U"
    cluster = ArpingCluster.form(pair, [vip], option="-U" if option == "-U" else "-A", probes=with_probes)
    with pytest.raises(NotMovable, match=r"nobody has 172.17.16.3"):
        cluster.move(second.host)
    with pytest.raises(NotActive, match=r"nobody has 172.17.16.3"):
        cluster.wait_active(timeout=0.01)
    started = cluster.start()
    first.host.port("eth0").capture.wait(announces(first, vip, operation), timeout=PATIENCE, since=started)
    assert cluster.wait_active(first.host, timeout=PATIENCE) is first.host
    moved = cluster.move(second.host)
    second.host.port("eth0").capture.wait(announces(second, vip, operation), timeout=PATIENCE, since=moved)
    assert cluster.holders() == (second.host,)
    assert (cluster.belief(first.host), cluster.belief(second.host)) == ("released", "taken")
    stopped = cluster.stop(second.host)
    first.host.port("eth0").capture.wait(announces(first, vip, operation), timeout=PATIENCE, since=stopped)
    cluster.crash(first.host)
    if with_probes:
        assert cluster.log(second.host).endswith("refused: 172.17.16.3 is used by another machine")
        assert cluster.active() is None
    else:
        assert set(cluster.holders()) == {first.host, second.host}
        assert cluster.active() is second.host
    cluster.close()
    assert cluster.holders() == ()


def test_arping_is_a_client_with_no_daemon(pair: tuple[Node, Node], vip: IPv4Address) -> None:
    client: Client = ArpingCluster
    cluster: Cluster = client.form(pair, [vip])
    assert (cluster.traits.name, cluster.belief(pair[0].host), cluster.log(pair[0].host)) == ("arping -U", "", "")
    assert set(cluster.traits.takeover) == {Cause.START, Cause.STOP, Cause.MOVE, Cause.CRASH}
    for fault in (cluster.freeze, cluster.thaw, cluster.fail_service):
        with pytest.raises(NoSuchFault, match="arping -U"):
            fault(pair[0].host)
    with pytest.raises(ValueError, match="two nodes at least"):
        ArpingCluster.form(pair[:1], [vip])


def test_two_holders_are_told(pair: tuple[Node, Node], vip: IPv4Address) -> None:
    cluster = ArpingCluster.form(pair, [vip])
    for node in pair:
        cluster.hold(node, vip)
    with pytest.raises(SeveralActive, match=r"hand-71 and hand-72 hold 172.17.16.3"):
        cluster.active()
    with pytest.raises(NotMovable, match=r"has 172.17.16.3 already"):
        cluster.hold(pair[0], vip)
    cluster.close()


@pytest.mark.skipif(not os.access(ipaddr2.AGENT, os.X_OK), reason="Pacemaker's IPaddr2 is not installed")
def test_the_agent_announces_in_both_forms_and_goes_in_silence(pair: tuple[Node, Node], vip: IPv4Address) -> None:
    first, second = pair
    cluster = IPaddr2Cluster.form(pair, [vip])
    started = cluster.start()
    for operation in (REQUEST, REPLY):
        first.host.port("eth0").capture.wait(announces(first, vip, operation), timeout=PATIENCE, since=started)
    moved = cluster.move(second.host)
    second.host.port("eth0").capture.wait(announces(second, vip, REPLY), timeout=PATIENCE, since=moved)
    assert cluster.active() is second.host
    assert "start: 0" in cluster.log(second.host)
    assert cluster.belief(second.host) == "taken"
    with pytest.raises(NoSuchFault, match="IPaddr2"):
        cluster.freeze(second.host)
    cluster.close()
    assert cluster.holders() == ()


def test_a_missing_agent_is_told_with_its_remedy(
    pair: tuple[Node, Node], vip: IPv4Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ipaddr2, "AGENT", "/nowhere/IPaddr2")
    with pytest.raises(ProgramMissing, match="apt-get install --no-install-recommends resource-agents"):
        IPaddr2Cluster.form(pair, [vip])


@pytest.mark.skipif(not has_ucarp(), reason="ucarp is not installed")
def test_ucarp_takes_over_where_its_heartbeats_pass(pair: tuple[Node, Node], vip: IPv4Address) -> None:
    first, second = pair
    with UcarpCluster.form(pair, [vip]) as cluster:
        started = cluster.start()
        first.host.port("eth0").capture.wait(announces(first, vip, REQUEST), timeout=PATIENCE, since=started)
        cluster.wait_active(first.host, timeout=PATIENCE)
        assert second.host.port("eth0").capture.wait(
            lambda frame: frame.data[6:12].hex(":") == VIRTUAL_MAC, timeout=PATIENCE, since=started
        )
        assert cluster.belief(second.host) == "BACKUP"
        with pytest.raises(NotMovable, match="ucarp does not move"):
            cluster.move(second.host)
        stopped = cluster.stop(first.host)
        second.host.port("eth0").capture.wait(announces(second, vip, REQUEST), timeout=PATIENCE, since=stopped)
        assert cluster.wait_active(second.host, timeout=PATIENCE) is second.host
        assert cluster.holders() == (second.host,)
