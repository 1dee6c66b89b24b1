"""The records of the network. Each is a value: a change makes a new record, and an effect names both."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

__all__ = ["Binding", "DriftRange", "Eip", "Havip", "Nic", "Record", "Route", "Subnet", "Vpc"]


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a VPC whose next hop is a HAVIP, and so whoever owns that.

    Attributes:
        id: ``rti-`` and eight characters.
        destination: a range outside of the VPC.
        havip_id: the next hop.
        address: of that HAVIP.
        subnet_id: of that HAVIP.
        description: any text.
        created: epoch seconds.
    """

    id: str
    destination: IPv4Network
    havip_id: str
    address: IPv4Address
    subnet_id: str
    description: str
    created: float


@dataclass(frozen=True, slots=True)
class Vpc:
    """A private network of one customer; equal CIDRs side by side are normal. ``created`` in epoch seconds.

    Its one table of routes, which all its subnets use, is part of it.
    """

    id: str
    name: str
    cidr: IPv4Network
    created: float
    havip_quota: int
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class Subnet:
    """A broadcast domain of a VPC. Its gateway has the first host address and a MAC that no other machine has."""

    id: str
    vpc_id: str
    name: str
    cidr: IPv4Network
    gateway: IPv4Address
    gateway_mac: str
    created: float


@dataclass(frozen=True, slots=True)
class Nic:
    """A network interface in a subnet; ``addresses[0]`` is the primary one, ``instance_id`` is "" while detached.

    ``forwards`` says that its source check is off: it may send packets from addresses that are not its own.
    """

    id: str
    vpc_id: str
    subnet_id: str
    name: str
    mac: str
    addresses: tuple[IPv4Address, ...]
    instance_id: str
    created: float
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """Who owns a HAVIP, and since when. Keyed by NIC: two NICs may show the same virtual MAC, never the same id."""

    nic_id: str
    mac: str
    since: float


@dataclass(frozen=True, slots=True)
class DriftRange:
    """Who may announce a HAVIP.

    Attributes:
        enforced: whether the range is in force (Tencent's CheckAssociate); else every NIC of the subnet may.
        members: ids of instances, or of NICs, in the order in which they were added.
        nics: ids of the attached NICs that the members admit; the network keeps it up to date.
    """

    enforced: bool = False
    members: tuple[str, ...] = ()
    nics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Havip:
    """A floating address of one subnet.

    Attributes:
        id: ``havip-`` and eight characters.
        name: any text.
        vpc_id: its VPC.
        subnet_id: its subnet; only NICs of this subnet may announce it.
        address: the address, for life.
        created: epoch seconds.
        binding: the owner, None while unbound.
        flushed: when the binding last changed (Tencent's FlushedTime), None if never. A refresh does not move it.
        announced: when an announcement was last accepted, None if never.
        drift_range: who may announce it.
        tags: keys and values, for the owner's own use.
        eip: the elastic IP by which the world outside reaches it, None without one.
        is_next_hop: whether routes of its VPC lead to it.
    """

    id: str
    name: str
    vpc_id: str
    subnet_id: str
    address: IPv4Address
    created: float
    binding: Binding | None = None
    flushed: float | None = None
    announced: float | None = None
    drift_range: DriftRange = DriftRange()
    tags: tuple[tuple[str, str], ...] = ()
    eip: IPv4Address | None = None
    is_next_hop: bool = False


@dataclass(frozen=True, slots=True)
class Eip:
    """An elastic IP: a public address of an account. ``havip_id`` is "" while it leads nowhere."""

    id: str
    name: str
    address: IPv4Address
    created: float
    havip_id: str = ""


Record = Vpc | Subnet | Nic | Havip | Eip
