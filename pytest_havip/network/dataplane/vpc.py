"""One VPC in the kernel: its namespace, bridges, gateway, guard, and the way of an announcement in and out."""

import socket
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from itertools import count
from typing import Final, Self

from pytest_havip.kernel.requests import Attribute, NewLink, add_bridge
from pytest_havip.network.core import Nic, Route, Subnet
from pytest_havip.network.dataplane.elements_socket import ElementsSocket
from pytest_havip.network.dataplane.internet import Internet
from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.nft import Nft
from pytest_havip.network.dataplane.ports import Ports
from pytest_havip.network.dataplane.punt import PuntSocket
from pytest_havip.network.dataplane.remover import Remover
from pytest_havip.network.dataplane.router import Router
from pytest_havip.network.dataplane.ruleset import gateway_interface
from pytest_havip.network.dataplane.settings import quieten

__all__ = ["VpcFabric"]

# A bridge needs an address; nobody ever sees this one on the wire.
_BRIDGE_MAC: Final = "02:00:00:00:00:01"
# No spanning tree, and no snooping of multicast: VRRP must reach everyone.
_BRIDGE_SETTINGS: Final[tuple[Attribute, ...]] = (
    ("IFLA_BR_FORWARD_DELAY", 0),
    ("IFLA_BR_STP_STATE", 0),
    ("IFLA_BR_MCAST_SNOOPING", 0),
)
# Far from the numbers in hosts: with equal ones at both ends the kernel takes a cable for none.
_FIRST_INDEX: Final = 1000


class VpcFabric:
    """The kernel objects of one VPC; closing it frees them all.

    Attributes:
        nft: the packet filter of the namespace.
        ports: the plugged NICs.
        punt: the announcements that the guard handed over.
        router: the gateway.
    """

    __slots__ = (
        "_bridges",
        "_eips",
        "_elements",
        "_gateways",
        "_index",
        "_links",
        "_namespace",
        "_remover",
        "_senders",
        "nft",
        "ports",
        "punt",
        "router",
    )

    def __init__(self, namespace: Namespace, router: Router, punt: PuntSocket, remover: Remover) -> None:
        self._remover = remover
        self._namespace = namespace
        self.router = router
        self._links = namespace.route_socket()
        self._index = count(_FIRST_INDEX)  # numbers are never used twice: a late frame finds no wrong NIC
        self._bridges: dict[str, int] = {}
        self._gateways: dict[str, int] = {}
        self._senders: dict[str, socket.socket] = {}
        self._eips: dict[IPv4Address, IPv4Address] = {}
        self.nft = Nft(namespace)
        self._elements = ElementsSocket(namespace)
        self.ports = Ports(namespace, self._links, remover)
        self.punt = punt

    @classmethod
    def create(cls, ruleset: str, remover: Remover) -> Self:
        """Make a VPC's namespaces, with the guard in force and no subnet."""
        namespace = Namespace.create()
        quieten(namespace)
        fabric = cls(namespace, Router.create(), PuntSocket.create(namespace), remover)
        fabric.nft.run(ruleset)
        return fabric

    @classmethod
    def adopt(cls, descriptors: Sequence[int], remover: Remover) -> Self:
        """Take over what another process has made; `attach` does the rest. See `descriptors`."""
        namespace, router, queue, inbox = descriptors
        return cls(Namespace(namespace), Router(Namespace(router)), PuntSocket.adopt((queue, inbox)), remover)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What has to be kept for another process to take over."""
        return self._namespace.fileno(), self.router.fileno(), *self.punt.descriptors

    def attach(self, subnets: Iterable[Subnet], nics: Iterable[Nic]) -> None:
        """Bring the interfaces of an adopted VPC to these subnets and attached NICs, leaving alone what is right."""
        found = self._namespace.interfaces()
        self._index = count(max(_FIRST_INDEX, *found.values()) + 1)
        for nic in nics:
            if nic.instance_id and nic.id in found:
                self.ports.adopt(nic.id, found.pop(nic.id))
        for subnet in subnets:
            bridge, port = found.get(subnet.id), found.get(gateway_interface(subnet.id))
            if bridge is not None and port is not None and self._links.operational_state(port) == "UP":
                self._know(subnet, found.pop(subnet.id), found.pop(gateway_interface(subnet.id)))
        found.pop("lo")
        if found:
            self._remover.remove(self._namespace, *found.values())
            self._remover.wait()  # their names may be needed again
        for subnet in subnets:
            if subnet.id not in self._bridges:
                self.add_subnet(subnet)

    def change_guard(self, commands: Sequence[str]) -> None:
        """Carry out nft commands as one transaction.

        Raises:
            NftError: the kernel refused; nothing of it is in force.
        """
        if not self._elements.run(commands):
            self.nft.run("\n".join(commands))

    def add_subnet(self, subnet: Subnet) -> None:
        """Make a subnet's bridge, its gateway's leg and the socket that re-sends announcements into it."""
        bridge, port = next(self._index), next(self._index)
        self._links.send(add_bridge(NewLink(subnet.id, bridge, _BRIDGE_MAC), *_BRIDGE_SETTINGS))
        self.router.join(subnet, links=self._links, bridge=bridge, port=port)
        self._know(subnet, bridge, port)

    def _know(self, subnet: Subnet, bridge: int, port: int) -> None:
        sender = self._namespace.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind((subnet.id, 0))
        sender.setblocking(False)
        self._bridges[subnet.id] = bridge
        self._gateways[subnet.id] = port
        self._senders[subnet.id] = sender

    def remove_subnet(self, subnet: Subnet) -> None:
        """Remove a subnet's bridge and its gateway's leg; the guard has forgotten it, so nothing passes meanwhile."""
        self._remover.close_packet_socket(self._senders.pop(subnet.id))
        port, bridge = self._gateways.pop(subnet.id), self._bridges.pop(subnet.id)
        self._remover.remove(self._namespace, port, bridge)

    def set_routes(self, routes: Iterable[Route]) -> None:
        """Lead packets by way of HAVIPs as these routes say, and no others.

        Raises:
            OSError: the kernel refused.
        """
        self.router.set_routes(routes)

    def publish(
        self,
        vpc_id: str,
        gone: Iterable[IPv4Address],
        new: Mapping[IPv4Address, IPv4Address],
        internet: Internet,
    ) -> None:
        """Let elastic IPs stand for nothing any more, and others for HAVIPs.

        Raises:
            NftError, OSError: the kernel refused.
        """
        for eip in gone:
            self._eips.pop(eip, None)
        self._eips |= new
        self.router.publish(vpc_id, self._eips, internet)

    def plug(self, nic: Nic, host: Namespace, interface: str) -> None:
        """Run a cable from the NIC's subnet to an interface of a host; see `Ports.plug`."""
        self.ports.plug(nic, host, interface, bridge=self._bridges[nic.subnet_id], index=next(self._index))

    def resend(self, subnet_id: str, frame: bytes) -> None:
        """Send a frame into a subnet as its sender had sent it; the guard keeps it from going back there.

        Raises:
            OSError: the bridge took no frame.
        """
        self._senders[subnet_id].send(frame)

    def close(self) -> None:
        """Let go of everything; the kernel removes the namespaces with their interfaces."""
        for sender in self._senders.values():
            self._remover.close_packet_socket(sender)
        self.punt.close()
        self._elements.close()
        self.nft.close()
        self.router.close()
        self._links.close()
        self._namespace.close()
