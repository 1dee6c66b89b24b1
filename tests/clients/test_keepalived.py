"""keepalived clusters on a plain bridge. One play: all start at once, then each suffers a fault of its own."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.base import Cause, Client, Cluster, Node, NotActive, NotMovable, SeveralActive
from pytest_havip.clients.haproxy import HAProxy
from pytest_havip.clients.keepalived import CONFIGURATION, KeepalivedCluster
from pytest_havip.clients.keepalived_config import KeepalivedSettings
from pytest_havip.clients.program import ProgramMissing, find_program
from pytest_havip.clients.service import ServiceNotStarted
from pytest_havip.lab import Frame, Host, Link
from pytest_havip.observe.probe import ProbeStream
from pytest_havip.observe.probe_record import ProbeRecord

CAUSES = (Cause.STOP, Cause.CRASH, Cause.SERVICE, Cause.LINK, Cause.FREEZE)
# What a busy machine may add to VRRP's timers, and how much a late advertisement may shorten them.
SLACK, EARLY = 1.0, 0.1
NewHost = Callable[[str, str], Host]
BROADCAST = b"\xff" * 6


@dataclass
class Act:
    """One cluster of the play and what became of it."""

    cause: Cause
    cluster: KeepalivedCluster
    stream: ProbeStream
    vip: IPv4Address
    started: int = 0
    fault: int = 0
    holders: tuple[Host, ...] = ()
    active: Host | None = None
    beliefs: tuple[str, ...] = ()
    thawed: int = 0
    record: ProbeRecord | None = None

    @property
    def first(self) -> Host:
        return self.cluster.nodes[0].host

    @property
    def second(self) -> Host:
        return self.cluster.nodes[1].host

    @property
    def seen(self) -> ProbeRecord:
        assert self.record is not None
        return self.record


@dataclass(frozen=True)
class Play:
    acts: dict[Cause, Act]
    frames: tuple[Frame, ...]

    def announcements(self, act: Act, host: Host, since: int) -> list[float]:
        """Seconds from `since` at which the host announced the act's address."""
        mac = bytes.fromhex(host.mac().replace(":", ""))
        wanted = b"\x00\x01" + mac + act.vip.packed + BROADCAST + act.vip.packed
        return [
            (frame.time_ns - since) / 1e9
            for frame in self.frames
            if frame.time_ns >= since and frame.data[20:42] == wanted
        ]


def cast_act(new_host: NewHost, observer: Host, cause: Cause, number: int, stack: ExitStack) -> Act:
    vip = IPv4Address(f"172.17.16.{100 + number}")
    nodes = []
    for side in (0, 1):
        address = f"172.17.16.{10 + 2 * number + side}"
        nodes.append(Node(new_host(f"{cause.name.lower()}-{'ab'[side]}", address), IPv4Address(address)))
    cluster = stack.enter_context(KeepalivedCluster.form(nodes, [vip]))
    hosts = [node.host for node in nodes]
    stream = stack.enter_context(ProbeStream.start(observer, vip, hosts, interval=0.01))
    return Act(cause, cluster, stream, vip)


def inflict(links: dict[str, Link], act: Act) -> int:
    cluster, host = act.cluster, act.first
    if act.cause is Cause.LINK:
        at = time.time_ns()
        links[host.name].cut()
        return at
    faults = {
        Cause.STOP: cluster.stop,
        Cause.CRASH: cluster.crash,
        Cause.SERVICE: cluster.fail_service,
        Cause.FREEZE: cluster.freeze,
    }
    return faults[act.cause](host)


@pytest.fixture(scope="module")
def play(new_host: NewHost, links: dict[str, Link], observer: Host) -> Iterator[Play]:
    capture = observer.port("eth0").capture
    began = time.time_ns()
    with ExitStack() as stack:
        acts = [cast_act(new_host, observer, cause, number, stack) for number, cause in enumerate(CAUSES)]
        for act in acts:
            act.started = act.cluster.start()
        for act in acts:
            act.cluster.wait_active(act.first, timeout=8)
            act.stream.wait_for_owner(act.first, timeout=2)
        # Graceful stops take a second, so they come last.
        for act in reversed(acts):
            act.fault = inflict(links, act)
        for act in acts:
            act.active = act.cluster.wait_active(act.second, timeout=8)
            act.stream.wait_for_owner(act.second, timeout=2, since=act.fault)
            act.holders = act.cluster.holders()
            act.beliefs = tuple(act.cluster.belief(node.host) for node in act.cluster.nodes)
        frozen = acts[CAUSES.index(Cause.FREEZE)]
        frozen.thawed = frozen.cluster.thaw(frozen.first)
        frozen.cluster.wait_active(frozen.first, timeout=8)
        # The crashed one comes back, and must not disturb the one that serves.
        crashed = acts[CAUSES.index(Cause.CRASH)]
        crashed.cluster.start(crashed.first)
        crashed.cluster.wait_active(crashed.second, timeout=4)
        for act in acts:
            act.record = act.stream.stop()
        capture.sync()
        yield Play({act.cause: act for act in acts}, tuple(capture.frames(began)))


