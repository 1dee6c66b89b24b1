"""A small real haproxy on a host: the service whose health decides whether its host may hold a floating address."""

import socket
import time
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv4Address
from typing import Self

from pytest_havip.clients.program import find_program
from pytest_havip.clients.service import ServiceKind, ServiceNotStarted
from pytest_havip.lab import Host, Process

__all__ = ["HAPROXY", "PIDFILE", "HAProxy", "balancer", "render_haproxy"]

DEFAULT_PORT = 80
CONFIGURATION = "/run/haproxy.cfg"
PIDFILE = "/run/haproxy.pid"
START_TIMEOUT = 5.0


def render_haproxy(name: str, port: int, pidfile: str, backends: Sequence[IPv4Address] = ()) -> str:
    """Return the configuration of a haproxy that balances between web servers, or answers with its host's name.

    It names no `user` and no `group`: it runs where there is only one of each.

    Args:
        name: The host's.
        port: Where it listens, and where the web servers do.
        pidfile: Where it writes the process id of its master.
        backends: The web servers, which are asked in turn; without one it answers every request itself.
    """
    servers = "".join(f"    server {address} {address}:{port} check inter 500\n" for address in backends)
    answer = f'http-request return status 200 content-type text/plain string "{name}\\n"'
    frontend = "default_backend servers" if backends else answer
    return f"""\
global
    pidfile {pidfile}
    maxconn 64
    nbthread 1

defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s

frontend web
    bind :{port}
    {frontend}
""" + (f"\nbackend servers\n    balance roundrobin\n    option httpchk GET /\n{servers}" if backends else "")


class HAProxy:
    """A running haproxy, master and worker, listening on all addresses of its host, floating ones included."""

    def __init__(self, host: Host, port: int, process: Process) -> None:
        """Use `start`."""
        self.host = host
        self.port = port
        self._process = process

    @classmethod
    def start(cls, host: Host, *, port: int = DEFAULT_PORT, backends: Sequence[IPv4Address] = ()) -> Self:
        """Start haproxy on a host and wait until it listens and has written its pidfile.

        Args:
            host: its files lie in the host's own /run.
            port: TCP port of its only frontend.
            backends: The web servers between which it balances; see `render_haproxy`.

        Raises:
            ServiceNotStarted: it ended, or did not listen in time.
            ProgramMissing: haproxy is not installed.
        """
        program = find_program("haproxy", "haproxy")
        host.write_file(CONFIGURATION, render_haproxy(host.name, port, PIDFILE, backends))
        process = host.spawn([program, "-db", "-W", "-f", CONFIGURATION])
        service = cls(host, port, process)
        deadline = time.monotonic() + START_TIMEOUT
        while not service.listening:
            if not process.alive or time.monotonic() > deadline:
                process.kill()
                state = "runs, but does not listen" if process.alive else "ended"
                raise ServiceNotStarted(f"haproxy on {host.name} {state}; is port {port} taken there? {process.log()}")
            time.sleep(0.01)
        return service

    @property
    def listening(self) -> bool:
        """Whether its host accepts a connection to its port."""
        with self.host.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def alive(self) -> bool:
        """Whether its master process runs."""
        return self._process.alive

    @property
    def log(self) -> str:
        """All that it has said so far."""
        return self._process.log()

    def crash(self) -> int:
        """Kill master and worker at once, and return the time just before, CLOCK_REALTIME in ns."""
        at = time.time_ns()
        self._process.kill()
        return at


HAPROXY = ServiceKind(HAProxy.start, PIDFILE)
"""A haproxy that answers with its host's name: the service of a cluster that is said nothing else."""


def balancer(backends: Sequence[IPv4Address]) -> ServiceKind:
    """A haproxy that balances between these web servers."""
    return ServiceKind(partial(HAProxy.start, backends=backends), PIDFILE)
