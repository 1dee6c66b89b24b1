"""Requests of route netlink about links, bridge ports, addresses, routes and neighbours, as plain data.

The names in them are pyroute2's, which are the kernel's own. `RouteSocket` puts them into bytes and sends them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from socket import AF_BRIDGE, AF_INET, AF_UNSPEC
from typing import Final

__all__ = [
    "NEIGHBOUR_STATES",
    "Attribute",
    "NewLink",
    "Request",
    "add_address",
    "add_bridge",
    "add_fixed_station",
    "add_rule",
    "add_veth",
    "all_addresses",
    "all_links",
    "all_neighbours",
    "all_routes",
    "attach_port",
    "default_route",
    "delete_address",
    "delete_link",
    "delete_neighbour",
    "delete_route",
    "guard_port",
    "look_at",
    "set_mac",
    "set_neighbour",
    "set_route",
    "set_state",
]

# linux/rtnetlink.h
_NEWLINK: Final = 16
_DELLINK: Final = 17
_GETLINK: Final = 18
_SETLINK: Final = 19
_NEWADDR: Final = 20
_DELADDR: Final = 21
_GETADDR: Final = 22
_NEWROUTE: Final = 24
_DELROUTE: Final = 25
_GETROUTE: Final = 26
_NEWNEIGH: Final = 28
_DELNEIGH: Final = 29
_GETNEIGH: Final = 30
_NEWRULE: Final = 32
# linux/netlink.h
_REPLACE: Final = 0x100
_EXCLUSIVE: Final = 0x200
_CREATE: Final = 0x400
_DUMP: Final = 0x300
_NESTED: Final = 0x8000
# linux/if.h, linux/neighbour.h, linux/rtnetlink.h
_UP: Final = 0x1
_OF_THE_BRIDGE: Final = 0x04
_MAIN_TABLE: Final = 254
_STATIC: Final = 4
_UNICAST: Final = 1
_ON_LINK: Final = 4
_TO_TABLE: Final = 1

_MAC: Final = re.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
# RFC 3021: a network of two addresses has no broadcast address.
_TWO_ADDRESSES: Final = 31

NEIGHBOUR_STATES: Final = {
    "incomplete": 0x01,
    "reachable": 0x02,
    "stale": 0x04,
    "delay": 0x08,
    "probe": 0x10,
    "failed": 0x20,
    "noarp": 0x40,
    "permanent": 0x80,
}
"""A neighbour's states in `ip neigh`'s words, with the kernel's numbers."""

Attribute = tuple[str, object] | tuple[str, object, int]
"""Name and value of an attribute, and flags of its type; the value of a nested one is ``{"attrs": [Attribute, …]}``."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        kind: the message's type.
        flags: beside those that every request has.
        fields: of the message's fixed part; those left out are 0.
        attributes: what follows it.
        purpose: what is wanted, for the words of its failure: ``make the bridge br0``.
    """

    kind: int
    flags: int
    fields: Mapping[str, int]
    attributes: tuple[Attribute, ...]
    purpose: str

    @property
    def is_dump(self) -> bool:
        """Whether it asks for everything of its kind."""
        return self.flags & _DUMP == _DUMP


@dataclass(frozen=True, slots=True)
class NewLink:
    """An interface that is to be made.

    Attributes:
        name: its name.
        index: its number; 0 lets the kernel choose.
        mac: its hardware address; None lets the kernel choose.
    """

    name: str
    index: int = 0
    mac: str | None = None


def _nested(*attributes: Attribute) -> dict[str, list[Attribute]]:
    return {"attrs": list(attributes)}


def _hardware(name: str, mac: str) -> Attribute:
    if _MAC.fullmatch(mac) is None:
        raise ValueError(f"{mac!r} is no MAC address: write six pairs of hex digits, as in 02:00:00:00:00:01")
    return (name, mac)


def _state(*, up: bool | None) -> dict[str, int]:
    return {} if up is None else {"flags": _UP if up else 0, "change": _UP}


def _new(link: NewLink) -> tuple[Attribute, ...]:
    name: Attribute = ("IFLA_IFNAME", link.name)
    return (name,) if link.mac is None else (name, _hardware("IFLA_ADDRESS", link.mac))


def _of_kind(kind: str, *data: Attribute) -> Attribute:
    return ("IFLA_LINKINFO", _nested(("IFLA_INFO_KIND", kind), ("IFLA_INFO_DATA", _nested(*data))))


