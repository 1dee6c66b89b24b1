"""Turns a failed start of the lab's init into one message: what is missing, why it is needed, what mends it."""

import errno
from pathlib import Path
from typing import Any

from pytest_havip.lab.errors import LabUnavailable

__all__ = ["explain"]

# setting below /proc/sys, the value that forbids user namespaces, the command that allows them
_SWITCHES = (
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"),
)

_WHY = "every host of the lab is a set of kernel namespaces, made without any right on the machine itself"
_IN_CONTAINER = (
    "run as root on a machine of your own, or give the container the right to make namespaces "
    "(docker run --privileged, podman run --privileged)"
)


def explain(report: dict[str, Any], errors: str, settings: Path = Path("/proc/sys")) -> LabUnavailable:
    """Say why the init could not start.

    Args:
        report: what the init sent: "step", "errno" and "error"; empty when it ended without a word.
        errors: what it wrote to its standard error.
        settings: where the kernel's settings are read.
    """
    if not report:
        return LabUnavailable(
            f"the lab's first process ended at once ({errors.strip() or 'it said nothing'})",
            "it makes and holds the namespaces of the lab",
            "look at the message in brackets; if it is no fault of this machine, please report it",
        )
    what = f"the {report['step']} was refused ({report['error']})"
    if report["errno"] == errno.ENOSPC:
        return LabUnavailable(what, _WHY, "sudo sysctl -w user.max_user_namespaces=15000 user.max_net_namespaces=15000")
    for name, forbidding, command in _SWITCHES:
        file = settings / name
        if file.exists() and file.read_text(encoding="ascii").strip() == forbidding:
            return LabUnavailable(f"{what}; /proc/sys/{name} is {forbidding}", _WHY, f"{command} (or run as root)")
    return LabUnavailable(what, _WHY, _IN_CONTAINER)
