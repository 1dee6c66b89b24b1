"""A network device of this machine, lent to a host of the lab and given back as it was: the one thing that touches it.

While it is lent, the device is in the host's network namespace. If the process that borrowed it is killed, the kernel
ends that namespace: a device of hardware then appears in the machine's first namespace, down and without addresses; one
that only software makes (a veth, a bridge, a tap) is gone.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pytest_havip.lab.errors import LabError
from pytest_havip.lab.host import Host

__all__ = ["CRASH", "lend", "may_lend"]

#: What a borrower that is killed leaves behind.
CRASH = "if this run is killed, hardware comes back down and without addresses, other devices are gone"

_SECONDS = 20.0
#: What `ip route` shows of a route and does not take.
_STATES = frozenset({"linkdown", "dead"})
_BY_KERNEL = "proto kernel"


@dataclass(frozen=True, slots=True)
class _State:
    """How a device was: up or down, its MAC address, its addresses and routes as arguments of `ip`."""

    up: bool
    mac: str
    addresses: tuple[tuple[str, ...], ...]
    routes: tuple[tuple[str, ...], ...]


def may_lend(device: str) -> None:
    """See that a device can be lent.

    Raises:
        LabError: There is none of that name, the machine would be cut off, or the caller is not root.
    """
    if os.geteuid() != 0:
        raise LabError(f"the network device {device} can be lent to the lab by root alone: run this as root")
    if any(route["dev"] == device for route in json.loads(_ip("-json", "route", "show", "default")) if "dev" in route):
        raise LabError(f"the machine's default route goes by {device}: lend another device, or it is cut off")
    if _link(device)["link_type"] != "ether":
        raise LabError(f"{device} carries no Ethernet: lend another device")


@contextmanager
def lend(device: str, host: Host) -> Iterator[None]:
    """Lend a device to a host for the length of a block; it is up there, under its name, without addresses.

    Args:
        device: Its name on this machine.
        host: The host.

    Raises:
        LabError: See `may_lend`; or it could not be moved or given back, with what was said.
    """
    may_lend(device)
    state = _look(device)
    _ip("link", "set", device, "netns", f"/proc/{os.getpid()}/fd/{host.namespace()}")
    try:
        host.link_up(device)
        yield
    finally:
        inside = f"--net=/proc/{os.getpid()}/fd/{host.namespace()}"
        home = f"/proc/{os.getpid()}/ns/net"
        _call(["nsenter", inside, "ip", "link", "set", device, "down", "nomaster", "netns", home])
        _restore(device, state)


def _look(device: str) -> _State:
    link = _link(device)
    addresses = [
        (f"{each['local']}/{each['prefixlen']}", *_more(each))
        for each in link["addr_info"]
        # A link-local address is the kernel's own, and comes back with the link.
        if not (each["family"] == "inet6" and each["scope"] == "link")
    ]
    routes = [line for family in ("-4", "-6") for line in _ip(family, "route", "show", "dev", device).splitlines()]
    kept = [tuple(word for word in line.split() if word not in _STATES) for line in routes if _BY_KERNEL not in line]
    return _State("UP" in link["flags"], link["address"], tuple(addresses), tuple(kept))


def _more(address: dict[str, Any]) -> list[str]:
    """Return the rest of an address as arguments of `ip`."""
    more = ["broadcast", address["broadcast"]] if "broadcast" in address else []
    more += ["label", address["label"]] if "label" in address else []
    return [*more, "scope", address["scope"]]


def _restore(device: str, state: _State) -> None:
    _ip("link", "set", device, "address", state.mac)
    # An IPv6 route needs the link up; one that was down had none.
    if state.up:
        _ip("link", "set", device, "up")
    for address in state.addresses:
        _ip("address", "replace", *address, "dev", device)
    for route in state.routes:
        _ip("-6" if ":" in route[0] else "-4", "route", "replace", *route, "dev", device)


def _link(device: str) -> dict[str, Any]:
    links: list[dict[str, Any]] = json.loads(_ip("-json", "address", "show", "dev", device))
    return next(link for link in links if link)


def _ip(*words: str) -> str:
    return _call(["ip", *words])


def _call(command: Sequence[str]) -> str:
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS, env=environment)
    if done.returncode:
        raise LabError(f"`{' '.join(command)}` was refused: {done.stderr.strip()}")
    return done.stdout
