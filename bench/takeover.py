"""How long until a third host is served by the new owner, on the HAVIP network and on an unguarded plain bridge.

    python bench/takeover.py [--rounds 300]

Two machines hold the same address; a client sends a UDP probe to it every 20 µs. One machine announces; the time runs
from just before its announcement is sent until its kernel has the first probe. Machines, client and network are
processes of their own. "Frame seen" is the kernel's time stamp of the announcement at the client, without probes.
"""

import argparse
import contextlib
import json
import socket
import statistics
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from pytest_havip.lab import Frame, Host, Lab
from pytest_havip.targets.tencent_api import Credentials, TencentApi

_VIP = IPv4Address("10.0.0.100")
_PORT = 7000
_CONTROL = 3
_RECORD = struct.Struct("=QQ")
_WARM_UP = 20
_TIMEOUT = 10.0
# Between two rounds, so that one round's work does not run into the next one's.
_PAUSE = 0.003

_MACHINE = """
import socket, struct, sys, time
vip, port, frame = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
control = socket.socket(fileno=3)
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
raw.bind(("eth0", 0))
probes = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probes.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS: when the kernel received it
probes.bind((vip, port))
control.send(b"ready")
while order := control.recv(16):
    probes.setblocking(False)
    try:
        while True:
            probes.recv(64)  # of its last time as the owner
    except BlockingIOError:
        probes.settimeout(1)
    first = 0
    sent = time.time_ns()
    raw.send(frame)
    while order == b"serve" and first < sent:
        try:
            _, ((_, _, stamp),), _, _ = probes.recvmsg(64, 64)
        except TimeoutError:  # on a plain bridge, before the first round: the client had asked, and the other answered
            sent = time.time_ns()
            raw.send(frame)
            continue
        seconds, nanoseconds = struct.unpack("ll", stamp)
        first = seconds * 10**9 + nanoseconds
    control.send(struct.pack("=QQ", sent, first))
"""

_CLIENT = """
import socket, sys, time
vip, port = sys.argv[1], int(sys.argv[2])
control = socket.socket(fileno=3)
probes = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probes.connect((vip, port))
due = 0
while True:
    while time.perf_counter_ns() < due:
        pass
    due = time.perf_counter_ns() + 20_000
    try:
        probes.send(b"?")
    except OSError:  # nobody answered for the address yet
        continue
"""


@dataclass(frozen=True)
class Machine:
    """A machine that can hold the address."""

    host: Host
    control: socket.socket


@dataclass(frozen=True)
class Scene:
    """Two machines and two clients, one in their subnet and one behind the gateway."""

    a: Host
    b: Host
    near: Host
    far: Host


def _bridge_scene(lab: Lab) -> Scene:
    """Plain bridges without a guard, and a plain Linux router between them."""
    switch, router = lab.host("switch"), lab.host("router")
    router.sysctl("net.ipv4.ip_forward", "1")
    for bridge in ("left", "right"):
        switch.add_bridge(bridge)

    def plug(name: str, bridge: str, address: str, *, host: Host | None = None, interface: str = "eth0") -> Host:
        machine = host or lab.host(name)
        port = f"{name}-{interface}"
        lab.link(machine, interface, switch, port)
        switch.join_bridge(port, bridge)
        machine.add_address(address, interface)
        return machine

    plug("router", "left", "10.0.0.1/24", host=router, interface="eth0")
    plug("router", "right", "10.0.1.1/24", host=router, interface="eth1")
    a = plug("a", "left", "10.0.0.2/24")
    b = plug("b", "left", "10.0.0.3/24")
    near = plug("near", "left", "10.0.0.4/24")
    far = plug("far", "right", "10.0.1.2/24")
    _prepare(a, b, near, far)
    return Scene(a, b, near, far)


