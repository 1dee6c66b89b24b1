"""Frames, most of them right but for one field, and what becomes of them by the core and by the kernel."""

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from pytest_havip.network.core import Action, Effect, Refused, next_hop_mac
from pytest_havip.wire import Malformed, gratuitous_request, ipv4, mac_bytes
from pytest_havip.wire.arp import LAYOUT
from pytest_havip.wire.ethernet import Ethernet

BROADCAST = b"\xff" * 6
TAGS = (0x8100, 0x88A8)
ARP, IPV4 = 0x0806, 0x0800
BATCH = 50


@dataclass
class Draft:
    """A frame in the making; ``body`` begins behind the Ethernet header and its tag."""

    destination: bytes
    source: bytes
    ethertype: int
    body: bytearray
    tag: bytes = b""

    def build(self) -> bytes:
        return self.destination + self.source + self.tag + self.ethertype.to_bytes(2, "big") + bytes(self.body)


@dataclass
class Grammar:
    """Frames that a place on the bridge may or may not send, drawn from one seed; no two are equal behind byte 6."""

    world: Any
    entropy: random.Random
    seen: set[bytes] = field(default_factory=set)
    spoilt: int = 0

    def forget(self) -> None:
        """Let frames come again, and count anew: those of before have left the wire."""
        self.seen.clear()
        self.spoilt = 0

    def frame(self, place: Any) -> bytes:
        while True:
            announcement, others = self._announcement, (self._arp, self._probe, self._packet, self._dhcp)
            draft = self.entropy.choice((*[announcement] * 4, *others))(place)
            draft.body += self.entropy.randbytes(self.entropy.choice((4, 18, 40)))
            is_spoilt = self.entropy.random() < 0.6
            if is_spoilt:
                self.entropy.choice((self._spoil, self._spoil, self._redirect))(draft)
            frame = draft.build()
            if frame[6:] not in self.seen:
                self.seen.add(frame[6:])
                self.spoilt += is_spoilt
                return frame

    def _address(self) -> bytes:
        network = self.world.network
        pool = [
            *(address for nic in network.nics.values() for address in nic.addresses),
            *(havip.address for havip in network.havips.values() for _ in range(2)),
            *(subnet.gateway for subnet in network.subnets.values()),
            *(a for s in network.subnets.values() for a in (s.cidr.network_address, s.cidr.broadcast_address)),
            *map(IPv4Address, ("0.0.0.0", "255.255.255.255", "224.0.0.18", "10.0.0.50", "10.0.0.200", "192.0.2.1")),
        ]
        return self.entropy.choice(pool).packed

    def _mac(self) -> bytes:
        return self.entropy.choice(
            (
                *(mac_bytes(place.mac) for place in self.world.sockets),
                *(mac_bytes(next_hop_mac(h.address)) for h in self.world.network.havips.values() if h.is_next_hop),
                BROADCAST,
                bytes.fromhex("00005e000133"),
                bytes.fromhex("01005e000012"),
                bytes(6),
                bytes.fromhex("02ffffffffff"),
            )
        )

    def _own(self, place: Any) -> bytes:
        network = self.world.network
        if place.nic_id is None:
            return self._address()
        owned = [h.address for h in network.havips.values() if h.binding and h.binding.nic_id == place.nic_id]
        return self.entropy.choice([*network.nics[place.nic_id].addresses, *owned]).packed

    def _message(self, place: Any, operation: int, sender: bytes, target: bytes) -> Draft:
        own = mac_bytes(place.mac)
        body = LAYOUT.pack(1, 0x0800, 6, 4, operation, own, sender, self._mac(), target)
        return Draft(self.entropy.choice((BROADCAST, BROADCAST, self._mac())), own, ARP, bytearray(body))

    def _announcement(self, place: Any) -> Draft:
        havips = list(self.world.network.havips.values())
        near = [havip for havip in havips if havip.subnet_id == place.subnet.id]
        havip = self.entropy.choice(self.entropy.choice((near, near, near, havips))).address.packed
        address = self.entropy.choice((havip, havip, havip, self._address()))
        return self._message(place, self.entropy.choice((1, 2)), address, address)

    def _arp(self, place: Any) -> Draft:
        return self._message(place, self.entropy.choice((1, 2)), self._own(place), self._address())

    def _probe(self, place: Any) -> Draft:
        return self._message(place, 1, bytes(4), self._address())

    def _packet(self, place: Any) -> Draft:
        source, destination = IPv4Address(self._own(place)), IPv4Address(self._address())
        destination_mac = self.entropy.choice((BROADCAST, self._mac(), self._mac()))
        return Draft(destination_mac, mac_bytes(place.mac), IPV4, bytearray(ipv4.encode(source, destination)))

    def _dhcp(self, place: Any) -> Draft:
        if self.entropy.random() < 0.5:
            return self._dhcp_answer(place)
        packet = ipv4.encode(IPv4Address(0), ipv4.BROADCAST, payload=ipv4.DHCP_PORTS)
        return Draft(BROADCAST, mac_bytes(place.mac), IPV4, bytearray(packet))

    def _dhcp_answer(self, place: Any) -> Draft:
        """From a server to a client, or nearly: options before the ports, another port, a fragment, another length."""
        draft = self._packet(place)
        draft.body += bytes(4 * (words := self.entropy.choice((0, 0, 1, 10))))
        draft.body += self.entropy.choice((67, 68, 1024)).to_bytes(2, "big")
        draft.body += self.entropy.choice((68, 68, 67)).to_bytes(2, "big")
        draft.body[0] += words
        draft.body[2:4] = (len(draft.body) + self.entropy.choice((0, 0, 4, -5, 100))).to_bytes(2, "big")
        draft.body[6:8] = self.entropy.choice((0, 0, 0, 0x2000, 0x2001, 1)).to_bytes(2, "big")
        return draft

    def _redirect(self, draft: Draft) -> None:
        draft.destination = self._mac()

    def _spoil(self, draft: Draft) -> None:
        self.entropy.choice(
            (self._source, self._ethertype, self._tag, self._cut, self._address_in, self._header, self._any_byte)
        )(draft)

    def _source(self, draft: Draft) -> None:
        draft.source = self._mac()

    def _ethertype(self, draft: Draft) -> None:
        draft.ethertype = self.entropy.choice((ARP, IPV4, 0x86DD, 0x8035, 0x88CC, 0x0040, 0x0800 ^ 1))

    def _tag(self, draft: Draft) -> None:
        identifier = self.entropy.choice((0, 0, 1, 100, 4095))
        draft.tag = self.entropy.choice(TAGS).to_bytes(2, "big") + identifier.to_bytes(2, "big")

    def _cut(self, draft: Draft) -> None:
        shortest = 6 if draft.tag else 1
        del draft.body[self.entropy.randrange(shortest, 28) :]

    def _address_in(self, draft: Draft) -> None:
        at = self.entropy.choice((14, 24) if draft.ethertype == ARP else (12, 16))
        draft.body[at : at + 4] = self._address()

    def _header(self, draft: Draft) -> None:
        if draft.ethertype == ARP:
            at = self.entropy.choice((0, 1, 2, 3, 4, 5, 6, 7, 8))
            if at == 8:
                draft.body[8:14] = self._mac()
            else:
                draft.body[at] = self.entropy.choice((0, 1, 2, 3, 4, 5, 6, 8, 9, 255))
        else:
            at, values = self.entropy.choice(
                ((0, (0x44, 0x46, 0x55, 0x65, 0x4F)), (6, (0x20, 0x1F, 0x40)), (7, (1,)), (9, (1, 6, 112)), (20, (1,)))
            )
            if at < len(draft.body):
                draft.body[at] = self.entropy.choice(values)

    def _any_byte(self, draft: Draft) -> None:
        draft.body[self.entropy.randrange(len(draft.body))] = self.entropy.randrange(256)


