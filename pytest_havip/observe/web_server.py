"""A small real web server on a host: one of those that load balancers stand in front of."""

import socket
import time
from typing import Self

from pytest_havip.lab import Host, Process
from pytest_havip.observe.users import agent

__all__ = ["WebServer"]

_START_SECONDS = 10.0
_POLL = 0.02


class WebServer:
    """A running server, whose pages begin with its host's name; Python's `http.server`."""

    def __init__(self, process: Process) -> None:
        """Use `start`."""
        self._process = process

    @classmethod
    def start(cls, host: Host, *, port: int = 80) -> Self:
        """Start it and wait until it listens.

        Raises:
            TimeoutError: it ended, or did not listen in time.
        """
        process = host.spawn(agent("web_agent.py", "serve", host.name, port))
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(host, port):
            if not process.alive or time.monotonic() > deadline:
                process.kill()
                raise TimeoutError(f"the web server on {host.name} does not listen to port {port}: {process.log()}")
            time.sleep(_POLL)
        return cls(process)

    def close(self) -> None:
        """Kill it."""
        self._process.kill()


def _listens(host: Host, port: int) -> bool:
    with host.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
        asking.settimeout(1.0)
        return asking.connect_ex(("127.0.0.1", port)) == 0
