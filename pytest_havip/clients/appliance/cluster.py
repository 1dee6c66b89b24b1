"""A cluster of an appliance: its commands run on each node, and everything that they start belongs to it."""

import signal
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from time import monotonic, sleep, time_ns
from typing import TYPE_CHECKING, Self

from pytest_havip.clients.appliance.behind import holds_behind
from pytest_havip.clients.appliance.outside import run_outside
from pytest_havip.clients.appliance.placeholders import Command, Words, argv, fill
from pytest_havip.clients.base import Cause, Node, NotActive, NotMovable, Traits
from pytest_havip.clients.cluster import POLL, ProgramCluster, held_by
from pytest_havip.clients.haproxy import HAPROXY
from pytest_havip.lab import Completed, Host

if TYPE_CHECKING:
    from pytest_havip.clients.appliance.description import Appliance

__all__ = ["ApplianceCluster", "CommandFailed"]

_STATE = "/run/appliance"
_STAND_IN = ("sleep", "infinity")
#: Seconds that a busy machine may add to the time in which the first node is to be active.
_SLACK = 4.0


class CommandFailed(RuntimeError):
    """A command of the appliance failed or took too long; the text says which, and what it said."""

    #: The HA client did not do its part, so nothing can be said of the network (see docs/usage.md).
    havip_verdict = "inconclusive"