@pytest.mark.parametrize("cause", CAUSES)
def test_the_preferred_node_is_elected_in_time(play: Play, cause: Cause) -> None:
    act = play.acts[cause]
    bound = act.cluster.traits.takeover[Cause.START]
    announced = play.announcements(act, act.first, act.started)
    assert bound.earliest <= announced[0] <= bound.latest + SLACK
    assert act.seen.tenures()[0].owner == act.first.name
    assert not [at for at in play.announcements(act, act.second, act.started) if at < announced[0]]


@pytest.mark.parametrize("cause", CAUSES)
def test_the_standby_takes_over_within_its_formula(play: Play, cause: Cause) -> None:
    act = play.acts[cause]
    bound = act.cluster.traits.takeover[cause]
    assert act.active is act.second
    announced = play.announcements(act, act.second, act.fault)[0]
    assert bound.earliest - EARLY <= announced <= bound.latest + SLACK, act.cluster.log(act.second)
    takeover = act.seen.takeover(act.second.name, act.fault)
    assert takeover is not None
    assert announced - 0.005 <= takeover <= announced + 0.5


@pytest.mark.parametrize("cause", [Cause.STOP, Cause.SERVICE, Cause.LINK])
def test_a_user_is_without_service_until_then(play: Play, cause: Cause) -> None:
    act = play.acts[cause]
    outage = act.seen.outage(act.fault)
    assert (outage.before, outage.after) == (act.first.name, act.second.name)
    assert outage.lost > 0
    # A standby needs its skew at least, however politely the other one left.
    assert 0.6875 - EARLY <= outage.seconds <= act.cluster.traits.takeover[cause].latest + SLACK


@pytest.mark.parametrize("cause", [Cause.CRASH, Cause.FREEZE])
def test_a_dead_daemons_kernel_serves_on_until_the_takeover(play: Play, cause: Cause) -> None:
    act = play.acts[cause]
    assert act.seen.outage(act.fault).seconds < 0.5
    assert set(act.holders) == {act.first, act.second}, "the first one is a ghost"


def test_a_stopped_node_keeps_nothing(play: Play) -> None:
    for cause in (Cause.STOP, Cause.SERVICE):
        act = play.acts[cause]
        assert act.holders == (act.second,)


def test_beliefs_are_told(play: Play) -> None:
    assert play.acts[Cause.SERVICE].beliefs == ("FAULT", "MASTER")
    assert play.acts[Cause.CRASH].beliefs == ("MASTER", "MASTER")


def test_killing_haproxy_moves_the_address_through_the_track_script(play: Play) -> None:
    act = play.acts[Cause.SERVICE]
    log = act.cluster.log(act.first)
    assert "VRRP_Script(checkhaproxy) succeeded" in log
    assert "VRRP_Script(checkhaproxy) failed" in log
    assert "Couldn't setgroups" not in log
    assert "VRRP_Script(checkhaproxy) failed" not in act.cluster.log(act.second), "the other host's haproxy lives"


def test_announcements_come_in_the_declared_blocks(play: Play) -> None:
    act = play.acts[Cause.STOP]
    declared = act.cluster.traits.announcement
    announced = play.announcements(act, act.second, act.fault)
    first = announced[0]
    for number, delay in enumerate(declared.blocks):
        block = announced[number * declared.count : (number + 1) * declared.count]
        assert len(block) == declared.count
        assert block[0] - first == pytest.approx(delay, abs=0.3)
        assert block[-1] - block[0] < 0.3


def test_a_thawed_master_takes_the_address_back(play: Play) -> None:
    act = play.acts[Cause.FREEZE]
    assert play.announcements(act, act.first, act.thawed)
    assert [tenure.owner for tenure in act.seen.tenures()] == [act.first.name, act.second.name, act.first.name]


def test_a_crashed_node_that_returns_does_not_preempt(play: Play) -> None:
    act = play.acts[Cause.CRASH]
    assert act.cluster.active() is act.second
    assert [tenure.owner for tenure in act.seen.tenures()] == [act.first.name, act.second.name]


def wait_for(state: Callable[[], bool], said: Callable[[], str], timeout: float = 5.0) -> None:
    deadline = time.monotonic() + timeout
    while not state():
        assert time.monotonic() < deadline, said()
        time.sleep(0.01)


@pytest.fixture(scope="module")
def idle(new_host: NewHost) -> tuple[Node, Node]:
    first, second = (
        Node(new_host(f"idle-{end}", f"172.17.16.{end}"), IPv4Address(f"172.17.16.{end}")) for end in (77, 78)
    )
    return first, second


