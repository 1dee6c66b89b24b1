"""What a third host sees: who owns an address by the data path, who answers for it, what was announced about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import count
from time import monotonic, sleep

from pytest_havip.clients.announcer import BROADCAST, Instance
from pytest_havip.lab import Frame, NotSeen
from pytest_havip.reports import Inconclusive

__all__ = ["Observer", "SeveralOwners"]

#: Seconds that a frame may take from host to host before it counts as lost; a bridge needs microseconds.
_PATIENCE = 2.0
#: Seconds between two looks at a capture that may fill at any time.
_LOOK = 0.001
#: Seconds between two looks at whom packets reach: short at first, for a move takes less than one; then longer and
#: longer, so that waiting for what never comes leaves the machine to others.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05
#: Where a neighbour that never heard an announcement would send: a MAC address that no NIC has.
_STALE_MAC = "02:00:00:00:de:ad"
_UDP_PAYLOAD = 42
_ETHERNET_SOURCE, _ETHERTYPE, _OPERATION = slice(6, 12), slice(12, 14), slice(20, 22)
_SENDER_MAC, _SENDER_IP, _TARGET_IP = slice(22, 28), slice(28, 32), slice(38, 42)
_ARP, _REPLY = b"\x08\x06", b"\x00\x02"


class SeveralOwners(AssertionError):
    """One packet to an address reached more than one machine."""


@dataclass(frozen=True)
class Observer:
    """A machine of the subnet that takes no part in the play, and the captures of all the others.

    Args:
        instance: The observing machine.
        witness: Another machine of the subnet to which nothing happens; that a packet reaches it shows that the
            network still carries frames.
        cast: Every machine of the test, these two too; machines that join later join the list.
        settle_time: Seconds after which a network that promises no order has surely carried a frame; `None` for one
            that does promise it.
    """

    instance: Instance
    witness: Instance
    cast: Sequence[Instance]
    settle_time: float | None = None
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
            Inconclusive: Even the packet to the witness got lost.
        """
        reached = self.reached(address, destination)
        if len(reached) > 1:
            names = " and ".join(machine.name for machine in reached)
            raise SeveralOwners(f"one packet to {address} reached {names}")
        return reached[0] if reached else None

    def reached(self, address: IPv4Address, destination: str | None = None) -> list[Instance]:
        """All machines that one packet to the address reaches now; arguments and errors as of `owner_of`."""
        me, token = self.instance, self._token()
        since = me.send(me.datagram(me.address, address, destination or self.belief(address), token))
        self.control()
        return self.receivers(lambda data: data.startswith(token, _UDP_PAYLOAD), since=since)

    def wait_for_owner(self, address: IPv4Address, owner: Instance, *, timeout: float = _PATIENCE) -> None:
        """Wait until packets to the address reach this machine, and no other.

        Raises:
            AssertionError: They don't after `timeout` seconds; the message says whom they reach.
        """
        deadline, pause = monotonic() + timeout, _FIRST_PAUSE
        while (seen := self.reached(address)) != [owner]:
            if monotonic() > deadline:
                names = " and ".join(machine.name for machine in seen) or "nobody"
                raise AssertionError(
                    f"{timeout:g} s after, packets to {address} still reach {names} and not {owner.name} alone, "
                    f"as {self.instance.name} sees it"
                )
            sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def control(self) -> None:
        """Show that the network still carries frames: send a packet to the witness and see it arrive.

        Raises:
            Inconclusive: It did not; then nothing that was not seen proves anything.
        """
        self._carry(self.instance, self.witness)

    def control_from(self, machine: Instance) -> None:
        """Show that packets from a machine's own address reach the observer, so that others' absence means something.

        Raises:
            Inconclusive: They don't.
        """
        self._carry(machine, self.instance)

    def saw_about(self, address: IPv4Address, *, since: int = 0) -> list[Frame]:
        """ARP frames with the address as sender that reached the observer since a time (nanoseconds), oldest first."""
        vip = address.packed
        return [
            frame
            for frame in _incoming(self.instance, since)
            if frame.data[_ETHERTYPE] == _ARP and frame.data[_SENDER_IP] == vip
        ]

    def wait_for_announcement(
        self, address: IPv4Address, sender: Instance, *, since: int, by: Sequence[Instance] | None = None
    ) -> Frame:
        """Wait until an announcement of the address by a machine has reached the observer.

        Args:
            address: The announced address.
            sender: Who announced it.
            since: Nanoseconds of the lab's clock.
            by: Machines that must have heard it, instead of the observer alone.

        Returns:
            The frame as the last of them heard it.

        Raises:
            NotSeen: It did not arrive; the message lists what was seen instead.
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

        hearers = (self.instance,) if by is None else by
        heard = [hearer.port.capture.wait(announced, timeout=_PATIENCE, since=since) for hearer in hearers]
        return heard[-1]

    def answers_to_who_has(self, address: IPv4Address) -> set[str]:
        """Ask for the address by broadcast, and return the MAC addresses that answer.

        Raises:
            Inconclusive: The witness, asked last, did not answer.
        """
        return set(self.replies_to_who_has(address))

    def replies_to_who_has(
        self, address: IPv4Address, *, asker: Instance | None = None, destination: str = BROADCAST, at_least: int = 0
    ) -> list[str]:
        """Ask for the address, and return the MAC address of every reply, in the order of their arrival.

        A second question, for the witness's fixed address, closes the wait: it is asked, and answered, later.

        Args:
            address: What is asked for.
            asker: Who asks, the observer by default.
            destination: The question's Ethernet destination.
            at_least: So many replies are waited for before the second question, as long as they may take.

        Raises:
            Inconclusive: The witness did not answer.
        """
        me, other = asker or self.instance, self.witness
        asked = me.address.packed

        def replies_for(wanted: IPv4Address) -> Callable[[Frame], bool]:
            def is_reply(frame: Frame) -> bool:
                data = frame.data
                is_answer = data[_ETHERTYPE] == _ARP and data[_OPERATION] == _REPLY and data[_TARGET_IP] == asked
                return not frame.outgoing and is_answer and data[_SENDER_IP] == wanted.packed

            return is_reply

        since = me.send(me.arp(1, me.address, address, ethernet_destination=destination))
        deadline = monotonic() + _PATIENCE
        is_reply = replies_for(address)
        while sum(map(is_reply, me.port.capture.frames(since))) < at_least and monotonic() < deadline:
            sleep(_LOOK)
        me.send(me.arp(1, me.address, other.address))
        try:
            me.port.capture.wait(replies_for(other.address), timeout=_PATIENCE, since=since)
        except NotSeen as missing:
            raise Inconclusive(f"{other.name} did not answer for its own address. {missing}") from missing
        self._settle()
        return [frame.data[_SENDER_MAC].hex(":") for frame in _incoming(me, since) if is_reply(frame)]

    def receivers(self, matches: Callable[[bytes], bool], *, since: int) -> list[Instance]:
        """The machines that a matching frame reached since a time (nanoseconds).

        Raises:
            Inconclusive: A capture lost frames.
        """
        return [machine for machine in self.cast if any(matches(f.data) for f in _incoming(machine, since))]

    def witnesses(self, matches: Callable[[bytes], bool], *, since: int) -> list[str]:
        """The names of these machines."""
        return [machine.name for machine in self.receivers(matches, since=since)]

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

    def heard_from(self, machine: Instance, *, since: int, besides: IPv4Address) -> list[str]:
        """Names of the machines that any frame of a machine reached since a time (nanoseconds), changed or not.

        Args:
            machine: The sender, known by its Ethernet source.
            since: Nanoseconds of the lab's clock.
            besides: ARP frames with this sender don't count: what the machine announced for the fence's sake.
        """
        source, excepted = bytes.fromhex(machine.mac.replace(":", "")), besides.packed

        def stray(data: bytes) -> bool:
            is_excepted = data[_ETHERTYPE] == _ARP and data[_SENDER_IP] == excepted
            return data[_ETHERNET_SOURCE] == source and not is_excepted

        return [name for name in self.witnesses(stray, since=since) if name != machine.name]

    def _carry(self, sender: Instance, receiver: Instance) -> None:
        token = self._token()
        since = sender.send(sender.datagram(sender.address, receiver.address, receiver.mac, token))
        try:
            receiver.port.capture.wait(_carries(token), timeout=_PATIENCE, since=since)
        except NotSeen as missing:
            raise Inconclusive(
                f"a packet from {sender.name} to {receiver.name}'s fixed address got lost: the network carries "
                f"nothing, so that silence proves nothing. {missing}"
            ) from missing
        self._settle()

    def _token(self) -> bytes:
        return f"havip-token-{next(self._tokens)}-{self.instance.mac}|".encode()

    def _settle(self) -> None:
        if self.settle_time is not None:
            sleep(self.settle_time)


def _carries(token: bytes) -> Callable[[Frame], bool]:
    # At its place behind the UDP header: an ICMP error about the datagram quotes it too.
    return lambda frame: not frame.outgoing and frame.data.startswith(token, _UDP_PAYLOAD)


def _incoming(machine: Instance, since: int) -> list[Frame]:
    capture = machine.port.capture
    frames = [frame for frame in capture.frames(since) if not frame.outgoing]
    if capture.lost:
        raise Inconclusive(
            f"{machine.name}'s capture lost {capture.lost} frames, so that what it did not see proves nothing: "
            "too many came too fast for this machine"
        )
    return frames
