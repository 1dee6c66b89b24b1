"""The file systems of the lab: what a process inside sees of itself instead of the machine."""

import os

from pytest_havip.kernel.calls import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
)

__all__ = ["PRIVATE", "mount_host", "mount_lab", "mount_private"]

PRIVATE = ("/run", "/tmp", "/dev/shm")  # noqa: S108 (these are the lab's own, not the machine's)
"""Folders of which the lab has its own, in memory, gone with it."""

_STRICT = MS_NOSUID | MS_NODEV | MS_NOEXEC


def mount_lab(keep: list[str]) -> None:
    """Give the calling process, PID 1 of a new PID and mount namespace, the lab's file systems. Raises OSError.

    `keep` lists folders below the private ones that stay visible (a virtual environment in /tmp, say).
    """
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", _STRICT)
    _protect_sysctls()
    _mount_sys()
    for folder in PRIVATE:
        mount_private(folder, keep)


def mount_host(keep: list[str]) -> None:
    """Give a host, in a mount namespace of its own below the lab's, a /sys of its network namespace, /run and /tmp."""
    _mount_sys()
    for folder in PRIVATE[:2]:
        mount_private(folder, keep)


def _protect_sysctls() -> None:
    # Real root inside could write the machine's kernel.* and vm.*; net.* belongs to the lab's own namespaces.
    mount("/proc/sys", "/proc/sys", flags=MS_BIND)
    mount("/proc/sys/net", "/proc/sys/net", flags=MS_BIND)
    mount("none", "/proc/sys", flags=MS_BIND | MS_REMOUNT | MS_RDONLY | _STRICT)


def _mount_sys() -> None:
    # Read-only, for a real root inside must not write the machine's hardware settings.
    mount("sysfs", "/sys", "sysfs", _STRICT | MS_RDONLY)


def mount_private(folder: str, keep: list[str]) -> None:
    """Lay an empty file system in memory over a folder; what is in `keep` stays visible. Raises OSError."""
    kept = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in keep if path.startswith(folder + "/")}
    mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755" if folder == "/run" else "mode=1777")
    for path, fd in kept.items():
        os.makedirs(path, exist_ok=True)  # noqa: PTH103 (pathlib would double the start-up time of the lab)
        mount(f"/proc/self/fd/{fd}", path, flags=MS_BIND | MS_REC)
        os.close(fd)
    if folder == "/run":
        os.mkdir("/run/lock", 0o755)  # noqa: PTH102 (as above)