def _change(
    interface: int | str, purpose: str, *attributes: Attribute, up: bool | None = None, family: int = AF_UNSPEC
) -> Request:
    """Ask for a change of an interface, given by number or by name."""
    fields = {"family": family, **_state(up=up)}
    if isinstance(interface, int):
        return Request(_SETLINK, 0, {**fields, "index": interface}, attributes, purpose)
    return Request(_SETLINK, 0, fields, (("IFLA_IFNAME", interface), *attributes), purpose)


def add_bridge(link: NewLink, *settings: Attribute) -> Request:
    """Make a bridge and set it up; settings are attributes named ``IFLA_BR_…``."""
    fields = {"index": link.index, **_state(up=True)}
    attributes = (*_new(link), _of_kind("bridge", *settings))
    return Request(_NEWLINK, _CREATE | _EXCLUSIVE, fields, attributes, f"make the bridge {link.name}")


def add_veth(near: NewLink, far: NewLink, namespace: int, *, up: bool = False) -> Request:
    """Make a cable.

    Args:
        near: the end here.
        far: the end in another namespace; the kernel always makes it down.
        namespace: descriptor of that namespace.
        up: whether the near end is up from the start.
    """
    far_end = {"index": far.index, **_nested(*_new(far), ("IFLA_NET_NS_FD", namespace))}
    fields = {"index": near.index, **_state(up=up)}
    attributes = (*_new(near), _of_kind("veth", ("VETH_INFO_PEER", far_end)))
    return Request(_NEWLINK, _CREATE | _EXCLUSIVE, fields, attributes, f"make the cable from {near.name} to {far.name}")


def attach_port(interface: int | str, bridge: int, *, up: bool | None = None) -> Request:
    """Make an interface a port of the bridge of that number, and set it up or down if told to."""
    purpose = f"attach interface {interface} to bridge {bridge}"
    return _change(interface, purpose, ("IFLA_MASTER", bridge), up=up)


def guard_port(interface: int) -> Request:
    """Switch off learning and the flooding of unknown unicast on a port: it gets what the table says, no more."""
    options = _nested(("IFLA_BRPORT_LEARNING", 0), ("IFLA_BRPORT_UNICAST_FLOOD", 0))
    purpose = f"switch off learning on interface {interface}"
    return _change(interface, purpose, ("IFLA_PROTINFO", options, _NESTED), family=AF_BRIDGE)


def set_state(interface: int | str, *, up: bool) -> Request:
    """Set an interface up or down."""
    return _change(interface, f"set interface {interface} {'up' if up else 'down'}", up=up)


def set_mac(interface: int | str, mac: str) -> Request:
    """Give an interface another hardware address."""
    return _change(interface, f"give interface {interface} the address {mac}", _hardware("IFLA_ADDRESS", mac))


def delete_link(interface: int | str) -> Request:
    """Remove an interface; a cable goes with both ends."""
    purpose = f"remove interface {interface}"
    if isinstance(interface, int):
        return Request(_DELLINK, 0, {"index": interface}, (), purpose)
    return Request(_DELLINK, 0, {}, (("IFLA_IFNAME", interface),), purpose)


def look_at(interface: int | str) -> Request:
    """Ask for an interface; since Linux 6.8 this makes the kernel notice its carrier, too."""
    purpose = f"look at interface {interface}"
    if isinstance(interface, int):
        return Request(_GETLINK, 0, {"index": interface}, (), purpose)
    return Request(_GETLINK, 0, {}, (("IFLA_IFNAME", interface),), purpose)


def all_links() -> Request:
    """Ask for all interfaces."""
    return Request(_GETLINK, _DUMP, {}, (), "list the interfaces")


def add_address(interface: int, address: IPv4Interface) -> Request:
    """Give an interface an address, with its network's broadcast address."""
    attributes = _address(address)
    if address.network.prefixlen < _TWO_ADDRESSES:
        attributes += (("IFA_BROADCAST", str(address.network.broadcast_address)),)
    purpose = f"give interface {interface} the address {address}"
    return Request(_NEWADDR, _CREATE | _EXCLUSIVE, _owner(interface, address), attributes, purpose)


def delete_address(interface: int, address: IPv4Interface) -> Request:
    """Take an address from an interface."""
    purpose = f"take the address {address} from interface {interface}"
    return Request(_DELADDR, 0, _owner(interface, address), _address(address), purpose)


