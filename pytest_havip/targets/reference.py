"""The bundled reference network, started as a process of its own inside the lab and driven over its API."""

import json
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

from pytest_havip.lab import Host, Lab, Process
from pytest_havip.targets.base import (
    BindingEvent,
    Eip,
    Feature,
    Havip,
    HavipState,
    Nic,
    Rejection,
    Route,
    Subnet,
    Target,
    TargetError,
    Vpc,
)
from pytest_havip.targets.tencent_api import Credentials, TencentApi

__all__ = ["ReferenceNetwork"]

_LISTEN_FD, _CABLE_FD, _CREDENTIALS_FD, _LOG_FD = 3, 4, 5, 6
#: Seconds until the patch panel must have answered.
_CABLE_TIMEOUT = 20.0
#: Seconds until a killed service must have ended.
_END_TIMEOUT = 10.0


class ReferenceNetwork(Target):
    """The reference network.

    Args:
        lab: Where the network's process runs.
        program: The arguments after ``python -m`` that start the service; a mutant's starter takes its place.
        name: How the target was chosen.
        port: TCP port of the API on loopback; the kernel chooses one for 0.
        log: A file to which the service appends its log, JSON lines.

    Raises:
        OSError: The port is taken, or the log cannot be written.

    Attributes:
        credentials: Who may call the API.
        endpoint: HOST:PORT of the API.
        region: Of the API.
    """

    region = "lab"
    profile = "tencent"
    features = frozenset(Feature) - {Feature.DHCP}

    def __init__(
        self,
        lab: Lab,
        *,
        program: Sequence[str] = ("pytest_havip.network",),
        name: str = "reference",
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self._name = name
        self._lab = lab
        self._program = program
        self._nics: dict[str, Nic] = {}
        self._hosts: dict[str, Host] = {}
        self.credentials = Credentials.new()
        # The API is reached from outside the lab, so its socket is made here: loopback only, port by the kernel.
        self._log = None if log is None else log.open("a")
        self._listener = socket.create_server(("127.0.0.1", port))
        host, port = self._listener.getsockname()
        self.endpoint = f"{host}:{port}"
        self._api = TencentApi(host, port, credentials=self.credentials, region=self.region)
        # In the lab's own memory, so that it goes with it; a port has one network.
        self._store = f"/run/havip-{port}.sqlite"
        self._ended: list[Process] = []
        self._patching = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._cable, panel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._cable.settimeout(_CABLE_TIMEOUT)
        command = [sys.executable, "-m", *self._program, "--store", self._store]
        command += ["--listen-fd", str(_LISTEN_FD), "--cable-fd", str(_CABLE_FD)]
        command += ["--credentials-fd", str(_CREDENTIALS_FD)]
        with panel, self.credentials.file() as file:
            fds = {_LISTEN_FD: self._listener.fileno(), _CABLE_FD: panel.fileno(), _CREDENTIALS_FD: file.fileno()}
            if self._log is not None:
                fds[_LOG_FD] = self._log.fileno()
                command += ["--log", f"/proc/self/fd/{_LOG_FD}"]  # its own path may be hidden in the lab
            self._service = self._lab.spawn(command, fds=fds)

    @property
    def name(self) -> str:
        """How the target was chosen."""
        return self._name

    def create_vpc(self, cidr: str) -> Vpc:
        """See `Target.create_vpc`."""
        vpc = self.call("CreateVpc", VpcName="lab", CidrBlock=cidr)["Vpc"]
        return Vpc(vpc["VpcId"], IPv4Network(vpc["CidrBlock"]))

    def delete_vpc(self, vpc: Vpc) -> None:
        """See `Target.delete_vpc`."""
        there = {havip.id: havip for havip in self.havips(vpc)}
        for view in self.call("DescribeAddresses", Limit=100)["AddressSet"]:
            if view["InstanceId"] in there:
                self.dissociate_eip(there[view["InstanceId"]])
        of_vpc = [{"Name": "vpc-id", "Values": [vpc.id]}]
        (table,) = self.call("DescribeRouteTables", Filters=of_vpc)["RouteTableSet"]
        for route in table["RouteSet"]:
            self.delete_route(Route(route["RouteItemId"], vpc.id))
        for havip in there.values():
            self.delete_havip(havip)
        for nic in tuple(self._nics.values()):
            if nic.subnet.vpc_id == vpc.id:
                self.unplug(nic)
        for subnet in self.call("DescribeSubnets", Filters=of_vpc, Limit="100")["SubnetSet"]:
            self.call("DeleteSubnet", SubnetId=subnet["SubnetId"])
        self.call("DeleteVpc", VpcId=vpc.id)

    def create_subnet(self, vpc: Vpc, cidr: str) -> Subnet:
        """See `Target.create_subnet`."""
        subnet = self.call("CreateSubnet", VpcId=vpc.id, SubnetName="lab", CidrBlock=cidr, Zone="lab-1")["Subnet"]
        network = IPv4Network(subnet["CidrBlock"])
        # Tencent's gateway is the subnet's first host address (clouds: product document, "reserved addresses").
        return Subnet(subnet["SubnetId"], vpc.id, network, network.network_address + 1)

    def delete_subnet(self, subnet: Subnet) -> None:
        """See `Target.delete_subnet`."""
        self.call("DeleteSubnet", SubnetId=subnet.id)

    def plug(
        self,
        host: Host,
        subnet: Subnet,
        *,
        address: str | None = None,
        secondary: Sequence[str] = (),
        interface: str = "eth0",
    ) -> Nic:
        """See `Target.plug`."""
        wanted = [{"PrivateIpAddress": text, "Primary": False} for text in secondary]
        if address is not None:
            wanted.insert(0, {"PrivateIpAddress": address, "Primary": True})
        elif secondary:
            raise TargetError("a NIC's secondary addresses can't be chosen without its primary one; give both")
        described = self.call(
            "CreateNetworkInterface",
            VpcId=subnet.vpc_id,
            SubnetId=subnet.id,
            NetworkInterfaceName=host.name,
            PrivateIpAddresses=wanted or None,
        )["NetworkInterface"]
        first, *others = (IPv4Address(entry["PrivateIpAddress"]) for entry in described["PrivateIpAddressSet"])
        nic = Nic(described["NetworkInterfaceId"], subnet, described["MacAddress"], first, "", tuple(others))
        self._nics[nic.id] = nic
        return self.attach(nic, host, interface=interface)

    def unplug(self, nic: Nic) -> None:
        """See `Target.unplug`."""
        if nic.id in self._hosts:
            self.detach(nic)
        self.call("DeleteNetworkInterface", NetworkInterfaceId=nic.id)
        del self._nics[nic.id]

    def detach(self, nic: Nic) -> None:
        """See `Target.detach`."""
        self.call("DetachNetworkInterface", NetworkInterfaceId=nic.id, InstanceId=self._nics[nic.id].instance_id)
        del self._hosts[nic.id]

    def attach(self, nic: Nic, host: Host, *, interface: str = "eth0") -> Nic:
        """See `Target.attach`."""
        attached = replace(nic, instance_id=self._instance_id(host))
        self.call("AttachNetworkInterface", NetworkInterfaceId=nic.id, InstanceId=attached.instance_id)
        self._nics[nic.id] = attached
        self._hosts[nic.id] = host
        self._patch({"do": "plug", "nic": nic.id, "interface": interface}, host.namespace())
        return attached

    def _instance_id(self, host: Host) -> str:
        """The id of a host as an instance: that of its other NICs, or a new one.

        The lab has no instances but its hosts, so their ids are made here; they need not be the same in every run.
        """
        for nic_id, other in self._hosts.items():
            if other is host:
                return self._nics[nic_id].instance_id
        return "ins-" + "".join(secrets.choice(ascii_lowercase + digits) for _ in range(8))

    def set_link(self, nic: Nic, *, up: bool) -> None:
        """See `Target.set_link`."""
        self._patch({"do": "mend" if up else "cut", "nic": nic.id})

    def create_havip(self, subnet: Subnet, *, address: str | None = None, name: str = "havip") -> Havip:
        """See `Target.create_havip`."""
        answer = self.call("CreateHaVip", VpcId=subnet.vpc_id, SubnetId=subnet.id, HaVipName=name, Vip=address)
        return _havip(answer["HaVip"])

    def rename_havip(self, havip: Havip, name: str) -> None:
        """See `Target.rename_havip`."""
        self.call("ModifyHaVipAttribute", HaVipId=havip.id, HaVipName=name)

    def delete_havip(self, havip: Havip) -> None:
        """See `Target.delete_havip`."""
        self.call("DeleteHaVip", HaVipId=havip.id)

    def havip_state(self, havip: Havip) -> HavipState | None:
        """See `Target.havip_state`."""
        (state,) = self.havip_states([havip])
        return state

    def havip_states(self, havips: Sequence[Havip]) -> list[HavipState | None]:
        """See `Target.havip_states`; one request tells of a hundred."""
        views = self.call("DescribeHaVips", HaVipIds=[havip.id for havip in havips], Limit=100)["HaVipSet"]
        states = {view["HaVipId"]: _state(view) for view in views}
        return [states.get(havip.id) for havip in havips]

    def havips(self, vpc: Vpc) -> list[Havip]:
        """See `Target.havips`."""
        filters = [{"Name": "vpc-id", "Values": [vpc.id]}]
        found: list[Havip] = []
        while True:
            page = self.call("DescribeHaVips", Filters=filters, Offset=len(found), Limit=100)
            found += [_havip(view) for view in page["HaVipSet"]]
            if not page["HaVipSet"] or len(found) >= page["TotalCount"]:
                return found

    def havip_quota(self, vpc: Vpc) -> int:
        """See `Target.havip_quota`; Tencent's limit is the same for every VPC."""
        del vpc
        (limit,) = self.call("DescribeVpcLimits", LimitTypes=["vpc-max-havips"])["VpcLimitSet"]
        return int(limit["LimitValue"])

    def plug_outside(self, host: Host, *, interface: str = "eth0") -> Nic:
        """See `Target.plug_outside`."""
        answer = self._patch({"do": "plug-outside", "interface": interface}, host.namespace())
        place = IPv4Interface(answer["address"])
        outside = Subnet("", "", place.network, place.network.network_address + 1)
        return Nic("", outside, host.mac(interface), place.ip, "")

    def allocate_eip(self) -> Eip:
        """See `Target.allocate_eip`."""
        (identifier,) = self.call("AllocateAddresses", AddressCount=1)["AddressSet"]
        (view,) = self.call("DescribeAddresses", AddressIds=[identifier])["AddressSet"]
        return Eip(identifier, IPv4Address(view["AddressIp"]))

    def release_eip(self, eip: Eip) -> None:
        """See `Target.release_eip`."""
        self.call("ReleaseAddresses", AddressIds=[eip.id])

    def associate_eip(self, eip: Eip, havip: Havip) -> None:
        """See `Target.associate_eip`."""
        self.call("HaVipAssociateAddressIp", HaVipId=havip.id, AddressIp=str(eip.address))

    def dissociate_eip(self, havip: Havip) -> None:
        """See `Target.dissociate_eip`."""
        self.call("HaVipDisassociateAddressIp", HaVipId=havip.id)

    def eip_of(self, havip: Havip) -> IPv4Address | None:
        """See `Target.eip_of`."""
        (view,) = self.call("DescribeHaVips", HaVipIds=[havip.id])["HaVipSet"]
        return IPv4Address(view["AddressIp"]) if view["AddressIp"] else None

    def create_route(self, vpc: Vpc, destination: str, havip: Havip) -> Route:
        """See `Target.create_route`."""
        wanted = {"DestinationCidrBlock": destination, "GatewayType": "HAVIP", "GatewayId": havip.id}
        (table,) = self.call("CreateRoutes", RouteTableId=_route_table(vpc.id), Routes=[wanted])["RouteTableSet"]
        return Route(table["RouteSet"][-1]["RouteItemId"], vpc.id)

    def delete_route(self, route: Route) -> None:
        """See `Target.delete_route`."""
        self.call("DeleteRoutes", RouteTableId=_route_table(route.vpc_id), Routes=[{"RouteItemId": route.id}])

    def set_source_check(self, nic: Nic, *, on: bool) -> None:
        """See `Target.set_source_check`; Tencent's API has no such action."""
        self.call("HavipLabModifySourceCheck", NetworkInterfaceId=nic.id, SourceCheck=on)

    def set_admitted(self, *, admitted: bool) -> None:
        """See `Target.set_admitted`."""
        self.call("HavipLabModifyAdmission", Admitted=admitted)

    def set_havip_quota(self, vpc: Vpc, quota: int) -> None:
        """See `Target.set_havip_quota`; it is the same for every VPC."""
        del vpc
        self.call("HavipLabModifyQuota", LimitType="vpc-max-havips", LimitValue=quota)

    def rejections(self) -> list[Rejection]:
        """See `Target.rejections`."""
        return [
            Rejection(entry["NetworkInterfaceId"], IPv4Address(entry["Address"]), entry["Reason"], entry["Count"])
            for entry in self.call("HavipLabDescribeRejections")["RejectionSet"]
        ]

    def events(self, *, after: int = 0) -> list[BindingEvent]:
        """See `Target.events`."""
        return [
            BindingEvent(
                entry["Sequence"],
                entry["HaVipId"],
                entry["OldNetworkInterfaceId"],
                entry["NewNetworkInterfaceId"],
                entry["Cause"],
            )
            for entry in self.call("HavipLabDescribeEvents", After=after)["EventSet"]
        ]

    def interrupt(self) -> None:
        """See `Target.interrupt`; its keeper lives on, as it would when the service's own fault ended it."""
        self._service.signal(signal.SIGKILL)
        self._service.wait(_END_TIMEOUT)
        self._ended.append(self._service)
        self._cable.close()
        self._api.close()  # the next call opens a connection anew

    def resume(self) -> None:
        """See `Target.resume`."""
        self._start()
        self.call("DescribeVpcs", Limit="1")

    @property
    def alive(self) -> bool:
        """Whether the service runs."""
        return self._service.alive

    def close(self) -> None:
        """End the service and its keeper; its namespaces go with them."""
        if self._log is not None:
            self._log.close()
        self._api.close()
        self._cable.close()
        self._listener.close()
        for process in (self._service, *self._ended):
            process.kill()

    def call(self, action: str, /, **parameters: object) -> dict[str, Any]:
        """See `Target.call`."""
        try:
            return self._api.call(action, **parameters)
        except TargetError as error:
            raise TargetError(f"{error}\n{self.post_mortem()}") from error

    def _patch(self, order: dict[str, str], *fds: int) -> dict[str, Any]:
        """Give an order to the service's patch panel, with file descriptors beside it, and return its answer."""
        try:
            with self._patching:
                socket.send_fds(self._cable, [json.dumps(order).encode()], list(fds))
                answer = self._cable.recv(65536)
        except OSError as error:
            raise TargetError(f"the patch panel did not answer {order}: {error!r}\n{self.post_mortem()}") from error
        if not answer:
            raise TargetError(f"the patch panel closed at {order}\n{self.post_mortem()}")
        said: dict[str, Any] = json.loads(answer)
        if "error" in said:
            raise TargetError(f"the patch panel refused {order}: {said['error']}")
        return said

    def post_mortem(self) -> str:
        """Say whether the service runs, and show the end of what it wrote."""
        state = "is alive" if self._service.alive else "has ended"
        return f"The network's service {state}; the end of its log:\n{self._service.log()[-2000:] or '(nothing)'}"


def _route_table(vpc_id: str) -> str:
    """The id of a VPC's one table of routes."""
    return f"rtb-{vpc_id.removeprefix('vpc-')}"


def _state(view: dict[str, Any]) -> HavipState:
    return HavipState(
        havip=_havip(view),
        bound=view["State"] == "AVAILABLE",
        nic_id=view["NetworkInterfaceId"],
        instance_id=view["InstanceId"],
        flushed=view["FlushedTime"],
    )


def _havip(view: dict[str, Any]) -> Havip:
    return Havip(view["HaVipId"], view["HaVipName"], IPv4Address(view["Vip"]), view["VpcId"], view["SubnetId"])
