"""Clients of which only the announcements are known: their patterns, sent by us in their stead (simulated)."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Self

from pytest_havip.clients.base import Announcement, Node, Traits
from pytest_havip.clients.by_hand import ByHand, bounds

__all__ = ["KUBE_VIP", "METALLB", "ArpNotifyCluster", "Pattern", "PatternCluster"]

_BROADCAST = b"\xff" * 6
_REQUEST, _REPLY = 1, 2
#: Seconds that taking an address takes on a busy machine.
_COMMANDS = 2.0


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a client announces an address.

    Args:
        name: The client's.
        announcement: The same as it would declare it.
        sent: What it sends in one round: the ARP operation, and whether the target's MAC address is its own.
        first: Seconds from the takeover to the first round.
        interval: From one round to the next.
        rounds: How many; `None` for ever.
    """

    name: str
    announcement: Announcement
    sent: tuple[tuple[int, bool], ...]
    first: float
    interval: float
    rounds: int | None


METALLB = Pattern(
    "MetalLB (simulated)",
    Announcement("request", "broadcast", 10, (0.0,), 1.1 / 2, None),
    ((_REQUEST, False), (_REPLY, False)),
    first=0.0,
    interval=1.1,
    rounds=5,
)
"""A request and a reply, both to everybody, every 1.1 s for 5 s (MetalLB, internal/layer2)."""

KUBE_VIP = Pattern(
    "kube-vip (simulated)",
    Announcement("reply", "own", 1, (0.0,), 0.0, 3.0),
    ((_REPLY, True), (_REQUEST, False)),
    first=1.5,
    interval=3.0,
    rounds=None,
)
"""One frame every 3 s for ever, replies and requests by turns, the first one at its next tick (kube-vip, pkg/arp)."""


class PatternCluster(ByHand):
    """Takeovers by hand, announced as another client would."""

    def __init__(self, nodes: Sequence[Node], addresses: Sequence[IPv4Address], pattern: Pattern) -> None:
        """Use `form`."""
        super().__init__(nodes, addresses)
        self.pattern = pattern
        self._senders: dict[str, tuple[threading.Thread, threading.Event]] = {}

    @classmethod
    def form(cls, nodes: Sequence[Node], addresses: Sequence[IPv4Address], *, pattern: Pattern) -> Self:
        """Prepare; nothing is sent yet.

        Raises:
            ValueError: there are fewer than two nodes, or no address.
        """
        return cls(nodes, addresses, pattern)

    @property
    def traits(self) -> Traits:
        """What the client would declare."""
        bound = bounds(_COMMANDS + self.pattern.first, "the commands, and the pattern's first round")
        return Traits(self.pattern.name, self.pattern.announcement, preemption=False, takeover=bound)

    def take(self, node: Node) -> None:
        """Add the addresses, and begin to announce them."""
        for address in self.addresses:
            node.host.add_address(f"{address}/32", node.interface)
        ended = threading.Event()
        sender = threading.Thread(target=self._announce, args=(node, ended), name=f"announces {node.host.name}")
        self._senders[node.host.name] = sender, ended
        sender.start()
        self.say(node, "taken")

    def release(self, node: Node) -> None:
        """End the announcements, and remove the addresses."""
        self._silence(node)
        for interface in node.host.addresses(node.interface):
            if interface.ip in self.addresses:
                node.host.remove_address(interface, node.interface)
        self.say(node, "released")

    def close(self) -> None:
        """End all announcements, and take the addresses from all that still hold one."""
        for node in self.nodes:
            self._silence(node)
        super().close()

    def _silence(self, node: Node) -> None:
        sender, ended = self._senders.pop(node.host.name, (None, None))
        if sender is not None and ended is not None:
            ended.set()
            sender.join()

    def _announce(self, node: Node, ended: threading.Event) -> None:
        pattern, port, number = self.pattern, node.host.port(node.interface), 0
        mac = bytes.fromhex(node.host.mac(node.interface).replace(":", ""))
        together = pattern.rounds is not None  # the others send one frame a round, by turns
        pause = pattern.first
        while not ended.wait(pause) and (pattern.rounds is None or number < pattern.rounds):
            turns = pattern.sent if together else (pattern.sent[number % len(pattern.sent)],)
            for operation, own in turns:
                for address in self.addresses:
                    port.send(_frame(mac, address, operation, mac if own else _BROADCAST))
            number, pause = number + 1, pattern.interval


class ArpNotifyCluster(ByHand):
    """Takeovers by Linux alone: with `arp_notify` it announces all of an interface's addresses when that comes up.

    It does the same when the interface's MAC address is set. That is done here, to the one that it has: a capture would
    miss what the kernel sends while the interface comes up.
    """

    @classmethod
    def form(cls, nodes: Sequence[Node], addresses: Sequence[IPv4Address]) -> Self:
        """Set the machines' kernels so; nothing is announced yet.

        Raises:
            ValueError: there are fewer than two nodes, or no address.
        """
        cluster = cls(nodes, addresses)
        for node in nodes:
            node.host.sysctl(f"net.ipv4.conf.{node.interface}.arp_notify", "1")
        return cluster

    @property
    def traits(self) -> Traits:
        """What Linux does: one announcement."""
        announcement = Announcement("request", "zero", 1, (0.0,), 0.0, None)
        return Traits("Linux arp_notify", announcement, preemption=False, takeover=bounds(_COMMANDS, "the commands"))

    def take(self, node: Node) -> None:
        """Add the addresses, and have Linux announce all that the interface has."""
        for address in self.addresses:
            node.host.add_address(f"{address}/32", node.interface)
        node.host.set_mac(node.host.mac(node.interface), node.interface)
        self.say(node, "taken")

    def release(self, node: Node) -> None:
        """Remove the addresses."""
        for interface in node.host.addresses(node.interface):
            if interface.ip in self.addresses:
                node.host.remove_address(interface, node.interface)
        self.say(node, "released")


def _frame(mac: bytes, address: IPv4Address, operation: int, target_mac: bytes) -> bytes:
    """A gratuitous ARP message (RFC 826) to everybody."""
    head = _BROADCAST + mac + bytes.fromhex("0806000108000604") + operation.to_bytes(2, "big")
    return head + mac + address.packed + target_mac + address.packed
