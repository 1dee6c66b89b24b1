"""``havip serve``: the reference network with hosts in it, until it is stopped."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from pytest_havip.cli.ps import show
from pytest_havip.emulator.calling import CallError, Running, bind
from pytest_havip.emulator.network import Emulator
from pytest_havip.emulator.serving import Serving
from pytest_havip.emulator.topology import bundled_topology, read_topology
from pytest_havip.lab import LabUnavailable
from pytest_havip.targets.base import TargetError
from pytest_havip.toml_file import TomlError

__all__ = ["run"]

_ENDED, _BROKEN, _REFUSED = range(3)
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(BaseException):
    """A signal asks for the end."""


def run(arguments: argparse.Namespace) -> int:
    """Bring the network up, and serve until a signal or `havip stop` ends it.

    Returns:
        0 when it was ended, 1 when its service ended by itself, 2 when it cannot be brought up.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and shells have it for what is in the background
            signal.signal(number, _stop)
    try:
        return _serve(arguments)
    except _Stopped:
        return _ENDED
    except (TomlError, CallError, LabUnavailable, OSError) as error:
        print(f"havip serve: {error}", file=sys.stderr)
        return _REFUSED
    except TargetError as error:
        print(f"havip serve: {error}", file=sys.stderr)
        return _BROKEN


def _serve(arguments: argparse.Namespace) -> int:
    topology = bundled_topology() if arguments.topology is None else read_topology(Path(arguments.topology))
    log = None if arguments.log is None else Path(arguments.log)
    with bind(arguments.network) as listener, Emulator.start(port=arguments.port, log=log) as emulator:
        emulator.build(topology)
        serving = Serving(emulator, listener)
        show(Running(arguments.network, os.getpid(), **serving.description()))
        print("\nready; Ctrl-C or `havip stop` ends it", flush=True)
        if serving.run():
            return _ENDED
        said = emulator.network.post_mortem()
    print(f"havip serve: the network's service ended by itself. {said}", file=sys.stderr)
    return _BROKEN


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    for other in _SIGNALS:  # the end is under way; a second one must not disturb it
        signal.signal(other, signal.SIG_IGN)
    raise _Stopped
