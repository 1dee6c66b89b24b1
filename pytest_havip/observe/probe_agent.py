"""The two small programs of a probe stream, run by path inside hosts, with nothing but the standard library.

`respond NAME ADDRESS PORT READY` answers every probe that its host's kernel delivers to ADDRESS, with ADDRESS as the
source and NAME in the answer, and every request on a TCP connection with NAME in a line. `send ADDRESS PORT INTERVAL_NS
RECORD EVENTS STOP` sends numbered probes to it and writes every sending and every answer to the file RECORD. READY,
RECORD, EVENTS and STOP are numbers of inherited file descriptors: eventfds, RECORD a memory file.

A probe is MAGIC, 8 bytes of its stream's token and an 8-byte number; an answer is the probe followed by NAME.
"""

import contextlib
import errno
import os
import select
import socket
import struct
import sys
import time
from typing import NoReturn

__all__ = ["main"]

PROBE = struct.Struct("!4s8sQ")
MAGIC = b"HVP1"
IP_FREEBIND = 15
SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("@ll")
GRACE_NS = 250_000_000
SECOND_NS = 1_000_000_000
BUFFER = 1 << 20
BACKLOG = 64

# What the kernel says when it cannot send just now; such a probe is lost, and losing probes is what we measure.
PASSING = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EPERM})


class Responder:
    """The service behind an address: answers every probe, and on TCP every request with its name."""

    def __init__(self, name: str, address: str, port: int) -> None:
        """Bind its sockets before the host holds the address: the kernel delivers here only while it does."""
        self.name = name.encode()
        self.probes = self.bound(socket.SOCK_DGRAM, address, port)
        self.listener = self.bound(socket.SOCK_STREAM, address, port, reuse=1)
        self.listener.listen(BACKLOG)
        self.connections: dict[int, socket.socket] = {}
        self.poll = select.poll()
        for each in (self.probes, self.listener):
            self.poll.register(each, select.POLLIN)

    @staticmethod
    def bound(kind: int, address: str, port: int, *, reuse: int = 0) -> socket.socket:
        """Make a socket; one that may reuse its port does not mind connections that the kernel has yet to bury."""
        made = socket.socket(socket.AF_INET, kind)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        made.bind((address, port))
        return made

    def run(self, ready: int) -> NoReturn:
        """Answer for ever; `ready` is raised by one as soon as answers are possible."""
        os.eventfd_write(ready, 1)
        while True:
            for descriptor, _ in self.poll.poll():
                # Never wait for one unreachable peer while another one asks.
                with contextlib.suppress(BlockingIOError):
                    if descriptor == self.probes.fileno():
                        self.answer_probe()
                    elif descriptor == self.listener.fileno():
                        self.accept()
                    else:
                        self.answer_request(descriptor)

    def answer_probe(self) -> None:
        """Answer one datagram, if it is a probe."""
        probe, peer = self.probes.recvfrom(PROBE.size + 1)
        if len(probe) == PROBE.size and probe.startswith(MAGIC):
            with contextlib.suppress(OSError):
                self.probes.sendto(probe + self.name, peer)

    def accept(self) -> None:
        """Take a connection."""
        with contextlib.suppress(ConnectionError):  # it may be gone already
            connection, _ = self.listener.accept()
            connection.setblocking(False)
            self.connections[connection.fileno()] = connection
            self.poll.register(connection, select.POLLIN)

    def answer_request(self, descriptor: int) -> None:
        """Answer on a connection, or give it up when it ends."""
        connection = self.connections[descriptor]
        try:
            if connection.recv(512):
                connection.send(self.name + b"\n")
                return
        except ConnectionError:
            pass  # the other side has ended it its own way
        self.poll.unregister(descriptor)
        del self.connections[descriptor]
        connection.close()


class Sender:
    """One stream of probes, and the record of it."""

    def __init__(self, address: str, port: int, record: int, events: int) -> None:
        """Make the socket; `record` and `events` are file descriptors."""
        self.target = (address, port)
        self.record = record
        self.events = events
        self.token = os.urandom(8)
        self.number = 0
        self.answered = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        # Probes that wait for a neighbour's MAC are charged to this buffer; full, it would stop the stream.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)

    def send(self) -> None:
        """Send the next probe, whatever happened to the ones before."""
        self.number += 1
        probe = PROBE.pack(MAGIC, self.token, self.number)
        os.write(self.record, b"s %d %d\n" % (self.number, time.time_ns()))
        try:
            self.socket.sendto(probe, self.target)
        except OSError as error:
            if error.errno not in PASSING:
                raise

    def receive(self) -> None:
        """Take all answers that have arrived, with the kernel's own time of arrival."""
        with contextlib.suppress(BlockingIOError):
            while True:
                data, controls, _, peer = self.socket.recvmsg(512, socket.CMSG_SPACE(TIMESPEC.size))
                self.take(data, self.arrival(controls), peer)

    def take(self, data: bytes, arrival: int, peer: tuple[str, int]) -> None:
        """Record one answer if it is one to this stream and comes from the address that was asked."""
        if peer != self.target or len(data) <= PROBE.size:
            return
        magic, token, number = PROBE.unpack_from(data)
        if magic != MAGIC or token != self.token:
            return
        self.answered = max(self.answered, number)
        os.write(self.record, b"a %d %d %s\n" % (number, arrival, data[PROBE.size :]))
        os.eventfd_write(self.events, 1)

    @staticmethod
    def arrival(controls: list[tuple[int, int, bytes]]) -> int:
        """Return the kernel's time of arrival in ns, or now if it gave none."""
        for level, kind, data in controls:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                seconds, nanoseconds = TIMESPEC.unpack_from(data)
                return int(seconds) * SECOND_NS + int(nanoseconds)
        return time.time_ns()

    def run(self, interval: int, stop: int) -> None:
        """Send every `interval` ns until `stop` is raised, then wait a moment for the answers still on their way."""
        due = time.monotonic_ns()
        sources: list[socket.socket | int] = [self.socket, stop]
        while True:
            now = time.monotonic_ns()
            if now >= due:
                self.send()
                # After a hold-up go on in step; a burst of late probes would tell nothing new.
                due = max(due + interval, now + interval // 2)
            readable, _, _ = select.select(sources, [], [], max(0, due - now) / SECOND_NS)
            self.receive()
            if stop in readable:
                break
        end = time.monotonic_ns() + GRACE_NS
        while self.answered < self.number and (left := end - time.monotonic_ns()) > 0:
            select.select([self.socket], [], [], left / SECOND_NS)
            self.receive()


def main(arguments: list[str]) -> None:
    """Run the program that the first argument names."""
    match arguments:
        case ["respond", name, address, port, ready]:
            Responder(name, address, int(port)).run(int(ready))
        case ["send", address, port, interval, record, events, stop]:
            sender = Sender(address, int(port), int(record), int(events))
            sender.run(int(interval), int(stop))
            sender.socket.close()
        case _:
            raise SystemExit(
                f"usage: respond NAME ADDRESS PORT READY | send ADDRESS PORT NS RECORD EVENTS STOP: {arguments}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
