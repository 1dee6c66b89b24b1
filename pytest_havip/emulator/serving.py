"""The control socket of a running network: what `havip ps`, `havip exec` and `havip stop` ask for is done here."""

import os
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any, Final

from pytest_havip.emulator.calling import Line
from pytest_havip.emulator.network import Emulator
from pytest_havip.lab import LabError, Process

__all__ = ["Serving"]

#: Seconds between two looks whether the network's service is alive.
_LOOK: Final = 0.5
# A terminal of its own, so that Ctrl-C and job control work in a shell.
_WITH_TERMINAL: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Serving:
    """Serves a network until it is told to stop.

    Args:
        emulator: the network.
        listener: the bound control socket.
    """

    __slots__ = ("_emulator", "_listener", "_stopping")

    def __init__(self, emulator: Emulator, listener: socket.socket) -> None:
        self._emulator = emulator
        self._listener = listener
        self._stopping = threading.Event()

    def run(self) -> bool:
        """Serve until `havip stop`, or until the network's service ends by itself; say whether it was the former."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while not self._stopping.is_set():
            if poll.poll(_LOOK * 1000):
                line = Line(self._listener.accept()[0])
                threading.Thread(target=self._answer, args=(line,), daemon=True, name="havip-line").start()
            if not self._emulator.network.alive:
                return False
        return True

    def _answer(self, line: Line) -> None:
        """Carry out what one caller wants."""
        descriptors: list[int] = []
        try:
            if line.peer()[1] not in {0, os.geteuid()}:
                return
            order, descriptors = line.receive()
            match order.get("do"):
                case "describe":
                    line.send(self.description())
                case "exec":
                    self._execute(line, order, descriptors)
                case "stop":
                    self._stopping.set()
                case other:
                    line.send({"error": f"there is no order {other!r}; caller and network are of different versions"})
        except (OSError, ValueError):
            pass  # who asked has gone, or is no caller of ours
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            line.close()

    def description(self) -> dict[str, Any]:
        """Return what a caller needs to use the network: the fields of `Running` but name and process."""
        network = self._emulator.network
        return {
            "endpoint": network.endpoint,
            "region": network.region,
            "secret_id": network.credentials.secret_id,
            "secret_key": network.credentials.secret_key,
            "hosts": {
                host: [
                    {
                        "id": attached.nic.id,
                        "interface": attached.interface,
                        "subnet": attached.nic.subnet.id,
                        "address": str(attached.nic.interface),
                        "mac": attached.nic.mac,
                    }
                    for attached in nics
                ]
                for host, nics in self._emulator.nics.items()
            },
        }

    def _execute(self, line: Line, order: dict[str, Any], descriptors: list[int]) -> None:
        """Start a program on a host, tell its exit status when it ends; end it when the caller goes."""
        host = self._emulator.lab.hosts.get(order["host"])
        if host is None:
            known = ", ".join(self._emulator.nics)
            line.send({"error": f"there is no host {order['host']!r}; there are: {known}"})
            return
        terminal = [sys.executable, "-I", "-S", "-c", _WITH_TERMINAL] if order["terminal"] else []
        try:
            process = host.spawn(
                [*terminal, *order["words"]], env=order["environment"], fds=dict(enumerate(descriptors))
            )
        except LabError as error:
            line.send({"error": str(error)})
            return
        while descriptors:  # held open here, its output would never end for the caller
            os.close(descriptors.pop())
        threading.Thread(target=_watch, args=(line, process), daemon=True, name="havip-caller").start()
        status = process.wait(threading.TIMEOUT_MAX)
        line.send({"status": status})


def _watch(line: Line, process: Process) -> None:
    """Hand signals of the caller on; end the program with its caller."""
    with suppress(OSError, ValueError, LabError):
        while order := line.receive()[0]:
            process.signal(order["signal"])
        if process.alive:
            process.signal(signal.SIGHUP, tree=True)
            process.kill()
