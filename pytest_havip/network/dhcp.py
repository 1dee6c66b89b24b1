"""DHCP: the hosts of a subnet may ask for their fixed address, and dnsmasq answers them from the gateway.

It leases what the records say and nothing else, so it remembers nothing: it is started when a host asks, with the
addresses of that moment, and ended when they change. Until somebody asks there is no more than a socket.
"""

import asyncio
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from pytest_havip.network.core import Change, Effect, Network, Nic, Subnet, Vpc
from pytest_havip.network.dataplane.vpc import VpcFabric
from pytest_havip.network.log import LOG, tell
from pytest_havip.wire import ipv4
from pytest_havip.wire.ethernet import ETHERTYPE_IPV4, Ethernet
from pytest_havip.wire.mac import mac_text

__all__ = ["Dhcp", "configuration", "hardware_address"]

_PORT: Final = 67
_LARGEST: Final = 4096
#: What a client sends (RFC 951): the operation, Ethernet, six bytes; its MAC stands at 28.
_FROM_CLIENT: Final = bytes((1, 1, 6))
_MAC: Final = slice(28, 34)
_SHORTEST: Final = 240
_UDP: Final = struct.Struct("!HHHH")
_SYSTEM_FOLDERS: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_SETTINGS: Final = """\
# leases only what is listed below, from the gateway's namespace, and remembers nothing
port=0
no-hosts
no-resolv
user=root
group=root
leasefile-ro
no-ping
dhcp-authoritative
dhcp-ignore=tag:!known
log-facility=-
"""


def configuration(subnets: Iterable[Subnet], nics: Iterable[Nic]) -> str:
    """Write the configuration that leases each attached NIC its first fixed address, and nobody anything else.

    Args:
        subnets: of one VPC.
        nics: likewise.
    """
    lines = [f"dhcp-range={subnet.cidr.network_address},static,{subnet.cidr.netmask},1d" for subnet in subnets]
    lines += [f"dhcp-host={nic.mac},{nic.addresses[0]}" for nic in nics if nic.instance_id]
    return _SETTINGS + "".join(f"{line}\n" for line in lines)


def hardware_address(message: bytes) -> str | None:
    """Return the MAC in a message from a client, `None` if it is none."""
    if len(message) < _SHORTEST or message[:3] != _FROM_CLIENT:
        return None
    return mac_text(message[_MAC])


def _frame(message: bytes, sender: str, gateway_mac: str) -> bytes:
    """The frame in which a client's message came, as far as its server looks at it."""
    datagram = _UDP.pack(68, _PORT, _UDP.size + len(message), 0) + message
    packet = ipv4.encode(IPv4Address(0), ipv4.BROADCAST, payload=datagram)
    return Ethernet(gateway_mac, sender, ETHERTYPE_IPV4, packet).encode()


@dataclass(slots=True)
class _Counter:
    """Where one VPC's hosts ask: a socket while nobody has asked, then dnsmasq and what it has to be told again."""

    listener: socket.socket | None = None
    server: subprocess.Popen[bytes] | None = None
    asked: tuple[str, bytes] | None = None


