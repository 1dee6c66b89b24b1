"""A user of TCP, run by path inside a host, with nothing but the standard library.

`ADDRESS PORT INTERVAL_NS RECORD READY STOP`: it keeps one connection to the responders of `probe_agent` with a request
under way, the next one INTERVAL_NS after an answer, and makes a new connection every INTERVAL_NS, which ends with its
first answer or after a second. When the kept one is lost, the next new one that is answered is kept in its place.

All that happens is written to the file RECORD: `o NUMBER NS` opened, `q NUMBER NS` asked, `a NUMBER NS OWNER` answered,
`e NUMBER NS WHY` ended. READY is raised when a connection is kept. RECORD, READY and STOP are numbers of inherited file
descriptors: eventfds, RECORD a memory file.
"""

import errno
import os
import select
import socket
import struct
import sys
import time

__all__ = ["main"]

SECOND_NS = 1_000_000_000
#: Nanoseconds after which a user gives an attempt up: the kernel sends its SYN once in that time.
PATIENCE_NS = 900_000_000
REQUEST = b"?"
#: An end without a goodbye leaves nothing behind in the kernel.
ABRUPT = struct.pack("ii", 1, 0)
DONE, GIVEN_UP, CLOSED = "done", "given-up", "closed"


class Connection:
    """One connection: what it is called in the record, and when it was begun or last answered."""

    def __init__(self, number: int, target: tuple[str, int], now: int) -> None:
        """Begin to connect."""
        self.number = number
        self.since = now
        self.asked = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.error = self.socket.connect_ex(target)

    def answer(self) -> str:
        """Take what has arrived: who answered, empty for the end of the connection; raises OSError."""
        self.asked = False
        return self.socket.recv(512).decode().strip()


class User:
    """All connections of one user, and the record of them."""

    def __init__(self, address: str, port: int, record: int, ready: int) -> None:
        """Begin with no connection."""
        self.target = (address, port)
        self.record = record
        self.ready = ready
        self.number = 0
        self.kept: Connection | None = None
        self.fresh: dict[int, Connection] = {}
        self.poll = select.poll()

    def write(self, kind: str, connection: Connection, *words: str) -> None:
        """Write one line."""
        os.write(self.record, f"{' '.join([kind, str(connection.number), str(time.time_ns()), *words])}\n".encode())

    def ask(self, connection: Connection) -> None:
        """Send a request; raises OSError."""
        connection.socket.send(REQUEST)
        connection.asked = True
        self.write("q", connection)

    def open(self) -> None:
        """Begin a new connection."""
        self.number += 1
        connection = Connection(self.number, self.target, time.monotonic_ns())
        self.write("o", connection)
        if connection.error not in {0, errno.EINPROGRESS}:
            self.end(connection, errno.errorcode[connection.error])
            return
        self.fresh[connection.socket.fileno()] = connection
        self.poll.register(connection.socket, select.POLLOUT)

    def end(self, connection: Connection, why: str) -> None:
        """Close a connection and write down why."""
        self.write("e", connection, why)
        if connection is self.kept or connection.socket.fileno() in self.fresh:
            self.poll.unregister(connection.socket)
            self.fresh.pop(connection.socket.fileno(), None)
        if connection is self.kept:
            self.kept = None
        connection.socket.close()

    def happened(self, descriptor: int) -> None:
        """Go on with a connection to which something has happened."""
        kept = self.kept
        connection = kept if kept and kept.socket.fileno() == descriptor else self.fresh[descriptor]
        try:
            if connection is not kept and not connection.asked:
                self.ask(connection)
                self.poll.modify(descriptor, select.POLLIN)
                return
            owner = connection.answer()
        except OSError as error:
            self.end(connection, errno.errorcode.get(error.errno or 0, "unknown"))
            return
        if not owner:
            self.end(connection, CLOSED)
            return
        self.write("a", connection, owner)
        connection.since = time.monotonic_ns()
        if connection is not kept:
            self.keep(connection)

    def keep(self, connection: Connection) -> None:
        """Keep a new connection that was answered, if none is kept; else it has done its work."""
        if self.kept is not None:
            self.end(connection, DONE)
            return
        self.kept = self.fresh.pop(connection.socket.fileno())
        os.eventfd_write(self.ready, 1)

    def go_on(self, now: int, interval: int) -> None:
        """Do what is due: give old attempts up, send the next request on the kept connection."""
        for connection in [each for each in self.fresh.values() if now - each.since > PATIENCE_NS]:
            self.end(connection, GIVEN_UP)
        kept = self.kept
        if kept is not None and not kept.asked and now - kept.since >= interval:
            try:
                self.ask(kept)
            except OSError as error:
                self.end(kept, errno.errorcode.get(error.errno or 0, "unknown"))

    def run(self, interval: int, stop: int) -> None:
        """Go on until `stop` is raised."""
        self.poll.register(stop, select.POLLIN)
        due = time.monotonic_ns()
        while True:
            now = time.monotonic_ns()
            if now >= due:
                self.open()
                due = max(due + interval, now + interval // 2)
            self.go_on(now, interval)
            for descriptor, _ in self.poll.poll(max(1, (due - now) * 1000 // SECOND_NS)):
                if descriptor == stop:
                    return
                self.happened(descriptor)


def main(arguments: list[str]) -> None:
    """Run it."""
    address, port, interval, record, ready, stop = arguments
    User(address, int(port), int(record), int(ready)).run(int(interval), int(stop))


if __name__ == "__main__":
    main(sys.argv[1:])
