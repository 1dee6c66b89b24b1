"""Links, bridge ports and addresses, by route netlink messages packed by hand.

The service works inside an asyncio loop and makes a whole topology per test. Messages whose interface numbers are
chosen by us need no answer before the next one, so that a port is one system call instead of a dozen round trips.
"""

import errno
import os
import socket
import struct
import time
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Final

from pytest_havip.network.dataplane.namespace import Namespace

__all__ = [
    "Message",
    "NetlinkError",
    "RouteSocket",
    "add_address",
    "add_bridge",
    "add_fixed_station",
    "add_veth",
    "attach_port",
    "delete_link",
    "guard_port",
    "make_router_interface",
    "set_state",
]

_NLMSG_ERROR: Final = 2
_RTM_NEWLINK: Final = 16
_RTM_DELLINK: Final = 17
_RTM_GETLINK: Final = 18
_RTM_SETLINK: Final = 19
_RTM_NEWADDR: Final = 20
_RTM_NEWNEIGH: Final = 28
_NLM_F_REQUEST: Final = 0x1
_NLM_F_ACK: Final = 0x4
_NLM_F_EXCL: Final = 0x200
_NLM_F_CREATE: Final = 0x400
_NESTED: Final = 0x8000
_IFF_UP: Final = 0x1

_IFLA_ADDRESS: Final = 1
_IFLA_IFNAME: Final = 3
_IFLA_MASTER: Final = 10
_IFLA_PROTINFO: Final = 12
_IFLA_OPERSTATE: Final = 16
_IFLA_LINKINFO: Final = 18
_IFLA_AF_SPEC: Final = 26
_IFLA_NET_NS_FD: Final = 28
_IFLA_INFO_KIND: Final = 1
_IFLA_INFO_DATA: Final = 2
_IFLA_BR_FORWARD_DELAY: Final = 1
_IFLA_BR_STP_STATE: Final = 5
_IFLA_BR_MCAST_SNOOPING: Final = 23
_VETH_INFO_PEER: Final = 1
_IFLA_BRPORT_LEARNING: Final = 8
_IFLA_BRPORT_UNICAST_FLOOD: Final = 9
_IFLA_INET_CONF: Final = 1
_DEVCONF_FORWARDING: Final = 1
_DEVCONF_SEND_REDIRECTS: Final = 5
_DEVCONF_RP_FILTER: Final = 8
_DEVCONF_ARP_IGNORE: Final = 19
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_BROADCAST: Final = 4
_NDA_LLADDR: Final = 2
_NTF_MASTER: Final = 0x04
_NUD_NOARP: Final = 0x40

_IF_OPER_UP: Final = 6
_CARRIER_PATIENCE: Final = 5.0
_CARRIER_PAUSE: Final = 0.001

_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_ERROR: Final = struct.Struct("=i")
_INTERFACE: Final = struct.Struct("=BxHiII")


class NetlinkError(OSError):
    """The kernel refused a link, port or address."""


@dataclass(frozen=True, slots=True)
class Message:
    """One netlink request and the words for its failure."""

    kind: int
    flags: int
    body: bytes
    purpose: str


