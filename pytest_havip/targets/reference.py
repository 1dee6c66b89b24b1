"""The bundled reference network, started as a process of its own inside the lab and driven over its API."""

import json
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

from pytest_havip.lab import Host, Lab, Process
from pytest_havip.lab.checks import find_program
from pytest_havip.targets.base import (
    BindingEvent,
    Feature,
    Nic,
    Rejection,
    Route,
    Subnet,
    TargetError,
    Vpc,
)
from pytest_havip.targets.tencent import TencentNetwork
from pytest_havip.targets.tencent_api import Credentials, TencentApi

__all__ = ["ReferenceNetwork"]

_LISTEN_FD, _CABLE_FD, _CREDENTIALS_FD, _LOG_FD = 3, 4, 5, 6
#: Seconds until the patch panel must have answered.
_CABLE_TIMEOUT = 20.0
#: Seconds until a killed service must have ended.
_END_TIMEOUT = 10.0


class ReferenceNetwork(TencentNetwork):
    """The reference network.

    Args:
        lab: Where the network's process runs.
        program: The arguments after ``python -m`` that start the service; a mutant's starter takes its place.
        name: How the target was chosen.
        profile: The cloud whose choices it makes: tencent, alibaba or ovn; virtual-macs to admit virtual routers'.
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

    def __init__(
        self,
        lab: Lab,
        *,
        program: Sequence[str] = ("pytest_havip.network",),
        name: str = "reference",
        profile: str = "tencent",
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self._name = name
        self.profile = profile
        self._lab = lab
        self._program = program
        self._nics: dict[str, Nic] = {}
        self._hosts: dict[str, Host] = {}
        self.credentials = Credentials.new()
        # The API is reached from outside the lab, so its socket is made here: loopback only, port by the kernel.
        # Its DHCP server is the machine's.
        lacks = set() if find_program("dnsmasq") else {Feature.DHCP}
        self.features = frozenset(Feature) - lacks - (set() if profile == "virtual-macs" else {Feature.VIRTUAL_MACS})
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
        command += [] if self.profile == "tencent" else ["--profile", self.profile]
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

    def plug_outside(self, host: Host, *, interface: str = "eth0") -> Nic:
        """See `Target.plug_outside`."""
        answer = self._patch({"do": "plug-outside", "interface": interface}, host.namespace())
        place = IPv4Interface(answer["address"])
        outside = Subnet("", "", place.network, place.network.network_address + 1)
        return Nic("", outside, host.mac(interface), place.ip, "")

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
