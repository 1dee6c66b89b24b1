"""The wire as a file: what the machines' captures hold, for Wireshark and its kin."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pytest_havip.clients.announcer import Instance
from pytest_havip.lab import Frame

__all__ = ["write_capture"]

_ETHERNET = 1  # LINKTYPE_ETHERNET
_INBOUND, _OUTBOUND = 1, 2  # the pcapng draft, section 4.3.1: direction


def write_capture(path: Path, machines: Iterable[Instance]) -> None:
    """Write every frame that the machines' captures still hold to a pcapng file, in the order of time.

    Each machine's interface is one of the file, named ``host/interface``. Times are the kernel's, in microseconds.

    Args:
        path: The file.
        machines: Whose captures.
    """
    from scapy.utils import PcapNgWriter  # noqa: PLC0415 - scapy only where frames leave

    frames = sorted(
        (frame for machine in machines for frame in machine.port.capture.frames()), key=lambda frame: frame.time_ns
    )
    with PcapNgWriter(str(path)) as writer:
        writer.linktype = _ETHERNET
        for frame in frames:
            writer.write(_Recorded(frame))


class _Recorded(bytes):
    """A frame as it is, with the attributes in which scapy's writer looks for all else."""

    def __new__(cls, frame: Frame) -> Self:
        recorded = super().__new__(cls, frame.data)
        # scapy cuts the float to microseconds; half of one more keeps it from cutting to the one before.
        recorded.time = (frame.time_ns // 1000 + 0.5) / 1e6
        recorded.sniffed_on = f"{frame.host}/{frame.interface}"
        recorded.direction = _OUTBOUND if frame.outgoing else _INBOUND
        recorded.wirelen = max(frame.length, len(frame.data))
        return recorded

    time: float
    sniffed_on: str
    direction: int
    wirelen: int
