"""The clustered role on one node: all its addresses or none, and what happens when one fails."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from math import inf

from pytest_havip.clients.wsfc.actions import Action, Say
from pytest_havip.clients.wsfc.address import FloatingAddress
from pytest_havip.clients.wsfc.arp import Arp
from pytest_havip.clients.wsfc.messages import RoleState
from pytest_havip.clients.wsfc.settings import WsfcSettings

__all__ = ["Role"]


class Role:
    """The role, which this node runs while it owns it.

    Args:
        addresses: The floating addresses.
        mac: The MAC of the interface that carries them.
        settings: The cluster's.
        random: Gives a number from 0 to 1.

    Attributes:
        state: Where the role stands on this node.
        event: What last happened to it that an administrator should know, with Windows's event number.
    """

    def __init__(
        self, addresses: Sequence[IPv4Address], mac: str, settings: WsfcSettings, random: Callable[[], float]
    ) -> None:
        self.state = RoleState.OFFLINE
        self.event = ""
        self.addresses = tuple(FloatingAddress(address, mac, settings.check, random) for address in addresses)
        self._settings = settings
        self._failures: list[float] = []
        self._again = inf

    @property
    def due(self) -> float:
        """When `tick` has something to do."""
        return min(self._again, *(address.due for address in self.addresses))

    @property
    def held(self) -> tuple[IPv4Address, ...]:
        """The addresses that the interface should have now."""
        return tuple(each.address for each in self.addresses if each.state is RoleState.ONLINE)

    def bring_online(self, now: float) -> None:
        """Begin to check and announce every address."""
        self.state, self._again = RoleState.PENDING, inf
        for address in self.addresses:
            address.bring_online(now)

    def take_offline(self) -> list[Action]:
        """Give every address up; what has failed before is forgotten, for the role goes elsewhere."""
        self._failures.clear()
        return self._stop(RoleState.OFFLINE)

    def tick(self, now: float) -> list[Action]:
        """Do what is due on the addresses, or the restart after a failure."""
        actions: list[Action] = []
        if now >= self._again:
            if self.state is RoleState.FAILED:
                self._failures.clear()
            actions.append(Say("trying to bring the role online again"))
            self.bring_online(now)
        for address in self.addresses:
            actions += address.tick(now)
        return actions

    def hold(self, held: IPv4Address, now: float) -> list[Action]:
        """The interface has taken an address; with the last one the role is online."""
        actions: list[Action] = []
        for address in self.addresses:
            if address.address == held:
                actions += address.held(now)
        if self.state is RoleState.PENDING and all(each.state is RoleState.ONLINE for each in self.addresses):
            self.state = RoleState.ONLINE
        return actions

    def hear(self, message: Arp, now: float) -> list[Action]:
        """Take in an ARP message that came in by the interface."""
        actions: list[Action] = []
        for address in self.addresses:
            actions += address.hear(message, now)
            if address.conflict and self.state in {RoleState.PENDING, RoleState.ONLINE}:
                words = f"event 1049: {address.address} is a duplicate: {address.conflict} uses it, too"
                return actions + self.fail(words, now)
        return actions

    def fail(self, event: str, now: float) -> list[Action]:
        """One address, or the node's interface, failed: all go offline, to restart here while the policy allows it."""
        if self.state in {RoleState.OFFLINE, RoleState.FAILED}:
            return []
        settings = self._settings
        self.event = event
        self._failures = [at for at in self._failures if now - at < settings.restart_period] + [now]
        restarts = len(self._failures) <= settings.restart_threshold
        actions: list[Action] = [Say(f"{event}; {'it is restarted here' if restarts else 'the role has failed here'}")]
        actions += self._stop(RoleState.PENDING if restarts else RoleState.FAILED)
        self._again = now + (settings.restart_delay if restarts else settings.retry_period)
        return actions

    def _stop(self, state: RoleState) -> list[Action]:
        actions: list[Action] = []
        for address in self.addresses:
            actions += address.take_offline()
        self.state, self._again = state, inf
        return actions
