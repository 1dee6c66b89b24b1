"""Machines with wires between them, in kernel namespaces, that leave no trace; knows nothing of HAVIP.

The names below are loaded when they are first used, for the lab's init imports from here and has to start fast.
"""

TYPE_CHECKING = False  # as type checkers understand it; importing typing would cost the init 2 ms

if TYPE_CHECKING:
    from pytest_havip.kernel.route import Neighbour
    from pytest_havip.lab.capture import Capture, NotSeen
    from pytest_havip.lab.errors import LabError, LabUnavailable
    from pytest_havip.lab.frame import Frame
    from pytest_havip.lab.host import Host
    from pytest_havip.lab.lab import Lab
    from pytest_havip.lab.link import Link
    from pytest_havip.lab.port import Port
    from pytest_havip.lab.process import Completed, Process
    from pytest_havip.lab.wire import Wire

__all__ = [
    "Capture",
    "Completed",
    "Frame",
    "Host",
    "Lab",
    "LabError",
    "LabUnavailable",
    "Link",
    "Neighbour",
    "NotSeen",
    "Port",
    "Process",
    "Wire",
]

_HOMES = {
    "Capture": "lab.capture",
    "Completed": "lab.process",
    "Frame": "lab.frame",
    "Host": "lab.host",
    "Lab": "lab.lab",
    "LabError": "lab.errors",
    "LabUnavailable": "lab.errors",
    "Link": "lab.link",
    "Neighbour": "kernel.route",
    "NotSeen": "lab.capture",
    "Port": "lab.port",
    "Process": "lab.process",
    "Wire": "lab.wire",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 (the init does without)

        return getattr(import_module(f"pytest_havip.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
