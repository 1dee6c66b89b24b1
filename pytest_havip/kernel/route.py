"""Route netlink: pyroute2's codecs over a plain socket.

pyroute2's own `IPRoute` runs an event loop of its own, so it cannot be used where one is running, and making one takes
longer than a whole host. Its message classes have no such needs.
"""

import errno
import os
import socket
import threading
import time
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, Final

from pytest_havip.kernel.requests import (
    NEIGHBOUR_STATES,
    Request,
    all_addresses,
    all_links,
    all_neighbours,
    all_routes,
    look_at,
)

__all__ = ["Neighbour", "RouteSocket", "load"]

# linux/netlink.h, linux/rtnetlink.h, linux/socket.h
_REQUEST: Final = 0x1
_ACKNOWLEDGE: Final = 0x4
_ERROR: Final = 2
_DONE: Final = 3
_NEWLINK: Final = 16
_MAIN_TABLE: Final = 254
_SOL_NETLINK: Final = 270
_EXTENDED_ACKNOWLEDGEMENT: Final = 11

_ANSWER_BYTES: Final = 1 << 18
_CARRIER_PATIENCE: Final = 5.0
_CARRIER_PAUSE: Final = 0.001


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One entry of a neighbour (ARP) table: the MAC, None while unresolved, and the state in `ip neigh`'s words."""

    mac: str | None
    state: str


def load() -> None:
    """Load pyroute2's codecs now, and not with the first request: a service does so before it begins to serve."""
    _brief_codecs()


@cache
def _codecs() -> Any:  # noqa: ANN401 (pyroute2 has no types)
    """Make the table of pyroute2's message classes; loading them takes 0.07 s, and not every run needs them."""
    from pyroute2.netlink.rtnl.errmsg import errmsg  # type: ignore[import-untyped] # noqa: PLC0415
    from pyroute2.netlink.rtnl.marshal import MarshalRtnl  # type: ignore[import-untyped] # noqa: PLC0415

    codecs = MarshalRtnl()
    codecs.msg_map[_DONE] = errmsg  # the end of a dump carries an error number, too
    return codecs


@cache
def _brief_codecs() -> Any:  # noqa: ANN401 (pyroute2 has no types)
    """Make a table that leaves a link's attributes unread: numbers are asked for often, and it saves 0.4 ms."""
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # type: ignore[import-untyped] # noqa: PLC0415

    codecs = type(_codecs())()
    codecs.msg_map[_NEWLINK] = type("brief_ifinfmsg", (ifinfmsg,), {"nla_map": ()})
    return codecs


