"""A machine of the lab."""

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from pytest_havip.kernel.requests import (
    NewLink,
    add_address,
    add_bridge,
    add_veth,
    attach_port,
    default_route,
    delete_address,
    delete_link,
    set_mac,
    set_neighbour,
    set_state,
)
from pytest_havip.kernel.route import Neighbour, RouteSocket
from pytest_havip.lab.errors import LabError
from pytest_havip.lab.port import Port
from pytest_havip.lab.process import Completed, Process

if TYPE_CHECKING:
    import pyroute2  # type: ignore[import-untyped]
    import testinfra.host  # type: ignore[import-untyped]

    from pytest_havip.lab.lab import Lab

__all__ = ["Host"]

_AF_PACKET_NOTHING = 0
_WRITABLE = ("/run/", "/tmp/")  # noqa: S108 (the host's own, not the machine's)


class Host:
    """A network namespace with a host name, a /sys, a /run and a /tmp of its own. Made by `Lab.host`.

    IPv6 is switched off in it; `sysctl("net.ipv6.conf.all.disable_ipv6", "0")` switches it on.

    Attributes:
        name: unique in its lab.
        lab: the lab that it belongs to.
    """

    def __init__(self, lab: "Lab", name: str) -> None:
        self.lab = lab
        self.name = name
        _, (self._namespace, route) = lab.control.request("host", name=name)
        self._links = RouteSocket(socket.socket(fileno=route))
        self._route: pyroute2.IPRoute | None = None
        self._infra: testinfra.host.Host | None = None
        self._sockets: list[socket.socket] = []
        self._ports: dict[str, Port] = {}
        self._left = False
        self._closed = False

    def __repr__(self) -> str:
        return f"<Host {self.name}>"

    # --- its namespace -------------------------------------------------------------------------------------------

    def namespace(self) -> int:
        """Return the descriptor of the network namespace, to be sent to a network's driver. It stays the host's."""
        self._check_open()
        return self._namespace

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Open a socket inside the host, for use out here. It is closed with the host at the latest.

        Raises:
            OSError: the kernel refused it.
        """
        self._check_open()
        _, (fd,) = self.lab.control.request(
            "socket", host=self.name, family=int(family), kind=int(kind), protocol=protocol
        )
        opened = socket.socket(fileno=fd)
        self._sockets = [*(kept for kept in self._sockets if kept.fileno() >= 0), opened]
        return opened

    @property
    def route(self) -> "pyroute2.IPRoute":
        """pyroute2's view of the host's network, for whatever this class has no method for."""
        self._check_open()
        if self._route is None:
            import pyroute2  # noqa: PLC0415 (it takes 0.1 s to import, and few need it)

            _, (fd,) = self.lab.control.request(
                "socket",
                host=self.name,
                family=int(socket.AF_NETLINK),
                kind=int(socket.SOCK_DGRAM),  # pyroute2 wants this one
                protocol=socket.NETLINK_ROUTE,
            )
            self._route = pyroute2.IPRoute(fileno=fd)
        return self._route

    @property
    def infra(self) -> "testinfra.host.Host":
        """Testinfra's view of the host: interfaces, processes, files, sockets."""
        if self._infra is None:
            from pytest_havip.lab.infra import infra_of  # noqa: PLC0415 (few need it)

            self._infra = infra_of(self)
        return self._infra

    def sysctl(self, name: str, value: str) -> None:
        """Set a kernel setting of this host's network, for example ``net.ipv4.ip_forward``.

        Raises:
            ValueError: it doesn't begin with ``net.``: all others belong to the machine.
            OSError: there is no such setting here, or the value is no good.
        """
        path = name.replace(".", "/")
        if not path.startswith("net/"):
            raise ValueError(f"{name} is not a host's own: only settings below net. are")
        self.lab.control.request("sysctl", host=self.name, path=path, value=value)

    # --- interfaces ----------------------------------------------------------------------------------------------

    def add_address(self, address: str | IPv4Interface, interface: str = "eth0") -> None:
        """Give an interface an address with its prefix length, as in ``10.0.0.7/24``. Raises OSError if it has it."""
        self._links.send(add_address(self._links.index(interface), IPv4Interface(address)))

    def remove_address(self, address: str | IPv4Interface, interface: str = "eth0") -> None:
        """Take an address, named with its prefix length, from an interface. Raises OSError if it hasn't got it."""
        self._links.send(delete_address(self._links.index(interface), IPv4Interface(address)))

    def addresses(self, interface: str = "eth0") -> list[IPv4Interface]:
        """List the IPv4 addresses of an interface."""
        return self._links.addresses(interface)

    def mac(self, interface: str = "eth0") -> str:
        """Return the MAC address of an interface, in lower case with colons."""
        return self._links.mac(interface)

    def interfaces(self) -> list[str]:
        """List the names of all interfaces, ``lo`` among them."""
        return self._links.names()

    def link_up(self, interface: str = "eth0") -> None:
        """Set an interface up."""
        self._links.send(set_state(interface, up=True))

    def wait_until_up(self, interface: str = "eth0") -> None:
        """Wait until the kernel has noticed that both ends of a wire are up; before, a bridge drops what comes by it.

        Raises:
            OSError: It has not after some seconds; the other end is down.
        """
        self._links.wait_until_up(self._links.index(interface))

    def link_down(self, interface: str = "eth0") -> None:
        """Set an interface down; the kernel drops the routes through it, and the other end loses its carrier."""
        self._links.send(set_state(interface, up=False))

    def add_bridge(self, name: str, *, mac: str | None = None) -> None:
        """Make a bridge and set it up.

        Args:
            name: its name.
            mac: its own MAC address. Without one it has the lowest of its ports' and changes it when that port leaves,
                so a bridge with addresses needs one, or its neighbours lose it.
        """
        self._links.send(add_bridge(NewLink(name, mac=mac)))

    def join_bridge(self, interface: str, bridge: str) -> None:
        """Make an interface a port of a bridge."""
        self._links.send(attach_port(interface, self._links.index(bridge)))

    def add_tap(self, name: str) -> None:
        """Make a tap device and set it up: a program in the host may open it by its name, as a virtual machine does.

        Raises:
            LabError: the machine does not let this user make one.
        """
        self._check_open()
        try:
            self.lab.control.request("tap", host=self.name, interface=name)
        except OSError as error:
            raise LabError(
                f"{self.name} cannot have a tap device {name}: {error.strerror}. It takes /dev/net/tun, which a user "
                "must be able to read and write: modprobe tun; chmod 666 /dev/net/tun"
            ) from error
        self.link_up(name)

    def set_mac(self, mac: str, interface: str = "eth0") -> None:
        """Give an interface another MAC address."""
        self._links.send(set_mac(interface, mac))

    def delete_interface(self, name: str) -> None:
        """Remove an interface, and its other end with it. Raises OSError (ENODEV) when there is none of that name."""
        self._links.send(delete_link(name))

    def add_link(self, near: str, far: "Host", far_name: str, mac: str | None = None) -> None:
        """Make a veth to another host, both ends up (`Lab.link` gives it a name to cut it by)."""
        self._links.send(add_veth(NewLink(near, mac=mac), NewLink(far_name), far.namespace(), up=True))
        far.link_up(far_name)  # the kernel makes the far end of a pair down

    # --- routes and neighbours -----------------------------------------------------------------------------------

    def default_route(self, gateway: str | IPv4Address) -> None:
        """Set the default route, in place of the one there was."""
        self._links.send(default_route(IPv4Address(gateway)))

    def set_neighbour(
        self, address: str | IPv4Address, mac: str, state: str = "stale", interface: str = "eth0"
    ) -> None:
        """Write an entry of the neighbour (ARP) table, over the one there was; states have `ip neigh`'s names."""
        self._links.send(set_neighbour(self._links.index(interface), IPv4Address(address), mac, state))

    def neighbour(self, address: str | IPv4Address) -> Neighbour | None:
        """Return what the neighbour (ARP) table says about an address, None when it says nothing."""
        return self._links.neighbour(IPv4Address(address))

    # --- programs and files --------------------------------------------------------------------------------------

    def spawn(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, fds: Mapping[int, int] | None = None
    ) -> Process:
        """Start a program in the host; see `Lab.spawn`."""
        return self.lab.start(argv, host=self.name, env=env, fds=fds)

    def run(self, argv: Sequence[str], timeout: float = 10, *, env: Mapping[str, str] | None = None) -> Completed:
        """Run a command in the host to its end.

        Args:
            argv: program and arguments.
            timeout: seconds; then the command and its children are killed.
            env: variables laid over this process's own.

        Raises:
            LabError: there is no such program.
            TimeoutError: it took longer.
        """
        process = self.lab.start(argv, host=self.name, env=env, apart=True)
        try:
            returncode = process.wait(timeout)
        except TimeoutError:
            process.kill()
            raise
        return Completed(returncode, *process.outputs())

    def write_file(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the host's own /run or /tmp, with its folders; a relative path is below /run.

        Raises:
            ValueError: it is somewhere else, that is on the machine.
        """
        where = os.path.normpath(os.path.join("/run", path))  # noqa: PTH118 (a path in the lab, not here)
        if not where.startswith(_WRITABLE):
            raise ValueError(f"{path} is no file of the host's own: write below /run or /tmp, in memory, gone with it")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(self._open(where, flags, mode), "w", encoding="utf-8") as file:
            file.write(text)

    def read_file(self, path: str) -> str:
        """Read a file as the host sees it; a relative path is below /run. Raises OSError when it can't be read."""
        where = os.path.normpath(os.path.join("/run", path))  # noqa: PTH118 (a path in the lab, not here)
        with os.fdopen(self._open(where, os.O_RDONLY, 0), encoding="utf-8", errors="replace") as file:
            return file.read()

    def _open(self, path: str, flags: int, mode: int) -> int:
        _, (fd,) = self.lab.control.request("open", host=self.name, path=path, flags=flags, mode=mode)
        return fd

    # --- frames --------------------------------------------------------------------------------------------------

    def port(self, interface: str = "eth0") -> Port:
        """Open raw access to an interface; the same port every time, until the interface is replaced.

        Raises:
            LabError: there is no such interface.
        """
        try:
            index = self._links.index(interface)
        except OSError as error:
            there = ", ".join(self.interfaces())
            raise LabError(f"{self.name} has no interface {interface} (it has: {there}): plug it in first") from error
        port = self._ports.get(interface)
        if port is None or port.index != index:
            self._drop_port(interface)
            sender = self.socket(socket.AF_PACKET, socket.SOCK_RAW, _AF_PACKET_NOTHING)
            receiver = self.socket(socket.AF_PACKET, socket.SOCK_RAW, _AF_PACKET_NOTHING)
            port = Port(sender, self.lab.capture(receiver, self.name, interface), interface, index)
            self._ports[interface] = port
        return port

    def _drop_port(self, interface: str) -> None:
        port = self._ports.pop(interface, None)
        if port is not None:
            self.lab.end_capture(port.capture)
            port.close()

    # --- its end -------------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._left:
            raise LabError(f"host {self.name} was removed, or its lab closed: make a new one")

    def leave(self) -> None:
        """Refuse further use. The slow rest, `dismantle` or `close`, may be done by another thread. Used by the lab."""
        self._left = True
        if self._route is not None:
            self._route.close()  # in this thread: its event loop belongs to it
            self._route = None

    def dismantle(self) -> None:
        """Remove the interfaces, and with them their other ends, then `close`. Used by the lab."""
        for interface in self._links.names():
            if interface != "lo":  # the kernel would remove them too, but only after a while
                with suppress(OSError):  # its other end was removed meanwhile, and it with that
                    self._links.send(delete_link(interface))
        self.close()

    def close(self) -> None:
        """Close every descriptor of the host in this process; what was captured stays readable. Used by the lab."""
        if self._closed:
            return
        self._closed = True
        for interface in list(self._ports):
            self._drop_port(interface)
        for opened in self._sockets:
            opened.close()
        self._links.close()
        os.close(self._namespace)
