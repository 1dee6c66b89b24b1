"""Commands for a client that is not in the lab: a box on a cable, a virtual machine of this machine's."""

import subprocess
from collections.abc import Sequence

from pytest_havip.lab import Completed

__all__ = ["run_outside"]


def run_outside(argv: Sequence[str], timeout: float) -> Completed:
    """Run a command on this machine to its end.

    Args:
        argv: Program and arguments.
        timeout: Seconds; then the command is killed.

    Raises:
        TimeoutError: It took longer.
    """
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        raise TimeoutError(str(late)) from late
    except OSError as error:
        return Completed(127, "", f"{argv[0]}: {error.strerror}")
    return Completed(done.returncode, done.stdout, done.stderr)
