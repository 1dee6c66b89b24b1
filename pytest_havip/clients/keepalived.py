"""Real keepalived as the HA client: a cluster of it on hosts of a lab, each with a real haproxy that it tracks."""

import re
import signal
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import pairwise
from time import monotonic, sleep, time_ns
from typing import Self

from pytest_havip.clients.base import Node, NotMovable, Traits
from pytest_havip.clients.cluster import POLL, ProgramCluster
from pytest_havip.clients.haproxy import HAPROXY
from pytest_havip.clients.keepalived_config import (
    SEED,
    KeepalivedSettings,
    declare_traits,
    render_check,
    render_keepalived,
)
from pytest_havip.clients.program import find_program
from pytest_havip.clients.service import ServiceKind
from pytest_havip.lab import Host

__all__ = ["CONFIGURATION", "KeepalivedCluster"]

#: A node's configuration, as its host sees it.
CONFIGURATION = "/run/keepalived.conf"
CHECK = "/run/checkhaproxy"
STATE = re.compile(r"\(VI_1\) Entering (\w+) STATE")
START_TIMEOUT = 2.0


class KeepalivedCluster(ProgramCluster):
    """keepalived on some hosts, each with a service of its own that it tracks, a haproxy unless said otherwise."""

    def __init__(
        self,
        nodes: Sequence[Node],
        addresses: Sequence[IPv4Address],
        settings: KeepalivedSettings,
        *,
        service: ServiceKind = HAPROXY,
    ) -> None:
        """Use `form`."""
        super().__init__(nodes, addresses, service=service)
        self.settings = settings
        self.program = find_program("keepalived", "keepalived")

    @classmethod
    def form(
        cls,
        nodes: Sequence[Node],
        addresses: Sequence[IPv4Address],
        *,
        settings: KeepalivedSettings = SEED,
        service: ServiceKind = HAPROXY,
    ) -> Self:
        """Write the configuration of each node; nothing runs yet.

        Args:
            nodes: the machines, in the order of `settings.priorities`.
            addresses: the floating addresses, which all move together.
            settings: the product document's, unless said otherwise.
            service: what each keepalived tracks on its host.

        Raises:
            ValueError: there are fewer than two nodes, or not as many priorities as nodes.
            ProgramMissing: keepalived is not installed.
        """
        if len(nodes) < len(("preferred", "standby")) or len(nodes) != len(settings.priorities):
            raise ValueError(
                f"a cluster has two nodes at least and a priority for each: {nodes}, {settings.priorities}"
            )
        cluster = cls(nodes, addresses, settings, service=service)
        for node in cluster.nodes:
            node.host.write_file(CHECK, render_check(service.pidfile))
        cluster._write_configurations()
        return cluster

    @property
    def traits(self) -> Traits:
        """What this keepalived, so configured, declares."""
        return declare_traits(self.settings)

    def command(self, node: Node) -> Sequence[str]:
        """In the foreground, all details to the console and none to the machine's syslog, VRRP only."""
        del node
        command = [self.program, "-n", "-l", "-D", "-G", "-P", "-f", CONFIGURATION]
        return [*command, "-p", "/run/keepalived.pid", "-r", "/run/vrrp.pid"]

    def start(self, *hosts: Host) -> int:
        """Start keepalived on these hosts, or on all, in the order of their priorities; see `ProgramCluster.start`.

        Each waits until the one before has said what it is: a busy machine must not decide the election.
        """
        wanted = hosts or tuple(node.host for node in self.nodes)
        ranked = sorted(zip(self.settings.priorities, self.nodes, strict=True), key=lambda pair: -pair[0])
        first, *others = (node.host for _, node in ranked if node.host in wanted)
        at = super().start(first)
        for before, host in pairwise((first, *others)):
            deadline = monotonic() + START_TIMEOUT
            while not self.belief(before) and self._of(before).running and monotonic() < deadline:
                sleep(POLL)
            super().start(host)
        return at

    def move(self, host: Host) -> int:
        """Move the addresses to another host as an operator does: keepalived has no command for it.

        The active keepalived is stopped, and started again as a standby.

        Returns:
            The time just before, CLOCK_REALTIME in ns.

        Raises:
            NotMovable: nobody is active, or VRRP's priorities would choose another host.
        """
        active = self.active()
        priorities = dict(zip((node.host for node in self.nodes), self.settings.priorities, strict=True))
        standbys = [each for each in priorities if each is not active and self._of(each).running]
        chosen = max(standbys, key=priorities.__getitem__, default=None)
        if active is None or chosen is not host or not self.settings.nopreempt:
            raise NotMovable(
                f"keepalived does not move {self.spelled} to {host.name}: {active.name if active else 'nobody'} is "
                f"active, priorities are {self.settings.priorities}, nopreempt is {self.settings.nopreempt}"
            )
        at = self.stop(active)
        self.wait_active(host, timeout=3 * self.settings.advert_interval + 1)
        self.start(active)
        return at

    def edit(self, *priorities: int) -> int:
        """Write other priorities into the configurations, and let every keepalived that runs read its own again.

        Args:
            priorities: Those of the nodes in their order.

        Returns:
            The time just before the first one was told, CLOCK_REALTIME in ns.

        Raises:
            ValueError: there are not as many priorities as nodes.
        """
        if len(priorities) != len(self.nodes):
            raise ValueError(f"{len(self.nodes)} nodes need as many priorities, not {priorities}")
        self.settings = replace(self.settings, priorities=priorities)
        self._write_configurations()
        at = time_ns()
        for node in self.nodes:
            if self._of(node.host).running:
                self.reload(node.host)
        return at

    def reload(self, host: Host) -> int:
        """Let keepalived read its configuration again (SIGHUP), and return the time just before in ns."""
        at = time_ns()
        self._process(host).signal(signal.SIGHUP)
        return at

    def _write_configurations(self) -> None:
        for position, node in enumerate(self.nodes):
            peers = [peer for peer in self.nodes if peer is not node]
            text = render_keepalived(
                node, peers, self.addresses, position=position, check=CHECK, settings=self.settings
            )
            node.host.write_file(CONFIGURATION, text)

    def belief(self, host: Host) -> str:
        """Return the VRRP state that keepalived last reported (`MASTER`, `BACKUP`, `FAULT`), or nothing.

        It is what the client believes, and no proof: ownership is judged by frames and by who serves.
        """
        states = STATE.findall(self.log(host))
        return states[-1] if states else ""
