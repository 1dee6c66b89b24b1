"""The interface that carries a node's floating addresses: frames, addresses and carrier, as the kernel gives them."""

import socket
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

__all__ = ["Interface"]

_ETH_P_ARP: Final = 0x0806
# linux/rtnetlink.h
_CHANGES: Final = 0x1 | 0x10  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR
_FRAME_BYTES: Final = 128


class Interface:
    """One interface of the host that this program runs on.

    Args:
        name: The interface's.

    Attributes:
        name: The interface's.
        mac: Its MAC address.
        frames: A packet socket that hears ARP.
        changes: A route netlink socket that becomes readable when a link or an address changes.

    Raises:
        OSError: there is no such interface, or packet sockets are forbidden here.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._folder = Path("/sys/class/net", name)
        self.mac = (self._folder / "address").read_text(encoding="ascii").strip()
        self.frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ARP))
        self.frames.bind((name, _ETH_P_ARP))
        self.frames.setblocking(False)
        self.changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.changes.bind((0, _CHANGES))
        self.changes.setblocking(False)

    def send(self, frame: bytes) -> str:
        """Put a frame on the wire; return why it could not be, or nothing."""
        try:
            self.frames.send(frame)
        except OSError as error:
            return f"a frame could not be sent: {error.strerror}"
        return ""

    def receive(self) -> list[bytes]:
        """Take the ARP frames that have come in."""
        taken: list[bytes] = []
        try:
            while True:
                taken.append(self.frames.recv(_FRAME_BYTES))
        except OSError:  # no more of them, or the link has gone down, which `changes` tells
            return taken

    def forget_changes(self) -> None:
        """Take the news of changes; what has changed is looked at, not read from them."""
        try:
            while True:
                self.changes.recv(1 << 16)
        except OSError:  # no more, or there were more than the socket could keep
            return

    def has_carrier(self) -> bool:
        """Whether the interface is up and its cable's other end, too."""
        try:
            return (self._folder / "carrier").read_text(encoding="ascii").strip() == "1"
        except OSError:  # the interface is set down, or gone
            return False

    def first_missing(self, addresses: Iterable[IPv4Address]) -> IPv4Address | None:
        """Name the first of these addresses that the host has not got."""
        return next((address for address in addresses if not _is_here(address)), None)

    def add(self, address: IPv4Address) -> str:
        """Give the interface an address; return why it could not be, or nothing."""
        return self._ip("add", address)

    def remove(self, address: IPv4Address) -> str:
        """Take an address from the interface; return why it could not be, or nothing."""
        return self._ip("delete", address)

    def _ip(self, verb: str, address: IPv4Address) -> str:
        command = ["ip", "address", verb, f"{address}/32", "dev", self.name]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        return "" if ended.returncode == 0 else f"`{' '.join(command)}` said: {ended.stderr.strip()}"


def _is_here(address: IPv4Address) -> bool:
    """Ask the kernel without a message: only to an address of its own a socket can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind((str(address), 0))
        except OSError:
            return False
        return True
