"""Pacemaker's resource agent IPaddr2, stand-alone: we give it the orders that a cluster manager would give."""

import os
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Self

from pytest_havip.clients.base import Announcement, Node, NotMovable, Traits
from pytest_havip.clients.by_hand import ByHand, bounds
from pytest_havip.clients.program import ProgramMissing

__all__ = ["AGENT", "IPaddr2Cluster"]

#: Where every distribution puts the agent (OCF resource agent API 1.1, section 3.1).
AGENT = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2"
_ROOT = "/usr/lib/ocf"
#: Where the agent keeps the process id of its sender.
_STATE = "/run/resource-agents/.made-by-the-lab"
_TIMEOUT = 20.0
#: Seconds that two runs of the agent take on a busy machine; each takes 0.1 s on an idle one.
_COMMANDS = 5.0
_PAIRS, _SPACING = 5, 0.1


class IPaddr2Cluster(ByHand):
    """Takeovers by the real agent: `stop` on one machine, then `start` on the other."""

    @classmethod
    def form(cls, nodes: Sequence[Node], addresses: Sequence[IPv4Address]) -> Self:
        """Prepare; nothing runs yet. The preferred node comes first.

        Raises:
            ValueError: there are fewer than two nodes, or no address.
            ProgramMissing: the agent is not installed.
        """
        if not os.access(AGENT, os.X_OK):
            raise ProgramMissing(
                f"Pacemaker's IPaddr2 is not installed ({AGENT}): "
                "apt-get install --no-install-recommends resource-agents"
            )
        cluster = cls(nodes, addresses)
        for node in cluster.nodes:
            node.host.write_file(_STATE, "")
        return cluster

    @property
    def traits(self) -> Traits:
        """What the agent does with its defaults: five pairs of a request and a reply, in the background."""
        announcement = Announcement("request", "zero", 2 * _PAIRS, (0.0,), _SPACING, None)
        return Traits(
            "IPaddr2", announcement, preemption=False, takeover=bounds(_COMMANDS, "the agent's stop and start")
        )

    def take(self, node: Node) -> None:
        """Run the agent's `start`; see `ByHand.take`."""
        for address in self.addresses:
            self._run(node, address, "start")
            self.say(node, f"taken: {address}")

    def release(self, node: Node) -> None:
        """Run the agent's `stop`, which ends its own sender first."""
        for address in self.addresses:
            self._run(node, address, "stop")
            self.say(node, f"released: {address}")

    def _run(self, node: Node, address: IPv4Address, action: str) -> None:
        parameters = {"ip": str(address), "cidr_netmask": "32", "nic": node.interface}
        environment = {f"OCF_RESKEY_{name}": value for name, value in parameters.items()}
        environment |= {"OCF_ROOT": _ROOT, "OCF_RESOURCE_INSTANCE": f"havip-{address}"}
        ended = node.host.run([AGENT, action], _TIMEOUT, env=environment)
        self.say(node, f"{action}: {ended.returncode} {ended.stderr.strip()}")
        if ended.returncode:
            raise NotMovable(f"IPaddr2 {action} of {address} on {node.host.name} failed: {ended.stderr.strip()}")
