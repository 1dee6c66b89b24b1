"""Two PostgreSQL, a primary and its standby, on the machines of a cluster that decides which of them is the primary."""

import shlex
from collections.abc import Sequence

from pytest_havip.clients.base import Node
from pytest_havip.clients.postgres import PIDFILE, Database, Running
from pytest_havip.clients.service import ServiceKind
from pytest_havip.lab import Host

__all__ = ["PROMOTE", "DatabasePair"]

_SCRIPT = "/run/promote"
PROMOTE = ("/bin/sh", _SCRIPT)
"""What an HA client runs on a machine that has taken the address: keepalived's notify, a Generic Script resource."""


class DatabasePair:
    """The databases of a cluster's machines.

    The standby's own settings name no synchronous standby: promoted, it goes on alone, until the other one is rebuilt
    and `Database.synchronise` makes it wait for that again.

    Args:
        nodes: The machines, the first primary first.

    Raises:
        ProgramMissing: PostgreSQL is not installed.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._databases = {node.host.name: Database(node) for node in nodes}

    @property
    def service(self) -> ServiceKind:
        """The databases as what a cluster watches on its hosts."""
        return ServiceKind(self.start, PIDFILE)

    def of(self, host: Host) -> Database:
        """The database of a host."""
        return self._databases[host.name]

    def start(self, host: Host) -> Running:
        """Start the database of a host; see `Database.start`."""
        return self.of(host).start()

    def write_promotions(self) -> None:
        """Write the script that `PROMOTE` runs onto every machine."""
        for database in self._databases.values():
            database.node.host.write_file(_SCRIPT, f"exec {shlex.join(database.promotion)}\n")
