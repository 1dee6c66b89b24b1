"""What every cluster does whose client is one program on each host, beside the service that its users want."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Self

from pytest_havip.clients.base import Node, NotActive, SeveralActive, Traits
from pytest_havip.clients.haproxy import HAPROXY
from pytest_havip.clients.service import Service, ServiceKind
from pytest_havip.lab import Host, Process

__all__ = ["POLL", "ProgramCluster", "Runs", "held_by"]

STOP_TIMEOUT = 5.0
POLL = 0.01


@dataclass(slots=True)
class Runs:
    """One node's program, over all its starts."""

    node: Node
    processes: list[Process] = field(default_factory=list)
    frozen: bool = False

    @property
    def running(self) -> bool:
        """Whether the program lives and may run."""
        return bool(self.processes) and self.processes[-1].alive and not self.frozen


class ProgramCluster(ABC):
    """A client that is one program, with its children, on each host; all of `Cluster` but what is its own.

    Usable as a context manager: at the end everything is killed, and no host keeps a floating address.

    Args:
        nodes: The machines, the preferred one first.
        addresses: The floating addresses, which all move together.
        service: What runs on each host beside the client, whose health decides whether the host may be active.
    """

    def __init__(
        self, nodes: Sequence[Node], addresses: Sequence[IPv4Address], *, service: ServiceKind | None = HAPROXY
    ) -> None:
        self.nodes = tuple(nodes)
        self.addresses = tuple(addresses)
        self.service = service
        self._services: dict[str, Service] = {}
        self._runs = {node.host.name: Runs(node) for node in self.nodes}

    @property
    @abstractmethod
    def traits(self) -> Traits:
        """What the client, so configured, declares."""

    @property
    def spelled(self) -> str:
        """The floating addresses, for messages."""
        return ", ".join(map(str, self.addresses))

    @abstractmethod
    def command(self, node: Node) -> Sequence[str]:
        """The program of a node and its arguments."""

    @abstractmethod
    def belief(self, host: Host) -> str:
        """What the client on a host last said it is; see `Cluster.belief`."""

    def start(self, *hosts: Host) -> int:
        """Start the service, where it does not run, and the client on these hosts, or on all.

        Returns:
            The time just before the first client started, CLOCK_REALTIME in ns.

        Raises:
            ServiceNotStarted: a service did not come up.
        """
        for host in (hosts or [node.host for node in self.nodes]) if self.service else ():
            if host.name not in self._services or not self._services[host.name].alive:
                self.heal_service(host)
        runs = [self._of(host) for host in hosts] or list(self._runs.values())
        at = time.time_ns()
        for each in runs:
            each.frozen = False
            each.processes.append(each.node.host.spawn(self.command(each.node)))
        return at

    def stop(self, host: Host) -> int:
        """End the client as an operator would (SIGTERM) and wait until it has; the service goes on.

        Returns:
            The time just before, CLOCK_REALTIME in ns.
        """
        process = self._process(host)
        at = time.time_ns()
        process.signal(signal.SIGTERM)
        process.wait(STOP_TIMEOUT)
        return at

    def crash(self, host: Host) -> int:
        """Kill the client's whole tree at once; the kernel keeps the address and answers for it: a ghost.

        Returns:
            The time just before, CLOCK_REALTIME in ns.
        """
        process = self._process(host)
        at = time.time_ns()
        process.kill()
        return at

    def freeze(self, host: Host) -> int:
        """Stop the client's whole tree from running, and return the time just before in ns."""
        process = self._process(host)
        at = time.time_ns()
        process.freeze()
        self._of(host).frozen = True
        return at

    def thaw(self, host: Host) -> int:
        """Let a frozen client go on, and return the time just before in ns."""
        process = self._process(host)
        at = time.time_ns()
        process.thaw()
        self._of(host).frozen = False
        return at

    def fail_service(self, host: Host) -> int:
        """Kill the host's service, so that its check fails, and return the time just before in ns."""
        if host.name not in self._services:
            raise ValueError(f"{host.name} runs no service: start the cluster there first")
        return self._services[host.name].crash()

    def heal_service(self, host: Host) -> None:
        """Start the host's service again.

        Raises:
            ValueError: the cluster has none.
            ServiceNotStarted: it did not come up.
        """
        if self.service is None:
            raise ValueError(f"this {self.traits.name} watches no service on {host.name}: form it with one")
        self._services[host.name] = self.service.start(host)

    def holders(self) -> tuple[Host, ...]:
        """Return the hosts whose kernel holds all the floating addresses, ghosts included."""
        return tuple(node.host for node in self.nodes if held_by(node) >= set(self.addresses))

    def runs(self, host: Host) -> bool:
        """Whether the client runs on a host, and is not frozen."""
        return self._of(host).running

    def active(self) -> Host | None:
        """Return the host that holds the addresses and runs the client, if there is one.

        Raises:
            SeveralActive: more than one does.
        """
        active = [host for host in self.holders() if self.runs(host)]
        if len(active) > 1:
            names = " and ".join(host.name for host in active)
            raise SeveralActive(f"{names} hold {self.spelled} and run {self.traits.name}, all at the same time")
        return active[0] if active else None

    def wait_active(self, host: Host | None = None, *, timeout: float) -> Host:
        """Wait until this host, or any one, is active and no other is.

        Args:
            host: the awaited one; default: any.
            timeout: seconds.

        Raises:
            NotActive: it was not in time; the text says who was, and what each client last said.
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

    def log(self, host: Host) -> str:
        """Return all that the client on a host has said, over all its starts."""
        return "".join(process.log() for process in self._of(host).processes)

    def close(self) -> None:
        """Kill everything, and take the floating addresses from hosts that still hold one."""
        for runs in self._runs.values():
            for process in runs.processes:
                process.kill()
            for address in held_by(runs.node) & set(self.addresses):
                runs.node.host.remove_address(f"{address}/32", runs.node.interface)
        for service in self._services.values():
            if service.alive:
                service.crash()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _of(self, host: Host) -> Runs:
        return self._runs[host.name]

    def _process(self, host: Host) -> Process:
        processes = self._of(host).processes
        if not processes:
            raise ValueError(f"{self.traits.name} was never started on {host.name}: start the cluster there first")
        return processes[-1]

    def _not_active(self, host: Host | None, timeout: float, seen: str) -> str:
        words = "; ".join(
            f"{name}: {'runs' if runs.running else 'does not run'}, believes to be "
            f"{self.belief(runs.node.host) or 'nothing'}, said {self.log(runs.node.host)[-400:]!r}"
            for name, runs in self._runs.items()
        )
        wanted = host.name if host else "any one node"
        return (
            f"{self.traits.name}: {wanted} is not the active one for {self.spelled} after {timeout} s: {seen} ({words})"
        )


def held_by(node: Node) -> set[IPv4Address]:
    """The addresses that a node's kernel holds on its interface."""
    return {interface.ip for interface in node.host.addresses(node.interface)}
