"""The outer process of the lab's init; run by path with ``python -I -S`` so that it starts fast and imports little.

It makes the namespaces, forks the lab's PID 1 (`pid1`) into them, and then only watches: when the process that opened
the lab ends, in whatever way, PID 1 is killed and the kernel ends everything that ran in the lab.

Arguments: the folder that holds the package, and the settings (see `control`), marshalled, in hexadecimal.
"""

import marshal
import os
import select
import signal
import socket
import sys

sys.path.append(sys.argv[1])  # -I and -S leave only the standard library

from pytest_havip.kernel.calls import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    PR_SET_PDEATHSIG,
    prctl,
    unshare,
)
from pytest_havip.lab.mounts import mount_lab
from pytest_havip.lab.pid1 import Pid1, report_failure
from pytest_havip.lab.seccomp import allow_setgroups

__all__ = ["main"]

_NAMESPACES = (
    ("network namespace", CLONE_NEWNET),
    ("mount namespace", CLONE_NEWNS),
    ("PID namespace", CLONE_NEWPID),
    ("IPC namespace", CLONE_NEWIPC),
    ("host name namespace", CLONE_NEWUTS),
)


def main() -> int:
    """Run the init until the lab is closed or its owner is gone. Returns an exit status."""
    settings = marshal.loads(bytes.fromhex(sys.argv[2]))  # noqa: S302 (from the interpreter that started this one)
    owner = os.pidfd_open(os.getppid())
    if os.getppid() != settings["owner"]:  # it died while we started
        return 1
    control = socket.socket(fileno=settings["control"])
    control.set_inheritable(False)
    step = "user namespace"
    try:
        if settings["user_namespace"]:
            _enter_user_namespace()
        for step, kind in _NAMESPACES:  # noqa: B007 (told in the report)
            unshare(kind)
        step = "process"
        myself = os.pidfd_open(os.getpid())
        child = os.fork()
    except OSError as error:
        report_failure(control, step, error)
        return 1
    if child == 0:
        os.close(owner)
        _run_first_process(control, myself, settings)
    control.close()
    os.close(myself)
    _watch(owner, child)
    return 0


def _enter_user_namespace() -> None:
    user, group = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 (pathlib is slow to import)
            file.write(text)


def _run_first_process(control: socket.socket, outer: int, settings: dict[str, object]) -> None:
    step = "tie to its parent"
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if select.select([outer], [], [], 0)[0]:  # it died before the line above
            os._exit(1)
        os.close(outer)
        step = "file systems"
        keep = settings["keep"]
        assert isinstance(keep, list)
        mount_lab(keep)
        step = "seccomp filter"
        if settings["user_namespace"]:
            allow_setgroups()
        step = "first process"
        Pid1(control, keep).serve()
    except OSError as error:
        report_failure(control, step, error)
    finally:
        os._exit(0)


def _watch(owner: int, child: int) -> None:
    first = os.pidfd_open(child)
    poll = select.poll()
    poll.register(owner, select.POLLIN)
    poll.register(first, select.POLLIN)
    poll.poll()
    signal.pidfd_send_signal(first, signal.SIGKILL)
    os.waitpid(child, 0)  # returns when everything in the PID namespace has ended


if __name__ == "__main__":
    sys.exit(main())
