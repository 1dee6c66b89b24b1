"""Route netlink by hand: the few requests a lab makes often, a tenth of the time that a general library takes."""

import ipaddress
import os
import socket
import struct
import threading
from dataclasses import dataclass

__all__ = ["Neighbour", "Netlink"]

_NEWLINK, _DELLINK, _GETLINK = 16, 17, 18
_NEWADDR, _DELADDR, _GETADDR = 20, 21, 22
_NEWROUTE = 24
_NEWNEIGH, _GETNEIGH = 28, 30
_REQUEST, _ACK, _DUMP, _CREATE, _EXCLUSIVE, _REPLACE = 0x1, 0x4, 0x300, 0x400, 0x200, 0x100
_ERROR, _DONE = 2, 3
_ACK_HAS_TEXT = 0x200
_SOL_NETLINK, _EXT_ACK, _CAP_ACK = 270, 11, 10

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")  # family, type, index, flags, changed flags
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_ROUTE = struct.Struct("=BBBBBBBBI")  # family, lengths, tos, table, protocol, scope, type, flags
_NEIGHBOUR = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type
_IFF_UP = 1

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 10, 18, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_RTA_GATEWAY = 5
_NDA_DST, _NDA_LLADDR = 1, 2

_STATES = {
    "incomplete": 0x01,
    "reachable": 0x02,
    "stale": 0x04,
    "delay": 0x08,
    "probe": 0x10,
    "failed": 0x20,
    "noarp": 0x40,
    "permanent": 0x80,
}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One entry of a neighbour (ARP) table: the MAC, None while unresolved, and the state in `ip neigh`'s words."""

    mac: str | None
    state: str


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _packed_mac(mac: str) -> bytes:
    packed = bytes.fromhex(mac.replace(":", ""))
    if len(packed) != 6:  # noqa: PLR2004 (a MAC address has six bytes)
        raise ValueError(f"{mac!r} is no MAC address: write six pairs of hex digits, as in 02:00:00:00:00:01")
    return packed


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while len(data) >= 4:  # noqa: PLR2004 (the header of an attribute)
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3FFF] = data[4:length]
        data = data[max(length + 3 & ~3, 4) :]
    return found