def _network_scene(lab: Lab) -> Scene:
    """The reference network, with a HAVIP."""
    credentials = Credentials.new()
    with socket.create_server(("127.0.0.1", 0)) as listener, credentials.file() as file:
        cable, panel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = ["-m", "pytest_havip.network", "--listen-fd", "3", "--cable-fd", "4", "--credentials-fd", "5"]
        arguments += ["--store", "/run/havip.sqlite"]  # in the lab's own memory, as for the suites
        lab.spawn([sys.executable, *arguments], fds={3: listener.fileno(), 4: panel.fileno(), 5: file.fileno()})
        panel.close()
        api = TencentApi(*listener.getsockname(), credentials=credentials)
    with cable, contextlib.closing(api):
        vpc = api.call("CreateVpc", VpcName="bench", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

        def subnet(cidr: str) -> str:
            answer = api.call("CreateSubnet", VpcId=vpc, SubnetName="bench", CidrBlock=cidr)
            return str(answer["Subnet"]["SubnetId"])

        def plug(name: str, subnet_id: str) -> Host:
            answer = api.call("CreateNetworkInterface", VpcId=vpc, SubnetId=subnet_id, NetworkInterfaceName=name)
            nic = answer["NetworkInterface"]
            identity = nic["NetworkInterfaceId"]
            api.call("AttachNetworkInterface", NetworkInterfaceId=identity, InstanceId="ins-00000000")
            host = lab.host(name)
            order = {"do": "plug", "nic": identity, "interface": "eth0"}
            socket.send_fds(cable, [json.dumps(order).encode()], [host.namespace()])
            if cable.recv(65536) != b'{"ok": true}':
                raise SystemExit(f"the network refused {order}")
            host.add_address(IPv4Interface(f"{nic['PrivateIpAddressSet'][0]['PrivateIpAddress']}/24"))
            return host

        left, right = subnet("10.0.0.0/24"), subnet("10.0.1.0/24")
        scene = Scene(plug("a", left), plug("b", left), plug("near", left), plug("far", right))
        api.call("CreateHaVip", VpcId=vpc, SubnetId=left, HaVipName="bench", Vip=str(_VIP))
    _prepare(scene.a, scene.b, scene.near, scene.far)
    return scene


def _prepare(a: Host, b: Host, near: Host, far: Host) -> None:
    for host in (a, b):
        host.add_address(f"{_VIP}/32")
        host.default_route("10.0.0.1")
    near.default_route("10.0.0.1")
    far.default_route("10.0.1.1")


def _announcement(host: Host) -> bytes:
    mac = bytes.fromhex(host.mac().replace(":", ""))
    arp = struct.pack(">HHBBH", 1, 0x800, 6, 4, 1) + mac + _VIP.packed + bytes(6) + _VIP.packed
    return b"\xff" * 6 + mac + b"\x08\x06" + arp


@contextlib.contextmanager
def _program(host: Host, code: str, *arguments: str) -> Iterator[socket.socket]:
    """Run a program on a host with a control socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            process = host.spawn([sys.executable, "-c", code, *arguments], fds={_CONTROL: theirs.fileno()})
        ours.settimeout(_TIMEOUT)
        try:
            yield ours
        except TimeoutError as error:
            raise SystemExit(f"{host.name} reported nothing for {_TIMEOUT} s: {process.log()}") from error
        finally:
            process.kill()


@contextlib.contextmanager
def _machines(scene: Scene) -> Iterator[tuple[Machine, Machine]]:
    with contextlib.ExitStack() as stack:
        machines = []
        for host in (scene.a, scene.b):
            arguments = (str(_VIP), str(_PORT), _announcement(host).hex())
            control = stack.enter_context(_program(host, _MACHINE, *arguments))
            control.recv(16)
            machines.append(Machine(host, control))
        yield machines[0], machines[1]


def _announce(machine: Machine, *, serve: bool) -> tuple[int, int]:
    """Let a machine announce; return when it did and when its first probe came, in nanoseconds."""
    machine.control.send(b"serve" if serve else b"go")
    sent, first = _RECORD.unpack(machine.control.recv(64))
    return sent, first


def _served(scene: Scene, client: Host, rounds: int) -> list[float]:
    """Milliseconds from announcement to the first probe that the new owner receives, round by round."""
    results = []
    with _machines(scene) as machines, _program(client, _CLIENT, str(_VIP), str(_PORT)):
        for number in range(rounds + _WARM_UP):
            sent, first = _announce(machines[number % 2], serve=True)
            results.append((first - sent) / 1e6)
            time.sleep(_PAUSE)
    return results[_WARM_UP:]


def _seen(scene: Scene, rounds: int) -> list[float]:
    """Milliseconds from announcement to its arrival at a third host."""
    results = []
    capture = scene.near.port("eth0").capture
    with _machines(scene) as machines:
        for number in range(rounds + _WARM_UP):
            machine = machines[number % 2]
            sent, _ = _announce(machine, serve=False)
            seen = capture.wait(_is(_announcement(machine.host)), timeout=_TIMEOUT, since=sent)
            results.append((seen.time_ns - sent) / 1e6)
            time.sleep(_PAUSE)
    return results[_WARM_UP:]


def _is(frame: bytes) -> Callable[[Frame], bool]:
    return lambda one: not one.outgoing and one.data[: len(frame)] == frame


def _measure(scene: Scene, rounds: int) -> dict[str, Sequence[float]]:
    return {
        "frame seen, same subnet": _seen(scene, rounds),
        "served, same subnet": _served(scene, scene.near, rounds),
        "served, routed": _served(scene, scene.far, rounds),
    }


def _figures(values: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return statistics.median(values), statistics.quantiles(values, n=20)[-1]


def main() -> None:
    """Measure both networks in one run and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300, help="takeovers measured for each line (default: 300)")
    rounds = parser.parse_args().rounds
    results = []
    for build in (_bridge_scene, _network_scene):
        with Lab.open() as lab:
            results.append(_measure(build(lab), rounds))
    bridge, network = results
    print(f"Milliseconds from an announcement until …, {rounds} takeovers each\n")
    print(f"{'':26}{'plain bridge':>16}{'HAVIP network':>18}{'ratio of':>12}")
    print(f"{'':26}{'median    p95':>16}{'median    p95':>18}{'medians':>12}")
    for name, plain in bridge.items():
        (plain_median, plain_high), (median, high) = _figures(plain), _figures(network[name])
        print(f"{name:26}{plain_median:9.3f}{plain_high:7.3f}{median:11.3f}{high:7.3f}{median / plain_median:11.1f}x")


if __name__ == "__main__":
    main()
