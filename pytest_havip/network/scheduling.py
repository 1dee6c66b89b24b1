"""The service's place among the machine's programs."""

import ctypes
import os
import struct
from typing import Final

__all__ = ["ask_for_short_slices"]

_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
_SLICE_NANOSECONDS: Final = 100_000
# size, policy (SCHED_OTHER), flags, nice, priority, runtime (the slice), deadline, period, utilisation: least, most
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQII")


def ask_for_short_slices() -> bool:
    """Ask the scheduler to run this thread soon after it wakes, for a short time, at the same share of the CPU.

    On a busy machine an announcement otherwise waits for milliseconds until another program's slice is over. It takes
    no privilege; Linux before 6.12 pays no heed to it.

    Returns:
        Whether the kernel took the wish.
    """
    number = _SCHED_SETATTR.get(os.uname().machine)
    if number is None:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, 0, 0, nice, 0, _SLICE_NANOSECONDS, 0, 0, 0, 0)
    result: int = ctypes.CDLL(None).syscall(number, 0, attributes, 0)
    return result == 0
