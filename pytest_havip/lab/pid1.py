"""PID 1 of the lab: makes namespaces, opens sockets and starts programs inside, on behalf of the process outside.

It imports the standard library only, runs in one thread and answers one request at a time. A request is a
dictionary with an "action", an answer is a dictionary; file descriptors travel beside them.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import select
import signal
import socket
import struct

from pytest_havip.kernel.calls import CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUTS, PR_SET_NAME, prctl, setns, unshare
from pytest_havip.lab import supervisor
from pytest_havip.lab.line import receive, send
from pytest_havip.lab.mounts import mount_host

TYPE_CHECKING = False  # as type checkers understand it; importing typing would cost the init 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Request = dict[str, Any]
    Answer = tuple[dict[str, object], list[int]]

__all__ = ["Pid1", "report_failure"]

_IFF_UP = 1
_SIOCSIFFLAGS = 0x8914
# linux/if_tun.h
_TUNSETIFF, _TUNSETPERSIST = 0x400454CA, 0x400454CB
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_NAMES = {CLONE_NEWNET: "net", CLONE_NEWNS: "mnt", CLONE_NEWUTS: "uts"}


def report_failure(control: socket.socket, step: str, error: OSError) -> None:
    """Tell the process outside which step of the start failed."""
    with contextlib.suppress(OSError):
        send(control, {"step": step, **_describe(error)}, [])


def _describe(error: OSError) -> dict[str, object]:
    """Put an error into a message."""
    where = f": {error.filename}" if error.filename else ""
    return {"errno": error.errno, "error": f"{error.strerror}{where}"}


class Pid1:
    """The loop of the lab's first process."""

    def __init__(self, control: socket.socket, keep: list[str]) -> None:
        self._control = control
        self._keep = keep
        self._home = {kind: _open_namespace(kind) for kind in _NAMES}
        self._hosts: dict[str, dict[int, int]] = {}  # name -> kind of namespace -> its descriptor
        self._programs: dict[int, int] = {}  # supervisor -> main process
        self._actions: dict[str, Callable[[Request, list[int]], Answer]] = {
            "host": self._make_host,
            "forget": self._forget_host,
            "socket": self._open_socket,
            "open": self._open_file,
            "sysctl": self._set_sysctl,
            "tap": self._make_tap,
            "spawn": self._spawn,
            "signal": self._signal,
            "tree": self._tree,
        }

    def serve(self) -> None:
        """Announce readiness, then answer requests until the other side closes. Raises OSError while starting."""
        prctl(PR_SET_NAME, pointer=ctypes.c_char_p(b"lab-init"))
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, lambda _number, _stack: None)
        children, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # no file in /
        os.umask(0o022)
        _bring_loopback_up()
        send(self._control, {"ready": True}, [])
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(children, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if children in ready:
                os.read(children, 4096)
            self._reap()
            if self._control.fileno() in ready and not self._answer():
                return

    def _answer(self) -> bool:
        request, fds = receive(self._control)
        if not request:
            return False
        answer: dict[str, object] = {}
        out: list[int] = []
        try:
            answer, out = self._actions[request["action"]](request, fds)
            answer["done"] = True
        except OSError as error:
            answer = _describe(error)
        send(self._control, answer, out)
        for fd in (*fds, *out):
            os.close(fd)
        return True

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self._programs.pop(pid, None)

    @contextlib.contextmanager
    def _inside(self, name: str, *kinds: int) -> Iterator[None]:
        """Enter namespaces of a host ("" = stay) for the length of a block."""
        if not name:
            yield
            return
        try:
            for kind in kinds:
                setns(self._hosts[name][kind], kind)
            yield
        finally:
            self._return(*kinds)

    def _return(self, *kinds: int) -> None:
        for kind in kinds:
            setns(self._home[kind], kind)

    def _make_host(self, request: Request, _fds: list[int]) -> Answer:
        try:
            unshare(CLONE_NEWNET)
            for scope in ("default", "all"):  # no IPv6 chatter; a test that wants IPv6 switches it on again
                with contextlib.suppress(FileNotFoundError):
                    _write(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6", "1")
            _bring_loopback_up()
            route = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, socket.NETLINK_ROUTE)
            network = _open_namespace(CLONE_NEWNET)
        finally:
            self._return(CLONE_NEWNET)
        self._hosts[request["name"]] = {CLONE_NEWNET: network}
        return {}, [os.dup(network), route.detach()]

    def _furnish(self, name: str) -> dict[int, int]:
        """Give a host its file systems and its name, when the first program or file comes: it takes 2 ms in all."""
        namespaces = self._hosts[name]
        if CLONE_NEWNS not in namespaces:
            try:
                setns(namespaces[CLONE_NEWNET], CLONE_NEWNET)  # /sys shows the network namespace of who mounts it
                unshare(CLONE_NEWNS | CLONE_NEWUTS)
                mount_host(self._keep)
                socket.sethostname(name)
                namespaces |= {kind: _open_namespace(kind) for kind in (CLONE_NEWNS, CLONE_NEWUTS)}
            finally:
                self._return(*_NAMES)
        return namespaces

    def _forget_host(self, request: Request, _fds: list[int]) -> Answer:
        for fd in self._hosts.pop(request["name"]).values():
            os.close(fd)
        return {}, []

    def _open_socket(self, request: Request, _fds: list[int]) -> Answer:
        with self._inside(request["host"], CLONE_NEWNET):
            opened = socket.socket(request["family"], request["kind"], request["protocol"])
        return {}, [opened.detach()]

    def _open_file(self, request: Request, _fds: list[int]) -> Answer:
        self._furnish(request["host"])
        with self._inside(request["host"], CLONE_NEWNET, CLONE_NEWNS):
            if request["flags"] & os.O_CREAT:
                os.makedirs(os.path.dirname(request["path"]), exist_ok=True)  # noqa: PTH103, PTH120 (slow import)
            opened = os.open(request["path"], request["flags"] | os.O_CLOEXEC, request["mode"])
            if request["flags"] & os.O_CREAT:
                os.fchmod(opened, request["mode"])
        return {}, [opened]

    def _set_sysctl(self, request: Request, _fds: list[int]) -> Answer:
        with self._inside(request["host"], CLONE_NEWNET):
            _write(f"/proc/sys/{request['path']}", request["value"])
        return {}, []

    def _make_tap(self, request: Request, _fds: list[int]) -> Answer:
        """Make a tap device that stays when nobody has it open."""
        with self._inside(request["host"], CLONE_NEWNET):
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)  # belongs to where it was opened
            try:
                name = request["interface"].encode()
                fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name, _IFF_TAP | _IFF_NO_PI))
                fcntl.ioctl(device, _TUNSETPERSIST, 1)
            finally:
                os.close(device)
        return {}, []

    def _spawn(self, request: Request, fds: list[int]) -> Answer:
        name = request["host"]
        namespaces = [(fd, kind) for kind, fd in self._furnish(name).items()] if name else []
        waiting, status = os.pipe2(os.O_CLOEXEC)
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        descriptors = {0: null} | dict(zip(request["numbers"], fds, strict=True))
        program = supervisor.Program(request["argv"], request["environment"], descriptors, namespaces, status)
        try:
            parent, main = supervisor.start(program)
        except OSError:
            os.close(waiting)
            raise
        finally:
            os.close(status)
            os.close(null)
        self._programs[parent] = main
        return {"supervisor": parent, "main": main}, [waiting]

    def _signal(self, request: Request, _fds: list[int]) -> Answer:
        """Signal a program, or its whole tree; what is left of the tree when the program has ended."""
        parent, number = request["supervisor"], request["signal"]
        if parent not in self._programs:
            return {"reached": []}, []
        members = supervisor.tree(parent)
        if not request["tree"] and self._programs[parent] in members:
            members = [self._programs[parent]]
        elif number in {signal.SIGKILL, signal.SIGSTOP}:
            _stop_tree(parent)  # so that nobody forks while we walk
            members = supervisor.tree(parent)
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return {"reached": members}, []

    def _tree(self, request: Request, _fds: list[int]) -> Answer:
        known = request["supervisor"] in self._programs
        return {"members": supervisor.tree(request["supervisor"]) if known else []}, []


def _stop_tree(root: int) -> None:
    """Stop a whole tree; repeated until two looks find nobody new, for processes fork and end while we walk."""
    stopped: set[int] = set()
    quiet = 0
    while quiet < 2:  # noqa: PLR2004 (see above)
        new = set(supervisor.tree(root)) - stopped
        for pid in new:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        stopped |= new
        quiet = 0 if new else quiet + 1


def _open_namespace(kind: int) -> int:
    return os.open(f"/proc/self/ns/{_NAMES[kind]}", os.O_RDONLY | os.O_CLOEXEC)


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123 (pathlib is slow to import)
        file.write(text)
