"""A small real haproxy on a host: the service whose health decides whether its host may hold a floating address."""

import socket
import time
from typing import Self

from pytest_havip.clients.program import find_program
from pytest_havip.lab import Host, Process

__all__ = ["PIDFILE", "HAProxy", "ServiceNotStarted", "render_haproxy"]

DEFAULT_PORT = 80
CONFIGURATION = "/run/haproxy.cfg"
PIDFILE = "/run/haproxy.pid"
START_TIMEOUT = 5.0


class ServiceNotStarted(RuntimeError):
    """haproxy did not come up; the text holds what it said."""


def render_haproxy(name: str, port: int, pidfile: str) -> str:
    """Return the configuration of a haproxy that answers every request with its host's name.

    It names no `user` and no `group`: it runs where there is only one of each.
    """
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
    http-request return status 200 content-type text/plain string "{name}\\n"
"""


class HAProxy:
    """A running haproxy, master and worker, listening on all addresses of its host, floating ones included."""

    def __init__(self, host: Host, port: int, process: Process) -> None:
        """Use `start`."""
        self.host = host
        self.port = port
        self._process = process

    @classmethod
    def start(cls, host: Host, *, port: int = DEFAULT_PORT) -> Self:
        """Start haproxy on a host and wait until it listens and has written its pidfile.

        Args:
            host: its files lie in the host's own /run.
            port: TCP port of its only frontend.

        Raises:
            ServiceNotStarted: it ended, or did not listen in time.
            ProgramMissing: haproxy is not installed.
        """
        program = find_program("haproxy", "haproxy")
        host.write_file(CONFIGURATION, render_haproxy(host.name, port, PIDFILE))
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
