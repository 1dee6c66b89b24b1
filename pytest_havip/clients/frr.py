"""Real FRR as the HA client: its vrrpd speaks VRRP version 3 from the virtual MAC, and announces exactly once.

The virtual MAC is that of a macvlan interface which an operator makes; vrrpd sets it up and down. A network that lets a
NIC speak with its own MAC alone loses heartbeats and announcements, so that both machines are active.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from pytest_havip.clients.base import Announcement, Bound, Cause, Node, NotMovable, Traits
from pytest_havip.clients.cluster import ProgramCluster
from pytest_havip.clients.program import find_program
from pytest_havip.lab import Host

__all__ = ["VIRTUAL_MAC", "FrrCluster"]

_GROUP = 51
#: RFC 9568 section 7.3: the last octet is the group's number.
VIRTUAL_MAC = f"00:00:5e:00:01:{_GROUP:02x}"
_INTERFACE = f"vrrp4-{_GROUP}"
_PRIORITIES = (200, 100)
#: Where distributions put FRR's daemons.
_FOLDER = "/usr/lib/frr"
#: vrrpd counts its skew in whole hundredths of a second.
_HUNDREDTH = 0.01
_STATE = re.compile(r"-> (Master|Backup|Initialize)")
# FRR's daemons insist on their group of terminals, of which root need not be a member, and on a folder below /var/tmp:
# both are their own here. The interface's daemon is started unless it runs.
_START = """\
mount --bind /run/frr-group /etc/group && mount -t tmpfs none /var/tmp || exit
if ! kill -0 "$(cat /run/zebra.pid)"; then
    rm -f /run/zserv.api
    {zebra} {options} -i /run/zebra.pid &
fi 2>/dev/null
while [ ! -S /run/zserv.api ]; do sleep 0.05; done
exec {vrrpd} {options} -f /run/vrrpd.conf -i /run/vrrpd.pid
"""
_OPTIONS = "-u root -g root -A 127.0.0.1 -P 0 -z /run/zserv.api --vty_socket /run --log stdout --log-level debug"


class FrrCluster(ProgramCluster):
    """FRR's vrrpd on two hosts, in charge of one address."""

    def __init__(self, nodes: Sequence[Node], addresses: Sequence[IPv4Address]) -> None:
        """Use `form`."""
        super().__init__(nodes, addresses, service=None)
        zebra, vrrpd = (find_program(name, "frr", [_FOLDER]) for name in ("zebra", "vrrpd"))
        self._script = _START.format(zebra=zebra, vrrpd=vrrpd, options=_OPTIONS)

    @classmethod
    def form(cls, nodes: Sequence[Node], addresses: Sequence[IPv4Address]) -> Self:
        """Make each node's interface for the address, and write its configuration; nothing runs yet.

        Raises:
            ValueError: there are not two nodes, or it is not one address.
            ProgramMissing: FRR is not installed.
        """
        if len(nodes) != len(_PRIORITIES) or len(addresses) != 1:
            raise ValueError(f"FRR has one address here, on two nodes: {nodes}, {list(addresses)}")
        cluster = cls(nodes, addresses)
        groups = [line for line in Path("/etc/group").read_text(encoding="utf-8").splitlines() if "frrvty:" not in line]
        for node, priority in zip(nodes, _PRIORITIES, strict=True):
            node.host.write_file("/run/frr-group", "\n".join([*groups, "frrvty:x:65533:root", ""]))
            lines = (f"interface {node.interface}", f"vrrp {_GROUP} version 3", f"vrrp {_GROUP} priority {priority}")
            text = "\n ".join((*lines, f"vrrp {_GROUP} ip {addresses[0]}"))
            node.host.write_file("/run/vrrpd.conf", f"{text}\n")
            for command in (
                f"link add {_INTERFACE} link {node.interface} address {VIRTUAL_MAC} type macvlan mode bridge",
                f"address add {addresses[0]}/32 dev {_INTERFACE}",
            ):
                ended = node.host.run(["ip", *command.split()])
                if ended.returncode:
                    raise RuntimeError(f"`ip {command}` on {node.host.name} said: {ended.stderr.strip()}")
        return cluster

    @property
    def traits(self) -> Traits:
        """What vrrpd with its default timers declares: one announcement, and no other ever."""
        announcement = Announcement("request", "broadcast", 1, (0.0,), 0.0, None)
        skews = [(256 - priority) / 256 for priority in _PRIORITIES]
        start = Bound("3 x interval + (256 - priority) / 256", 3.0, 3 + skews[0] + 2)  # and the daemons' own start
        stop = Bound("(256 - standby's priority) / 256", skews[1] - _HUNDREDTH, skews[1])
        silence = Bound("(2..3) x interval + (256 - standby's priority) / 256", 2 + skews[1] - _HUNDREDTH, 3 + skews[1])
        silent = dict.fromkeys((Cause.CRASH, Cause.LINK, Cause.HOST, Cause.FROZEN, Cause.FREEZE, Cause.NIC), silence)
        bounds = {Cause.START: start, Cause.STOP: stop, **silent}
        return Traits("FRR vrrpd", announcement, preemption=True, takeover=bounds, heartbeats="ip protocol vrrp")

    def command(self, node: Node) -> Sequence[str]:
        """Both daemons, in a view of their own of the files that they insist on."""
        node.host.run(["ip", "link", "set", _INTERFACE, "up"])
        return ["unshare", "--mount", "/bin/sh", "-c", self._script]

    def move(self, host: Host) -> int:
        """Refuse: vrrpd has no command for it."""
        raise NotMovable(f"vrrpd does not move {self.spelled} to {host.name}: stop it where it is active")

    def holders(self) -> tuple[Host, ...]:
        """Return the hosts whose interface for the address has a carrier: vrrpd takes it away from a standby's."""
        return tuple(node.host for node in self.nodes if "LOWER_UP" in _flags(node.host))

    def belief(self, host: Host) -> str:
        """Return the state that vrrpd last reported (`Master`, `Backup`, `Initialize`), or nothing."""
        states = _STATE.findall(self.log(host))
        return states[-1] if states else ""

    def close(self) -> None:
        """Kill everything, and take the interfaces away."""
        super().close()
        for node in self.nodes:
            if _INTERFACE in node.host.interfaces():
                node.host.delete_interface(_INTERFACE)


def _flags(host: Host) -> str:
    return host.run(["ip", "-brief", "link", "show", "dev", _INTERFACE]).stdout