def test_keepalived_understands_the_configuration(idle: tuple[Node, Node], vip: IPv4Address) -> None:
    with KeepalivedCluster.form(idle, [vip]) as cluster:
        checked = idle[0].host.run([cluster.program, "-t", "-f", "/run/keepalived.conf"])
    # Two remarks, no error: scripts run without its path check, and tracking one's own interface changes nothing.
    first, second = (checked.stdout + checked.stderr).splitlines()
    assert first.startswith("SECURITY VIOLATION - scripts are being executed but script_security not enabled.")
    assert second.endswith("(VI_1) Ignoring track_interface eth0 since own interface")


def test_a_cluster_that_does_not_run_is_told(idle: tuple[Node, Node], vip: IPv4Address) -> None:
    with KeepalivedCluster.form(idle, [vip]) as cluster:
        with pytest.raises(NotActive, match=r"nobody is active .*idle-77: does not run"):
            cluster.wait_active(timeout=0.01)
        with pytest.raises(ValueError, match="never started on idle-77"):
            cluster.stop(idle[0].host)
        with pytest.raises(ValueError, match="runs no service"):
            cluster.fail_service(idle[0].host)
        assert cluster.belief(idle[0].host) == ""


def test_several_active_nodes_are_no_answer(idle: tuple[Node, Node], vip: IPv4Address) -> None:
    hosts = [node.host for node in idle]
    with KeepalivedCluster.form(idle, [vip]) as cluster:
        cluster.start()
        # As it starts, keepalived takes the address away: it might be left from an earlier run.
        wait_for(lambda: all(cluster.belief(host) == "BACKUP" for host in hosts), lambda: cluster.log(hosts[0]))
        for host in hosts:
            host.add_address(f"{vip}/32")
        with pytest.raises(SeveralActive, match="idle-77 and idle-78 hold"):
            cluster.active()
    assert all(len(host.addresses()) == 1 for host in hosts), "closing takes the address from all"


def test_keepalived_is_a_client(idle: tuple[Node, Node], vip: IPv4Address) -> None:
    client: Client = KeepalivedCluster
    cluster: Cluster = client.form(idle, [vip])
    assert (cluster.traits.name, tuple(cluster.nodes), tuple(cluster.addresses)) == ("keepalived", idle, (vip,))


def test_an_operator_moves_the_address_by_a_restart(idle: tuple[Node, Node], vip: IPv4Address) -> None:
    first, second = (node.host for node in idle)
    with KeepalivedCluster.form(idle, [vip]) as cluster:
        with pytest.raises(NotMovable, match=r"does not move 172.17.16.3 to idle-78: nobody is active"):
            cluster.move(second)
        cluster.start()
        cluster.wait_active(first, timeout=8)
        with pytest.raises(NotMovable, match="idle-77 is active"):
            cluster.move(first)
        cluster.move(second)
        wait_for(lambda: cluster.belief(first) == "BACKUP", lambda: cluster.log(first))
        assert cluster.active() is second


def test_an_edit_needs_a_priority_for_each_node(idle: tuple[Node, Node], vip: IPv4Address) -> None:
    with KeepalivedCluster.form(idle, [vip]) as cluster:
        with pytest.raises(ValueError, match="2 nodes need as many priorities"):
            cluster.edit(100)
        cluster.edit(90, 120)
        assert "priority 120\n" in idle[1].host.read_file(CONFIGURATION)


def test_one_node_is_no_cluster(idle: tuple[Node, Node], vip: IPv4Address) -> None:
    with pytest.raises(ValueError, match="two nodes at least"):
        KeepalivedCluster.form(idle[:1], [vip], settings=KeepalivedSettings(priorities=(100,)))
    with pytest.raises(ValueError, match="two nodes at least"):
        KeepalivedCluster.form(idle, [vip], settings=KeepalivedSettings(priorities=(100, 80, 60)))


def test_a_service_that_cannot_listen_is_told(idle: tuple[Node, Node]) -> None:
    host = idle[0].host
    with host.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("0.0.0.0", 80))
        with pytest.raises(ServiceNotStarted, match="haproxy on idle-77 ended; is port 80 taken"):
            HAProxy.start(host)


def test_the_service_answers_with_its_hosts_name(idle: tuple[Node, Node]) -> None:
    host = idle[0].host
    service = HAProxy.start(host, port=8080)
    with host.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
        asking.settimeout(2)
        asking.connect(("127.0.0.1", 8080))
        asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with asking.makefile("rb") as answer:
            assert answer.read().endswith(b"\r\n\r\nidle-77\n")
    service.crash()
    assert not service.alive


def test_a_missing_program_is_told_with_its_remedy() -> None:
    with pytest.raises(ProgramMissing, match="apt-get install no-such-package"):
        find_program("no-such-program", "no-such-package")