class RouteSocket:
    """A route netlink socket inside one namespace."""

    __slots__ = ("_sequence", "_socket")

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._sequence = 0

    def send(self, *messages: Message) -> None:
        """Have the kernel carry out the messages in order.

        Raises:
            NetlinkError: the first one refused; the ones after it were carried out or refused on their own.
        """
        awaited: dict[int, Message] = {}
        batch = bytearray()
        for message in messages:
            self._sequence += 1
            awaited[self._sequence] = message
            batch += _HEADER.pack(
                _HEADER.size + len(message.body),
                message.kind,
                message.flags | _NLM_F_REQUEST | _NLM_F_ACK,
                self._sequence,
                0,
            )
            batch += message.body
        self._socket.send(batch)
        failure: NetlinkError | None = None
        while awaited:
            for sequence, error in _acknowledgements(self._socket.recv(65536)):
                refused = awaited.pop(sequence, None)
                if refused is not None and error and failure is None:
                    failure = NetlinkError(-error, f"cannot {refused.purpose}: {os.strerror(-error)}")
        if failure is not None:
            raise failure

    def wait_until_up(self, index: int) -> None:
        """Wait until the kernel has noticed that both ends of a cable are up; before, a bridge drops its frames.

        The carrier is noticed by a worker of the kernel, later; since Linux 6.8 a question about the interface makes
        it notice at once, on older ones it is asked until it has.

        Raises:
            NetlinkError: it has not after `_CARRIER_PATIENCE` seconds.
        """
        deadline = time.monotonic() + _CARRIER_PATIENCE
        while self.operational_state(index) != _IF_OPER_UP:
            if time.monotonic() > deadline:
                raise NetlinkError(errno.ETIMEDOUT, f"interface {index} had no carrier after {_CARRIER_PATIENCE:g} s")
            time.sleep(_CARRIER_PAUSE)

    def operational_state(self, index: int) -> int:
        """Ask for an interface's state as RFC 2863 numbers it (6 = up, and its cable's other end too).

        Raises:
            NetlinkError: there is no such interface.
        """
        self._sequence += 1
        body = _interface(index)
        self._socket.send(
            _HEADER.pack(_HEADER.size + len(body), _RTM_GETLINK, _NLM_F_REQUEST, self._sequence, 0) + body
        )
        answer = self._socket.recv(65536)
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(answer)
        if kind == _NLMSG_ERROR:
            code = -_ERROR.unpack_from(answer, _HEADER.size)[0]
            raise NetlinkError(code, f"cannot look at interface {index}: {os.strerror(code)}")
        offset = _HEADER.size + _INTERFACE.size
        while offset < length:
            size, attribute = _ATTRIBUTE.unpack_from(answer, offset)
            if attribute == _IFLA_OPERSTATE:
                return answer[offset + _ATTRIBUTE.size]
            offset += (size + 3) & ~3
        return 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _acknowledgements(answer: bytes) -> list[tuple[int, int]]:
    """Read (sequence number, negative error number or 0) of every acknowledgement in an answer."""
    found = []
    offset = 0
    while offset + _HEADER.size <= len(answer):
        length, kind, _flags, sequence, _port = _HEADER.unpack_from(answer, offset)
        if kind == _NLMSG_ERROR:
            found.append((sequence, _ERROR.unpack_from(answer, offset + _HEADER.size)[0]))
        offset += (length + 3) & ~3
    return found


def _attribute(kind: int, payload: bytes) -> bytes:
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + bytes(-length % 4)


def _nested(kind: int, *attributes: bytes) -> bytes:
    return _attribute(kind | _NESTED, b"".join(attributes))


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=I", value))


def _flag(kind: int, *, value: bool) -> bytes:
    return _attribute(kind, bytes((value,)))


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _hardware(kind: int, mac: str) -> bytes:
    return _attribute(kind, bytes.fromhex(mac.replace(":", "")))


def _interface(index: int, *, family: int = socket.AF_UNSPEC, up: bool | None = None) -> bytes:
    return _INTERFACE.pack(family, 0, index, _IFF_UP if up else 0, 0 if up is None else _IFF_UP)


def add_bridge(index: int, name: str, mac: str) -> Message:
    """Make a bridge, up, that neither runs the spanning tree nor snoops multicast (VRRP must reach everyone)."""
    options = (
        _number(_IFLA_BR_FORWARD_DELAY, 0),
        _number(_IFLA_BR_STP_STATE, 0),
        _flag(_IFLA_BR_MCAST_SNOOPING, value=False),
    )
    body = (
        _interface(index, up=True)
        + _text(_IFLA_IFNAME, name)
        + _hardware(_IFLA_ADDRESS, mac)
        + _nested(_IFLA_LINKINFO, _text(_IFLA_INFO_KIND, "bridge"), _nested(_IFLA_INFO_DATA, *options))
    )
    return Message(_RTM_NEWLINK, _NLM_F_CREATE | _NLM_F_EXCL, body, f"make the bridge {name}")


