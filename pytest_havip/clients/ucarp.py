"""Real ucarp: its announcements come from the NIC's MAC, its heartbeats by multicast from a virtual one.

A network that lets a NIC speak with its own MAC alone loses the heartbeats, so that both machines are active.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Self

from pytest_havip.clients.base import Announcement, Bound, Cause, Node, NotMovable, Traits
from pytest_havip.clients.cluster import ProgramCluster
from pytest_havip.clients.program import find_program
from pytest_havip.lab import Host

__all__ = ["VIRTUAL_MAC", "UcarpCluster"]

_GROUP = 51
#: What ucarp puts into the Ethernet source of its heartbeats: the last octet is the group's number.
VIRTUAL_MAC = f"00:00:5e:00:00:{_GROUP:02x}"
_SKEWS = (0, 100)
_UP, _DOWN = "/run/ucarp-up", "/run/ucarp-down"
_STATE = re.compile(r"Switching to state: (\w+)")
#: Seconds from the last heartbeat to a takeover, with the default of one heartbeat a second: measured, its timer ticks
#: in whole heartbeats.
_SILENCE = Bound("3 x advbase + skew / 256, in whole heartbeats", 2.0, 5.0)


class UcarpCluster(ProgramCluster):
    """ucarp on some hosts, in charge of one address."""

    def __init__(self, nodes: Sequence[Node], addresses: Sequence[IPv4Address]) -> None:
        """Use `form`."""
        super().__init__(nodes, addresses, service=None)
        self._program = find_program("ucarp", "ucarp")

    @classmethod
    def form(cls, nodes: Sequence[Node], addresses: Sequence[IPv4Address]) -> Self:
        """Write each node's scripts; nothing runs yet.

        Raises:
            ValueError: there are not two nodes, or it is not one address.
            ProgramMissing: ucarp is not installed.
        """
        if len(nodes) != len(_SKEWS) or len(addresses) != 1:
            raise ValueError(f"ucarp has one address here, on two nodes: {nodes}, {list(addresses)}")
        cluster = cls(nodes, addresses)
        for node in cluster.nodes:
            for script, verb in ((_UP, "add"), (_DOWN, "delete")):
                text = f"#!/bin/sh\nexec ip address {verb} {addresses[0]}/32 dev {node.interface}\n"
                node.host.write_file(script, text, 0o755)
        return cluster

    @property
    def traits(self) -> Traits:
        """What ucarp with its default timers declares; it says no goodbye."""
        announcement = Announcement("request", "own", 1, (0.0, 2.0), 0.0, None)
        causes = (Cause.START, Cause.STOP, Cause.CRASH, Cause.LINK, Cause.HOST, Cause.FROZEN, Cause.FREEZE, Cause.NIC)
        bounds = dict.fromkeys(causes, _SILENCE)
        return Traits("ucarp", announcement, preemption=False, takeover=bounds, heartbeats="ip protocol vrrp")

    def command(self, node: Node) -> Sequence[str]:
        """In the foreground; it removes the address when it is stopped (-z)."""
        skew = _SKEWS[self.nodes.index(node)]
        command = [self._program, "-i", node.interface, "-s", str(node.address), "-v", str(_GROUP), "-p", "secret"]
        return [*command, "-a", str(self.addresses[0]), "-k", str(skew), "-u", _UP, "-d", _DOWN, "-z"]

    def move(self, host: Host) -> int:
        """Refuse: ucarp has no command for it."""
        raise NotMovable(f"ucarp does not move {self.spelled} to {host.name}: stop it where it is active")

    def belief(self, host: Host) -> str:
        """Return the state that ucarp last reported (`MASTER`, `BACKUP`), or nothing."""
        states = _STATE.findall(self.log(host))
        return states[-1] if states else ""
