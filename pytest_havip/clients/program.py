"""The programs of HA clients on this machine: where they are, and what to do when they are missing."""

import os
import shutil
from collections.abc import Sequence

__all__ = ["ProgramMissing", "find_program"]

# An ordinary user's PATH leaves these out, although daemons live there and run well in a lab.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class ProgramMissing(RuntimeError):
    """A program that a client needs is not installed; the text holds the remedy."""


def find_program(name: str, package: str, folders: Sequence[str] = ()) -> str:
    """Return the path of a program, looking also where daemons live.

    Args:
        name: the program.
        package: the Debian package that brings it, for the remedy.
        folders: where to look first.

    Raises:
        ProgramMissing: it is in none of the folders.
    """
    searched = os.pathsep.join((*folders, os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))
    found = shutil.which(name, path=searched)
    if found is None:
        raise ProgramMissing(f"{name} is not installed (looked in {searched}); install it: apt-get install {package}")
    return found