def add_veth(index: int, name: str, *, peer: str, peer_mac: str, peer_index: int, namespace: int) -> Message:
    """Make a cable: one end here, the other one in another namespace.

    Args:
        index: number of the near interface; 0 lets the kernel choose.
        name: of the near interface.
        peer: name of the far interface.
        peer_mac: hardware address of the far interface.
        peer_index: number of the far interface; 0 lets the kernel choose.
        namespace: descriptor of the far interface's namespace.
    """
    far = (
        _interface(peer_index)
        + _text(_IFLA_IFNAME, peer)
        + _hardware(_IFLA_ADDRESS, peer_mac)
        + _number(_IFLA_NET_NS_FD, namespace)
    )
    body = (
        _interface(index)
        + _text(_IFLA_IFNAME, name)
        + _nested(
            _IFLA_LINKINFO, _text(_IFLA_INFO_KIND, "veth"), _nested(_IFLA_INFO_DATA, _nested(_VETH_INFO_PEER, far))
        )
    )
    return Message(_RTM_NEWLINK, _NLM_F_CREATE | _NLM_F_EXCL, body, f"make the cable {name} to {peer}")


def attach_port(index: int, bridge: int) -> Message:
    """Make an interface a port of a bridge, and bring it up."""
    body = _interface(index, up=True) + _number(_IFLA_MASTER, bridge)
    return Message(_RTM_SETLINK, 0, body, f"attach interface {index} to bridge {bridge}")


def guard_port(index: int) -> Message:
    """Switch off learning and the flooding of unknown unicast on a port: it gets what the table says, no more."""
    options = (_flag(_IFLA_BRPORT_LEARNING, value=False), _flag(_IFLA_BRPORT_UNICAST_FLOOD, value=False))
    body = _interface(index, family=socket.AF_BRIDGE) + _nested(_IFLA_PROTINFO, *options)
    return Message(_RTM_SETLINK, 0, body, f"switch off learning on interface {index}")


def add_fixed_station(index: int, mac: str) -> Message:
    """Enter a hardware address into the bridge's forwarding table, for good."""
    body = struct.pack("=BxxxiHBB", socket.AF_BRIDGE, index, _NUD_NOARP, _NTF_MASTER, 0) + _hardware(_NDA_LLADDR, mac)
    return Message(_RTM_NEWNEIGH, _NLM_F_CREATE, body, f"enter {mac} at interface {index}")


def set_state(interface: int | str, *, up: bool) -> Message:
    """Bring an interface, by number or by name, up or down."""
    if isinstance(interface, str):
        body = _interface(0, up=up) + _text(_IFLA_IFNAME, interface)
    else:
        body = _interface(interface, up=up)
    return Message(_RTM_SETLINK, 0, body, f"bring interface {interface} {'up' if up else 'down'}")


def delete_link(index: int) -> Message:
    """Remove an interface; a cable goes with both ends."""
    return Message(_RTM_DELLINK, 0, _interface(index), f"remove interface {index}")


def add_address(index: int, address: IPv4Interface) -> Message:
    """Give an interface an address with its network."""
    packed = address.ip.packed
    body = (
        struct.pack("=BBBBI", socket.AF_INET, address.network.prefixlen, 0, 0, index)
        + _attribute(_IFA_LOCAL, packed)
        + _attribute(_IFA_ADDRESS, packed)
        + _attribute(_IFA_BROADCAST, address.network.broadcast_address.packed)
    )
    return Message(_RTM_NEWADDR, _NLM_F_CREATE | _NLM_F_EXCL, body, f"give interface {index} the address {address}")


def make_router_interface(index: int) -> Message:
    """Let an interface route: forward, send no redirects, accept any way back, answer for its own address only."""
    settings = (
        (_DEVCONF_FORWARDING, 1),
        (_DEVCONF_SEND_REDIRECTS, 0),
        (_DEVCONF_RP_FILTER, 0),
        (_DEVCONF_ARP_IGNORE, 1),
    )
    configuration = _nested(_IFLA_INET_CONF, *(_number(kind, value) for kind, value in settings))
    body = _interface(index) + _nested(_IFLA_AF_SPEC, _nested(socket.AF_INET, configuration))
    return Message(_RTM_SETLINK, 0, body, f"let interface {index} route")
