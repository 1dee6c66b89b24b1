"""A packet socket's receive ring, shared with the kernel (TPACKET_V2, see packet_mmap in the kernel's documentation).

A socket buffer of an ordinary user holds some 500 small frames (net.core.rmem_max); this ring holds 4,096 whatever the
limits, and reading it takes no system call.
"""

import contextlib
import mmap
import socket
import struct
from collections.abc import Iterator

__all__ = ["PacketRing", "Slot"]

Slot = tuple[int, bool, bytes, int]
"""Time (ns), outgoing, frame, its length on the wire."""

_SOL_PACKET, _VERSION, _RX_RING, _STATISTICS = 263, 10, 5, 6
_TPACKET_V2 = 1
_SO_TIMESTAMPNS = 35
_ALL_PROTOCOLS = 0x0003
_OUTGOING = 4

_SLOT_BYTES = 2048
_SLOTS = 4096
_BLOCK_BYTES = 1 << 16
_RING_BYTES = _SLOT_BYTES * _SLOTS

# struct tpacket2_hdr; native, for the status word has to be written in one piece
_HEADER = struct.Struct("IIIHHIIHH")
_STATUS = struct.Struct("I")
_PACKET_TYPE_OFFSET = 42  # struct sockaddr_ll begins at 32
_FREE = 0
_VLAN_VALID, _VLAN_TPID_VALID = 0x10, 0x40
_DEFAULT_TPID = 0x8100


class PacketRing:
    """Everything that one interface sends and receives."""

    def __init__(self, opened: socket.socket, interface: str) -> None:
        self.socket = opened
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)  # stamps taken on arrival, not when the ring is filled
        opened.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V2)
        layout = struct.pack("IIII", _BLOCK_BYTES, _RING_BYTES // _BLOCK_BYTES, _SLOT_BYTES, _SLOTS)
        opened.setsockopt(_SOL_PACKET, _RX_RING, layout)
        self._memory = mmap.mmap(opened.fileno(), _RING_BYTES)
        self._next = 0
        self._lost = 0
        opened.bind((interface, _ALL_PROTOCOLS))

    def read(self) -> Iterator[Slot]:
        """Take out what the kernel has put in so far."""
        memory = self._memory
        while True:
            offset = self._next * _SLOT_BYTES
            status, length, kept, start, _, seconds, nanoseconds, tag, kind = _HEADER.unpack_from(memory, offset)
            if status == _FREE:
                return
            data = memory[offset + start : offset + start + kept]
            if status & _VLAN_VALID:  # the kernel keeps the tag apart from the frame
                kind = kind if status & _VLAN_TPID_VALID else _DEFAULT_TPID
                data = data[:12] + struct.pack("!HH", kind, tag) + data[12:]
                length += 4
            outgoing = memory[offset + _PACKET_TYPE_OFFSET] == _OUTGOING
            _STATUS.pack_into(memory, offset, _FREE)
            self._next = (self._next + 1) % _SLOTS
            yield seconds * 1_000_000_000 + nanoseconds, outgoing, data, length

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
