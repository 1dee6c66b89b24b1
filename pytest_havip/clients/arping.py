"""The simplest client: `ip address add` and iputils' `arping`, as an operator types them."""

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Literal, Self

from pytest_havip.clients.base import Announcement, Cause, Node, NotMovable, Traits
from pytest_havip.clients.by_hand import ByHand, bounds
from pytest_havip.clients.program import find_program

if TYPE_CHECKING:
    from pytest_havip.lab import Process

__all__ = ["ArpingCluster"]

_COUNT = 3
_PROBES = 2
#: Seconds that the commands take on a busy machine, besides the probes.
_COMMANDS = 2.0


class ArpingCluster(ByHand):
    """Takeovers by `arping -U` (requests) or `arping -A` (replies), with or without `arping -D` before.

    Args:
        nodes: The machines, the preferred one first.
        addresses: The floating addresses, which all move together.
        option: How the addresses are announced.
        probes: Whether it is asked first whether anybody uses them.
    """

    def __init__(
        self, nodes: Sequence[Node], addresses: Sequence[IPv4Address], *, option: Literal["-U", "-A"], probes: bool
    ) -> None:
        super().__init__(nodes, addresses)
        self.option = option
        self.probes = probes
        self._program = find_program("arping", "iputils-arping")
        self._senders: dict[str, list[Process]] = {node.host.name: [] for node in nodes}

    @classmethod
    def form(
        cls,
        nodes: Sequence[Node],
        addresses: Sequence[IPv4Address],
        *,
        option: Literal["-U", "-A"] = "-U",
        probes: bool = False,
    ) -> Self:
        """Prepare; nothing runs yet. Arguments as of the class.

        Raises:
            ValueError: there are fewer than two nodes, or no address.
            ProgramMissing: arping is not installed.
        """
        return cls(nodes, addresses, option=option, probes=probes)

    @property
    def traits(self) -> Traits:
        """What such an operator declares."""
        announcement = Announcement(
            form="request" if self.option == "-U" else "reply",
            target_mac="broadcast" if self.option == "-U" else "own",
            count=_COUNT,
            blocks=(0.0,),
            spacing=1.0,
            refresh=None,
        )
        takeover = bounds(_COMMANDS + (_PROBES + 1 if self.probes else 0), "the commands" + " and probes" * self.probes)
        if self.probes:  # the old owner's kernel defends what nobody took from it
            del takeover[Cause.CRASH]
        name = f"arping {'-D ' * self.probes}{self.option}"
        return Traits(name, announcement, preemption=False, takeover=takeover, probes=self.probes)

    def take(self, node: Node) -> None:
        """Ask for the addresses if so wanted, add them, and announce them; see `ByHand.take`."""
        for address in self.addresses:
            if self.probes and self.defended(node, address):
                self.say(node, f"refused: {address} is used by another machine")
                continue
            self.hold(node, address)
            self.announce(node, address)
            self.say(node, f"taken: {address}")

    def release(self, node: Node) -> None:
        """End the announcements and remove the addresses."""
        for sender in self._senders[node.host.name]:
            sender.kill()
        for interface in node.host.addresses(node.interface):
            if interface.ip in self.addresses:
                node.host.remove_address(interface, node.interface)
        self.say(node, "released")

    def defended(self, node: Node, address: IPv4Address) -> bool:
        """Ask by ARP probes (RFC 5227) whether anybody uses an address."""
        ended = node.host.run([self._program, "-D", "-q", "-c", str(_PROBES), "-I", node.interface, str(address)])
        return ended.returncode != 0

    def hold(self, node: Node, address: IPv4Address) -> None:
        """Add an address to a machine."""
        try:
            node.host.add_address(f"{address}/32", node.interface)
        except FileExistsError as error:
            raise NotMovable(f"{node.host.name} has {address} already: release it there first") from error

    def announce(self, node: Node, address: IPv4Address) -> None:
        """Start the announcements of an address."""
        command = [self._program, self.option, "-q", "-c", str(_COUNT), "-I", node.interface, str(address)]
        self._senders[node.host.name].append(node.host.spawn(command))

    def close(self) -> None:
        """End all announcements, and take the addresses from all that still hold one."""
        super().close()
        for senders in self._senders.values():
            for sender in senders:
                sender.kill()