@dataclass
class Outcome:
    """Where frames arrived (as they were then), which were punted, and what was counted."""

    arrived: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    punted: list[tuple[str, bytes]] = field(default_factory=list)
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)


def expect(world: Any, place: Any, frame: bytes, outcome: Outcome) -> None:
    """What the core says about a frame, and a bridge that floods groups, knows its stations and learns nothing."""
    if frame[6] & 1 or frame[6:12] == bytes(6):
        return  # the kernel's bridge drops what no station can have sent, before any rule sees it
    network = world.network
    if place.nic_id is None:
        verdict = network.verdict_from_gateway(frame, place.subnet.id)
    else:
        verdict = network.verdict(frame, place.nic_id)
    if verdict.action is Action.DROP:
        outcome.counted[verdict.reason, place.interface, counted_address(frame, verdict.reason)] += 1
        return
    if verdict.action is Action.PUNT:
        outcome.punted.append((place.interface, frame[: 14 + 128]))
        return
    destination = mac_bytes(verdict.ethernet_destination) if verdict.ethernet_destination else frame[:6]
    for other in world.sockets:
        if (
            other.subnet == place.subnet
            and other is not place
            and (destination[0] & 1 or destination == mac_bytes(other.mac))
        ):
            outcome.arrived[other.interface, destination + frame[6:]] += 1


def counted_address(frame: bytes, reason: Any) -> str:
    """The address in whose name a frame came; behind a tag the kernel reads a packet's, but not an ARP message's."""
    tagged = int.from_bytes(frame[12:14], "big") in TAGS
    ethertype = int.from_bytes(frame[16:18] if tagged else frame[12:14], "big")
    offset = {ARP: 14, IPV4: 12}.get(ethertype)
    if offset is None or (tagged and ethertype == ARP):
        return "0.0.0.0"
    if not reason.is_rejection:
        offset = {ARP: 24, IPV4: 16}[ethertype]
    start = (18 if tagged else 14) + offset
    address = frame[start : start + 4]
    return str(IPv4Address(address)) if len(address) == 4 else "0.0.0.0"


