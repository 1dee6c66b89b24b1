"""What a service beside an HA client must offer: the health of it decides whether its host may be active."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pytest_havip.lab import Host

__all__ = ["Service", "ServiceKind", "ServiceNotStarted"]


class ServiceNotStarted(RuntimeError):
    """A service did not come up; the text holds what it said."""


class Service(Protocol):
    """A running service."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""

    def crash(self) -> int:
        """Kill all of it at once, and return the time just before, CLOCK_REALTIME in ns."""


@dataclass(frozen=True, slots=True)
class ServiceKind:
    """A kind of service, the same on every host of a cluster.

    Args:
        start: Starts it on a host, and waits until it serves.
        pidfile: Where each host finds the process id of its own; the client asks whether that process lives.
    """

    start: Callable[[Host], Service]
    pidfile: str
