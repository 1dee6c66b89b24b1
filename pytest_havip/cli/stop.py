"""``havip stop``: ends a network that runs on this machine."""

import argparse
import sys

from pytest_havip.emulator.calling import CallError, Running

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """End the network; return 2 if there is none of that name, or if it does not end, else 0."""
    try:
        network = Running.find(arguments.network)
        network.stop()
    except CallError as error:
        print(f"havip stop: {error}", file=sys.stderr)
        return 2
    print(f"network {network.name} has ended")
    return 0
