"""Takeovers by hand: no daemon decides; an operator, or a cluster manager in whose place we stand, gives the orders."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from ipaddress import IPv4Address

from pytest_havip.clients.base import Bound, Cause, Node, NoSuchFault, NotActive, NotMovable, SeveralActive, Traits
from pytest_havip.lab import Host

__all__ = ["ByHand", "bounds"]

_POLL = 0.05


class ByHand(ABC):
    """A client that is a few commands, given at one machine after the other; all of `Cluster` but the commands.

    Args:
        nodes: The machines, the preferred one first.
        addresses: The floating addresses, which all move together.
    """

    def __init__(self, nodes: Sequence[Node], addresses: Sequence[IPv4Address]) -> None:
        if len(nodes) < len(("preferred", "standby")) or not addresses:
            raise ValueError(f"a takeover has two nodes at least, and an address: {nodes}, {list(addresses)}")
        self.nodes = tuple(nodes)
        self.addresses = tuple(addresses)
        self._said: dict[str, list[str]] = {node.host.name: [] for node in nodes}
        self._ended: set[str] = set()

    @property
    @abstractmethod
    def traits(self) -> Traits:
        """What the client declares."""

    @abstractmethod
    def take(self, node: Node) -> None:
        """Give a machine the addresses, and announce them there; nobody waits for the last announcement.

        Raises:
            NotMovable: the commands refused.
        """

    @abstractmethod
    def release(self, node: Node) -> None:
        """Take the addresses from a machine; announcements that are still due are cancelled."""

    def start(self, *hosts: Host) -> int:
        """Take the addresses on the first of these hosts, or of all; return the time just before in ns."""
        at = time.time_ns()
        self._give(self._of((hosts or [self.nodes[0].host])[0]))
        return at

    def stop(self, host: Host) -> int:
        """Take the addresses from a host, then give them to the next one; return the time just before in ns."""
        at = time.time_ns()
        self.release(self._of(host))
        self._ended.add(host.name)
        self._give(self._next(host))
        return at

    def crash(self, host: Host) -> int:
        """Nobody can command this host any more: another one takes the addresses, and its kernel keeps them too."""
        at = time.time_ns()
        self._ended.add(host.name)
        self._give(self._next(host))
        return at

    def move(self, host: Host) -> int:
        """Take the addresses from whom has them, then give them to this host; return the time just before in ns.

        Raises:
            NotMovable: nobody has them.
        """
        active = self.active()
        if active is None:
            raise NotMovable(f"nobody has {self._spelled}, so nobody can give it to {host.name}: start first")
        at = time.time_ns()
        self.release(self._of(active))
        self._give(self._of(host))
        return at

    def freeze(self, host: Host) -> int:
        """There is no daemon that could hang."""
        raise NoSuchFault(f"no daemon of {self.traits.name} runs on {host.name} that could be frozen")

    thaw = freeze

    def fail_service(self, host: Host) -> int:
        """There is no health check."""
        raise NoSuchFault(f"{self.traits.name} watches no service on {host.name}")

    def holders(self) -> tuple[Host, ...]:
        """Return the hosts whose kernel holds all the addresses."""
        wanted = set(self.addresses)
        return tuple(
            node.host for node in self.nodes if {each.ip for each in node.host.addresses(node.interface)} >= wanted
        )

    def active(self) -> Host | None:
        """Return the host that holds the addresses and can be commanded.

        Raises:
            SeveralActive: more than one does.
        """
        active = [host for host in self.holders() if host.name not in self._ended]
        if len(active) > 1:
            raise SeveralActive(f"{' and '.join(host.name for host in active)} hold {self._spelled} at the same time")
        return active[0] if active else None

    def wait_active(self, host: Host | None = None, *, timeout: float) -> Host:
        """Wait until this host, or any one, is active; raises NotActive after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.active()
            if found is not None and host in {None, found}:
                return found
            if time.monotonic() > deadline:
                seen = found.name if found else "nobody"
                raise NotActive(f"{self.traits.name}: {seen} has {self._spelled} after {timeout:g} s ({self._said})")
            time.sleep(_POLL)

    def belief(self, host: Host) -> str:
        """Return the last thing that was done on a host, `taken` or `released`; empty before."""
        return self._said[host.name][-1].partition(":")[0] if self._said[host.name] else ""

    def log(self, host: Host) -> str:
        """Return what was done on a host and what the commands said, a line each."""
        return "\n".join(self._said[host.name])

    def close(self) -> None:
        """Take the addresses from all that still hold one."""
        for host in self.holders():
            self.release(self._of(host))

    def say(self, node: Node, text: str) -> None:
        """Note what was done on a machine."""
        self._said[node.host.name].append(text)

    @property
    def _spelled(self) -> str:
        return ", ".join(map(str, self.addresses))

    def _give(self, node: Node) -> None:
        self._ended.discard(node.host.name)
        self.take(node)

    def _of(self, host: Host) -> Node:
        return next(node for node in self.nodes if node.host is host)

    def _next(self, host: Host) -> Node:
        return next(node for node in self.nodes if node.host is not host)


def bounds(seconds: float, formula: str) -> dict[Cause, Bound]:
    """Return when commands that take up to so many seconds announce, for every cause that they know."""
    bound = Bound(formula, 0.0, seconds)
    return {Cause.START: bound, Cause.STOP: bound, Cause.MOVE: bound, Cause.CRASH: bound}
