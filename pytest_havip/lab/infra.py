"""testinfra looks into a host of the lab through this backend."""

from typing import TYPE_CHECKING, Any

import testinfra.host  # type: ignore[import-untyped]
from testinfra.backend.base import BaseBackend, CommandResult  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pytest_havip.lab.host import Host

__all__ = ["NetnsBackend", "infra_of"]

_COMMAND_SECONDS = 30.0


class NetnsBackend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """Runs testinfra's commands in a host of the lab."""

    NAME = "netns"

    def __init__(self, host: "Host") -> None:
        super().__init__(host.name)
        self._machine = host
        self._encoding = "UTF-8"  # else testinfra starts an interpreter to find out

    def run(self, command: str, *args: str, **_options: Any) -> CommandResult:  # noqa: ANN401 (testinfra's signature)
        """Run a shell command to its end. Raises TimeoutError after 30 s."""
        line = self.get_command(command, *args)
        done = self._machine.run(["/bin/sh", "-c", line], timeout=_COMMAND_SECONDS)
        return self.result(done.returncode, self.encode(line), done.stdout.encode(), done.stderr.encode())


def infra_of(host: "Host") -> testinfra.host.Host:
    """Make testinfra's Host for a host of the lab; not by its own cache, which outlives the namespace."""
    backend = NetnsBackend(host)
    infra = testinfra.host.Host(backend)
    backend.set_host(infra)
    return infra
