"""A packet socket's receive ring, shared with the kernel (TPACKET_V2, see packet_mmap in the kernel's documentation).

A socket buffer of an ordinary user holds some 500 small frames (net.core.rmem_max); this ring holds 8,192 whatever the
limits, and reading it takes no system call. A frame too long for its slot comes through the socket's buffer as well.
"""

import contextlib
import ctypes
import mmap
import socket
import struct
from collections.abc import Callable

from pytest_havip.lab.frame import Frame

__all__ = ["PacketRing", "Slot", "frame_of"]

Slot = tuple[tuple[int, ...], bytes, int]
"""A frame as it was taken out: the kernel's header, the bytes, the packet's type."""

_SOL_PACKET, _RX_RING, _STATISTICS, _COPY_LONG_ONES, _VERSION = 263, 5, 6, 7, 10
_TPACKET_V2 = 1
_SO_TIMESTAMPNS = 35
_ALL_PROTOCOLS = 0x0003
_OUTGOING = 4

_SLOT_BYTES = 512
_SLOTS = 8192
_BLOCK_BYTES = 1 << 16
_LONGEST = 1 << 17
_LONG_BYTES = 1 << 22
_RING_BYTES = _SLOT_BYTES * _SLOTS

# struct tpacket2_hdr; native, for the status word has to be written in one piece
_HEADER = struct.Struct("IIIHHIIHH")
_STATUS = struct.Struct("I")
_PACKET_TYPE_OFFSET = 42  # struct sockaddr_ll begins at 32
_FREE = 0
_COPIED, _VLAN_VALID, _VLAN_TPID_VALID = 0x2, 0x10, 0x40
_DEFAULT_TPID = 0x8100


_ATTACH_FILTER = 26  # SO_ATTACH_FILTER
_PASS = 0xFFFF_FFFF
#: What the kernel runs on every frame: those of TCP over IPv4 are left out.
_WITHOUT_TCP = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x28, 0, 0, 12),  # load the EtherType
        (0x15, 0, 2, 0x0800),  # not IPv4: pass
        (0x30, 0, 0, 23),  # load the protocol
        (0x15, 1, 0, socket.IPPROTO_TCP),
        (0x06, 0, 0, _PASS),
        (0x06, 0, 0, 0),
    )
)


class PacketRing:
    """Everything that one interface sends and receives."""

    def __init__(self, opened: socket.socket, interface: str) -> None:
        self.socket = opened
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)  # stamps taken on arrival, not when the ring is filled
        opened.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V2)
        opened.setsockopt(_SOL_PACKET, _COPY_LONG_ONES, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LONG_BYTES)
        layout = struct.pack("IIII", _BLOCK_BYTES, _RING_BYTES // _BLOCK_BYTES, _SLOT_BYTES, _SLOTS)
        opened.setsockopt(_SOL_PACKET, _RX_RING, layout)
        self._memory = mmap.mmap(opened.fileno(), _RING_BYTES)
        self._next = 0
        self._lost = 0
        opened.bind((interface, _ALL_PROTOCOLS))

    def leave_out_tcp(self) -> None:
        """Take in no more TCP: its long frames come by the socket's buffer, which is soon full."""
        instructions = ctypes.create_string_buffer(_WITHOUT_TCP, len(_WITHOUT_TCP))
        program = struct.pack("@HP", len(_WITHOUT_TCP) // 8, ctypes.addressof(instructions))
        self.socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)

    def read_into(self, add: Callable[[Slot], None]) -> int:
        """Take out what the kernel has put in so far. Returns the number of frames.

        This is where a burst is won or lost, so it does as little as it can; `frame_of` does the rest.
        """
        memory, unpack, release = self._memory, _HEADER.unpack_from, _STATUS.pack_into
        offset = self._next
        count = 0
        while True:
            header = unpack(memory, offset)
            if header[0] == _FREE:
                break
            start = offset + header[3]
            data = memory[start : start + header[2]]
            if header[0] & _COPIED:
                data = self._receive_long(data)
            add((header, data, memory[offset + _PACKET_TYPE_OFFSET]))
            release(memory, offset, _FREE)
            offset = (offset + _SLOT_BYTES) % _RING_BYTES
            count += 1
        self._next = offset
        return count

    def _receive_long(self, beginning: bytes) -> bytes:
        for _ in range(2):
            try:
                return self.socket.recv(_LONGEST)
            except BlockingIOError:
                break
            except OSError:  # told once, before what is queued: the link went down
                continue
        return beginning

    def clear_error(self) -> None:
        """Clear what a link going down or vanishing leaves on the socket; it would be reported for ever."""
        with contextlib.suppress(OSError):
            self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def lost(self) -> int:
        """Count the frames that the kernel had to drop since the ring was made, because it was full."""
        statistics = self.socket.getsockopt(_SOL_PACKET, _STATISTICS, 8)  # reading resets it
        self._lost += struct.unpack("II", statistics)[1]
        return self._lost

    def close(self) -> None:
        """Give the memory and the socket back."""
        self._memory.close()
        self.socket.close()


def frame_of(slot: Slot, host: str, interface: str) -> Frame:
    """Make a Frame of what was taken out of a ring."""
    (status, length, _, _, _, seconds, nanoseconds, tag, kind), data, packet_type = slot
    if status & _VLAN_VALID:  # the kernel keeps the tag apart from the frame
        kind = kind if status & _VLAN_TPID_VALID else _DEFAULT_TPID
        data = data[:12] + struct.pack("!HH", kind, tag) + data[12:]
        length += 4
    return Frame(seconds * 1_000_000_000 + nanoseconds, host, interface, packet_type == _OUTGOING, data, length)
