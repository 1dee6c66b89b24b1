"""The role's script on one node: a command when the role comes online, another when it is online no longer."""

import os
from collections import deque
from collections.abc import Callable

from pytest_havip.clients.wsfc.messages import RoleState
from pytest_havip.clients.wsfc.settings import RoleScript

__all__ = ["ScriptRunner"]


class ScriptRunner:
    """Runs the commands one after the other; what they say goes to the node's log.

    Args:
        script: The commands.
        watch: Is given a descriptor, and calls `ended` when it can be read; then it forgets it.
    """

    def __init__(self, script: RoleScript, watch: Callable[[int], None]) -> None:
        self._script = script
        self._watch = watch
        self._online = False
        self._waiting: deque[tuple[str, ...]] = deque()
        self._pid = self._end = 0
        self._running: tuple[str, ...] = ()

    def follow(self, state: RoleState) -> None:
        """Note where the role stands, and start what is to be run."""
        online = state is RoleState.ONLINE
        if online is not self._online:
            self._online = online
            command = self._script.online if online else self._script.offline
            if command:
                self._waiting.append(command)
                self._next()

    def ended(self) -> str:
        """Take in that the command has ended, start the next one, and say why the role fails; empty if it does not."""
        _, status = os.waitpid(self._pid, 0)
        os.close(self._end)
        code, command = os.waitstatus_to_exitcode(status), self._running
        self._pid, self._running = 0, ()
        self._next()
        if code and self._online and command == self._script.online:
            return f"event 1069: the role's script has failed: `{' '.join(command)}` ended with {code}"
        return ""

    def _next(self) -> None:
        if self._waiting and not self._pid:
            self._running = self._waiting.popleft()
            self._pid = os.posix_spawnp(self._running[0], self._running, os.environ)
            self._end = os.pidfd_open(self._pid)
            self._watch(self._end)
