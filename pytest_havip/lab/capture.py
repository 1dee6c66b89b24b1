"""What an interface saw, in memory."""

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice

from pytest_havip.lab.frame import Frame
from pytest_havip.lab.ring import PacketRing, Slot, frame_of

__all__ = ["Capture", "CaptureThread", "NotSeen"]

_KEPT_FRAMES = 32_768
_SHOWN_FRAMES = 12
#: Nanoseconds by which a frame may be older than one that was queued before it.
_OUT_OF_ORDER = 1_000_000_000


class NotSeen(AssertionError):
    """No frame that was waited for came in time; the text lists the last ones that did."""


class Capture:
    """A bounded ring of the latest frames of one interface, sent and received; always on. Safe to use from threads."""

    def __init__(self, opened: socket.socket, host: str, interface: str) -> None:
        self._packets = PacketRing(opened, interface)
        self._host = host
        self._interface = interface
        self._fresh: deque[Slot] = deque(maxlen=_KEPT_FRAMES)  # taken in, and not looked at yet
        self._frames: deque[Frame] = deque(maxlen=_KEPT_FRAMES)
        self._count = 0
        self._lost = 0
        self._closed = False
        self._news = threading.Condition()

    def sync(self) -> None:
        """Take in everything that the kernel has queued so far; when it returns, `frames` has it."""
        with self._news:
            if self._closed:
                return
            count = self._packets.read_into(self._fresh.append)
            if count:
                self._count += count
                self._news.notify_all()

    def _look(self) -> deque[Frame]:
        while self._fresh:
            self._frames.append(frame_of(self._fresh.popleft(), self._host, self._interface))
        return self._frames

    def frames(self, since: int = 0) -> list[Frame]:
        """List the frames in the order in which the kernel queued them.

        Args:
            since: leave out what is older than this, in nanoseconds of CLOCK_REALTIME (`time.time_ns()`).
        """
        self.sync()
        with self._news:
            found = []
            # From the newest one on: who asks again and again mostly asks for the last few of many.
            for frame in reversed(self._look()):
                if frame.time_ns >= since:
                    found.append(frame)
                elif frame.time_ns < since - _OUT_OF_ORDER:
                    break
        found.reverse()
        return found

    def after(self, count: int, *, timeout: float = 0) -> list[Frame]:
        """List the frames that follow the first `count` ones of all, for whoever reads on and on.

        Args:
            count: how many frames the caller has had so far.
            timeout: seconds to wait for the first of them.
        """
        self.sync()
        with self._news:
            if self._count == count and timeout > 0 and not self._closed:
                self._news.wait(timeout)
            fresh = list(islice(reversed(self._look()), self._count - count))
        fresh.reverse()
        return fresh

    def wait(self, predicate: Callable[[Frame], bool], *, timeout: float, since: int = 0) -> Frame:
        """Wait for a frame.

        Args:
            predicate: says whether a frame is the one.
            timeout: seconds.
            since: frames older than this (nanoseconds of CLOCK_REALTIME) don't count; those that are there already do.

        Raises:
            NotSeen: none came in time.
        """
        deadline = time.monotonic() + timeout
        seen = 0
        while True:
            self.sync()
            with self._news:
                fresh = list(islice(reversed(self._look()), self._count - seen))
                seen = self._count
            for frame in reversed(fresh):
                if frame.time_ns >= since and predicate(frame):
                    return frame
            with self._news:
                remaining = deadline - time.monotonic()
                if self._closed or remaining <= 0:
                    raise NotSeen(self._report(timeout, since))
                if self._count == seen:
                    self._news.wait(remaining)

    @property
    def lost(self) -> int:
        """Frames that came faster than they could be taken in, and are missing here."""
        with self._news:
            if not self._closed:
                self._lost = self._packets.lost()
            return self._lost

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when there is something to take in."""
        return self._packets.socket.fileno()

    def leave_out_tcp(self) -> None:
        """See no more TCP over IPv4: for machines that carry real loads, of which only the rest is looked at."""
        with self._news:
            if not self._closed:
                self._packets.leave_out_tcp()

    def clear_error(self) -> None:
        """Forget that the link went down."""
        with self._news:
            if not self._closed:
                self._packets.clear_error()

    def close(self) -> None:
        """Take in the last frames and stop; what was captured stays readable."""
        self.sync()
        with self._news:
            if not self._closed:
                self._lost = self._packets.lost()
                self._closed = True
                self._packets.close()
                self._news.notify_all()

    def _report(self, timeout: float, since: int) -> str:
        where = f"{self._host}/{self._interface}"
        frames = [frame for frame in self._look() if frame.time_ns >= since]
        if not frames:
            older = f"; the last one before was {self._frames[-1]}" if self._frames else ""
            return f"no frame at all on {where} within {timeout:g} s{older}"
        shown = "\n".join(f"  {frame}" for frame in frames[-_SHOWN_FRAMES:])
        return f"not seen on {where} within {timeout:g} s; the last of {len(frames)} frames:\n{shown}"


class CaptureThread:
    """The one thread of a lab that empties all rings as they fill. Started with the first capture."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._wake, self._stop = socket.socketpair()
        self._poll.register(self._wake, select.EPOLLIN)
        self._captures: dict[int, Capture] = {}
        self._thread = threading.Thread(target=self._run, name="lab-capture", daemon=True)
        self._thread.start()

    def add(self, capture: Capture) -> None:
        """Empty this one too."""
        fd = capture.fileno()
        self._captures[fd] = capture
        self._poll.register(fd, select.EPOLLIN)

    def remove(self, capture: Capture) -> None:
        """Leave this one alone, and close it."""
        fd = capture.fileno()
        if self._captures.get(fd) is capture:
            self._poll.unregister(fd)
            del self._captures[fd]
        capture.close()

    def close(self) -> None:
        """Close all captures and end the thread."""
        for capture in list(self._captures.values()):
            self.remove(capture)
        self._stop.close()
        self._thread.join()
        self._wake.close()
        self._poll.close()

    def _run(self) -> None:
        while True:
            for fd, events in self._poll.poll():
                capture = self._captures.get(fd)
                if capture is None:
                    if fd == self._wake.fileno():
                        return
                    continue
                if events & select.EPOLLERR:
                    capture.clear_error()
                capture.sync()
