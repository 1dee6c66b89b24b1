"""Machines with wires between them, in kernel namespaces, that leave no trace; knows nothing of HAVIP.

The names below are loaded when they are first used, for the lab's init imports from here and has to start fast.
"""

TYPE_CHECKING = False  # as type checkers understand it; importing typing would cost the init 2 ms

if TYPE_CHECKING:
    from pytest_havip.lab.capture import Capture, NotSeen
    from pytest_havip.lab.errors import LabError, LabUnavailable
    from pytest_havip.lab.frame import Frame
    from pytest_havip.lab.host import Host
    from pytest_havip.lab.lab import Lab
    from pytest_havip.lab.link import Link
    from pytest_havip.lab.netlink import Neighbour
    from pytest_havip.lab.port import Port
    from pytest_havip.lab.process import Completed, Process

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
]

_HOMES = {
    "Capture": "capture",
    "Completed": "process",
    "Frame": "frame",
    "Host": "host",
    "Lab": "lab",
    "LabError": "errors",
    "LabUnavailable": "errors",
    "Link": "link",
    "Neighbour": "netlink",
    "NotSeen": "capture",
    "Port": "port",
    "Process": "process",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 (the init does without)

        return getattr(import_module(f"pytest_havip.lab.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
