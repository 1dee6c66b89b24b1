"""What a machine of another subnet, or outside of all VPCs, sees: whom its packets reach by way of the gateways."""

import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import count
from time import monotonic, sleep, time_ns

from pytest_havip.clients.announcer import Instance
from pytest_havip.lab import Frame, NotSeen
from pytest_havip.observe.observer import Observer
from pytest_havip.reports import Inconclusive

__all__ = ["RemoteObserver"]

#: Seconds that a packet may take: a gateway that does not know the next machine yet asks for it first.
_PATIENCE = 3.0
#: Seconds for which packets are sent where none should arrive. A gateway that was not answered asks again after one.
_WATCH = 1.5
#: Seconds between two looks: short at first, then longer and longer.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05
_PORT = 40001
_UDP_PAYLOAD = 42


@dataclass(frozen=True)
class RemoteObserver:
    """A machine that is not in the subnet; its kernel sends, so that its routes and the gateway's ARP table take part.

    Args:
        instance: The machine.
        near: The observer of the subnet that it looks into; its witness is there too.
        way: An address by which packets from here reach the witness; by default its own.
    """

    instance: Instance
    near: Observer
    way: IPv4Address | None = None
    _tokens: "count[int]" = field(default_factory=count, repr=False)

    def wait_for_owner(self, address: IPv4Address, owner: Instance) -> None:
        """Wait until packets to the address reach this machine, and no other.

        Raises:
            AssertionError: They don't in time; the message says whom they reach.
            Inconclusive: Even a packet to the witness got lost.
        """
        deadline, pause = monotonic() + _PATIENCE, _FIRST_PAUSE
        while (seen := self._reached(address, self._token(), time_ns())) != [owner]:
            assert monotonic() < deadline, (
                f"{_PATIENCE:g} s after, packets from {self.instance.name} to {address} still reach "
                f"{' and '.join(machine.name for machine in seen) or 'nobody'} and not {owner.name} alone"
            )
            sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def reached(self, address: IPv4Address) -> list[Instance]:
        """All machines that packets to the address reach; none of them, if it stays so for a while.

        One packet proves no absence: a gateway that has to ask for the address first keeps it back, and a later one to
        the witness arrives earlier. So packets are sent again and again, for longer than a gateway waits before it asks
        once more, each with one to the witness; whichever arrives before the end counts.

        Raises:
            Inconclusive: A packet to the witness got lost.
        """
        token, since = self._token(), time_ns()
        deadline, pause = monotonic() + max(_WATCH, self.near.settle_time or 0), _FIRST_PAUSE
        while not (seen := self._reached(address, token, since)) and monotonic() < deadline:
            sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return seen

    def _reached(self, address: IPv4Address, token: bytes, since: int) -> list[Instance]:
        """Send one packet, and see whom those with this token have reached when one to the witness has arrived."""
        self._send(address, token)
        witness, control = self.near.witness, self._token()
        sent = self._send(self.way or witness.address, control)
        try:
            witness.port.capture.wait(lambda frame: _carries(frame, control), timeout=_PATIENCE, since=sent)
        except NotSeen as missing:
            raise Inconclusive(
                f"a packet from {self.instance.name} to {witness.name} got lost: nothing is routed, so "
                f"that silence proves nothing. {missing}"
            ) from missing
        return self.near.receivers(lambda data: data.startswith(token, _UDP_PAYLOAD), since=since)

    def _send(self, address: IPv4Address, token: bytes) -> int:
        before = time_ns()
        with self.instance.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(token, (str(address), _PORT))
        return before

    def _token(self) -> bytes:
        return f"havip-remote-{next(self._tokens)}-{self.instance.mac}|".encode()


def _carries(frame: Frame, token: bytes) -> bool:
    return not frame.outgoing and frame.data.startswith(token, _UDP_PAYLOAD)
