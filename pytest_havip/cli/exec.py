"""``havip exec``: a command, or a shell, on a host of a network."""

import argparse
import fcntl
import os
import selectors
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from pytest_havip.emulator.calling import CallError, Line, Running

__all__ = ["run"]

_BYTES: Final = 65536
_NOT_STARTED: Final = 127
_NO_NETWORK: Final = 125
#: What a program may want to know of the terminal and the language in front of it.
_HANDED_ON: Final = ("TERM", "LANG", "LC_ALL", "COLORTERM")


def run(arguments: argparse.Namespace) -> int:
    """Run the command with the standard streams of this process; in a terminal it gets one of its own.

    Returns:
        The command's exit status, 128 and the signal's number if one ended it; 127 if it could not be started, 125 if
        there is no such network.
    """
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    words = words or [os.environ.get("SHELL", "/bin/sh")]
    try:
        line = Running.find(arguments.network).call()
    except CallError as error:
        print(f"havip exec: {error}", file=sys.stderr)
        return _NO_NETWORK
    line.socket.settimeout(None)
    order = {
        "do": "exec",
        "host": arguments.host,
        "words": words,
        "environment": {name: os.environ[name] for name in _HANDED_ON if name in os.environ},
    }
    try:
        answer = _in_terminal(line, order) if sys.stdin.isatty() and sys.stdout.isatty() else _piped(line, order)
    except OSError as error:
        answer = {"error": f"the network has ended ({error})"}
    finally:
        line.close()
    if "status" not in answer:
        print(f"havip exec: {answer.get('error', 'the network has ended')}", file=sys.stderr)
        return _NOT_STARTED
    status: int = answer["status"]
    return status if status >= 0 else 128 - status


def _piped(line: Line, order: dict[str, Any]) -> dict[str, Any]:
    """Let the command use this process's own streams; signals that come here are for it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: line.send({"signal": int(number)}))
    line.send({**order, "terminal": False}, [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)])
    return line.receive()[0]


def _in_terminal(line: Line, order: dict[str, Any]) -> dict[str, Any]:
    """Give the command a terminal, and carry what is typed and shown between it and ours."""
    near, far = os.openpty()
    try:
        _copy_size(near)
        signal.signal(signal.SIGWINCH, lambda _number, _frame: _copy_size(near))
        line.send({**order, "terminal": True}, [far, far, far])
    finally:
        os.close(far)
    try:
        with _raw():
            return _carry(near, line)
    finally:
        os.close(near)


def _carry(near: int, line: Line) -> dict[str, Any]:
    """Copy both ways until the network tells that the command has ended, then what it left to be shown."""
    ways = {near: sys.stdout.fileno(), sys.stdin.fileno(): near}
    with selectors.DefaultSelector() as selector:
        for source in (*ways, line.socket):
            selector.register(source, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            for source in ready:
                if isinstance(source, int) and not _copy(source, ways[source]):
                    selector.unregister(source)
            if line.socket in ready:
                break
    answer, _ = line.receive()
    os.set_blocking(near, False)
    while _copy(near, sys.stdout.fileno()):
        pass
    return answer


def _copy(source: int, sink: int) -> bool:
    """Copy what is there; say whether there may be more."""
    try:
        data = os.read(source, _BYTES)
    except OSError:  # nobody holds the other end of the terminal, or nothing is there
        return False
    while data:
        written = os.write(sink, data)
        if written == len(data):
            return True
        data = data[written:]
    return False


@contextmanager
def _raw() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin, termios.TCSADRAIN)  # what was typed ahead is kept
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _copy_size(near: int) -> None:
    with suppress(OSError):  # a terminal without a size
        fcntl.ioctl(near, termios.TIOCSWINSZ, fcntl.ioctl(sys.stdout, termios.TIOCGWINSZ, bytes(8)))
