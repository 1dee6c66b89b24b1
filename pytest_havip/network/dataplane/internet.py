"""The world outside of the VPCs: a router, a network for machines that are in no VPC, a leg to each gateway."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Final, Self

from pytest_havip.kernel.requests import (
    NewLink,
    add_address,
    add_bridge,
    add_rule,
    add_veth,
    attach_port,
    set_neighbour,
    set_route,
    set_state,
)
from pytest_havip.kernel.route import RouteSocket
from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.settings import check_sources, let_route, quieten

__all__ = ["MARK", "PORT", "Internet"]

PORT: Final = "world"
"""The name of a gateway's port to the world."""

_NETWORK: Final = IPv4Network("198.51.100.0/24")  # RFC 5737, TEST-NET-2
_BRIDGE: Final = "machines"
_BRIDGE_MAC: Final = "02:00:00:00:01:00"
# Both ends of every leg have the same: nothing but the two of them is on it.
_HERE, _HERE_MAC = IPv4Address("169.254.0.1"), "02:00:00:00:01:01"
_GATEWAY, _GATEWAY_MAC = IPv4Address("169.254.0.2"), "02:00:00:00:01:02"
# Packets from HAVIPs with elastic IPs, marked so, ask this table where a default route of the VPC would count.
_TABLE, MARK = 100, 1
_MAIN_TABLE: Final = 254
_EVERYTHING: Final = IPv4Network("0.0.0.0/0")
# With equal numbers at both ends the kernel takes a cable for no cable; those of hosts and of this router are small.
_PORT_INDEX: Final = 1_000_000
_FIRST_MACHINE: Final = 1000


class Internet:
    """A namespace that routes between machines outside and the gateways of VPCs, by elastic IPs."""

    __slots__ = ("_links", "_namespace")

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._links = namespace.route_socket()

    @classmethod
    def create(cls) -> Self:
        """Make one without machines."""
        namespace = Namespace.create()
        quieten(namespace)
        let_route(namespace)
        internet = cls(namespace)
        internet._links.send(add_bridge(NewLink(_BRIDGE, _FIRST_MACHINE, _BRIDGE_MAC), ("IFLA_BR_FORWARD_DELAY", 0)))
        gateway = IPv4Interface((_NETWORK.network_address + 1, _NETWORK.prefixlen))
        internet._links.send(add_address(_FIRST_MACHINE, gateway))
        return internet

    def fileno(self) -> int:
        """Return the descriptor of the namespace, to be kept."""
        return self._namespace.fileno()

    def connect(self, vpc_id: str, gateway: Namespace) -> None:
        """Give the gateway of a VPC a port to the world, or bring the one that it has into order."""
        links = gateway.route_socket()
        try:
            if PORT not in gateway.interfaces():
                port = NewLink(PORT, _PORT_INDEX, _GATEWAY_MAC)
                links.send(add_veth(port, NewLink(vpc_id, mac=_HERE_MAC), self._namespace.fileno()))
            check_sources(gateway, PORT)
            leg = self._links.index(vpc_id)
            self._links.send(set_state(leg, up=True), set_neighbour(leg, _GATEWAY, _GATEWAY_MAC, "permanent"))
            links.send(
                set_state(_PORT_INDEX, up=True),
                set_neighbour(_PORT_INDEX, _HERE, _HERE_MAC, "permanent"),
                set_route(_EVERYTHING, _HERE, _PORT_INDEX, table=_TABLE),
            )
            _ask_the_table(links)
        finally:
            links.close()
        self._links.wait_until_up(leg)

    def lead(self, eip: IPv4Address, vpc_id: str) -> None:
        """Lead packets for an elastic IP to a VPC that is connected; its gateway drops what leads to no HAVIP."""
        self._links.send(set_route(IPv4Network(eip), _GATEWAY, self._links.index(vpc_id)))

    def plug(self, host: Namespace, interface: str) -> IPv4Interface:
        """Run a cable to an interface of a machine outside, and return the address that it is to have.

        Its gateway is the first address of that network.

        Raises:
            OSError: the host already has an interface of that name, the name is none, or all addresses are taken.
        """
        used = set(self._namespace.interfaces().values())
        free = (number for number in range(2, _NETWORK.num_addresses - 1) if _FIRST_MACHINE + number not in used)
        number = next(free, None)
        if number is None:
            raise OSError(f"all addresses of {_NETWORK} are taken by machines outside; end some")
        index = _FIRST_MACHINE + number
        self._links.send(add_veth(NewLink(f"machine-{number}", index), NewLink(interface), host.fileno()))
        self._links.send(attach_port(index, _FIRST_MACHINE, up=True))
        links = host.route_socket()
        try:
            links.send(set_state(interface, up=True))
        finally:
            links.close()
        self._links.wait_until_up(index)
        return IPv4Interface((_NETWORK.network_address + number, _NETWORK.prefixlen))

    def close(self) -> None:
        """Let go of the namespace and of what is in it."""
        self._links.close()
        self._namespace.close()


def _ask_the_table(links: RouteSocket) -> None:
    """Have marked packets led to the world unless a route other than the default one leads them elsewhere."""
    for rule in (
        add_rule(_TABLE, _MAIN_TABLE, ("FRA_SUPPRESS_PREFIXLEN", 0)),
        add_rule(_TABLE + 1, _TABLE, ("FRA_FWMARK", MARK)),
    ):
        try:
            links.send(rule)
        except FileExistsError:
            continue
