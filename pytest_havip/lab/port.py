"""Raw frames on one interface of one host."""

import socket
import time

from pytest_havip.lab.capture import Capture

__all__ = ["Port"]

_OWN_ETHERTYPE_ONLY = 0  # protocol 0: this socket sends and receives nothing


class Port:
    """Sends frames as they are, and captures what the interface sends and receives."""

    def __init__(self, sender: socket.socket, capture: Capture, interface: str, index: int) -> None:
        self._sender = sender
        self._sender.bind((interface, _OWN_ETHERTYPE_ONLY))
        self.interface = interface
        self.index = index
        self.capture = capture

    def send(self, frame: bytes) -> int:
        """Send a frame exactly as given, from its Ethernet header on.

        Returns:
            The time just before (nanoseconds of CLOCK_REALTIME), to be used as `since` in the capture.

        Raises:
            OSError: the link is down, or the frame is longer than the link takes.
        """
        before = time.time_ns()
        self._sender.send(frame)
        return before

    def close(self) -> None:
        """Close the sending socket; the capture belongs to the lab's thread."""
        self._sender.close()
