"""The programs of HA clients on this machine: where they are, and what to do when they are missing."""

import os
import shutil

__all__ = ["ProgramMissing", "find_program"]

# An ordinary user's PATH leaves these out, although daemons live there and run well in a lab.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class ProgramMissing(RuntimeError):
    """A program that a client needs is not installed; the text holds the remedy."""


def find_program(name: str, package: str) -> str:
    """Return the path of a program, looking also where daemons live.

    Args:
        name: the program.
        package: the Debian package that brings it, for the remedy.

    Raises:
        ProgramMissing: it is in none of the folders.
    """
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))
    found = shutil.which(name, path=folders)
    if found is None:
        raise ProgramMissing(f"{name} is not installed (looked in {folders}); install it: apt-get install {package}")
    return found
