"""A ladder: the frames that some machines sent and received, in the order of time, one a line."""

from collections.abc import Callable, Iterable

from pytest_havip.clients.announcer import Instance
from pytest_havip.lab import Frame

__all__ = ["draw"]


def draw(machines: Iterable[Instance], *, only: Callable[[Frame], bool] = lambda _: True) -> str:
    """Return the frames that the machines' captures still hold, with milliseconds since the first.

    Args:
        machines: Whose frames.
        only: Says of a frame whether it belongs to the story.
    """
    # scapy only where frames are shown; both layers register the protocols that a summary should name.
    from scapy.layers import inet  # noqa: F401, PLC0415
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    frames = sorted(
        (frame for machine in machines for frame in machine.port.capture.frames() if only(frame)),
        key=lambda frame: frame.time_ns,
    )
    return "\n".join(
        f"{(frame.time_ns - frames[0].time_ns) / 1e6:10.3f} ms  {frame.host:<12} "
        f"{'sends' if frame.outgoing else 'gets '}  {frame.data[6:12].hex(':')} > {frame.data[:6].hex(':')}  "
        f"{Ether(frame.data).summary().removeprefix('Ether / ')}"
        for frame in frames
    )
