"""A seccomp filter that answers setgroups with success.

In a user namespace whose group map was written by an ordinary user, setgroups is forbidden for good. keepalived then
runs no notify script, and takes every track script for successful even when it exits 1. There is only one group in the
lab anyway, so a setgroups that does nothing is as good as one that works.
"""

import ctypes
import struct

from pytest_havip.kernel.calls import PR_SET_SECCOMP, prctl

__all__ = ["allow_setgroups"]

_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_ANSWER_SUCCESS = 0x00050000  # SECCOMP_RET_ERRNO with errno 0: the call is skipped and returns 0

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_OFFSET_NUMBER = 0  # struct seccomp_data
_OFFSET_ARCHITECTURE = 4

# AUDIT_ARCH_* -> numbers of setgroups there (i386 has a 16-bit one too; x32 is x86_64 with bit 30 set)
_NUMBERS = {
    0xC000003E: (116, 0x40000000 | 116),  # x86_64
    0x40000003: (206, 81),  # i386
    0xC00000B7: (159,),  # aarch64
    0x40000028: (206, 81),  # arm
}


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _program() -> bytes:
    """Render the filter: one block per architecture, the rest is allowed."""
    program = _instruction(_LOAD, _OFFSET_ARCHITECTURE)
    for architecture, numbers in _NUMBERS.items():
        block = _instruction(_LOAD, _OFFSET_NUMBER)
        for index, number in enumerate(numbers):
            block += _instruction(_JUMP_IF_EQUAL, number, len(numbers) - index)
        block += _instruction(_RETURN, _ALLOW) + _instruction(_RETURN, _ANSWER_SUCCESS)
        program += _instruction(_JUMP_IF_EQUAL, architecture, 0, len(block) // 8) + block
    return program + _instruction(_RETURN, _ALLOW)


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def allow_setgroups() -> None:
    """Install the filter in this process and all its children to come. Raises OSError.

    Needs CAP_SYS_ADMIN in its user namespace, so that set-uid programs inside need not be disarmed (no_new_privs).
    """
    instructions = _program()
    program = _Program(len(instructions) // 8, instructions)
    prctl(PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.cast(ctypes.pointer(program), ctypes.c_void_p))
