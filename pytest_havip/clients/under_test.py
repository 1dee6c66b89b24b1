"""The HA clients under test: how one is chosen by name, and what one must offer that comes from elsewhere."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol, runtime_checkable

from pytest_havip.clients.appliance.file import read_appliance
from pytest_havip.clients.base import Cluster, Node, Setting, Traits

__all__ = ["GROUP", "ClientUnderTest", "UnknownClient", "find_clients"]

#: The group of entry points by which an installed package offers a client.
GROUP = "pytest_havip.clients"
_FILE = ".toml"


class UnknownClient(Exception):
    """No client has the name that was asked for, or what was found is none; the text says what to do."""


@runtime_checkable
class ClientUnderTest(Protocol):
    """An HA client that the takeover suite plays with."""

    @property
    def name(self) -> str:
        """What reports call it, and how the names of its machines begin: 20 characters at most."""

    @property
    def setting(self) -> Setting:
        """What machines it needs."""

    @property
    def traits(self) -> Traits:
        """What it declares about itself; the suite plays the causes for which it declares a time."""

    def form(self, nodes: Sequence[Node], addresses: Sequence[IPv4Address], witness: Node) -> Cluster:
        """Prepare a cluster on these machines in charge of these floating addresses; nothing runs yet.

        Args:
            nodes: The machines, the preferred one first.
            addresses: The floating addresses, which all move together.
            witness: A machine that takes no part, for clients that need a third vote.
        """


def find_clients(names: Sequence[str], folder: Path) -> tuple[ClientUnderTest, ...]:
    """Find clients of one's own.

    Args:
        names: Each the path of a description that ends in ``.toml``, or the name of an entry point.
        folder: From where relative paths begin.

    Raises:
        UnknownClient: There is no such client, or two have one name.
        TomlError: A description is no good.
    """
    found = tuple(_find(name, folder) for name in names)
    called = [client.name for client in found]
    if len(set(called)) != len(called):
        raise UnknownClient(f"two clients have one name among {', '.join(called)}; rename one, for reports name them")
    return found


def _find(name: str, folder: Path) -> ClientUnderTest:
    if name.endswith(_FILE):
        return read_appliance(folder / name)
    offered = entry_points(group=GROUP)
    if name not in offered.names:
        there = ", ".join(("bundled", *sorted(offered.names)))
        raise UnknownClient(
            f"there is no client {name!r} to test. There are: {there}; a description's path ends in {_FILE}."
        )
    client = offered[name].load()
    if not isinstance(client, ClientUnderTest):
        raise UnknownClient(
            f"the entry point {name} ({offered[name].value}) is {client!r}; it must have name, setting, traits and form"
        )
    return client