def _owner(interface: int, address: IPv4Interface) -> dict[str, int]:
    return {"family": AF_INET, "prefixlen": address.network.prefixlen, "index": interface}


def _address(address: IPv4Interface) -> tuple[Attribute, ...]:
    return (("IFA_LOCAL", str(address.ip)), ("IFA_ADDRESS", str(address.ip)))


def all_addresses() -> Request:
    """Ask for all IPv4 addresses."""
    return Request(_GETADDR, _DUMP, {"family": AF_INET}, (), "list the addresses")


def default_route(gateway: IPv4Address) -> Request:
    """Set the default route, in place of the one there was."""
    fields = {"family": AF_INET, "table": _MAIN_TABLE, "proto": _STATIC, "type": _UNICAST}
    attributes = (("RTA_GATEWAY", str(gateway)),)
    return Request(_NEWROUTE, _CREATE | _REPLACE, fields, attributes, f"set the default route to {gateway}")


def set_route(destination: IPv4Network, gateway: IPv4Address, interface: int, *, table: int = _MAIN_TABLE) -> Request:
    """Lead packets for a range to a gateway behind an interface, in place of the route there was.

    The gateway is taken to be there, whatever addresses the interface has.
    """
    fields = {
        "family": AF_INET,
        "dst_len": destination.prefixlen,
        "table": table,
        "proto": _STATIC,
        "type": _UNICAST,
        "flags": _ON_LINK,
    }
    attributes = (
        ("RTA_DST", str(destination.network_address)),
        ("RTA_GATEWAY", str(gateway)),
        ("RTA_OIF", interface),
    )
    return Request(_NEWROUTE, _CREATE | _REPLACE, fields, attributes, f"set the route to {destination}")


def delete_route(destination: IPv4Network) -> Request:
    """Remove the route to a range."""
    fields = {"family": AF_INET, "dst_len": destination.prefixlen, "table": _MAIN_TABLE}
    attributes = (("RTA_DST", str(destination.network_address)),)
    return Request(_DELROUTE, 0, fields, attributes, f"remove the route to {destination}")


def all_routes() -> Request:
    """Ask for all IPv4 routes."""
    return Request(_GETROUTE, _DUMP, {"family": AF_INET}, (), "list the routes")


def add_rule(priority: int, table: int, *conditions: Attribute) -> Request:
    """Have a table of routes asked at its turn, under conditions named ``FRA_…``; it fails if there is such a rule."""
    fields = {"family": AF_INET, "table": table, "action": _TO_TABLE}
    attributes = (("FRA_PRIORITY", priority), *conditions)
    return Request(_NEWRULE, _CREATE | _EXCLUSIVE, fields, attributes, f"have table {table} asked by rule {priority}")


def set_neighbour(interface: int, address: IPv4Address, mac: str, state: str) -> Request:
    """Write an entry of the neighbour table, over the one there was.

    Raises:
        ValueError: there is no such state, or the MAC is none.
    """
    if state not in NEIGHBOUR_STATES:
        raise ValueError(f"{state!r} is no neighbour state: use one of {', '.join(NEIGHBOUR_STATES)}")
    fields = {"family": AF_INET, "ifindex": interface, "state": NEIGHBOUR_STATES[state]}
    attributes = (("NDA_DST", str(address)), _hardware("NDA_LLADDR", mac))
    return Request(_NEWNEIGH, _CREATE | _REPLACE, fields, attributes, f"write the neighbour {address}")


def delete_neighbour(interface: int, address: IPv4Address) -> Request:
    """Remove an entry of the neighbour table."""
    fields = {"family": AF_INET, "ifindex": interface}
    return Request(_DELNEIGH, 0, fields, (("NDA_DST", str(address)),), f"remove the neighbour {address}")


def all_neighbours() -> Request:
    """Ask for the whole IPv4 neighbour table."""
    return Request(_GETNEIGH, _DUMP, {"family": AF_INET}, (), "list the neighbours")


def add_fixed_station(interface: int, mac: str) -> Request:
    """Enter a hardware address into the forwarding table of the port's bridge, for good."""
    fields = {
        "family": AF_BRIDGE,
        "ifindex": interface,
        "state": NEIGHBOUR_STATES["noarp"],
        "flags": _OF_THE_BRIDGE,
    }
    attributes = (_hardware("NDA_LLADDR", mac),)
    return Request(_NEWNEIGH, _CREATE, fields, attributes, f"enter {mac} at interface {interface}")
