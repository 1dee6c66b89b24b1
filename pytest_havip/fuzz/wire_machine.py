"""A machine of a story, in the lab: its host, its NIC, what it sends and what it has seen."""

import socket
import time
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from pytest_havip.clients.announcer import Instance
from pytest_havip.fuzz.frames import PORT, mac_of
from pytest_havip.lab import Frame as Captured
from pytest_havip.lab import Host, Port
from pytest_havip.targets.base import Nic, Subnet, Target

if TYPE_CHECKING:
    from pytest_havip.fuzz.actions import Frame, RoutedProbe

__all__ = ["WireMachine"]

#: How many announcements a machine makes in a second, and at once, at most: networks limit them (HAVIP-SPOOF-018).
_RATE, _BURST = 800, 800
#: Answers ARP for no address of its own, or for all (the kernel's ip-sysctl.txt, arp_ignore).
_IGNORE, _ANSWER = "8", "0"


class WireMachine:
    """A lab host that is plugged into the network under test by one NIC.

    It has the HAVIPs of its subnet configured if it is a claimant: its kernel answers who asks for them, as an old
    owner does, and the network has to see to it that the present one's answer is heard.

    Args:
        target: The network under test.
        host: The machine.
        claims: It may own HAVIPs.
    """

    def __init__(self, target: Target, host: Host, *, claims: bool) -> None:
        self._target = target
        self._host = host
        self._claims = claims
        self._allowance, self._counted_at = float(_BURST), time.monotonic()
        self._sink: socket.socket | None = None
        self.frames: dict[Frame | RoutedProbe, bytes] = {}
        self.attached = False
        self.cut = False
        self.silent = False

    def plug(self, name: str, subnet: Subnet, address: IPv4Address, havips: Iterable[IPv4Address]) -> None:
        """Give it a new NIC in a subnet."""
        self.subnet = name
        self._addresses = [f"{address}/{subnet.cidr.prefixlen}"]
        self._addresses += [f"{havip}/32" for havip in havips if self._claims]
        self.nic: Nic = self._target.plug(self._host, subnet, address=str(address))
        self._start()

    def unplug(self) -> None:
        """Take its NIC away for good, attached or not."""
        self._stop()
        self._target.unplug(self.nic)

    def attach(self) -> None:
        """Attach its NIC again."""
        self.nic = self._target.attach(self.nic, self._host)
        self._start()

    def detach(self) -> None:
        """Detach its NIC."""
        self._stop()
        self._target.detach(self.nic)

    def set_link(self, *, up: bool) -> None:
        """Cut or mend its link, at the network's end."""
        self._target.set_link(self.nic, up=up)
        self.cut = not up

    def set_silent(self, *, silent: bool) -> None:
        """Let its kernel answer no ARP, or answer again."""
        self._host.sysctl("net.ipv4.conf.all.arp_ignore", _IGNORE if silent else _ANSWER)
        self.silent = silent

    @property
    def instance(self) -> Instance:
        """The machine as observers and reports know it."""
        return Instance(self._host, self.nic)

    @property
    def is_live(self) -> bool:
        """It is attached, and its link is whole."""
        return self.attached and not self.cut

    def pace(self) -> None:
        """Take one announcement from what it may send now, waiting for the allowance to grow if it is used up."""
        now = time.monotonic()
        self._allowance = min(_BURST, self._allowance + (now - self._counted_at) * _RATE)
        self._counted_at = now
        self._allowance -= 1
        if self._allowance < 0:
            time.sleep(-self._allowance / _RATE)

    def news(self, *, timeout: float = 0) -> list[Captured]:
        """What its interface has received since the last call, waiting for the first frame for some seconds."""
        frames = self.port.capture.after(self._seen, timeout=timeout)
        self._seen += len(frames)
        return [frame for frame in frames if not frame.outgoing]

    @property
    def lost(self) -> int:
        """How many frames its capture has lost."""
        return self.port.capture.lost if self.attached else 0

    def close(self) -> None:
        """Take the host away."""
        self._host.lab.remove(self._host)

    def _start(self) -> None:
        for address in self._addresses:
            self._host.add_address(address)
        self.mac = mac_of(self.nic.mac)
        self.port: Port = self._host.port()
        self._seen = 0
        self.attached, self.cut = True, False
        self.frames.clear()
        if self._sink is None:
            # Somebody must take the data, or the kernel answers with an ICMP error; nobody reads it.
            self._sink = self._host.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            self._sink.bind(("", PORT))

    def _stop(self) -> None:
        self.attached = self.cut = False
