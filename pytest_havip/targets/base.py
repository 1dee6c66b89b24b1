"""The protocol by which a network is put under test.

A target is a driver: it makes VPCs, subnets, NICs and HAVIPs in the network under test, plugs lab hosts into it,
and reads back what the network says of itself. Whether the network keeps its word is judged elsewhere, by frames
and by a third host; nothing here decides a verdict.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from types import TracebackType
from typing import Any, Self

from pytest_havip.lab import Host

__all__ = [
    "BindingEvent",
    "Eip",
    "Feature",
    "Havip",
    "HavipState",
    "Nic",
    "Refused",
    "Rejection",
    "Route",
    "Subnet",
    "Target",
    "TargetError",
    "Vpc",
]


class Feature(Enum):
    """What a network may offer beyond carrying frames; a test that needs an absent one is *unsupported*."""

    DHCP = "its subnets lease fixed addresses by DHCP"
    ADMISSION = "an account may have HAVIPs only once it is admitted to them"
    EIP = "an elastic IP lets machines outside of all VPCs reach a HAVIP"
    EVENTS = "binding changes can be listed"
    QUOTAS = "how many HAVIPs a VPC may have can be changed"
    REJECTION_COUNTERS = "rejected frames are counted by NIC, address and reason"
    RESTART = "its control plane can be ended at any moment and started again, and goes on where it was"
    ROUTES = "a route of a VPC may have a HAVIP as its next hop"
    ROUTING = "a gateway routes between the subnets of a VPC"
    SECONDARY_ADDRESSES = "a NIC may have further fixed addresses"
    SOURCE_CHECK = "a NIC may be allowed to send from addresses that are not its own, as an appliance does"
    TENCENT_API = "its control plane speaks Tencent Cloud's API 3.0, service vpc"
    UNBINDING = "a HAVIP can be taken from its owner by hand"
    VIRTUAL_MACS = "NICs may also speak from the MAC addresses of virtual routers"


class TargetError(Exception):
    """The network under test, or its driver, broke: an engine error, never a verdict."""


class Refused(Exception):
    """The network's control plane refused a request, as it may.

    Args:
        code: Why, in Tencent's words, which a driver of another network translates into: ``LimitExceeded`` (quota),
            ``ResourceInUse`` (address occupied), ``ResourceInsufficient`` (no address left), ``InvalidParameter…`` (no
            such address here), and so on.
        message: Its explanation.
    """

    #: Where a test counts on the request, its refusal is an expectation that was not met (see docs/usage.md).
    havip_unmet = True

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Vpc:
    """A private network; equal CIDRs may stand side by side."""

    id: str
    cidr: IPv4Network


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of a VPC, with the address of its gateway."""

    id: str
    vpc_id: str
    cidr: IPv4Network
    gateway: IPv4Address


@dataclass(frozen=True, slots=True)
class Nic:
    """A network interface, with its fixed address.

    Args:
        id: Its id in the network under test.
        subnet: Where it is.
        mac: Its MAC address, lower case with colons.
        address: Its fixed address, the primary one.
        instance_id: The instance that it belongs to; NICs that are plugged into one host belong to one.
        secondary: Its further fixed addresses.
    """

    id: str
    subnet: Subnet
    mac: str
    address: IPv4Address
    instance_id: str
    secondary: tuple[IPv4Address, ...] = ()

    @property
    def interface(self) -> IPv4Interface:
        """The fixed address with the subnet's prefix, as a host configures it."""
        return IPv4Interface(f"{self.address}/{self.subnet.cidr.prefixlen}")


@dataclass(frozen=True, slots=True)
class Havip:
    """A HAVIP as it was created; who owns it is in `HavipState`."""

    id: str
    name: str
    address: IPv4Address
    vpc_id: str
    subnet_id: str


