"""Real keepalived as the HA client: a cluster of it on hosts of a lab, each with a real haproxy that it tracks."""

import re
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Self

from pytest_havip.clients.base import Node, NotActive, SeveralActive, Traits
from pytest_havip.clients.haproxy import PIDFILE, HAProxy
from pytest_havip.clients.keepalived_config import (
    SEED,
    KeepalivedSettings,
    declare_traits,
    render_check,
    render_keepalived,
)
from pytest_havip.clients.program import find_program
from pytest_havip.lab import Host, Process

__all__ = ["CONFIGURATION", "KeepalivedCluster"]

STOP_TIMEOUT = 5.0
POLL = 0.01
#: A node's configuration, as its host sees it.
CONFIGURATION = "/run/keepalived.conf"
CHECK = "/run/checkhaproxy"
STATE = re.compile(r"Entering (\w+) STATE")


@dataclass(slots=True)
class Member:
    """One node's programs, over all its starts."""

    node: Node
    service: HAProxy | None = None
    runs: list[Process] = field(default_factory=list)
    frozen: bool = False

    @property
    def running(self) -> bool:
        """Whether its keepalived lives and may run."""
        return bool(self.runs) and self.runs[-1].alive and not self.frozen


class KeepalivedCluster:
    """keepalived on some hosts, each with a haproxy of its own that it tracks.

    Usable as a context manager: at the end everything is killed, and no host keeps a floating address.
    """

    def __init__(self, nodes: Sequence[Node], addresses: Sequence[IPv4Address], settings: KeepalivedSettings) -> None:
        """Use `form`."""
        self.nodes = tuple(nodes)
        self.addresses = tuple(addresses)
        self.settings = settings
        self.program = find_program("keepalived", "keepalived")
        self._members = {node.host.name: Member(node) for node in self.nodes}

    @classmethod
    def form(
        cls, nodes: Sequence[Node], addresses: Sequence[IPv4Address], *, settings: KeepalivedSettings = SEED
    ) -> Self:
        """Write the configuration of each node; nothing runs yet.

        Args:
            nodes: the machines, in the order of `settings.priorities`.
            addresses: the floating addresses, which all move together.
            settings: the product document's, unless said otherwise.

        Raises:
            ValueError: there are fewer than two nodes, or not as many priorities as nodes.
            ProgramMissing: keepalived is not installed.
        """
        if len(nodes) < len(("preferred", "standby")) or len(nodes) != len(settings.priorities):
            raise ValueError(
                f"a cluster has two nodes at least and a priority for each: {nodes}, {settings.priorities}"
            )
        cluster = cls(nodes, addresses, settings)
        for node, priority in zip(cluster.nodes, settings.priorities, strict=True):
            peers = [peer for peer in cluster.nodes if peer is not node]
            text = render_keepalived(node, peers, cluster.addresses, priority=priority, check=CHECK, settings=settings)
            node.host.write_file(CONFIGURATION, text)
            node.host.write_file(CHECK, render_check(PIDFILE))
        return cluster

    @property
    def traits(self) -> Traits:
        """What this keepalived, so configured, declares."""
        return declare_traits(self.settings)

    def start(self, *hosts: Host) -> int:
        """Start haproxy, where it does not run, and keepalived on these hosts, or on all.

        Returns:
            The time just before the first keepalived started, CLOCK_REALTIME in ns.

        Raises:
            ServiceNotStarted: a haproxy did not come up.
        """
        members = [self._member(host) for host in hosts] or list(self._members.values())
        for member in members:
            if member.service is None or not member.service.alive:
                member.service = HAProxy.start(member.node.host)
        at = time.time_ns()
        for member in members:
            # In the foreground, all details to the console and none to the machine's syslog, VRRP only.
            command = [self.program, "-n", "-l", "-D", "-G", "-P", "-f", CONFIGURATION]
            command += ["-p", "/run/keepalived.pid", "-r", "/run/vrrp.pid"]
            member.frozen = False
            member.runs.append(member.node.host.spawn(command))
        return at

    def stop(self, host: Host) -> int:
        """End keepalived as an operator would (SIGTERM) and wait until it has; haproxy goes on.

        Returns:
            The time just before, CLOCK_REALTIME in ns.
        """
        process = self._process(host)
        at = time.time_ns()
        process.signal(signal.SIGTERM)
        process.wait(STOP_TIMEOUT)
        return at

    def crash(self, host: Host) -> int:
        """Kill the whole keepalived tree at once; the kernel keeps the address and answers for it: a ghost.

        Returns:
            The time just before, CLOCK_REALTIME in ns.
        """
        process = self._process(host)
        at = time.time_ns()
        process.kill()
        return at

    def freeze(self, host: Host) -> int:
        """Stop the whole keepalived tree from running, and return the time just before in ns."""
        process = self._process(host)
        at = time.time_ns()
        process.freeze()
        self._member(host).frozen = True
        return at

    def thaw(self, host: Host) -> int:
        """Let a frozen keepalived go on, and return the time just before in ns."""
        process = self._process(host)
        at = time.time_ns()
        process.thaw()
        self._member(host).frozen = False
        return at

    def fail_service(self, host: Host) -> int:
        """Kill the host's haproxy, so that its check fails, and return the time just before in ns."""
        service = self._member(host).service
        if service is None:
            raise ValueError(f"{host.name} runs no haproxy: start the cluster there first")
        return service.crash()

    def heal_service(self, host: Host) -> None:
        """Start the host's haproxy again."""
        self._member(host).service = HAProxy.start(host)

    def holders(self) -> tuple[Host, ...]:
        """Return the hosts whose kernel holds all the floating addresses, ghosts included."""
        return tuple(node.host for node in self.nodes if self._held(node) >= set(self.addresses))

    def active(self) -> Host | None:
        """Return the host that holds the addresses and runs keepalived, if there is one.

        Raises:
            SeveralActive: more than one does.
        """
        active = [host for host in self.holders() if self._member(host).running]
        if len(active) > 1:
            names = " and ".join(host.name for host in active)
            raise SeveralActive(f"{names} hold {_names(self.addresses)} and run keepalived, all at the same time")
        return active[0] if active else None

    def wait_active(self, host: Host | None = None, *, timeout: float) -> Host:
        """Wait until this host, or any one, is active and no other is.

        Args:
            host: the awaited one; default: any.
            timeout: seconds.

        Raises:
            NotActive: it was not in time; the text says who was, and what each keepalived last said.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                found, seen = self.active(), ""
            except SeveralActive as several:
                found, seen = None, str(several)
            if found is not None and host in {None, found}:
                return found
            if time.monotonic() > deadline:
                seen = seen or f"{found.name if found else 'nobody'} is active"
                raise NotActive(self._not_active(host, timeout, seen))
            time.sleep(POLL)

    def belief(self, host: Host) -> str:
        """Return the VRRP state that keepalived last reported (`MASTER`, `BACKUP`, `FAULT`), or nothing.

        It is what the client believes, and no proof: ownership is judged by frames and by who serves.
        """
        states = STATE.findall(self.log(host))
        return states[-1] if states else ""

    def log(self, host: Host) -> str:
        """Return all that keepalived on a host has said, over all its starts."""
        return "".join(process.log() for process in self._member(host).runs)

    def close(self) -> None:
        """Kill everything, and take the floating addresses from hosts that still hold one."""
        for member in self._members.values():
            for process in member.runs:
                if process.alive:
                    process.kill()
            if member.service is not None and member.service.alive:
                member.service.crash()
            for address in self._held(member.node) & set(self.addresses):
                member.node.host.remove_address(f"{address}/32", member.node.interface)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _member(self, host: Host) -> Member:
        return self._members[host.name]

    def _process(self, host: Host) -> Process:
        runs = self._member(host).runs
        if not runs:
            raise ValueError(f"keepalived was never started on {host.name}: start the cluster there first")
        return runs[-1]

    @staticmethod
    def _held(node: Node) -> set[IPv4Address]:
        return {interface.ip for interface in node.host.addresses(node.interface)}

    def _not_active(self, host: Host | None, timeout: float, seen: str) -> str:
        words = "; ".join(
            f"{name}: {'runs' if member.running else 'does not run'}, said {self.log(member.node.host)[-400:]!r}"
            for name, member in self._members.items()
        )
        wanted = host.name if host else "any one node"
        return (
            f"{self.traits.name}: {wanted} is not the active one for {_names(self.addresses)} after {timeout} s: "
            f"{seen} ({words})"
        )


def _names(addresses: Iterable[IPv4Address]) -> str:
    return ", ".join(map(str, addresses))
