"""What a machine of another subnet sees: whom its packets reach by way of the gateways."""

import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import count
from time import monotonic, time_ns

from pytest_havip.clients.announcer import Instance
from pytest_havip.lab import Frame, NotSeen
from pytest_havip.observe.observer import Observer, SeveralOwners
from pytest_havip.reports import Inconclusive

__all__ = ["RemoteObserver"]

#: Seconds that a packet may take: a gateway that does not know the next machine yet asks for it first.
_PATIENCE = 3.0
_PORT = 40001
_UDP_PAYLOAD = 42


@dataclass(frozen=True)
class RemoteObserver:
    """A machine of another subnet; its kernel sends, so that its routes and the gateway's ARP table take part.

    Args:
        instance: The machine.
        near: The observer of the subnet that it looks into; its witness is there too.
    """

    instance: Instance
    near: Observer
    _tokens: "count[int]" = field(default_factory=count, repr=False)

    def owner_of(self, address: IPv4Address) -> Instance | None:
        """The machine that a packet to the address reaches now, `None` if it reaches nobody.

        A datagram to the address is followed by one to the witness. A gateway that has to ask for the address first may
        let the second overtake, so a bound HAVIP is waited for by `wait_for_owner`.

        Raises:
            SeveralOwners: It reached more than one machine.
            Inconclusive: Even the packet to the witness got lost.
        """
        since = time_ns()
        token = self._send(address)
        self._control()
        reached = [
            machine for machine in self.near.cast if any(_carries(f, token) for f in machine.port.capture.frames(since))
        ]
        if len(reached) > 1:
            raise SeveralOwners(f"one packet to {address} reached {' and '.join(machine.name for machine in reached)}")
        return reached[0] if reached else None

    def wait_for_owner(self, address: IPv4Address, owner: Instance) -> None:
        """Wait until packets to the address reach this machine, and no other.

        Raises:
            AssertionError: They don't in time; the message says whom they reach.
        """
        deadline = monotonic() + _PATIENCE
        while (seen := self.owner_of(address)) is not owner:
            assert monotonic() < deadline, (
                f"{_PATIENCE:g} s after, packets from {self.instance.name} to {address} still reach "
                f"{seen.name if seen else 'nobody'} and not {owner.name}"
            )

    def _control(self) -> None:
        witness = self.near.witness
        since = time_ns()
        token = self._send(witness.address)
        try:
            witness.port.capture.wait(lambda frame: _carries(frame, token), timeout=_PATIENCE, since=since)
        except NotSeen as missing:
            raise Inconclusive(
                f"a packet from {self.instance.name} to {witness.name}'s fixed address got lost: nothing is routed, so "
                f"that silence proves nothing. {missing}"
            ) from missing

    def _send(self, address: IPv4Address) -> bytes:
        token = f"havip-remote-{next(self._tokens)}-{self.instance.mac}|".encode()
        with self.instance.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(token, (str(address), _PORT))
        return token


def _carries(frame: Frame, token: bytes) -> bool:
    return not frame.outgoing and frame.data.startswith(token, _UDP_PAYLOAD)
