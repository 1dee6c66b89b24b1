"""Short slices are a wish; asking does no harm."""

import subprocess
import sys


def test_asking_for_short_slices_keeps_policy_and_nice_value() -> None:
    code = """
import os
from pytest_havip.network.scheduling import ask_for_short_slices
os.nice(3)
ask_for_short_slices()
print(os.sched_getscheduler(0) == os.SCHED_OTHER, os.nice(0))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["True", "3"]
