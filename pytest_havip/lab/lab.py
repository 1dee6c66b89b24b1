"""The lab: machines with wires between them, in kernel namespaces, that leave no trace."""

import errno
import os
import resource
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pytest_havip.lab.capture import Capture, CaptureThread
from pytest_havip.lab.control import Control
from pytest_havip.lab.errors import LabError
from pytest_havip.lab.host import Host
from pytest_havip.lab.link import Link
from pytest_havip.lab.process import Process

if TYPE_CHECKING:
    import socket

__all__ = ["PROGRAM_FOLDERS", "Lab"]

PROGRAM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")
"""Where programs are looked for after PATH: an ordinary user's may lack the folders of system programs."""

_CLOSERS = 16


class Lab:
    """One init with its hosts. A context manager; several may be open at the same time, in one process or in many.

    This process never enters a namespace: it asks the init, and uses sockets that were opened inside. When it ends, in
    whatever way, the kernel ends everything in the lab.
    """

    def __init__(self, control: Control) -> None:
        self.control = control
        self._hosts: dict[str, Host] = {}
        self._links: list[Link] = []
        self._processes: list[tuple[str, Process]] = []
        self._listing = threading.Lock()  # programs may be started by several threads at once
        self._captures: CaptureThread | None = None
        self._helper = ThreadPoolExecutor(_CLOSERS, thread_name_prefix="lab-helper")
        self._leaving: list[tuple[Host, Future[None]]] = []
        self._closed = False

    @classmethod
    def open(cls, keep: Iterable[Path] = ()) -> "Lab":
        """Open a lab.

        Args:
            keep: folders that programs in the lab must see even if they are below /tmp, /run or /dev/shm.

        Raises:
            LabUnavailable: this machine can't run one; it says what is missing, why it is needed and what mends it.
        """
        lab = cls(Control.start(keep))
        # A host takes some ten descriptors; what was started before keeps the limit that programs are used to.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        return lab

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def hosts(self) -> Mapping[str, Host]:
        """The hosts by name."""
        return dict(self._hosts)

    def host(self, name: str) -> Host:
        """Make a machine: a network namespace with the loopback up and nothing else.

        Raises:
            ValueError: there is one of this name, or the name is empty or too long for a host name.
            LabError: the lab is closed.
        """
        if name in self._hosts:
            raise ValueError(f"there is a host {name} already: remove it first, or choose another name")
        if not 0 < len(name.encode()) <= 64:  # noqa: PLR2004 (the kernel's __NEW_UTS_LEN)
            raise ValueError(f"{name!r} is no name for a host: use 1 to 64 bytes")
        self._check_open()
        host = Host(self, name)
        self._hosts[name] = host
        return host

    def remove(self, host: Host) -> None:
        """Take a machine away.

        Its programs have ended when this returns; its interfaces, their other ends and its sockets go in the background
        (`settle` waits for them). Frames captured stay readable. Its name may be used again at once.

        Raises:
            LabError: it is no host of this lab, or was removed before.
        """
        if self._hosts.get(host.name) is not host:
            raise LabError(f"{host.name} is no host of this lab: it was removed before, or made by another lab")
        for name, process in self._processes:
            if name == host.name:
                process.kill()
        self._links = [link for link in self._links if host not in {link.near, link.far}]
        host.leave()
        del self._hosts[host.name]
        self.control.request("forget", name=host.name)
        # The kernel waits some 10 ms for each interface and each packet socket; whoever comes next need not.
        self._leaving = [(left, going) for left, going in self._leaving if not going.done() or going.exception()]
        self._leaving.append((host, self._helper.submit(host.dismantle)))

    def link(self, near: Host, near_name: str, far: Host, far_name: str, *, mac: str | None = None) -> Link:
        """Connect two hosts by a wire, both ends up.

        Args:
            near: the machine that the wire is for.
            near_name: name of the interface there, at most 15 characters.
            far: what it is plugged into.
            far_name: name of the interface there.
            mac: MAC address of the near interface; the kernel invents one otherwise.

        Raises:
            OSError: there is an interface of that name already, or the name or the MAC address is no good.
        """
        try:
            near.add_link(near_name, far, far_name, mac)
        except FileExistsError:
            if not self._leaving:
                raise
            self.settle()  # a host that was removed may still hold the name
            near.add_link(near_name, far, far_name, mac)
        link = Link(near, near_name, far, far_name)
        self._links.append(link)
        return link

    def spawn(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, fds: Mapping[int, int] | None = None
    ) -> Process:
        """Start a program in the lab but in no host: it may make namespaces of its own there.

        Standard output and standard error go to memory, see `Process.log`; standard input is empty. The program has
        the rights of root in the lab, and none on the machine that the caller hasn't got.

        Args:
            argv: program and arguments; searched in PATH and in the folders of system programs.
            env: variables laid over this process's own.
            fds: number inside the program -> our descriptor, which stays open here.

        Raises:
            LabError: there is no such program, or it can't be executed.
        """
        return self.start(argv, host="", env=env, fds=fds)

    def start(
        self,
        argv: Sequence[str],
        *,
        host: str,
        env: Mapping[str, str] | None = None,
        fds: Mapping[int, int] | None = None,
        apart: bool = False,
    ) -> Process:
        """Start a program on a host ("" = on none), its outputs apart or in one log; `spawn` and `run` call this."""
        out = os.memfd_create("out")
        error = os.memfd_create("err") if apart else out
        outputs = [out, error] if apart else [out]
        descriptors = {1: out, 2: error, **(fds or {})}
        try:
            answer, (status,) = self.control.request(
                "spawn",
                list(descriptors.values()),
                host=host,
                argv=[str(word) for word in argv],
                environment=_environment(env),
                numbers=list(descriptors),
            )
        except OSError as problem:
            for fd in outputs:
                os.close(fd)
            where = f"on {host}" if host else "in the lab"
            missing = ": install it, or name it by its path" if problem.errno == errno.ENOENT else ""
            raise LabError(f"{argv[0]} could not be started {where}: {problem.strerror}{missing}") from problem
        ids = (answer["supervisor"], answer["main"])
        process = Process(self.control, Path(argv[0]).name, ids, status, outputs)
        with self._listing:
            running = [(name, started) for name, started in self._processes if not started.gone]
            self._processes = [*running, (host, process)]
        return process

    def capture(self, opened: "socket.socket", host: str, interface: str) -> Capture:
        """Start capturing on a packet socket; `Host.port` uses it."""
        if self._captures is None:
            self._captures = CaptureThread()
        capture = Capture(opened, host, interface)
        self._captures.add(capture)
        return capture

    def end_capture(self, capture: Capture) -> None:
        """Stop capturing there; what was captured stays readable."""
        if self._captures is not None:
            self._captures.remove(capture)

    def settle(self) -> None:
        """Wait until everything of the hosts that were removed is gone."""
        leaving, self._leaving = self._leaving, []
        for _, departure in leaving:
            if not departure.cancelled():
                departure.result()

    def close(self) -> None:
        """End everything that runs in the lab and give every descriptor back. May be called again."""
        if self._closed:
            return
        self._closed = True
        hosts = [*self._hosts.values(), *(host for host, departure in self._leaving if departure.cancel())]
        for host in hosts:
            host.leave()
        closing = [self._helper.submit(host.close) for host in hosts]  # together they wait once for the kernel
        self.control.close()
        self._helper.shutdown()
        if self._captures is not None:
            self._captures.close()
        for _, process in self._processes:
            process.close()
        for each in closing:
            each.result()
        self.settle()

    def _check_open(self) -> None:
        if self._closed:
            raise LabError("the lab is closed: open a new one")


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    merged = {**os.environ, "TMPDIR": "/tmp", **(extra or {})}  # noqa: S108 (the lab's own)
    folders = [folder for folder in merged.get("PATH", "").split(os.pathsep) if folder]
    folders += [folder for folder in PROGRAM_FOLDERS if folder not in folders]
    merged["PATH"] = os.pathsep.join(folders)
    return merged
