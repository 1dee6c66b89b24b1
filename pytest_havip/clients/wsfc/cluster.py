"""The cluster under test: a node's program on each host, and the witness's on another one."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from pytest_havip.clients.base import Node, NotMovable, Traits
from pytest_havip.clients.cluster import ProgramCluster
from pytest_havip.clients.haproxy import HAPROXY
from pytest_havip.clients.service import ServiceKind
from pytest_havip.clients.wsfc.control import NoNode
from pytest_havip.clients.wsfc.paths import NODE_FILE, WITNESS_FILE
from pytest_havip.clients.wsfc.settings import NO_SCRIPT, NodeFile, RoleScript, WsfcSettings
from pytest_havip.clients.wsfc.traits import declare_traits
from pytest_havip.lab import Host, Process

__all__ = ["DEFAULT", "WsfcCluster"]

DEFAULT = WsfcSettings()

_AGENT = Path(__file__).with_name("agent.py")
#: How a node's log tells where the role stands.
STATE = re.compile(r"the role is ([\w ]+) here")
_HAVIP = (sys.executable, "-m", "pytest_havip.cli", "wsfc")


class WsfcCluster(ProgramCluster):
    """A WSFC-like cluster on some hosts, with or without a witness on another one."""

    def __init__(
        self,
        nodes: Sequence[Node],
        addresses: Sequence[IPv4Address],
        settings: WsfcSettings,
        *,
        witness: Node | None = None,
        service: ServiceKind | None = HAPROXY,
        script: RoleScript = NO_SCRIPT,
    ) -> None:
        """Use `form`."""
        super().__init__(nodes, addresses, service=service)
        self.settings = settings
        self.witness = witness
        self._script = script
        self._witnesses: list[Process] = []

    @classmethod
    def form(
        cls,
        nodes: Sequence[Node],
        addresses: Sequence[IPv4Address],
        *,
        settings: WsfcSettings = DEFAULT,
        witness: Node | None = None,
        service: ServiceKind | None = HAPROXY,
        script: RoleScript = NO_SCRIPT,
    ) -> Self:
        """Write each node's file; nothing runs yet.

        Args:
            nodes: The machines, the preferred one first.
            addresses: The floating addresses of the only role, which all move together.
            settings: Timers and policies.
            witness: The machine of the file share witness. Without one an even number of nodes cannot spare half.
            service: What runs on each node beside the program; its death fails the role there.
            script: What the role runs on its owner, as a Generic Script resource does.

        Raises:
            ValueError: there are fewer than two nodes, no address, the witness is a node, or a name is unknown.
        """
        names = [node.host.name for node in nodes]
        if len(names) < len(("preferred", "standby")) or not addresses:
            raise ValueError(f"a cluster has two nodes at least, and an address: {names}, {list(addresses)}")
        if witness and witness.host.name in names:
            raise ValueError(f"{witness.host.name} is a node: put the witness on another machine, or its vote is none")
        unknown = {*settings.possible_owners, *settings.preferred_owners} - {*names}
        if unknown:
            raise ValueError(f"no node is called {', '.join(sorted(unknown))}: owners are among {', '.join(names)}")
        cluster = cls(nodes, addresses, settings, witness=witness, service=service, script=script)
        cluster._write_files()
        return cluster

    @property
    def traits(self) -> Traits:
        """What this cluster, so configured, declares."""
        return declare_traits(self.settings, heartbeat=any(node.heartbeat != node.address for node in self.nodes))

    def command(self, node: Node) -> Sequence[str]:
        """A node's program, with nothing but the standard library."""
        del node
        return _program("node", NODE_FILE)

    def start(self, *hosts: Host) -> int:
        """Start the witness, where it does not run, and the nodes; see `ProgramCluster.start`."""
        if self.witness and not (self._witnesses and self._witnesses[-1].alive):
            self.start_witness()
        return super().start(*hosts)

    def start_witness(self) -> None:
        """Start the witness's program, again perhaps: it remembers whom it voted for.

        Raises:
            ValueError: the cluster has no witness.
        """
        if self.witness is None:
            raise ValueError("this cluster has no witness: form it with one")
        self._witnesses.append(self.witness.host.spawn(_program("witness", WITNESS_FILE)))

    def crash_witness(self) -> None:
        """Kill the witness's program."""
        for process in self._witnesses:
            process.kill()

    def move(self, host: Host) -> int:
        """Move the role, by the administration of the first node that runs.

        Returns:
            The time just before its old owner was told, CLOCK_REALTIME in ns.

        Raises:
            NotMovable: it refused.
        """
        return self._administer(self._any_running(), "move", host.name, "--wait", "0")

    def pause(self, host: Host, *, drain: bool = True) -> int:
        """Let a node own nothing new; to drain it moves the role away. Returns and raises as `move` does."""
        return self._administer(host, "pause", host.name, *([] if drain else ["--no-drain"]))

    def resume(self, host: Host) -> int:
        """End a pause. Returns and raises as `move` does."""
        return self._administer(host, "resume", host.name)

    def status(self, host: Host) -> Mapping[str, object]:
        """What a node knows of the cluster; see `Administration.status`.

        Raises:
            NoNode: no node answers there; one that was just started does so after a moment.
        """
        ended = host.run([*_HAVIP, "status", "--json"])
        if ended.returncode:
            raise NoNode(ended.stderr.strip())
        status: Mapping[str, object] = json.loads(ended.stdout)
        return status

    def belief(self, host: Host) -> str:
        """Where the role stands on a host by its own last word, `online`, `failed` and so on; empty before any.

        It is what the client believes, and no proof: ownership is judged by frames and by who serves.
        """
        states = STATE.findall(self.log(host))
        return states[-1] if states else ""

    def close(self) -> None:
        """Kill everything, the witness too."""
        super().close()
        self.crash_witness()

    def _write_files(self) -> None:
        members = {node.host.name: str(node.heartbeat) for node in self.nodes}
        voters = {node.host.name: str(node.address) for node in self.nodes}
        witness = str(self.witness.address) if self.witness else ""
        addresses = tuple(map(str, self.addresses))
        service = self.service.pidfile if self.service else ""
        for node in self.nodes:
            name = node.host.name
            told = NodeFile(
                name,
                node.interface,
                members,
                witness,
                addresses,
                service,
                self._script,
                self.settings,
                voting=voters[name] if voters[name] != members[name] else "",
            )
            node.host.write_file(NODE_FILE, told.render())
        if self.witness:
            self.witness.host.write_file(
                WITNESS_FILE, json.dumps({"address": witness, "lease": self.settings.lease, "members": voters})
            )

    def _any_running(self) -> Host:
        running = (node.host for node in self.nodes if self._of(node.host).running)
        return next(running, self.nodes[0].host)

    def _administer(self, host: Host, *words: str) -> int:
        ended = host.run([*_HAVIP, *words])
        if ended.returncode:
            raise NotMovable(f"`havip wsfc {' '.join(words)}` on {host.name}: {ended.stderr.strip()}")
        return int(ended.stdout.split()[0])


def _program(kind: str, file: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(_AGENT), str(_AGENT.parents[3]), kind, file]
