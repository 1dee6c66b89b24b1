"""The outer end of the line to the lab's init: starts it, sends requests, ends it."""

import contextlib
import marshal
import os
import select
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_havip.lab.errors import LabError, LabUnavailable
from pytest_havip.lab.line import receive, send
from pytest_havip.lab.mounts import PRIVATE
from pytest_havip.lab.remedies import explain

__all__ = ["Control", "kept_folders"]

_ANSWER_SECONDS = 20.0
_INIT = Path(__file__).with_name("init.py")


class Control:
    """The line to one init. Safe to use from several threads; never enters a namespace itself."""

    def __init__(self, init: "subprocess.Popen[bytes]", line: socket.socket, *, user_namespace: bool) -> None:
        self._init = init
        self._line = line
        self._turn = threading.Lock()
        self.user_namespace = user_namespace
        """False when the lab runs with the machine's own user ids (only as root, where nothing else is allowed)."""

    @classmethod
    def start(cls, keep: Iterable[Path] = ()) -> "Control":
        """Start an init that keeps these folders, too, and wait until it is ready. Raises LabUnavailable."""
        kept = kept_folders(keep)
        try:
            return cls._start(kept, user_namespace=True)
        except LabUnavailable:
            if os.geteuid() != 0:
                raise
            return cls._start(kept, user_namespace=False)

    @classmethod
    def _start(cls, kept: list[str], *, user_namespace: bool) -> "Control":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        settings = {
            "control": theirs.fileno(),
            "owner": os.getpid(),
            "user_namespace": user_namespace,
            "keep": kept,
        }
        errors = os.memfd_create("lab-init")
        control = None
        try:
            init = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_INIT), str(_INIT.parents[2]), marshal.dumps(settings).hex()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for pytest, which closes the lab in its own order
            )
            theirs.close()
            control = cls(init, ours, user_namespace=user_namespace)
            control._wait_until_ready(errors)
            return control
        finally:
            if control is None:
                ours.close()
            theirs.close()
            os.close(errors)

    def _wait_until_ready(self, errors: int) -> None:
        ready = False
        try:
            self._line.settimeout(_ANSWER_SECONDS)
            answer, _ = receive(self._line)
            ready = "ready" in answer
        except OSError as error:
            answer = {"step": "answer of the lab's first process", "errno": error.errno, "error": str(error)}
        finally:
            if not ready:
                self.close()
        if not ready:
            raise explain(answer, os.pread(errors, 4096, 0).decode(errors="replace"))

    def request(self, action: str, fds: list[int] | None = None, **fields: object) -> tuple[dict[str, Any], list[int]]:
        """Have the init do something.

        Args:
            action: one of the actions of `pid1`.
            fds: descriptors to send along; they stay open here.
            fields: the rest of the request.

        Returns:
            The answer's fields, and the descriptors that came with it, which are now the caller's.

        Raises:
            OSError: the init could not do it, with the errno of the call that failed.
            LabError: the lab is closed or its init is gone.
        """
        try:
            with self._turn:
                send(self._line, {"action": action, **fields}, fds or [])
                answer, received = receive(self._line)
        except OSError as error:
            self.close()  # a late answer would be taken for that of the next request
            raise LabError(f"the lab does not answer ({error}): it was closed, or something ended its init") from error
        if "error" in answer:
            raise OSError(answer["errno"], answer["error"])
        if not answer.pop("done", False):
            raise LabError("the lab's init has ended: something killed it; open a new lab")
        return answer, received

    def close(self) -> None:
        """End the init, and with it everything that runs in the lab. May be called again."""
        if self._init.returncode is not None:
            return
        with contextlib.suppress(OSError):  # it may have closed its end already
            self._line.shutdown(socket.SHUT_RDWR)  # reaches the init even if a fork of ours holds the line too
        self._line.close()
        with contextlib.suppress(ProcessLookupError):  # somebody else has waited for it
            self._kill_unless_it_ends()
        self._init.wait()

    def _kill_unless_it_ends(self) -> None:
        with os.fdopen(os.pidfd_open(self._init.pid)) as end:  # Popen's own wait with a limit is a loop of sleeps
            poll = select.poll()  # select() knows no descriptor above 1023
            poll.register(end, select.POLLIN)
            if not poll.poll(_ANSWER_SECONDS * 1000):
                self._init.kill()  # PID 1 is tied to it, and everything else to PID 1


def kept_folders(more: Iterable[Path] = ()) -> list[str]:
    """List the folders below /run, /tmp and /dev/shm that programs in the lab need: Python's, the current one, more."""
    wanted: list[str | Path] = [
        *more,
        sys.prefix,
        sys.base_prefix,
        str(_INIT.parents[2]),
        sysconfig.get_path("stdlib"),
        *sys.path,
    ]
    with contextlib.suppress(FileNotFoundError):  # somebody has removed it
        wanted.append(str(Path.cwd()))
    folders = {Path(path).absolute() for path in wanted if path}
    folders |= {folder.resolve() for folder in folders}
    covered = [Path(private) for private in PRIVATE]
    below = [folder for folder in folders if folder.is_dir() and any(top in folder.parents for top in covered)]
    return sorted(str(folder) for folder in below if not any(other in folder.parents for other in below))
