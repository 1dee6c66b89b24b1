"""The protocol by which an HA client is put under test: a cluster of it on hosts, its faults, its traits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Protocol

from pytest_havip.lab import Host

__all__ = [
    "Announcement",
    "Bound",
    "Cause",
    "Client",
    "Cluster",
    "NoSuchFault",
    "Node",
    "NotActive",
    "NotMovable",
    "SeveralActive",
    "Traits",
]


class NotActive(TimeoutError):
    """No node, or the wrong one, was active when the deadline came; the text says what was seen instead."""

    #: The HA client did not do its part, so nothing can be said of the network (see docs/usage.md).
    havip_verdict = "inconclusive"


class SeveralActive(RuntimeError):
    """More than one node holds the addresses and runs its client: a split brain."""


class NotMovable(RuntimeError):
    """The client's administration refused to move the addresses there; the text says why."""


class NoSuchFault(RuntimeError):
    """The client has no part that could break so; the text says why."""


class Cause(StrEnum):
    """Why an address moves to another node."""

    START = "start"
    STOP = "graceful stop"
    MOVE = "planned move"
    CRASH = "kill -9"
    SERVICE = "service dead"
    LINK = "link cut"
    FREEZE = "freeze"
    EDIT = "priorities edited"


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of a cluster: its host, its own fixed address, and the interface that carries both addresses."""

    host: Host
    address: IPv4Address
    interface: str = "eth0"


@dataclass(frozen=True, slots=True)
class Announcement:
    """How a client announces an address that it has taken.

    `form` is the ARP operation, `request` or `reply`; `target_mac` what the target hardware address holds,
    `broadcast`, `zero` or `own`. `blocks` are the seconds after the takeover at which a block of `count` frames,
    `spacing` seconds apart, goes out; then one frame every `refresh` seconds, or none at all (None).
    """

    form: str
    target_mac: str
    count: int
    blocks: tuple[float, ...]
    spacing: float
    refresh: float | None


@dataclass(frozen=True, slots=True)
class Bound:
    """When a client announces an address after a fault, by its own timers: the formula, and what it gives in seconds.

    `earliest` and `latest` hold for a network and a machine that take no time; a test adds what those may take.
    """

    formula: str
    earliest: float
    latest: float


@dataclass(frozen=True, slots=True)
class Traits:
    """What a client declares about itself; a suite compares it with what is seen on the wire.

    `takeover` says for each cause when a standby announces the address; a cause that it lacks moves nothing, as with a
    client that probes first and finds a ghost. `preemption` tells whether a returning
    preferred node takes the address back from one that serves. `probes` tells whether it asks for the address before
    it takes it, and leaves it to whoever defends it.
    """

    name: str
    announcement: Announcement
    preemption: bool
    takeover: Mapping[Cause, Bound]
    probes: bool = False


class Cluster(Protocol):
    """An HA client on some hosts, in charge of some floating addresses.

    Methods that make a fault return the time just before it, CLOCK_REALTIME in ns: the zero of its outage.
    """

    @property
    def nodes(self) -> Sequence[Node]:
        """The machines, the preferred one first."""

    @property
    def addresses(self) -> Sequence[IPv4Address]:
        """The floating addresses, all of them moved together."""

    @property
    def traits(self) -> Traits:
        """What the client declares."""

    def start(self, *hosts: Host) -> int:
        """Start the client on these hosts, or on all."""

    def stop(self, host: Host) -> int:
        """Stop the client gracefully, as an operator would, and wait for its end."""

    def crash(self, host: Host) -> int:
        """Kill the client's whole process tree at once; the host's kernel stays as it is."""

    def freeze(self, host: Host) -> int:
        """Stop the client's whole process tree from running, until it is thawed."""

    def thaw(self, host: Host) -> int:
        """Let a frozen client go on."""

    def move(self, host: Host) -> int:
        """Have the client's own administration move the addresses to this host; nobody waits for its end.

        Raises:
            NotMovable: it refused.
        """

    def fail_service(self, host: Host) -> int:
        """Kill the service whose health decides whether the host may be active."""

    def holders(self) -> tuple[Host, ...]:
        """The hosts whose kernel holds all the addresses, ghosts included."""

    def active(self) -> Host | None:
        """The host that holds the addresses and runs the client.

        Raises:
            SeveralActive: more than one does.
        """

    def wait_active(self, host: Host | None = None, *, timeout: float) -> Host:
        """Wait until exactly this host, or exactly one of them, is active.

        Raises:
            NotActive: it was not in time, with who was and the clients' last words.
        """

    def belief(self, host: Host) -> str:
        """What the client on a host last said it is, in its own words; empty before it said anything."""

    def log(self, host: Host) -> str:
        """All that the client on a host has said so far."""

    def close(self) -> None:
        """Kill all that was started."""


class Client(Protocol):
    """An HA client that can be put under test: it forms clusters of itself."""

    def form(self, nodes: Sequence[Node], addresses: Sequence[IPv4Address]) -> Cluster:
        """Prepare a cluster on these machines in charge of these floating addresses; nothing runs yet."""