class ApplianceCluster(ProgramCluster):
    """An appliance on some nodes, in charge of some addresses.

    Args:
        nodes: The machines, the preferred one first.
        addresses: The floating addresses, which all move together.
        witness: A machine that takes no part.
        appliance: The description.
    """

    def __init__(
        self, nodes: Sequence[Node], addresses: Sequence[IPv4Address], witness: Node, appliance: "Appliance"
    ) -> None:
        super().__init__(nodes, addresses, service=HAPROXY if appliance.watched else None)
        self.appliance = appliance
        self._values = {node.host.name: self._values_of(node, witness) for node in self.nodes}

    @classmethod
    def form(
        cls, nodes: Sequence[Node], addresses: Sequence[IPv4Address], witness: Node, appliance: "Appliance"
    ) -> Self:
        """Make the state folder of each node, and write its files; nothing runs yet. Arguments as of the class."""
        cluster = cls(nodes, addresses, witness, appliance)
        for node in cluster.nodes:
            node.host.write_file(f"{_STATE}/node", f"{node.host.name}\n")
            for path, content in appliance.files.items():
                node.host.write_file(f"{_STATE}/{path}", fill(content, cluster._values[node.host.name]))
        return cluster

    @property
    def traits(self) -> Traits:
        """What the description declares."""
        return self.appliance.traits

    def command(self, node: Node) -> Sequence[str]:
        """The command that starts the client on a node; a stand-in that lives as long as a client elsewhere should."""
        if self.appliance.commands.outside:
            return _STAND_IN
        return argv(self.appliance.commands.start, self._values[node.host.name])

    def start(self, *hosts: Host) -> int:
        """Start the client on these hosts, or on all; see `ProgramCluster.start`.

        Raises:
            NotActive: The nodes are to start one by one, and the first one was not active in time; or one was not
                ready in time.
        """
        wanted = hosts or tuple(node.host for node in self.nodes)
        one_by_one = self.appliance.start == "one by one" and not self._somebody_runs()
        first = wanted[:1] if one_by_one else wanted
        at = self._start(*first)
        if others := wanted[len(first) :]:
            self.wait_active(wanted[0], timeout=self._patience)
            self._start(*others)
        if self.appliance.commands.ready is not None or others:
            self._wait_ready(others or wanted)
        return at

    def stop(self, host: Host) -> int:
        """End the client in good order, and wait until nothing of it is left; the service goes on.

        Raises:
            CommandFailed: The command failed, or something still ran after its time.
        """
        process, command = self._process(host), self.appliance.commands.stop
        at = time_ns()
        if command is None:
            process.signal(signal.SIGTERM)
        else:
            self._run(host, "stop", command)
        if self.appliance.commands.outside:
            process.kill()
        deadline = monotonic() + self.appliance.timeout
        while not process.gone:
            if monotonic() > deadline:
                raise CommandFailed(
                    f"{self.appliance.name} on {host.name} was stopped {self.appliance.timeout:g} s ago, and of what "
                    f"it started {process.members()} still run; let stop end them. It said {self.log(host)[-400:]!r}"
                )
            sleep(POLL)
        return at

    def crash(self, host: Host) -> int:
        """End the client at once, by its command or by SIGKILL; see `ProgramCluster.crash`."""
        at, command = time_ns(), self.appliance.commands.crash
        if command is not None:
            self._run(host, "crash", command)
        super().crash(host)
        return at

    def freeze(self, host: Host) -> int:
        """Keep the client from running, by its command or by SIGSTOP; return the time just before in ns."""
        command = self.appliance.commands.freeze
        if command is None:
            return super().freeze(host)
        at = time_ns()
        self._run(host, "freeze", command)
        self._of(host).frozen = True
        return at

    def thaw(self, host: Host) -> int:
        """Let a frozen client go on, and return the time just before in ns."""
        command = self.appliance.commands.thaw
        if command is None:
            return super().thaw(host)
        at = time_ns()
        self._run(host, "thaw", command)
        self._of(host).frozen = False
        return at

    def move(self, host: Host) -> int:
        """Have the active node's own administration move the addresses to a host, or give them up.

        Raises:
            NotMovable: There is no command for it, nobody is active, or the command failed.
        """
        commands, active = self.appliance.commands, self.active()
        command = commands.move or commands.demote
        if command is None or active is None:
            raise NotMovable(
                f"{self.appliance.name} does not move {self.spelled} to {host.name}: "
                f"{'it has no command for it' if command is None else 'nobody is active'}"
            )
        at = time_ns()
        try:
            self._run(active, "move" if commands.move else "demote", command, target=host.name)
        except CommandFailed as failed:
            raise NotMovable(str(failed)) from failed
        return at

    def holders(self) -> tuple[Host, ...]:
        """Return the hosts that hold all the addresses: in their kernel, or behind the NIC."""
        return tuple(node.host for node in self.nodes if self._holds(node))

    def runs(self, host: Host) -> bool:
        """Whether something of the client runs on a host and, where it can be asked, says that it is active."""
        runs, query = self._of(host), self.appliance.commands.query
        if not runs.processes or runs.processes[-1].gone or runs.frozen:
            return False
        return query is None or self._ask(host, query).returncode == 0

    def belief(self, host: Host) -> str:
        """Return what the client says it is, `active` or `standby`; empty where it cannot be asked."""
        query = self.appliance.commands.query
        if query is None:
            return ""
        return "active" if self._ask(host, query).returncode == 0 else "standby"

    def log(self, host: Host) -> str:
        """Return all that the client on a host has said, and what stands in its log files."""
        return super().log(host) + "".join(self._logged(host, path) for path in self.appliance.logs)

    @property
    def _patience(self) -> float:
        return self.traits.takeover[Cause.START].latest + _SLACK

    def _wait_ready(self, hosts: Sequence[Host]) -> None:
        """Wait until these clients listen to the others; who cannot be asked gets the time that a start may take."""
        ready = self.appliance.commands.ready
        timeout = self.traits.takeover[Cause.START].latest if ready is None else self._patience
        deadline = monotonic() + timeout
        while not (ended := [host.name for host in hosts if self._process(host).gone]):
            if ready is not None and all(self._ask(host, ready).returncode == 0 for host in hosts):
                return
            if monotonic() > deadline:
                if ready is None:
                    return
                break
            sleep(POLL)
        said = "; ".join(f"{host.name} said {self.log(host)[-400:]!r}" for host in hosts)
        why = f"{' and '.join(ended)} ended" if ended else f"not all were ready within {timeout:g} s"
        raise NotActive(f"{self.appliance.name} did not come up: {why} ({said})")

    def close(self) -> None:
        """Kill everything, a client outside the lab by its command, and take the floating addresses from the hosts."""
        crash = self.appliance.commands.crash
        if self.appliance.commands.outside and crash is not None:
            for node in self.nodes:
                if self._of(node.host).running:
                    self._ask(node.host, crash)
        super().close()

    def _start(self, *hosts: Host) -> int:
        at = time_ns()
        if self.appliance.commands.outside:
            for host in hosts:
                self._run(host, "start", self.appliance.commands.start)
        super().start(*hosts)
        return at

    # --- what is behind -------------------------------------------------------------------------------------------

    def _holds(self, node: Node) -> bool:
        if node.kernel:
            return held_by(node) >= set(self.addresses)
        return all(holds_behind(node, address) for address in self.addresses)

    def _somebody_runs(self) -> bool:
        return any(runs.processes and not runs.processes[-1].gone for runs in self._runs.values())

    def _logged(self, host: Host, path: str) -> str:
        try:
            return host.read_file(fill(path, self._values[host.name]))
        except OSError as error:
            return f"({path} cannot be read: {error.strerror})"

    def _run(self, host: Host, name: str, command: Command, **more: str) -> None:
        ended = self._ask(host, command, **more)
        if ended.returncode:
            said = (ended.stdout + ended.stderr).strip() or "(nothing)"
            raise CommandFailed(
                f"{name} of {self.appliance.name} on {host.name} ended with {ended.returncode} and said: {said}"
            )

    def _ask(self, host: Host, command: Command, **more: str) -> Completed:
        words = argv(command, {**self._values[host.name], **more})
        run = run_outside if self.appliance.commands.outside else host.run
        try:
            return run(words, self.appliance.timeout)
        except TimeoutError as late:
            raise CommandFailed(
                f"{words} of {self.appliance.name} did not end on {host.name} within {self.appliance.timeout:g} s; "
                f"raise timeout in [appliance] if it needs longer"
            ) from late

    def _values_of(self, node: Node, witness: Node) -> Mapping[str, Words]:
        others = [other for other in self.nodes if other is not node]
        first, last = node.nics[0], node.nics[-1]
        position = self.nodes.index(node)
        return {
            "node": node.host.name,
            "number": str(position + 1),
            "priority": str(self.appliance.priorities[position]),
            "interface": first.interface,
            "mac": first.mac,
            "address": str(first.address),
            "prefix": str(first.prefix),
            "gateway": str(first.gateway),
            "peers": tuple(str(other.address) for other in others),
            "heartbeat_interface": last.interface,
            "heartbeat_mac": last.mac,
            "heartbeat_address": str(last.address),
            "heartbeat_peers": tuple(str(other.heartbeat) for other in others),
            "witness": str(witness.address),
            "havips": tuple(map(str, self.addresses)),
            "havip": str(self.addresses[0]),
            "target": "",
            "service_pidfile": HAPROXY.pidfile,
            "state": _STATE,
            "here": str(self.appliance.folder),
        }
