"""Starts one program in the lab and stays its ancestor, so that its whole tree can be found.

Every program gets a supervisor: a process that adopts what its program leaves behind (PR_SET_CHILD_SUBREAPER). Daemons
that fork twice and call setsid stay its descendants; there is no way out of the tree. It reports the program's exit
status through a pipe, which it keeps open until nothing of the tree is left: end of file means "all gone".
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import struct

from pytest_havip.kernel.calls import PR_SET_CHILD_SUBREAPER, PR_SET_NAME, prctl, setns

TYPE_CHECKING = False  # as type checkers understand it; importing typing would cost the init 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["Program", "start", "tree"]

_REPORT = struct.Struct("=ci")


class Program:
    """What is to be started.

    Attributes:
        arguments: its name and arguments.
        environment: all of its variables.
        descriptors: number inside the program -> number here; 0, 1 and 2 are among them.
        namespaces: descriptor and kind of each namespace to enter first.
        status: the writing end of the status pipe.
    """

    __slots__ = ("arguments", "descriptors", "environment", "namespaces", "status")

    def __init__(
        self,
        arguments: list[str],
        environment: dict[str, str],
        descriptors: dict[int, int],
        namespaces: list[tuple[int, int]],
        status: int,
    ) -> None:
        self.arguments = arguments
        self.environment = environment
        self.descriptors = descriptors
        self.namespaces = namespaces
        self.status = status


def start(program: Program) -> tuple[int, int]:
    """Start a program under a supervisor of its own.

    Returns:
        The process ids of the supervisor and of the program, as they are inside the lab.

    Raises:
        OSError: it can't be executed.
    """
    reading, writing = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        os.close(reading)
        _run_child(lambda: _supervise(program, writing))
    os.close(writing)
    main = 0
    failed = 0
    with open(reading, "rb") as reports:  # noqa: PTH123 (a descriptor, not a path)
        while report := reports.read(_REPORT.size):  # ends when exec closes the program's copy
            kind, value = _REPORT.unpack(report)
            if kind == b"P":
                main = value
            else:
                failed = value
    if failed or not main:
        raise OSError(failed or errno.ECHILD, os.strerror(failed or errno.ECHILD))
    return supervisor, main


def tree(root: int) -> list[int]:
    """List the living descendants of a process (zombies left out), parents before children."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 (pathlib would double the start-up time of the lab)
        if entry.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as stat:  # noqa: PTH123
                state, parent = stat.read().rpartition(b")")[2].split()[:2]
                if state not in b"ZX":
                    children.setdefault(int(parent), []).append(int(entry))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _run_child(work: Callable[[], object]) -> NoReturn:
    # A forked child must never return into the init's loop, whatever happens.
    try:
        work()
    except BaseException:  # noqa: BLE001 (the exit status tells)
        os._exit(70)
    os._exit(0)


def _supervise(program: Program, report: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_NAME, pointer=ctypes.c_char_p(b"lab-supervisor"))
    try:
        for fd, kind in program.namespaces:
            setns(fd, kind)
    except OSError as error:
        os.write(report, _REPORT.pack(b"E", error.errno))
        return
    os.chdir("/")
    main = os.fork()
    if main == 0:
        _run_child(lambda: _execute(program, report))
    os.write(report, _REPORT.pack(b"P", main))
    # Nothing but the status pipe may stay open here: it would keep namespaces and files alive unseen.
    os.closerange(0, program.status)
    os.closerange(program.status + 1, os.sysconf("SC_OPEN_MAX"))
    _reap(main, program.status)


def _reap(main: int, status: int) -> None:
    while True:
        try:
            pid, result = os.waitpid(-1, 0)
        except ChildProcessError:
            return
        if pid == main:
            with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
                os.write(status, struct.pack("=i", os.waitstatus_to_exitcode(result)))


def _execute(program: Program, report: int) -> None:
    try:
        os.setsid()
        # Python ignores some, and a shell others for what it runs in the background; programs expect none of it.
        for number in signal.valid_signals():
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        above = max(program.descriptors) + 1  # first out of the way, so that no move overwrites another's source
        report = fcntl.fcntl(report, fcntl.F_DUPFD_CLOEXEC, above)
        high = {inside: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above) for inside, fd in program.descriptors.items()}
        for inside, fd in high.items():
            os.dup2(fd, inside)
        path = _find(program.arguments[0], program.environment.get("PATH", os.defpath))
        os.execve(path, program.arguments, program.environment)  # noqa: S606 (no shell is the point)
    except OSError as error:
        os.write(report, _REPORT.pack(b"E", error.errno))
        os._exit(127)


def _find(name: str, folders: str) -> str:
    """Search a program as a shell does; execvp would say "permission denied" for a folder that it can't look into."""
    if "/" in name:
        return name
    for folder in folders.split(":"):
        path = f"{folder or '.'}/{name}"
        if os.access(path, os.X_OK) and not os.path.isdir(path):  # noqa: PTH112 (pathlib is slow to import)
            return path
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
