"""The machine and the versions that a run's figures belong to."""

import os
import platform
import pwd
import re
import subprocess

from pytest_havip import __version__

__all__ = ["describe", "program_version", "user_mode"]

# Where programs are looked for: an ordinary user's PATH often lacks the folders in which Debian puts daemons.
_SEARCH_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
_VERSION = re.compile(r"v?(\d+(?:\.\d+)+)")


def describe() -> str:
    """Return user mode and versions in one line."""
    programs = (f"{name} {program_version(name)}" for name in ("keepalived", "nft"))
    return ", ".join((user_mode(), f"kernel {platform.release()}", *programs, f"pytest-havip {__version__}"))


def user_mode() -> str:
    """Return who runs this: root, or an ordinary user by name."""
    uid = os.geteuid()
    if uid == 0:
        return "root"
    try:
        return f"ordinary user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"ordinary user with uid {uid}"


def program_version(name: str) -> str:
    """Return a program's version, or ``not found``."""
    environment = {**os.environ, "PATH": _SEARCH_PATH}
    try:
        answer = subprocess.run(
            [name, "--version"], capture_output=True, text=True, timeout=10, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return "not found"
    match = _VERSION.search(answer.stdout + answer.stderr)
    return match.group(1) if match else "of unknown version"
