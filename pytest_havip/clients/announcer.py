"""An announcer: puts any frame on the wire from any host, well-formed or not. Frames are crafted with scapy."""

from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from pytest_havip.lab import Host, Port
from pytest_havip.targets.base import Nic

if TYPE_CHECKING:
    from scapy.packet import Packet

__all__ = ["BROADCAST", "ZERO", "Form", "Instance", "Shape"]

BROADCAST = "ff:ff:ff:ff:ff:ff"
ZERO = "00:00:00:00:00:00"
#: What the data probes of the suites are sent to; nothing needs to listen there.
_PROBE_PORT = 40000


#: An announcement is an ARP request (RFC 5227) or an ARP reply.
Form = Literal["request", "reply"]


class Shape(TypedDict, total=False):
    """What may differ between announcements.

    Args:
        form: ARP request (RFC 5227's announcement), the default, or ARP reply.
        sender_mac: Sender hardware address; the NIC's own by default.
        target_mac: Target hardware address: broadcast (keepalived, the default), zero (RFC 5227), or the sender's.
        ethernet_source: The NIC's own by default.
        ethernet_destination: Broadcast by default.
        padding: Bytes behind the ARP message's 42; real NICs fill frames up to 60 bytes, some software up to 58.
    """

    form: Form
    sender_mac: str
    target_mac: str
    ethernet_source: str
    ethernet_destination: str
    padding: bytes


@dataclass(frozen=True)
class Instance:
    """A machine of the network under test: a lab host and the NIC by which it is plugged in.

    Args:
        host: The machine.
        nic: Its NIC.
        interface: The NIC's name on the host.
    """

    host: Host
    nic: Nic
    interface: str = field(default="eth0")

    def __repr__(self) -> str:
        return f"<{self.name} {self.address} {self.mac}>"

    @property
    def name(self) -> str:
        """The machine's name, as reports show it; by a NIC that is not its first one, with the interface."""
        return self.host.name if self.interface == "eth0" else f"{self.host.name}/{self.interface}"

    @property
    def mac(self) -> str:
        """The NIC's MAC address."""
        return self.nic.mac

    @property
    def address(self) -> IPv4Address:
        """The NIC's fixed address."""
        return self.nic.address

    @cached_property
    def port(self) -> Port:
        """Raw frames in and out."""
        return self.host.port(self.interface)

    def send(self, frame: "Packet | bytes") -> int:
        """Send a frame as it is, and return the time just before, in nanoseconds of the lab's clock."""
        return self.port.send(bytes(frame))

    def announcement(self, address: IPv4Address, **shape: Unpack[Shape]) -> bytes:
        """A gratuitous ARP for an address, as keepalived sends it unless its `Shape` says otherwise."""
        message = self.arp(
            2 if shape.get("form") == "reply" else 1,
            address,
            address,
            sender_mac=shape.get("sender_mac"),
            target_mac=shape.get("target_mac", BROADCAST),
            ethernet_source=shape.get("ethernet_source"),
            ethernet_destination=shape.get("ethernet_destination", BROADCAST),
        )
        return message + shape.get("padding", b"")

    def arp(
        self,
        operation: int,
        sender: IPv4Address | str,
        target: IPv4Address | str,
        *,
        sender_mac: str | None = None,
        target_mac: str = ZERO,
        ethernet_source: str | None = None,
        ethernet_destination: str = BROADCAST,
    ) -> bytes:
        """Any ARP frame; hardware addresses default to the NIC's own and zero."""
        from scapy.layers.l2 import ARP, Ether  # noqa: PLC0415 - scapy only where frames are crafted

        ethernet = Ether(src=ethernet_source or self.mac, dst=ethernet_destination)
        return bytes(
            ethernet
            / ARP(op=operation, psrc=str(sender), pdst=str(target), hwsrc=sender_mac or self.mac, hwdst=target_mac)
        )

    def datagram(
        self, source: IPv4Address | str, destination: IPv4Address | str, ethernet_destination: str, payload: bytes
    ) -> bytes:
        """A UDP datagram with any source address."""
        from scapy.layers.inet import IP, UDP  # noqa: PLC0415 - scapy only where frames are crafted
        from scapy.layers.l2 import Ether  # noqa: PLC0415

        ethernet = Ether(src=self.mac, dst=ethernet_destination)
        packet = IP(src=str(source), dst=str(destination)) / UDP(sport=_PROBE_PORT, dport=_PROBE_PORT) / payload
        return bytes(ethernet / packet)

    def announce(self, address: IPv4Address, **shape: Unpack[Shape]) -> int:
        """Send one announcement, and return the time just before, in nanoseconds of the lab's clock."""
        return self.send(self.announcement(address, **shape))
