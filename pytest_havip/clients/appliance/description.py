"""What is known of an appliance: plain data, as its file says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

from pytest_havip.clients.appliance.cluster import ApplianceCluster
from pytest_havip.clients.appliance.placeholders import Command
from pytest_havip.clients.base import Node, Setting, Traits

__all__ = ["Appliance", "Commands"]


@dataclass(frozen=True, slots=True)
class Commands:
    """What is run on a node; all but the first have a substitute.

    Args:
        start: Starts the client. Whatever it starts belongs to it, daemons too.
        outside: Whether the commands are run on this machine, because the client is not in the lab: `start`, too, ends
            then, and what the others have as substitutes is not there.
        ready: Says by its exit status whether the client has come up and listens to the others, 0 for yes; else it is
            given the time that its start may take.
        stop: Ends it in good order; else what `start` started gets SIGTERM.
        crash: Ends it at once; else all that it started gets SIGKILL.
        freeze: Keeps it from running; else SIGSTOP.
        thaw: Undoes that; else SIGCONT.
        query: Says by its exit status whether the client is active here, 0 for yes; else whoever holds the address is.
        move: Makes the node ``{target}`` active; run on the active one.
        demote: Makes the active node, on which it is run, a standby; in place of `move`.
    """

    start: Command
    outside: bool = False
    ready: Command | None = None
    stop: Command | None = None
    crash: Command | None = None
    freeze: Command | None = None
    thaw: Command | None = None
    query: Command | None = None
    move: Command | None = None
    demote: Command | None = None


@dataclass(frozen=True, slots=True)
class Appliance:
    """An HA client that is put under test by its description.

    Args:
        name: What reports call it.
        folder: Where the description stands.
        setting: What machines it needs.
        traits: What it declares about itself.
        commands: What is run on a node.
        files: Path below ``{state}`` -> content, written on every node before the first start.
        priorities: One for each node, in the order of preference.
        start: Whether all nodes are started together, or each one when the preferred one is active.
        watched: Whether a service runs on each node whose health decides whether it may be active.
        logs: Files of a node that belong to what the client says.
        timeout: Seconds that a command may take.
    """

    name: str
    folder: Path
    setting: Setting
    traits: Traits
    commands: Commands
    files: Mapping[str, str]
    priorities: tuple[int, ...]
    start: Literal["together", "one by one"] = "together"
    watched: bool = False
    logs: tuple[str, ...] = ()
    timeout: float = 10.0

    def form(self, nodes: Sequence[Node], addresses: Sequence[IPv4Address], witness: Node) -> ApplianceCluster:
        """Write the files on these machines; nothing runs yet. See `ClientUnderTest.form`."""
        return ApplianceCluster.form(nodes, addresses, witness, self)
