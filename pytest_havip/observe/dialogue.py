"""Real dialogues with an address: sockets at both ends, so that whole kernels take part and not only frames."""

import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal, Self

from pytest_havip.clients.announcer import Instance

__all__ = ["Dialogue", "Protocol", "Unserved"]

Protocol = Literal["tcp", "udp"]

_PORT = 9400
#: Seconds that a question, or its answer, may take; the kernel asks a second time after one.
_PATIENCE = 3.0
_MOST = 65536
# linux/in.h: bind to an address that the machine does not hold yet, as a standby's service does.
_IP_FREEBIND = 15


class Unserved(AssertionError):
    """A question to an address was not answered, or not by its answer."""


@dataclass(frozen=True)
class Dialogue:
    """A service behind an address on several machines: whichever is asked says so, and gives back what it got.

    It listens beforehand, so a machine serves exactly while its kernel holds the address and packets reach it.

    Args:
        address: The address.
        protocol: TCP or UDP.
        services: The machines and their listening sockets.
    """

    address: IPv4Address
    protocol: Protocol
    services: Sequence[tuple[Instance, socket.socket]]

    @classmethod
    @contextmanager
    def open(cls, address: IPv4Address, machines: Sequence[Instance], protocol: Protocol) -> Iterator[Self]:
        """Listen at the address on each of the machines, whether they hold it or not."""
        with ExitStack() as opened:
            services = []
            for machine in machines:
                service = opened.enter_context(machine.host.socket(socket.AF_INET, _kind(protocol)))
                service.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                service.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
                service.bind((str(address), _PORT))
                if protocol == "tcp":
                    service.listen()
                services.append((machine, service))
            yield cls(address, protocol, services)

    def ask(self, client: Instance, question: bytes = b"who serves?") -> Instance:
        """Ask from a machine, by a new connection or datagram, and return the machine that was asked.

        Raises:
            Unserved: Nobody was asked, or the answer did not come back as it was.
        """
        with client.host.socket(socket.AF_INET, _kind(self.protocol)) as asking:
            asking.settimeout(_PATIENCE)
            try:
                asking.connect((str(self.address), _PORT))
                asking.sendall(question)
                machine = self._answer(len(question))
                answer = _receive(asking, len(question))
            except OSError as failed:
                raise Unserved(f"{client.name} got no {self.protocol} answer from {self.address}: {failed}") from failed
        if answer != question:
            raise Unserved(f"{client.name} got {len(answer)} bytes from {machine.name} that it had not sent")
        return machine

    def _answer(self, length: int) -> Instance:
        """Give back what arrives at one of the services."""
        poll = select.poll()  # select() knows no descriptor above 1023
        for _, service in self.services:
            poll.register(service, select.POLLIN)
        asked = {descriptor for descriptor, _ in poll.poll(_PATIENCE * 1000)}
        for machine, service in self.services:
            if service.fileno() in asked:
                if self.protocol == "tcp":
                    connection, _ = service.accept()
                    with connection:
                        connection.settimeout(_PATIENCE)
                        connection.sendall(_receive(connection, length))
                else:
                    question, asker = service.recvfrom(_MOST)
                    service.sendto(question, asker)
                return machine
        raise TimeoutError(
            f"within {_PATIENCE:g} s none of {', '.join(one.name for one, _ in self.services)} was asked"
        )


def _kind(protocol: Protocol) -> socket.SocketKind:
    return socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM


def _receive(connected: socket.socket, length: int) -> bytes:
    """Receive so many bytes, or all there are; a datagram comes whole."""
    received = connected.recv(_MOST)
    while received and len(received) < length:
        more = connected.recv(_MOST)
        if not more:
            break
        received += more
    return received
