"""One IP Address resource: checked for a duplicate, then announced, then defended, then given up. Source: RFC 5227."""

from collections.abc import Callable
from ipaddress import IPv4Address
from math import inf

from pytest_havip.clients.wsfc.actions import Action, Hold, Release, Transmit
from pytest_havip.clients.wsfc.arp import Arp, announcement, probe
from pytest_havip.clients.wsfc.messages import RoleState
from pytest_havip.clients.wsfc.settings import AddressCheck

__all__ = ["FloatingAddress"]


class FloatingAddress:
    """A floating address on one node.

    Args:
        address: The address.
        mac: The MAC of the interface that is to carry it.
        check: How it is checked and announced.
        random: Gives a number from 0 to 1, for the probes' times.

    Attributes:
        state: Where it stands.
        due: When `tick` has something to do.
        conflict: Whose MAC it was that also used the address; empty when there was none.
    """

    def __init__(self, address: IPv4Address, mac: str, check: AddressCheck, random: Callable[[], float]) -> None:
        self.address = address
        self.state = RoleState.OFFLINE
        self.due = inf
        self.conflict = ""
        self._mac = mac
        self._check = check
        self._random = random
        self._probed = self._announced = 0
        self._conflicted_at = -inf
        frame = announcement if check.probe_sender == "address" else probe
        self._probe, self._announcement = frame(mac, address), announcement(mac, address)

    def bring_online(self, now: float) -> None:
        """Begin the check."""
        self.state = RoleState.PENDING
        self.conflict = ""
        self._probed = self._announced = 0
        self._conflicted_at = -inf
        self.due = now + (self._random() * self._check.probe_wait if self._check.probe_number else 0.0)

    def take_offline(self) -> list[Action]:
        """Give the address up, without a word to the network."""
        held = self.state is RoleState.ONLINE
        self.state, self.due, self.conflict = RoleState.OFFLINE, inf, ""
        return [Release(self.address)] if held else []

    def tick(self, now: float) -> list[Action]:
        """Do what is due: the next probe, the use of the address, or the next announcement."""
        if now < self.due:
            return []
        if self.state is RoleState.PENDING and self._probed < self._check.probe_number:
            return self._send_probe(now)
        if self.state is RoleState.PENDING:
            self.due = inf
            return [Hold(self.address)]
        return self._announce(now)

    def held(self, now: float) -> list[Action]:
        """The interface has the address; only now it is announced, for that draws traffic at once."""
        if self.state is not RoleState.PENDING:  # it was given up meanwhile
            return [Release(self.address)]
        self.state = RoleState.ONLINE
        return self._announce(now)

    def hear(self, message: Arp, now: float) -> list[Action]:
        """Take in an ARP message; a conflict fails an address that is checked, and is answered by one that is used."""
        if self.state not in {RoleState.PENDING, RoleState.ONLINE} or message.sender_mac == self._mac:
            return []
        pending = self.state is RoleState.PENDING
        rival = pending and message.is_probe and message.target == self.address
        if message.sender != self.address and not rival:
            return []
        recent = now - self._conflicted_at < self._check.defend_interval
        self._conflicted_at = now
        if not pending and not recent:
            return [Transmit(self._announcement)]
        actions = self.take_offline()
        self.state, self.conflict = RoleState.FAILED, message.sender_mac
        return actions

    def _send_probe(self, now: float) -> list[Action]:
        check = self._check
        self._probed += 1
        if self._probed < check.probe_number:
            self.due = now + check.probe_min + self._random() * (check.probe_max - check.probe_min)
        else:
            self.due = now + check.announce_wait
        return [Transmit(self._probe)]

    def _announce(self, now: float) -> list[Action]:
        if self._announced == self._check.announce_number:
            self.due = inf
            return []
        self._announced += 1
        self.due = now + self._check.announce_interval if self._announced < self._check.announce_number else inf
        return [Transmit(self._announcement)]
