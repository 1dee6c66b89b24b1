"""A network stack and an HA client, as small as can be, on a tap device or on a cable; run by path.

It answers ARP for its own address and, while it is active, for the floating one; it announces that, answers the data
probes there, and tells the others by broadcast that it lives. The preferred node is active when it hears nobody at
first; another one when it no longer hears the one before, or hears its farewell.
"""

import fcntl
import os
import select
import signal
import socket
import struct
import sys
import time
from ipaddress import IPv4Address

BROADCAST, NOBODY = b"\xff" * 6, bytes(4)
ARP, IPV4 = b"\x08\x06", b"\x08\x00"
PROBES, HEARTBEATS, UDP = 9301, 5999, 17
PERIOD, SILENCE, REFRESH = 0.2, 1.0, 1.0
TUNSETIFF, TAP_WITHOUT_HEADER = 0x400454CA, 0x1002
ETH_P_ALL, SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 3, 263, 1, 1


def checksum(header: bytes) -> bytes:
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def open_tap(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), TAP_WITHOUT_HEADER))
    return device


def open_wire(name: str) -> int:
    """The other end of a cable, whatever its kernel's MAC address is."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.bind((name, ETH_P_ALL))
    membership = struct.pack("iHH8s", socket.if_nametoindex(name), PACKET_MR_PROMISC, 0, b"")
    wire.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)
    return wire.detach()


class Machine:
    def __init__(self, tap: str, mac: str, address: str, havip: str, number: str, name: str) -> None:
        self.device = open_tap(tap) if tap.startswith("tap") else open_wire(tap)
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.address, self.havip = IPv4Address(address).packed, IPv4Address(havip).packed
        self.number, self.name = int(number), name.encode()
        self.active = False
        self.leaving = False
        self.heard = time.monotonic()

    def send(self, to: bytes, ethertype: bytes, payload: bytes) -> None:
        os.write(self.device, to + self.mac + ethertype + payload)

    def arp(self, operation: int, to: bytes, sender: bytes, target_mac: bytes, target: bytes) -> None:
        head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
        self.send(to, ARP, head + self.mac + sender + target_mac + target)

    def datagram(self, to: bytes, source: bytes, destination: bytes, ports: tuple[int, int], data: bytes) -> None:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 0, 0, 64, UDP, 0, source, destination)
        udp = struct.pack("!HHHH", *ports, 8 + len(data), 0)
        self.send(to, IPV4, header[:10] + checksum(header) + header[12:] + udp + data)

    def announce(self) -> None:
        for _ in range(3):
            self.arp(1, BROADCAST, self.havip, bytes(6), self.havip)

    def heartbeat(self, word: bytes) -> None:
        said = word + bytes([self.number])
        self.datagram(BROADCAST, self.address, b"\xff" * 4, (HEARTBEATS, HEARTBEATS), said)

    def hear(self, frame: bytes) -> None:
        if frame[12:14] == ARP and len(frame) >= 42:
            asks, target = frame[20:22] == b"\0\1", frame[38:42]
            if asks and frame[28:32] != target and target in {self.address, *({self.havip} if self.active else ())}:
                self.arp(2, frame[6:12], target, frame[22:28], frame[28:32])
        elif frame[12:14] == IPV4 and frame[23] == UDP:
            source, destination, (port, to) = frame[26:30], frame[30:34], struct.unpack("!HH", frame[34:38])
            data = frame[42 : 34 + struct.unpack("!H", frame[38:40])[0]]
            if to == HEARTBEATS:
                self.listen(data[:1], data[1])
            elif self.active and (destination, to) == (self.havip, PROBES) and data.startswith(b"HVP1"):
                self.datagram(frame[6:12], destination, source, (to, port), data + self.name)

    def listen(self, word: bytes, number: int) -> None:
        if word == b"-":  # a farewell
            self.heard = 0.0
        elif self.active and number < self.number:
            self.active, self.heard = False, time.monotonic()
            sys.stderr.write("steps down\n")
        elif self.active:
            self.announce()
        else:
            self.heard = time.monotonic()

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "leaving", True))
        due = refresh = 0.0
        while not self.leaving:
            if select.select([self.device], [], [], PERIOD / 4)[0]:
                self.hear(os.read(self.device, 2048))
            now = time.monotonic()
            if not self.active and now - self.heard > SILENCE * self.number / 2:
                self.active, refresh = True, 0.0
                sys.stderr.write("becomes active\n")
            if self.active and now > due:
                due = now + PERIOD
                self.heartbeat(b"+")
            if self.active and now > refresh:
                refresh = now + REFRESH
                self.announce()
        if self.active:
            self.heartbeat(b"-")
        os.close(self.device)


if __name__ == "__main__":
    Machine(*sys.argv[1:]).run()
