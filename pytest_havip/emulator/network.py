"""A network with its hosts, brought up from a topology."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self, TypeVar

from pytest_havip.emulator.topology import HavipPlan, HostPlan, SubnetPlan, Topology, VpcPlan
from pytest_havip.lab import Host, Lab
from pytest_havip.targets.base import Nic, Refused, Subnet
from pytest_havip.targets.reference import ReferenceNetwork
from pytest_havip.toml_file import TomlTable

__all__ = ["Attached", "Emulator"]


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Attached:
    """A NIC as its host knows it."""

    nic: Nic
    interface: str


@dataclass(frozen=True, slots=True)
class Emulator:
    """The lab, the network in it, and its hosts; all end together.

    Attributes:
        lab: where everything runs.
        network: the reference network.
        nics: host name -> its NICs.
    """

    lab: Lab
    network: ReferenceNetwork
    nics: dict[str, list[Attached]] = field(default_factory=dict)

    @classmethod
    def start(cls, *, port: int = 0, log: Path | None = None) -> Self:
        """Start the network without anything in it.

        Args:
            port: TCP port of the API on loopback; the kernel chooses one for 0.
            log: a file to which the service appends its log.

        Raises:
            LabUnavailable: this machine cannot run a lab.
            OSError: the port is taken, or the log cannot be written.
        """
        lab = Lab.open()
        try:
            return cls(lab, ReferenceNetwork(lab, port=port, log=log))
        except BaseException:
            lab.close()
            raise

    def build(self, topology: Topology) -> None:
        """Bring up what a topology names.

        Raises:
            TomlError: the network refuses something of it; its place in the file is told.
        """
        if topology.quota is not None:
            quota = {"LimitType": "vpc-max-havips", "LimitValue": topology.quota}
            self._ask(lambda: self.network.call("HavipLabModifyQuota", **quota), topology.place, "quota")
        for vpc in topology.vpcs:
            self._build_vpc(vpc)

    def _build_vpc(self, plan: VpcPlan) -> None:
        made = self._ask(
            lambda: self.network.call("CreateVpc", VpcName=plan.name, CidrBlock=plan.cidr), plan.place, "cidr"
        )
        for subnet in plan.subnets:
            self._build_subnet(made["Vpc"]["VpcId"], subnet)

    def _build_subnet(self, vpc_id: str, plan: SubnetPlan) -> None:
        made = self._ask(
            lambda: self.network.call("CreateSubnet", VpcId=vpc_id, SubnetName=plan.name, CidrBlock=plan.cidr),
            plan.place,
            "cidr",
        )["Subnet"]
        cidr = IPv4Network(made["CidrBlock"])
        subnet = Subnet(made["SubnetId"], vpc_id, cidr, cidr.network_address + 1)
        for host in plan.hosts:
            self._build_host(subnet, host)
        for havip in plan.havips:
            self._build_havip(subnet, havip)

    def _build_host(self, subnet: Subnet, plan: HostPlan) -> None:
        there = self.nics.setdefault(plan.name, [])
        host = self.lab.hosts.get(plan.name) or self.lab.host(plan.name)
        interface = f"eth{len(there)}"
        nic = self._ask(
            lambda: self.network.plug(
                host, subnet, address=plan.address, secondary=plan.secondary, interface=interface
            ),
            plan.place,
            "address" if plan.address is not None else None,
        )
        if not plan.dhcp:
            _configure(host, nic, interface)
        there.append(Attached(nic, interface))

    def _build_havip(self, subnet: Subnet, plan: HavipPlan) -> None:
        self._ask(
            lambda: self.network.create_havip(subnet, address=plan.address, name=plan.name),
            plan.place,
            "address" if plan.address is not None else None,
        )

    @staticmethod
    def _ask(request: Callable[[], _T], place: TomlTable, key: str | None) -> _T:
        try:
            return request()
        except Refused as refusal:
            _blame(place, key, refusal)

    def close(self) -> None:
        """End everything."""
        self.network.close()
        self.lab.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _blame(place: TomlTable, key: str | None, refusal: Refused) -> NoReturn:
    place.fail(f"the network refuses this: {refusal.message} ({refusal.code})", key)


def _configure(host: Host, nic: Nic, interface: str) -> None:
    host.add_address(nic.interface, interface)
    for address in nic.secondary:
        host.add_address(f"{address}/{nic.subnet.cidr.prefixlen}", interface)
    if interface == "eth0":
        host.default_route(nic.subnet.gateway)
    else:
        # A machine with several interfaces answers by each for its own addresses only, as its operator has to set it.
        host.sysctl("net.ipv4.conf.all.arp_ignore", "1")
        host.sysctl("net.ipv4.conf.all.arp_announce", "2")
