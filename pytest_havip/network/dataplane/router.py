"""The gateway of a VPC: a host of its own with one leg in each subnet."""

import socket
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from ipaddress import IPv4Address, IPv4Interface
from typing import Self

from pytest_havip.kernel.requests import (
    NewLink,
    add_address,
    add_fixed_station,
    add_veth,
    attach_port,
    delete_neighbour,
    delete_route,
    guard_port,
    set_neighbour,
    set_route,
    set_state,
)
from pytest_havip.kernel.route import RouteSocket
from pytest_havip.network.core import Route, Subnet, next_hop_mac
from pytest_havip.network.dataplane.internet import MARK, PORT, Internet
from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.ruleset import gateway_interface
from pytest_havip.network.dataplane.settings import let_route, quieten
from pytest_havip.network.dataplane.translation import Translation

__all__ = ["Router"]


class Router:
    """A namespace that forwards between the subnets of one VPC.

    It stands behind a port of each bridge, so that what it sends passes the same rewrite as a host's frames.
    """

    __slots__ = ("_links", "_namespace", "_translation")

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._links = namespace.route_socket()
        self._translation: Translation | None = None

    @classmethod
    def create(cls) -> Self:
        """Make one without legs."""
        namespace = Namespace.create()
        quieten(namespace)
        let_route(namespace)
        return cls(namespace)

    def fileno(self) -> int:
        """Return the descriptor of the namespace, to be kept."""
        return self._namespace.fileno()

    def socket(self, family: int, kind: int) -> socket.socket:
        """Open a socket that lives there, at the gateway's addresses."""
        return self._namespace.socket(family, kind)

    def entered(self) -> AbstractContextManager[None]:
        """Put the calling thread there for the length of a `with` block."""
        return self._namespace.entered()

    def join(self, subnet: Subnet, *, links: RouteSocket, bridge: int, port: int) -> None:
        """Give the router a leg in a subnet: the gateway's address and MAC.

        Args:
            subnet: the subnet.
            links: route socket of the VPC's namespace.
            bridge: number of the subnet's bridge there.
            port: number for the router's port there.
        """
        name = gateway_interface(subnet.id)
        # With equal numbers at both ends the kernel takes a cable for no cable, and notices its carrier a second late.
        leg = port + 1
        links.send(
            add_veth(NewLink(name, port), NewLink(name, leg, subnet.gateway_mac), self._namespace.fileno()),
            attach_port(port, bridge, up=True),
            guard_port(port),
            add_fixed_station(port, subnet.gateway_mac),
        )
        # Its end comes up last: a port that is up belongs to a leg that is complete.
        self._links.send(
            add_address(leg, IPv4Interface((subnet.gateway, subnet.cidr.prefixlen))),
            set_state(leg, up=True),
        )
        links.wait_until_up(port)

    def set_routes(self, routes: Iterable[Route]) -> None:
        """Lead packets by way of HAVIPs as these routes say, and no others.

        The MAC that the next hop has here is nobody's: the guard puts the owner's in its place.
        """
        wanted = {route.destination: route for route in routes}
        there = self._links.routes()
        kept = {route.address for route in wanted.values()}
        for destination, (gateway, leg) in there.items():
            if destination in wanted:
                continue
            if gateway not in kept:
                self._links.send(delete_neighbour(leg, gateway))  # first: a route that is left leads to it
                kept.add(gateway)
            self._links.send(delete_route(destination))
        for destination, route in wanted.items():
            leg = self._links.index(gateway_interface(route.subnet_id))
            self._links.send(
                set_neighbour(leg, route.address, next_hop_mac(route.address), "permanent"),
                set_route(destination, route.address, leg),
            )

    def publish(self, vpc_id: str, eips: Mapping[IPv4Address, IPv4Address], internet: Internet) -> None:
        """Let these elastic IPs stand for these HAVIPs of the VPC towards the world, and no others.

        Raises:
            NftError, OSError: the kernel refused.
        """
        if self._translation is None:
            self._translation = Translation(self._namespace, PORT, MARK)
        self._translation.set(eips)  # before there is a way to the world
        internet.connect(vpc_id, self._namespace)
        for eip in eips:
            internet.lead(eip, vpc_id)

    def close(self) -> None:
        """Let go of the namespace and of what is in it."""
        if self._translation is not None:
            self._translation.close()
        self._links.close()
        self._namespace.close()