class Dhcp:
    """Answers the DHCP requests of all VPCs.

    Args:
        network: the records.
        fabrics: VPC id -> its part of the kernel.
        loop: the service's.
    """

    __slots__ = ("_counters", "_fabrics", "_loop", "_network", "_warned")

    def __init__(self, network: Network, fabrics: Mapping[str, VpcFabric], loop: asyncio.AbstractEventLoop) -> None:
        self._network = network
        self._fabrics = fabrics
        self._loop = loop
        self._counters: dict[str, _Counter] = {}
        self._warned = False

    def open(self, vpc_id: str) -> None:
        """Begin to listen for a VPC's hosts."""
        self._counters[vpc_id] = _Counter()
        self._listen(vpc_id)

    def follow(self, effects: Iterable[Effect]) -> None:
        """Let what was leased before these changes be leased no more."""
        changes = [effect for effect in effects if isinstance(effect, Change)]
        for vpc_id in {_vpc_of(record) for change in changes for record in (change.before, change.after)} - {""}:
            if vpc_id not in self._network.vpcs:
                self._stop(self._counters.pop(vpc_id, _Counter()))
            elif vpc_id not in self._counters:
                self.open(vpc_id)
            elif self._counters[vpc_id].server is not None:
                self._stop(self._counters[vpc_id])
                self._listen(vpc_id)

    def close(self) -> None:
        """Answer nobody any more."""
        for counter in self._counters.values():
            self._stop(counter)
        self._counters.clear()

    def _listen(self, vpc_id: str) -> None:
        opened = self._fabrics[vpc_id].router.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.bind(("", _PORT))
        self._counters[vpc_id].listener = opened
        self._loop.add_reader(opened.fileno(), self._hear, vpc_id, opened)

    def _hear(self, vpc_id: str, listener: socket.socket) -> None:
        """Start the server if one of the VPC's hosts asks."""
        try:
            message = listener.recv(_LARGEST)
        except OSError:
            return
        sender = hardware_address(message)
        nics = [nic for nic in self._network.nics.values() if nic.vpc_id == vpc_id]
        nic = next((nic for nic in nics if nic.mac == sender and nic.instance_id), None)
        if nic is None:
            return
        subnets = [subnet for subnet in self._network.subnets.values() if subnet.vpc_id == vpc_id]
        counter = self._counters[vpc_id]
        self._stop(counter)
        try:
            counter.server = self._start(vpc_id, configuration(subnets, nics))
        except OSError as error:
            self._listen(vpc_id)
            if not self._warned:
                self._warned = True  # hosts ask again and again
                LOG.warning("a host asks by DHCP, and dnsmasq cannot be started (%s); install dnsmasq-base", error)
            return
        gateway_mac = self._network.subnets[nic.subnet_id].gateway_mac
        counter.asked = nic.subnet_id, _frame(message, nic.mac, gateway_mac)
        tell("dhcp", vpc_id=vpc_id, nic_id=nic.id)
        assert counter.server.stderr is not None
        self._loop.add_reader(counter.server.stderr.fileno(), self._follow_server, vpc_id, counter.server)

    def _start(self, vpc_id: str, text: str) -> subprocess.Popen[bytes]:
        folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS))
        program = shutil.which("dnsmasq", path=folders)
        if program is None:
            raise FileNotFoundError("there is no such program")
        with open(os.memfd_create("dnsmasq.conf"), "w+", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
            file.write(text)
            file.flush()
            file.seek(0)
            with self._fabrics[vpc_id].router.entered():
                # It must not outlive the service: the next one starts its own.
                return subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", program, "--keep-in-foreground", "--conf-file=-", "--pid-file="],
                    stdin=file,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={"LC_ALL": "C", "PATH": folders},
                    cwd="/",
                )

    def _follow_server(self, vpc_id: str, server: subprocess.Popen[bytes]) -> None:
        """Log what the server says; when it has started, hand it the request that it was started for."""
        assert server.stderr is not None
        said = os.read(server.stderr.fileno(), _LARGEST).decode(errors="replace")
        counter = self._counters[vpc_id]
        for line in said.splitlines():
            tell("dnsmasq", vpc_id=vpc_id, said=line)
        if not said:
            self._stop(counter)
            LOG.warning(
                "dnsmasq has ended by itself with status %s; it is started again when a host asks", server.returncode
            )
            self._listen(vpc_id)
        elif counter.asked is not None and "started" in said:
            subnet_id, frame = counter.asked
            counter.asked = None
            try:
                self._fabrics[vpc_id].resend(subnet_id, frame)
            except OSError:  # no memory for it now; the host asks again
                tell("dhcp request lost", vpc_id=vpc_id)

    def _stop(self, counter: _Counter) -> None:
        if counter.listener is not None:
            self._loop.remove_reader(counter.listener.fileno())
            counter.listener.close()
        if counter.server is not None:
            assert counter.server.stderr is not None
            self._loop.remove_reader(counter.server.stderr.fileno())
            counter.server.kill()
            counter.server.wait()
            counter.server.stderr.close()
        counter.listener = counter.server = counter.asked = None


def _vpc_of(record: object) -> str:
    """The VPC whose leases a record is about, "" if it is about none."""
    if isinstance(record, Vpc):
        return record.id
    return record.vpc_id if isinstance(record, Nic | Subnet) else ""
