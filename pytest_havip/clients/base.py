"""The protocol by which an HA client is put under test: a cluster of it on hosts, its faults, its traits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Protocol

from pytest_havip.lab import Host

__all__ = [
    "Announcement",
    "Attachment",
    "Bound",
    "Cause",
    "Client",
    "Cluster",
    "Nic",
    "NoSuchFault",
    "Node",
    "NotActive",
    "NotMovable",
    "Setting",
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
    HOST = "host dead"
    FROZEN = "machine frozen"
    NIC = "NIC down"
    SPLIT = "heartbeats lost"
    REMOVED = "address removed"
    LATE = "late announcement"
    TRACKED = "tracked interface down"
    RETURN = "preferred node returns"
    FREEZE = "freeze"
    EDIT = "priorities edited"


class Attachment(StrEnum):
    """How a client is connected to its network."""

    NAMESPACE = "namespace"
    """It runs on the node's kernel, which has the NIC."""
    TAP = "tap"
    """It is a virtual machine, or a network stack in user space: it gets a tap device in place of the NIC."""
    DEVICE = "device"
    """It stands behind a network device of this machine, which is lent to the lab."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a client needs to play.

    Args:
        nodes: How many machines.
        heartbeat: Whether each has a second NIC, in a subnet of their own, for what the clients tell each other.
        attachment: How the client is connected to its NICs.
        devices: The devices that are lent to the lab, a tuple for each NIC with a device for each node.
        leased: Whether the client gets its fixed address by DHCP, and nobody configures it.
        answers: Whether the client itself answers the data probes; else a small program of ours does so on each node.
        wired: Whether each machine is plugged in by a wire with faults on demand.
    """

    nodes: int = 2
    heartbeat: bool = False
    attachment: Attachment = Attachment.NAMESPACE
    devices: tuple[tuple[str, ...], ...] = ()
    leased: bool = False
    answers: bool = False
    wired: bool = False


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC of a node as its client sees it.

    Args:
        interface: The interface: of the node, or the tap or the lent device behind which the client is.
        address: The fixed address.
        mac: The MAC address that the network expects there.
        prefix: The length of the subnet's prefix.
        gateway: The subnet's gateway.
    """

    interface: str
    address: IPv4Address
    mac: str
    prefix: int
    gateway: IPv4Address


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of a cluster.

    Args:
        host: The machine.
        address: Its own fixed address.
        interface: The interface of the host that carries both addresses.
        nics: Its NICs as the client sees them, the one with the floating addresses first; empty where nobody needs
            to know more than the above.
        kernel: Whether the host's own kernel holds the addresses; else the client does, behind the first NIC.
    """

    host: Host
    address: IPv4Address
    interface: str = "eth0"
    nics: tuple[Nic, ...] = ()
    kernel: bool = True

    @property
    def heartbeat(self) -> IPv4Address:
        """The address at which the other nodes are to reach this one: on the heartbeat network, if there is one."""
        return self.nics[-1].address if self.nics else self.address


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
    it takes it, and leaves it to whoever defends it. `heartbeats` says in nft's words which packets tell the nodes of
    each other.
    """

    name: str
    announcement: Announcement
    preemption: bool
    takeover: Mapping[Cause, Bound]
    probes: bool = False
    heartbeats: str = ""


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
