"""The service in a lab, driven over its API and its patch panel; frames made here byte by byte."""

import hashlib
import http.client
import itertools
import json
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from tencentcloud.common.sign import Sign

from pytest_havip.lab import Frame, Host, Lab, Process
from pytest_havip.targets.tencent_api import Credentials, TencentApi

_LISTEN, _CABLE, _CREDENTIALS = 3, 4, 5


def packed(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


@dataclass
class Machine:
    """A host with one NIC, its address configured."""

    rig: "Rig"
    host: Host
    nic: str
    mac: str
    address: str
    subnet: str

    def arp(
        self, sender: str, target: str, *, operation: int = 1, to: str = "ff:ff:ff:ff:ff:ff", sender_mac: str = ""
    ) -> bytes:
        mac = packed(self.mac)
        return (
            packed(to)
            + mac
            + b"\x08\x06"
            + struct.pack(">HHBBH", 1, 0x800, 6, 4, operation)
            + (packed(sender_mac) if sender_mac else mac)
            + socket.inet_aton(sender)
            + bytes(6)
            + socket.inet_aton(target)
        )

    def announcement(self, address: str, **options: Any) -> bytes:
        return self.arp(address, address, **options)

    def announce(self, address: str, **options: Any) -> int:
        return self.host.port("eth0").send(self.announcement(address, **options))

    def saw(self, frame: bytes, *, since: int, timeout: float = 2.0) -> Frame:
        return self.host.port("eth0").capture.wait(
            lambda seen: not seen.outgoing and seen.data[: len(frame)] == frame, timeout=timeout, since=since
        )

    def frames(self, *, since: int) -> list[bytes]:
        capture = self.host.port("eth0").capture
        return [frame.data for frame in capture.frames(since) if not frame.outgoing]

    def raw_socket(self) -> socket.socket:
        raw = self.host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        raw.bind(("eth0", 0))
        return raw


@dataclass
class Place:
    """A VPC with one subnet, and whatever a test adds."""

    rig: "Rig"
    id: str
    subnet: str
    network: str
    machines: list[Machine] = field(default_factory=list)

    def machine(self, *, subnet: str = "", address: str = "", capture: bool = True) -> Machine:
        machine = self.rig.machine(self.id, subnet or self.subnet, address)
        if capture:
            machine.host.port("eth0")
        self.machines.append(machine)
        return machine

    def havip(self, *, address: str | None = None, subnet: str = "", name: str = "havip") -> dict[str, Any]:
        return self.rig.call("CreateHaVip", VpcId=self.id, SubnetId=subnet or self.subnet, HaVipName=name, Vip=address)[
            "HaVip"
        ]

    def add_subnet(self, cidr: str) -> str:
        answer = self.rig.call("CreateSubnet", VpcId=self.id, SubnetName="more", CidrBlock=cidr)
        return answer["Subnet"]["SubnetId"]

    def events(self) -> list[dict[str, Any]]:
        events = self.rig.call("HavipLabDescribeEvents", After=0)["EventSet"]
        return [event for event in events if event["VpcId"] == self.id]


class Rig:
    """The service, its API and its patch panel; with a store it can be started again after its end."""

    def __init__(self, lab: Lab, *, program: tuple[str, ...] = ("-m", "pytest_havip.network"), store: str = "") -> None:
        self.lab = lab
        self.store = store
        self._names = itertools.count()
        self.credentials = Credentials.new()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = self._listener.getsockname()
        self.api = TencentApi(*self.endpoint, credentials=self.credentials)
        self.ended: list[Process] = []
        self.start(program)

    def start(self, program: tuple[str, ...] = ("-m", "pytest_havip.network")) -> None:
        self.cable, panel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.cable.settimeout(10)
        command = [sys.executable, *program, "--listen-fd", str(_LISTEN), "--cable-fd", str(_CABLE)]
        command += ["--store", self.store] if self.store else []
        with panel, self.credentials.file() as file:
            self.process = self.lab.spawn(
                [*command, "--credentials-fd", str(_CREDENTIALS)],
                fds={_LISTEN: self._listener.fileno(), _CABLE: panel.fileno(), _CREDENTIALS: file.fileno()},
            )

    def end(self) -> None:
        """Kill the service, and nothing else; its keeper lives on."""
        self.process.signal(signal.SIGKILL)
        self.gone()

    def gone(self) -> None:
        """Wait until the service has ended by SIGKILL."""
        assert self.process.wait(10) == -signal.SIGKILL, self.process.log()
        self.cable.close()
        self.api.close()  # the next request opens a connection anew
        self.ended.append(self.process)

    def call(self, action: str, /, **parameters: object) -> dict[str, Any]:
        return self.api.call(action, **parameters)

    def sign(
        self, body: bytes = b"", *, method: str = "POST", query: str = "", at: float | None = None, host: str = ""
    ) -> dict[str, str]:
        """Headers with a signature by the official SDK's own function."""
        timestamp = int(time.time() if at is None else at)
        date = time.strftime("%Y-%m-%d", time.gmtime(timestamp))
        kind = "application/x-www-form-urlencoded" if method == "GET" else "application/json"
        host = host or f"{self.endpoint[0]}:{self.endpoint[1]}"
        covered = f"content-type:{kind}\nhost:{host}\n\ncontent-type;host\n{hashlib.sha256(body).hexdigest()}"
        digest = hashlib.sha256(f"{method}\n/\n{query}\n{covered}".encode()).hexdigest()
        text = f"TC3-HMAC-SHA256\n{timestamp}\n{date}/vpc/tc3_request\n{digest}"
        signature = Sign.sign_tc3(self.credentials.secret_key, date, "vpc", text)
        credential = f"{self.credentials.secret_id}/{date}/vpc/tc3_request"
        return {
            "Host": host,
            "Content-Type": kind,
            "X-TC-Timestamp": str(timestamp),
            "X-TC-Action": "DescribeHaVips",
            "X-TC-Version": "2017-03-12",
            "X-TC-Region": "lab",
            "Authorization": f"TC3-HMAC-SHA256 Credential={credential}, SignedHeaders=content-type;host, "
            f"Signature={signature}",
        }

    def send(
        self, body: bytes, headers: Mapping[str, str], *, method: str = "POST", target: str = "/"
    ) -> dict[str, Any]:
        """Send any request, and see that its answer has the form that the official SDK understands."""
        connection = http.client.HTTPConnection(self.endpoint[0], self.endpoint[1], timeout=10)
        try:
            connection.request(method, target, body, {name: value for name, value in headers.items() if value})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        assert (answer.status, answer.getheader("Content-Type")) == (200, "application/json")
        response: dict[str, Any] = json.loads(content)["Response"]
        assert UUID(response["RequestId"])
        return response

    def patch(self, order: object, *descriptors: int) -> dict[str, Any]:
        socket.send_fds(self.cable, [json.dumps(order).encode()], list(descriptors))
        return json.loads(self.cable.recv(65536))

    def place(self, cidr: str = "10.0.0.0/16", subnet: str = "10.0.0.0/24") -> Place:
        vpc = self.call("CreateVpc", VpcName="test", CidrBlock=cidr)["Vpc"]["VpcId"]
        made = self.call("CreateSubnet", VpcId=vpc, SubnetName="test", CidrBlock=subnet)["Subnet"]
        return Place(self, vpc, made["SubnetId"], subnet)

    def machine(self, vpc: str, subnet: str, address: str) -> Machine:
        wanted = [{"PrivateIpAddress": address, "Primary": True}] if address else None
        nic = self.call(
            "CreateNetworkInterface", VpcId=vpc, SubnetId=subnet, NetworkInterfaceName="nic", PrivateIpAddresses=wanted
        )["NetworkInterface"]
        number = next(self._names)
        identity = nic["NetworkInterfaceId"]
        self.call("AttachNetworkInterface", NetworkInterfaceId=identity, InstanceId=f"ins-{number:08d}")
        host = self.lab.host(f"h{number}")
        answer = self.patch({"do": "plug", "nic": identity, "interface": "eth0"}, host.namespace())
        assert answer == {"ok": True}, f"{answer}\n{self.process.log()}"
        own = nic["PrivateIpAddressSet"][0]["PrivateIpAddress"]
        cidr = self.call("DescribeSubnets", SubnetIds=[subnet])["SubnetSet"][0]["CidrBlock"]
        network, prefix = cidr.split("/")
        host.add_address(f"{own}/{prefix}")
        host.default_route(network.rsplit(".", 1)[0] + "." + str(int(network.rsplit(".", 1)[1]) + 1))
        return Machine(self, host, identity, nic["MacAddress"], own, subnet)

    def state(self, havip: dict[str, Any]) -> dict[str, Any]:
        (found,) = self.call("DescribeHaVips", HaVipIds=[havip["HaVipId"]])["HaVipSet"]
        return found

    def owner(self, havip: dict[str, Any]) -> str:
        return self.state(havip)["NetworkInterfaceId"]

    def rejected(self, machine: Machine, reason: str) -> dict[str, int]:
        found = self.call("HavipLabDescribeRejections")["RejectionSet"]
        return {
            entry["Address"]: entry["Count"]
            for entry in found
            if entry["NetworkInterfaceId"] == machine.nic and entry["Reason"] == reason
        }

    def remove(self, place: Place) -> None:
        for machine in place.machines:
            self.lab.remove(machine.host)
        of_vpc = [{"Name": "vpc-id", "Values": [place.id]}]
        while found := self.call("DescribeHaVips", Filters=of_vpc, Limit=100)["HaVipSet"]:
            for havip in found:
                self.call("DeleteHaVip", HaVipId=havip["HaVipId"])
        for nic in self.call("DescribeNetworkInterfaces", Filters=of_vpc, Limit=100)["NetworkInterfaceSet"]:
            self.call("DeleteNetworkInterface", NetworkInterfaceId=nic["NetworkInterfaceId"])
        for subnet in self.call("DescribeSubnets", Filters=of_vpc)["SubnetSet"]:
            self.call("DeleteSubnet", SubnetId=subnet["SubnetId"])
        self.call("DeleteVpc", VpcId=place.id)

    def close(self) -> None:
        self.api.close()
        self.cable.close()
        self._listener.close()
        for process in (self.process, *self.ended):
            process.kill()


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    with Lab.open() as lab:
        rig = Rig(lab)
        yield rig
        alive, log = rig.process.alive, rig.process.log()
        rig.close()
    assert alive, f"the service ended by itself:\n{log}"


@pytest.fixture(scope="session")
def rig_class() -> type[Rig]:
    return Rig


@pytest.fixture
def make_place(rig: Rig) -> Iterator[Callable[..., Place]]:
    made: list[Place] = []

    def make(*arguments: str, **options: str) -> Place:
        made.append(rig.place(*arguments, **options))
        return made[-1]

    yield make
    for place in made:
        rig.remove(place)


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    return make_place()


@pytest.fixture
def until() -> Callable[[Callable[[], object], str], None]:
    def wait(condition: Callable[[], object], what: str, timeout: float = 3.0) -> None:
        deadline = time.monotonic() + timeout
        while not (seen := condition()):
            assert time.monotonic() < deadline, f"{what} did not come within {timeout} s; last seen: {seen!r}"

    return wait
