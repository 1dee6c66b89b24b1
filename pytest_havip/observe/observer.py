"""What a third host sees: who owns an address by the data path, who answers for it, what was announced about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import count
from time import monotonic

from pytest_havip.clients.announcer import Instance
from pytest_havip.lab import Frame, NotSeen
from pytest_havip.reports import Inconclusive

__all__ = ["Observer", "SeveralOwners"]

#: Seconds that a frame may take from host to host before it counts as lost; a bridge needs microseconds.
_PATIENCE = 2.0
#: Where a neighbour that never heard an announcement would send: a MAC address that no NIC has.
_STALE_MAC = "02:00:00:00:de:ad"
_UDP_PAYLOAD = 42
_ETHERTYPE, _OPERATION = slice(12, 14), slice(20, 22)
_SENDER_MAC, _SENDER_IP, _TARGET_IP = slice(22, 28), slice(28, 32), slice(38, 42)
_ARP, _REPLY = b"\x08\x06", b"\x00\x02"


class SeveralOwners(AssertionError):  # noqa: N818 - named for what happened
    """One packet to an address reached more than one machine."""


@dataclass(frozen=True)
class Observer:
    """A machine of the subnet that takes no part in the play, and the captures of all the others.

    Args:
        instance: The observing machine.
        witness: Another machine of the subnet to which nothing happens; that a packet reaches it shows that the
            network still carries frames.
        cast: Every machine of the test, these two too; machines that join later join the list.
    """

    instance: Instance
    witness: Instance
    cast: Sequence[Instance]
    _tokens: "count[int]" = field(default_factory=count, repr=False)

    def belief(self, address: IPv4Address) -> str:
        """The MAC address that the observer's neighbour cache would hold: that of the last ARP about it (RFC 826).

        Before any was heard it is a MAC address that no NIC has: the stalest cache there can be.
        """
        heard = [frame.data[_SENDER_MAC] for frame in self.saw_about(address)]
        return heard[-1].hex(":") if heard else _STALE_MAC

    def owner_of(self, address: IPv4Address, *, destination: str | None = None) -> Instance | None:
        """The machine that a packet to the address reaches now, `None` if it reaches nobody.

        A datagram with a token of its own is sent as the observer's neighbour cache would send it, then one to the
        witness: when that has arrived, the first has arrived or never will.

        Args:
            address: Where the packet goes.
            destination: The Ethernet destination, instead of what the observer's cache would hold.

        Raises:
            SeveralOwners: It reached more than one machine.
            Inconclusive: Even the packet to a fixed address got lost.
        """
        reached = self._reached(address, destination)
        if len(reached) > 1:
            names = " and ".join(machine.name for machine in reached)
            raise SeveralOwners(f"one packet to {address} reached {names}")
        return reached[0] if reached else None

    def wait_for_owner(self, address: IPv4Address, owner: Instance, *, timeout: float = _PATIENCE) -> None:
        """Wait until packets to the address reach this machine.

        Raises:
            AssertionError: They don't after `timeout` seconds; the message says whom they reach.
        """
        deadline = monotonic() + timeout
        while (seen := self._reached(address)) != [owner]:
            if monotonic() > deadline:
                names = " and ".join(machine.name for machine in seen) or "nobody"
                raise AssertionError(
                    f"{timeout:g} s after, packets to {address} still reach {names} and not {owner.name} alone, "
                    f"as {self.instance.name} sees it"
                )

    def control(self) -> None:
        """Show that the network still carries frames: send a packet to the witness and see it arrive.

        Raises:
            Inconclusive: It did not; then nothing that was not seen proves anything.
        """
        me, other = self.instance, self.witness
        token = f"havip-control-{next(self._tokens)}-{me.mac}|".encode()
        since = me.send(me.datagram(me.address, other.address, other.mac, token))
        try:
            other.port.capture.wait(_carries(token), timeout=_PATIENCE, since=since)
        except NotSeen as missing:
            raise Inconclusive(
                f"a packet from {me.name} to {other.name}'s fixed address got lost: the network carries nothing, "
                f"so that silence proves nothing. {missing}"
            ) from missing

    def saw_about(self, address: IPv4Address, *, since: int = 0) -> list[Frame]:
        """ARP frames with the address as sender that reached the observer since a time (nanoseconds), oldest first."""
        return _about(self.instance, address, since)

    def saw_nothing_about(self, address: IPv4Address, *, since: int) -> bool:
        """Whether no ARP frame with the address as sender reached the observer since a time (nanoseconds)."""
        return not self.saw_about(address, since=since)

    def wait_for_announcement(self, address: IPv4Address, sender: Instance, *, since: int) -> Frame:
        """Wait until an announcement of the address by a machine reaches the observer.

        Raises:
            NotSeen: It did not; the message lists what was seen instead.
        """
        vip, mac = address.packed, bytes.fromhex(sender.mac.replace(":", ""))

        def announced(frame: Frame) -> bool:
            data = frame.data
            return (
                not frame.outgoing
                and data[_ETHERTYPE] == _ARP
                and data[_SENDER_IP] == vip == data[_TARGET_IP]
                and data[_SENDER_MAC] == mac
            )

        return self.instance.port.capture.wait(announced, timeout=_PATIENCE, since=since)

    def answers_to_who_has(self, address: IPv4Address) -> set[str]:
        """Ask for the address by broadcast, and return the MAC addresses that answer.

        A second question, for the witness's fixed address, closes the wait: its answer comes after the others.
        """
        me, other = self.instance, self.witness
        since = me.send(me.arp(1, me.address, address))
        me.send(me.arp(1, me.address, other.address))
        mac = bytes.fromhex(other.mac.replace(":", ""))
        me.port.capture.wait(
            lambda frame: frame.data[_SENDER_IP] == other.address.packed and frame.data[_SENDER_MAC] == mac,
            timeout=_PATIENCE,
            since=since,
        )
        replies = [frame.data for frame in self.saw_about(address, since=since) if frame.data[_OPERATION] == _REPLY]
        return {data[_SENDER_MAC].hex(":") for data in replies}

    def witnesses(self, matches: Callable[[bytes], bool], *, since: int) -> list[str]:
        """Names of the machines that a matching frame reached since a time (nanoseconds)."""
        found = []
        for machine in self.cast:
            machine.port.capture.sync()
            if any(not frame.outgoing and matches(frame.data) for frame in machine.port.capture.frames(since)):
                found.append(machine.name)
        return found

    def heard_arp_from(self, address: IPv4Address, *, since: int, mac: str | None = None) -> list[str]:
        """Names of the machines that an ARP frame with the address as sender reached since a time (nanoseconds).

        Args:
            address: The sender protocol address.
            since: Nanoseconds of the lab's clock.
            mac: Count only frames with this sender hardware address; the address's holder may speak meanwhile.
        """
        vip, sender = address.packed, mac and bytes.fromhex(mac.replace(":", ""))

        def about(data: bytes) -> bool:
            return data[_ETHERTYPE] == _ARP and data[_SENDER_IP] == vip and sender in {None, data[_SENDER_MAC]}

        return self.witnesses(about, since=since)

    def _reached(self, address: IPv4Address, destination: str | None = None) -> list[Instance]:
        me = self.instance
        token = f"havip-token-{next(self._tokens)}-{me.mac}|".encode()
        since = me.send(me.datagram(me.address, address, destination or self.belief(address), token))
        self.control()
        return [machine for machine in self.cast if self._received(machine, token, since)]

    def _received(self, machine: Instance, token: bytes, since: int) -> bool:
        machine.port.capture.sync()
        carries = _carries(token)
        return any(carries(frame) for frame in machine.port.capture.frames(since))


def _carries(token: bytes) -> Callable[[Frame], bool]:
    # At its place behind the UDP header: an ICMP error about the datagram quotes it too.
    return lambda frame: not frame.outgoing and frame.data.startswith(token, _UDP_PAYLOAD)


def _about(machine: Instance, address: IPv4Address, since: int) -> list[Frame]:
    vip = address.packed
    machine.port.capture.sync()
    return [
        frame
        for frame in machine.port.capture.frames(since)
        if not frame.outgoing and frame.data[_ETHERTYPE] == _ARP and frame.data[_SENDER_IP] == vip
    ]
