"""Proof, without sleeping, that a network has handled what a machine sent."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from time import sleep

from pytest_havip.clients.announcer import Instance
from pytest_havip.lab import NotSeen
from pytest_havip.observe.observer import Observer
from pytest_havip.reports import Inconclusive

__all__ = ["Fence"]


@dataclass(frozen=True)
class Fence:
    """Proves that a network has handled all that a machine sent before.

    Announcements are handled in the order of their arrival. So the machine announces a HAVIP of the fence's own, the
    canary; when a third machine has seen that, everything before it has been handled. For a network that does not
    promise this order, the time that it declares passes instead.

    Args:
        observer: The third machine.
        canary: The fence's own HAVIP; it takes a place in the quota.
    """

    observer: Observer
    canary: IPv4Address

    def __call__(self, machine: Instance) -> None:
        """Wait until everything that the machine has sent so far has been handled.

        Raises:
            Inconclusive: The canary was not seen, so that nobody can say what was handled.
        """
        if self.observer.settle_time is not None:
            sleep(self.observer.settle_time)
            return
        since = machine.announce(self.canary)
        try:
            self.observer.wait_for_announcement(self.canary, machine, since=since)
        except NotSeen as missing:
            raise Inconclusive(f"the fence's own announcement by {machine.name} was not seen. {missing}") from missing