@dataclass(frozen=True, slots=True)
class Eip:
    """An elastic IP: a public address that may lead to a HAVIP."""

    id: str
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a VPC whose next hop is a HAVIP."""

    id: str
    vpc_id: str


@dataclass(frozen=True, slots=True)
class HavipState:
    """What the network's control plane says of a HAVIP right now.

    Args:
        havip: The HAVIP.
        bound: Whether some NIC owns it.
        nic_id: The owner's NIC, empty when unbound.
        instance_id: The owner's instance, empty when unbound.
        flushed: The network's stamp of the last binding change, in its own format.
    """

    havip: Havip
    bound: bool
    nic_id: str
    instance_id: str
    flushed: str


@dataclass(frozen=True, slots=True)
class BindingEvent:
    """One binding change, in the network's order; an empty NIC id means unbound."""

    sequence: int
    havip_id: str
    old_nic_id: str
    new_nic_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """How many frames of a NIC were rejected, by the sender address that they named and the reason."""

    nic_id: str
    address: IPv4Address
    reason: str
    count: int


class Target(ABC):
    """A network under test. Every method raises `Refused` where the network refuses, `TargetError` where it breaks.

    Requests about HAVIPs, and `call`, may come from several threads at once.
    """

    #: The cloud whose undocumented choices this network makes (such as ``tencent``); requirements of another profile,
    #: or of any where it is empty, do not apply.
    profile: str = ""
    #: Optional abilities of this network.
    features: frozenset[Feature] = frozenset()
    #: Seconds after which an announcement has surely been handled, for a network that does not promise to handle
    #: announcements in the order of their arrival; `None` where it does promise (then a fence needs no waiting).
    settle_time: float | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """How the target was chosen, as ``--havip-target`` spells it."""

    @abstractmethod
    def create_vpc(self, cidr: str) -> Vpc:
        """Create a VPC."""

    @abstractmethod
    def delete_vpc(self, vpc: Vpc) -> None:
        """Delete a VPC with all that is in it, unplugging its NICs."""

    @abstractmethod
    def create_subnet(self, vpc: Vpc, cidr: str) -> Subnet:
        """Create a subnet and its gateway."""

    @abstractmethod
    def delete_subnet(self, subnet: Subnet) -> None:
        """Delete a subnet."""

    @abstractmethod
    def plug(
        self,
        host: Host,
        subnet: Subnet,
        *,
        address: str | None = None,
        secondary: Sequence[str] = (),
        interface: str = "eth0",
    ) -> Nic:
        """Create a NIC in the subnet and plug the host into it; the host gets the interface, up, without addresses.

        Args:
            host: The machine; it may have other NICs.
            subnet: Where the NIC is.
            address: Its fixed address, an automatic one by default.
            secondary: Further fixed addresses (feature `SECONDARY_ADDRESSES`); given along with `address`.
            interface: The interface's name on the host.
        """

    @abstractmethod
    def unplug(self, nic: Nic) -> None:
        """Delete the NIC, detaching it from its instance if it is attached."""

    @abstractmethod
    def detach(self, nic: Nic) -> None:
        """Detach the NIC from its instance; it remains, with its addresses, and its host loses the interface."""

    @abstractmethod
    def attach(self, nic: Nic, host: Host, *, interface: str = "eth0") -> Nic:
        """Attach a detached NIC to a host, the one it was on or another; return it as it is now."""

    @abstractmethod
    def set_link(self, nic: Nic, *, up: bool) -> None:
        """Cut or mend the NIC's link at the network's end; the host notices the loss of carrier."""

    @abstractmethod
    def create_havip(self, subnet: Subnet, *, address: str | None = None, name: str = "havip") -> Havip:
        """Create a HAVIP, with an automatic address unless one is given."""

    @abstractmethod
    def rename_havip(self, havip: Havip, name: str) -> None:
        """Change a HAVIP's name."""

    @abstractmethod
    def delete_havip(self, havip: Havip) -> None:
        """Release a HAVIP; it may be bound."""

    @abstractmethod
    def havip_state(self, havip: Havip) -> HavipState | None:
        """What the control plane says of a HAVIP, `None` when it no longer knows it."""

    def havip_states(self, havips: Sequence[Havip]) -> list[HavipState | None]:
        """The same of up to a hundred HAVIPs, in their order; one request for all of them is faster than many."""
        return [self.havip_state(havip) for havip in havips]

    @abstractmethod
    def havips(self, vpc: Vpc) -> list[Havip]:
        """All HAVIPs of a VPC."""

    @abstractmethod
    def havip_quota(self, vpc: Vpc) -> int:
        """How many HAVIPs the VPC may have."""

    def plug_outside(self, host: Host, *, interface: str = "eth0") -> Nic:
        """Plug a machine in outside of all VPCs (feature `EIP`).

        Returns:
            Its place there: an address, and in `Nic.subnet` the network with its gateway. It has no ids.
        """
        del host, interface
        raise self._lacks(Feature.EIP)

    def allocate_eip(self) -> Eip:
        """Get an elastic IP that leads nowhere yet (feature `EIP`)."""
        raise self._lacks(Feature.EIP)

    def release_eip(self, eip: Eip) -> None:
        """Give an elastic IP back that leads nowhere (feature `EIP`)."""
        del eip
        raise self._lacks(Feature.EIP)

    def associate_eip(self, eip: Eip, havip: Havip) -> None:
        """Let an elastic IP lead to a HAVIP (feature `EIP`)."""
        del eip, havip
        raise self._lacks(Feature.EIP)

    def dissociate_eip(self, havip: Havip) -> None:
        """Let the elastic IP of a HAVIP lead nowhere (feature `EIP`)."""
        del havip
        raise self._lacks(Feature.EIP)

    def eip_of(self, havip: Havip) -> IPv4Address | None:
        """The elastic IP that the control plane says leads to a HAVIP, `None` without one (feature `EIP`)."""
        del havip
        raise self._lacks(Feature.EIP)

    def create_route(self, vpc: Vpc, destination: str, havip: Havip) -> Route:
        """Lead what a VPC sends to a range outside of it to the owner of a HAVIP (feature `ROUTES`)."""
        del vpc, destination, havip
        raise self._lacks(Feature.ROUTES)

    def delete_route(self, route: Route) -> None:
        """Delete a route (feature `ROUTES`)."""
        del route
        raise self._lacks(Feature.ROUTES)

    def set_source_check(self, nic: Nic, *, on: bool) -> None:
        """Let a NIC send from its own addresses only, as is the rule, or from any (feature `SOURCE_CHECK`)."""
        del nic, on
        raise self._lacks(Feature.SOURCE_CHECK)

    def set_admitted(self, *, admitted: bool) -> None:
        """Admit the account to HAVIPs, or end that (feature `ADMISSION`)."""
        del admitted
        raise self._lacks(Feature.ADMISSION)

    def set_havip_quota(self, vpc: Vpc, quota: int) -> None:
        """Say how many HAVIPs the VPC, and perhaps others too, may have (feature `QUOTAS`)."""
        del vpc, quota
        raise self._lacks(Feature.QUOTAS)

    def unbind(self, havip: Havip) -> None:
        """Take a HAVIP from its owner by hand (feature `UNBINDING`)."""
        del havip
        raise self._lacks(Feature.UNBINDING)

    def _lacks(self, feature: Feature) -> TargetError:
        return TargetError(f"{self.name} lacks {feature.name}: {feature.value}")

    def call(self, action: str, /, **parameters: object) -> dict[str, Any]:
        """Call an action of Tencent Cloud's API and return its ``Response`` (feature `TENCENT_API`).

        Args:
            action: Such as ``DescribeHaVips``.
            parameters: Its parameters; those that are `None` are left out.
        """
        del action, parameters
        raise self._lacks(Feature.TENCENT_API)

    def rejections(self) -> list[Rejection]:
        """Frames rejected so far (feature `REJECTION_COUNTERS`)."""
        raise self._lacks(Feature.REJECTION_COUNTERS)

    def events(self, *, after: int = 0) -> list[BindingEvent]:
        """Binding changes so far whose number is higher than this one, in order (feature `EVENTS`)."""
        del after
        raise self._lacks(Feature.EVENTS)

    def interrupt(self) -> None:
        """End whatever decides about bindings, at once and without a warning (feature `RESTART`)."""
        raise self._lacks(Feature.RESTART)

    def resume(self) -> None:
        """Start what `interrupt` ended, and return when it answers; it goes on where it was (feature `RESTART`)."""
        raise self._lacks(Feature.RESTART)

    @abstractmethod
    def close(self) -> None:
        """End the network and free what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