def send(world: Any, grammar: Grammar, number: int) -> tuple[Outcome, Outcome, dict[bytes, str]]:
    """Send random frames: expected and actual outcome, and who sent what."""
    expected, actual = Outcome(), Outcome()
    sent: dict[bytes, str] = {}
    world.reset_counters()
    first = None
    for i in range(number):
        place = grammar.entropy.choice(world.sockets)
        frame = grammar.frame(place)
        expect(world, place, frame, expected)
        sent[frame[6:]] = place.interface
        sent_at = place.host.port().send(frame)
        first = first or sent_at
        if i % BATCH == 0:
            actual.punted += world.punted()
    assert first is not None
    world.fence()
    actual.punted += world.punted()
    actual.counted = world.counters()
    for place in world.sockets:
        capture = place.host.port().capture
        actual.arrived.update((place.interface, seen.data) for seen in capture.frames(first) if not seen.outgoing)
        assert capture.lost == 0
    return expected, actual, sent


def differences(expected: Outcome, actual: Outcome, sent: dict[bytes, str]) -> list[str]:
    def told(where: str, frame: bytes) -> str:
        try:
            shown = Ethernet.decode(frame)
        except Malformed as error:
            return f"{where}: {frame.hex()} ({error})"
        source = sent.get(frame[6:], "nobody")
        return f"{where}: from {source} to {shown.destination} type {shown.ethertype:#06x} {frame[6:].hex(' ', 2)}"

    return [
        *(f"did not arrive at {told(*key)}" for key in (expected.arrived - actual.arrived)),
        *(f"arrived at {told(*key)}" for key in (actual.arrived - expected.arrived)),
        *(f"was not punted, {told(*key)}" for key in expected.punted if key not in actual.punted),
        *(f"was punted, {told(*key)}" for key in actual.punted if key not in expected.punted),
        *(f"not counted: {key} {number}" for key, number in (expected.counted - actual.counted).items()),
        *(f"counted: {key} {number}" for key, number in (actual.counted - expected.counted).items()),
    ]


def shuffle_bindings(world: Any, entropy: random.Random) -> list[Effect]:
    """Moves, a release with a new HAVIP in its place, a detached owner: what changes a running guard."""
    network = world.network
    effects: list[Effect] = []
    for havip in list(network.havips.values()):
        owner = havip.binding and havip.binding.nic_id
        others = [
            n for n in network.nics.values() if n.subnet_id == havip.subnet_id and n.instance_id and n.id != owner
        ]
        nic = entropy.choice(others)
        effects += network.receive(gratuitous_request(nic.mac, havip.address), nic.id, now=2).effects
    released = entropy.choice([havip for havip in network.havips.values() if not havip.is_next_hop])
    network.delete_havip(released.id, now=3)
    is_ranged = released.drift_range.enforced
    network.create_havip(world.vpc.id, released.subnet_id, "new", check_associate=is_ranged, now=3)
    effects += network.take_effects()
    edit_ranges(world, entropy)
    give_address(world, entropy)
    forwarder = network.nics[entropy.choice(world.nics).id]
    network.set_forwarding(forwarder.id, forwards=not forwarder.forwards)
    nic = network.nics[entropy.choice(world.nics[2:4]).id]
    with suppress(Refused):  # it is in a range
        if nic.instance_id:
            network.detach_nic(nic.id, now=4)
        else:
            network.attach_nic(nic.id, "ins-00000000")
    return effects + list(network.take_effects())


def edit_ranges(world: Any, entropy: random.Random) -> None:
    """Put a NIC into the range of each HAVIP, or take one out."""
    network = world.network
    for havip in list(network.havips.values()):
        members = havip.drift_range.members
        free = [n.id for n in network.nics.values() if n.subnet_id == havip.subnet_id and n.instance_id]
        free = [nic_id for nic_id in free if nic_id not in members]
        with suppress(Refused):  # the range has instances as its members
            if members and (not free or entropy.random() < 0.5):
                network.dissociate({havip.id: [entropy.choice(members)]}, now=4)
            elif free:
                network.associate({havip.id: [entropy.choice(free)]})


def give_address(world: Any, entropy: random.Random) -> None:
    """Give a NIC an address more, or take one from it; what it owns stays its own."""
    nic = world.network.nics[entropy.choice(world.nics).id]
    if len(nic.addresses) > 1:
        world.network.unassign_addresses(nic.id, nic.addresses[-1:])
    else:
        world.network.assign_addresses(nic.id, count=1)