class Netlink:
    """One route netlink socket, opened inside a network namespace. Every request waits for the kernel's answer."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self._sequence = 0
        self._turn = threading.Lock()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def create_pair(self, near: str, far: str, far_namespace: int, mac: str | None) -> None:
        """Make a veth pair: `near` here and up, `far` in the namespace of that descriptor and down."""
        peer = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, far)
        peer += _attribute(_IFLA_NET_NS_FD, struct.pack("=I", far_namespace))
        body = _text(_IFLA_IFNAME, near)
        if mac:
            body += _attribute(_IFLA_ADDRESS, _packed_mac(mac))
        body += self._link_info("veth", _attribute(_VETH_PEER, peer))
        self._request(_NEWLINK, _CREATE | _EXCLUSIVE, _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + body)

    def create_bridge(self, name: str) -> None:
        """Make a bridge and set it up."""
        body = _text(_IFLA_IFNAME, name) + self._link_info("bridge", b"")
        self._request(_NEWLINK, _CREATE | _EXCLUSIVE, _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + body)

    @staticmethod
    def _link_info(kind: str, data: bytes) -> bytes:
        return _attribute(_IFLA_LINKINFO, _text(_INFO_KIND, kind) + _attribute(_INFO_DATA, data))

    def set_up(self, name: str, *, up: bool) -> None:
        """Set an interface up or down."""
        self._request(_NEWLINK, 0, _LINK.pack(0, 0, 0, _IFF_UP if up else 0, _IFF_UP) + _text(_IFLA_IFNAME, name))

    def set_master(self, name: str, master: str) -> None:
        """Make an interface a port of a bridge."""
        body = _attribute(_IFLA_MASTER, struct.pack("=I", self.index(master)))
        self._request(_NEWLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name) + body)

    def delete(self, name: str) -> None:
        """Remove an interface (and with a veth its other end)."""
        self._request(_DELLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name))

    def index(self, name: str) -> int:
        """Look up an interface's index. Raises OSError (ENODEV) when there is none of that name."""
        (_, reply), *_rest = self._request(_GETLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name))
        return int(_LINK.unpack_from(reply)[2])

    def names(self) -> list[str]:
        """List the interfaces."""
        replies = self._request(_GETLINK, _DUMP, _LINK.pack(0, 0, 0, 0, 0))
        return [_attributes(reply[_LINK.size :])[_IFLA_IFNAME].rstrip(b"\0").decode() for _, reply in replies]

    def mac(self, name: str) -> str:
        """Look up an interface's MAC address."""
        (_, reply), *_rest = self._request(_GETLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name))
        return _attributes(reply[_LINK.size :])[_IFLA_ADDRESS].hex(":")

    def add_address(self, address: ipaddress.IPv4Interface, name: str) -> None:
        """Give an interface an address, with its network's broadcast address. Raises OSError (EEXIST) if it has it."""
        broadcast = b""
        if address.network.prefixlen < 31:  # noqa: PLR2004 (RFC 3021: no broadcast address below)
            broadcast = _attribute(_IFA_BROADCAST, address.network.broadcast_address.packed)
        self._request(_NEWADDR, _CREATE | _EXCLUSIVE, self._address(address, name) + broadcast)

    def delete_address(self, address: ipaddress.IPv4Interface, name: str) -> None:
        """Take an address from an interface. Raises OSError (EADDRNOTAVAIL) if it hasn't got it."""
        self._request(_DELADDR, 0, self._address(address, name))

    def _address(self, address: ipaddress.IPv4Interface, name: str) -> bytes:
        header = _ADDRESS.pack(socket.AF_INET, address.network.prefixlen, 0, 0, self.index(name))
        return header + _attribute(_IFA_LOCAL, address.ip.packed) + _attribute(_IFA_ADDRESS, address.ip.packed)

    def addresses(self, name: str) -> list[ipaddress.IPv4Interface]:
        """List the IPv4 addresses of an interface."""
        index = self.index(name)
        found = []
        for _, reply in self._request(_GETADDR, _DUMP, _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0)):
            _, length, _, _, owner = _ADDRESS.unpack_from(reply)
            if owner == index:
                local = _attributes(reply[_ADDRESS.size :])[_IFA_LOCAL]
                found.append(ipaddress.IPv4Interface((local, length)))
        return found

    def default_route(self, gateway: ipaddress.IPv4Address) -> None:
        """Set the default route, in place of the one there was."""
        table, protocol, unicast = 254, 4, 1  # main, static
        header = _ROUTE.pack(socket.AF_INET, 0, 0, 0, table, protocol, 0, unicast, 0)
        self._request(_NEWROUTE, _CREATE | _REPLACE, header + _attribute(_RTA_GATEWAY, gateway.packed))

    def set_neighbour(self, address: ipaddress.IPv4Address, mac: str, state: str, name: str) -> None:
        """Write an entry of the neighbour table, over the one there was."""
        if state not in _STATES:
            raise ValueError(f"{state!r} is no neighbour state: use one of {', '.join(_STATES)}")
        header = _NEIGHBOUR.pack(socket.AF_INET, self.index(name), _STATES[state], 0, 0)
        body = _attribute(_NDA_DST, address.packed) + _attribute(_NDA_LLADDR, _packed_mac(mac))
        self._request(_NEWNEIGH, _CREATE | _REPLACE, header + body)

    def neighbour(self, address: ipaddress.IPv4Address) -> Neighbour | None:
        """Look up an entry of the neighbour table."""
        for _, reply in self._request(_GETNEIGH, _DUMP, _NEIGHBOUR.pack(socket.AF_INET, 0, 0, 0, 0)):
            found = _attributes(reply[_NEIGHBOUR.size :])
            if found.get(_NDA_DST) == address.packed:
                number = _NEIGHBOUR.unpack_from(reply)[2]
                state = next((name for name, value in _STATES.items() if value == number), "none")
                return Neighbour(found[_NDA_LLADDR].hex(":") if _NDA_LLADDR in found else None, state)
        return None

    def _request(self, kind: int, flags: int, body: bytes) -> list[tuple[int, bytes]]:
        with self._turn:
            self._sequence += 1
            ack = 0 if flags & _DUMP == _DUMP else _ACK
            header = _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | ack | flags, self._sequence, 0)
            self._socket.send(header + body)
            replies: list[tuple[int, bytes]] = []
            while not self._collect(self._socket.recv(1 << 18), replies):
                pass
            return replies

    def _collect(self, data: bytes, replies: list[tuple[int, bytes]]) -> bool:
        """Take one datagram apart. Returns whether it holds the end of the answer."""
        while len(data) >= _HEADER.size:
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data)
            payload = data[_HEADER.size : length]
            data = data[length + 3 & ~3 :]
            if sequence != self._sequence:
                continue  # the rest of an answer that nobody waited for
            if kind in {_ERROR, _DONE}:
                number = -struct.unpack_from("=i", payload)[0]
                if number:
                    raise OSError(number, self._explain(number, flags, payload))
                return True
            replies.append((kind, payload))
        return False

    @staticmethod
    def _explain(number: int, flags: int, payload: bytes) -> str:
        words = _attributes(payload[20:]).get(1, b"") if flags & _ACK_HAS_TEXT else b""  # error and a header before
        said = words.rstrip(b"\0").decode(errors="replace")
        return f"{os.strerror(number)} ({said})" if said else os.strerror(number)