class RouteSocket:
    """A route netlink socket that was opened inside a network namespace. Safe to use from several threads.

    Args:
        opened: the socket; it belongs to this object from now on.
    """

    __slots__ = ("_sequence", "_socket", "_turn")

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._socket.setsockopt(_SOL_NETLINK, _EXTENDED_ACKNOWLEDGEMENT, 1)
        self._sequence = 0
        self._turn = threading.Lock()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, *requests: Request) -> None:
        """Have the kernel carry out the requests in order, by one system call.

        Up to 200 at once: their acknowledgements have to fit into the socket's buffer.

        Raises:
            OSError: the first one refused; the ones after it were carried out or refused on their own.
        """
        self._exchange(requests)

    def index(self, name: str) -> int:
        """Look up an interface's number. Raises OSError (ENODEV) when there is none of that name."""
        (link,) = self._exchange((look_at(name),), _brief_codecs())
        return int(link["index"])

    def mac(self, name: str) -> str:
        """Look up an interface's MAC address, in lower case with colons; raises as `index` does."""
        return str(self._look_at(name).get_attr("IFLA_ADDRESS"))

    def names(self) -> list[str]:
        """List the interfaces."""
        return [str(link.get_attr("IFLA_IFNAME")) for link in self._exchange((all_links(),))]

    def operational_state(self, index: int) -> str:
        """Ask for an interface's state in RFC 2863's words: UP means that its cable's other end is up, too.

        Raises:
            OSError: there is no such interface.
        """
        return str(self._look_at(index).get_attr("IFLA_OPERSTATE"))

    def wait_until_up(self, index: int) -> None:
        """Wait until the kernel has noticed that both ends of a cable are up; before, a bridge drops its frames.

        The carrier is noticed by a worker of the kernel, later; since Linux 6.8 a question about the interface makes
        it notice at once, on older ones it is asked until it has.

        Raises:
            OSError: it has not after `_CARRIER_PATIENCE` seconds.
        """
        deadline = time.monotonic() + _CARRIER_PATIENCE
        while (state := self.operational_state(index)) != "UP":
            if time.monotonic() > deadline:
                message = f"interface {index} had no carrier after {_CARRIER_PATIENCE:g} s; its state is {state}"
                raise OSError(errno.ETIMEDOUT, message)
            time.sleep(_CARRIER_PAUSE)

    def addresses(self, name: str) -> list[IPv4Interface]:
        """List the IPv4 addresses of an interface."""
        index = self.index(name)
        return [
            IPv4Interface((found.get_attr("IFA_LOCAL"), found["prefixlen"]))
            for found in self._exchange((all_addresses(),))
            if found["index"] == index
        ]

    def neighbour(self, address: IPv4Address) -> Neighbour | None:
        """Look up an entry of the neighbour table."""
        for found in self._exchange((all_neighbours(),)):
            if found.get_attr("NDA_DST") == str(address):
                state = next((name for name, number in NEIGHBOUR_STATES.items() if number == found["state"]), "none")
                return Neighbour(found.get_attr("NDA_LLADDR"), state)
        return None

    def routes(self) -> dict[IPv4Network, tuple[IPv4Address, int]]:
        """List the routes by way of a gateway, which `set_route` makes: gateway and interface by destination."""
        return {
            IPv4Network((found.get_attr("RTA_DST") or 0, found["dst_len"])): (
                IPv4Address(gateway),
                found.get_attr("RTA_OIF"),
            )
            for found in self._exchange((all_routes(),))
            if found["table"] == _MAIN_TABLE and (gateway := found.get_attr("RTA_GATEWAY")) is not None
        }

    def _look_at(self, interface: int | str) -> Any:  # noqa: ANN401 (pyroute2 has no types)
        (link,) = self._exchange((look_at(interface),))
        return link

    def _exchange(self, requests: tuple[Request, ...], codecs: Any = None) -> list[Any]:  # noqa: ANN401 (no types)
        """Send requests and collect the answers to all of them, decoded by a table of message classes."""
        codecs = codecs or _codecs()
        with self._turn:
            awaited: dict[int, Request] = {}
            batch = bytearray()
            for request in requests:
                self._sequence += 1
                awaited[self._sequence] = request
                batch += self._encode(request)
            self._socket.send(batch)
            answers: list[Any] = []
            failure: OSError | None = None
            while awaited:
                for message in codecs.parse(self._socket.recv(_ANSWER_BYTES)):
                    request_of = awaited.get(message["header"]["sequence_number"])
                    if request_of is None:
                        continue  # the rest of an answer that nobody waited for
                    if message["header"]["type"] not in {_ERROR, _DONE}:
                        answers.append(message)
                        continue
                    del awaited[message["header"]["sequence_number"]]
                    failure = failure or _failure(request_of, message)
        if failure is not None:
            raise failure
        return answers

    def _encode(self, request: Request) -> bytearray:
        message = _codecs().msg_map[request.kind]()
        message.update(request.fields)
        message["attrs"] = list(request.attributes)
        flags = request.flags | _REQUEST | (0 if request.is_dump else _ACKNOWLEDGE)
        message["header"] = {"type": request.kind, "flags": flags, "sequence_number": self._sequence}
        message.encode()
        data: bytearray = message.data
        return data


def _failure(request: Request, message: Any) -> OSError | None:  # noqa: ANN401 (pyroute2 has no types)
    """Turn the end of an answer into an error, if it tells of one."""
    number = -(message["error"] if "error" in message else message["code"])
    if number == 0:
        return None
    said = message.get_attr("NLMSGERR_ATTR_MSG")
    words = f"{os.strerror(number)} ({said})" if said else os.strerror(number)
    return OSError(number, f"cannot {request.purpose}: {words}")
