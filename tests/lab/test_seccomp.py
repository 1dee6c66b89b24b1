"""The filter that answers setgroups, on every architecture it knows; the real thing is run in test_lab.py."""

import struct

import pytest

from pytest_havip.lab.seccomp import _program

ALLOW = 0x7FFF0000
SUCCESS = 0x00050000

X86_64, I386, AARCH64, ARM, RISCV64 = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028, 0xC00000F3


def judge(architecture: int, number: int) -> int:
    """Run the filter as the kernel would, over a call of that number."""
    program = list(struct.iter_unpack("=HBBI", _program()))
    data = struct.pack("=II", number, architecture)
    position = accumulator = 0
    while True:
        code, if_true, if_false, value = program[position]
        position += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == 0x15:
            position += if_true if accumulator == value else if_false
        else:
            assert code == 0x06
            return int(value)


@pytest.mark.parametrize(
    ("architecture", "number"),
    [(X86_64, 116), (X86_64, 0x40000000 | 116), (I386, 206), (I386, 81), (AARCH64, 159), (ARM, 206), (ARM, 81)],
)
def test_setgroups_is_answered_with_success(architecture: int, number: int) -> None:
    assert judge(architecture, number) == SUCCESS


@pytest.mark.parametrize(
    ("architecture", "number"),
    [(X86_64, 115), (X86_64, 159), (X86_64, 206), (I386, 116), (AARCH64, 116), (AARCH64, 206), (RISCV64, 159)],
)
def test_all_else_is_allowed(architecture: int, number: int) -> None:
    assert judge(architecture, number) == ALLOW
