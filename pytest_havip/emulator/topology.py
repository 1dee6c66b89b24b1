"""What `havip serve` brings up: VPCs, their subnets, hosts and HAVIPs, as a TOML file names them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_havip.toml_file import TomlTable, read_toml

__all__ = ["HavipPlan", "HostPlan", "SubnetPlan", "Topology", "VpcPlan", "bundled_topology", "read_topology"]

_BUNDLED: Final = Path(__file__).with_name("topology.toml")
_LONGEST_HOST: Final = 64


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A NIC of a host in a subnet; a host that several subnets name has one in each.

    Attributes:
        place: where it stands in the file.
        name: of the host.
        address: its fixed address; the network chooses one if it is `None`.
        secondary: further addresses.
        dhcp: whether nobody configures it, and a DHCP client that runs on it gets the address.
    """

    place: TomlTable
    name: str
    address: str | None
    secondary: tuple[str, ...]
    dhcp: bool


@dataclass(frozen=True, slots=True)
class HavipPlan:
    """A HAVIP of a subnet; the network chooses the address if it is `None`."""

    place: TomlTable
    name: str
    address: str | None


@dataclass(frozen=True, slots=True)
class SubnetPlan:
    """A subnet of a VPC, with what is in it."""

    place: TomlTable
    name: str
    cidr: str
    hosts: tuple[HostPlan, ...]
    havips: tuple[HavipPlan, ...]


@dataclass(frozen=True, slots=True)
class VpcPlan:
    """A VPC with its subnets."""

    place: TomlTable
    name: str
    cidr: str
    subnets: tuple[SubnetPlan, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """All VPCs, and the quota of HAVIPs in each, the product's own if it is `None`."""

    place: TomlTable
    vpcs: tuple[VpcPlan, ...]
    quota: int | None


def bundled_topology() -> Topology:
    """Return what is brought up when no file is named."""
    return read_topology(_BUNDLED)


def read_topology(path: Path) -> Topology:
    """Read a file. Whether the network takes what it asks for, it says itself when it is asked.

    Args:
        path: The file.

    Raises:
        TomlError: It cannot be read, or something in it is no part of a topology.
    """
    top = read_toml(path)
    top.only(("quota", "vpc"))
    topology = Topology(top, tuple(_vpc(table) for table in top.tables("vpc")), top.integer("quota", None))
    if not topology.vpcs:
        top.fail('there is no VPC; begin one by a line [[vpc]], and give it a name and a cidr such as "172.17.0.0/16"')
    _see_that_hosts_stand_in_one_vpc(topology)
    return topology


def _vpc(table: TomlTable) -> VpcPlan:
    table.only(("name", "cidr", "subnet"))
    return VpcPlan(
        table,
        table.text("name", "vpc"),
        table.text("cidr"),
        tuple(_subnet(each) for each in table.tables("subnet")),
    )


def _subnet(table: TomlTable) -> SubnetPlan:
    table.only(("name", "cidr", "host", "havip"))
    return SubnetPlan(
        table,
        table.text("name", "subnet"),
        table.text("cidr"),
        tuple(_host(each) for each in table.tables("host")),
        tuple(_havip(each) for each in table.tables("havip")),
    )


def _host(table: TomlTable) -> HostPlan:
    table.only(("name", "address", "secondary", "dhcp"))
    address, secondary = table.text("address", None), table.texts("secondary")
    plan = HostPlan(table, table.text("name"), address, secondary, table.flag("dhcp", False))
    if not plan.name.isascii() or not plan.name.replace("-", "a").isalnum() or len(plan.name) > _LONGEST_HOST:
        table.fail(f"{plan.name!r} is no name of a host; take letters, digits and hyphens, 64 at most", "name")
    if plan.secondary and plan.address is None:
        table.fail("a host with secondary addresses must name its address too; add a line address = …", "secondary")
    return plan


def _havip(table: TomlTable) -> HavipPlan:
    table.only(("name", "address"))
    return HavipPlan(table, table.text("name", "havip"), table.text("address", None))


def _see_that_hosts_stand_in_one_vpc(topology: Topology) -> None:
    """VPCs may have the same addresses, so a host in two of them would not know which it talks to."""
    home: dict[str, VpcPlan] = {}
    for vpc in topology.vpcs:
        for subnet in vpc.subnets:
            for host in subnet.hosts:
                if home.setdefault(host.name, vpc) is not vpc:
                    host.place.fail(
                        f"host {host.name!r} stands in another VPC already; a host has NICs in one, take another name",
                        "name",
                    )
