"""MOVE: a HAVIP moves from one machine to another, by announcements alone; real HA clients are TAKE's matter."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from time import monotonic, sleep, time_ns

import pytest

from pytest_havip.clients.announcer import ZERO, Instance
from pytest_havip.fixtures.troupe import Troupe, holding
from pytest_havip.observe.dialogue import Dialogue
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")
#: Packets of a stream before the new owner announces, and after it was heard.
PACKETS = 50
#: What marks them, where it stands in the frame, and where the number behind it does.
MARK, UDP_PAYLOAD = b"havip-crossing|", 42
NUMBER = slice(UDP_PAYLOAD + len(MARK), UDP_PAYLOAD + len(MARK) + 4)
#: Seconds within which a stream has surely crossed a move.
PATIENCE = 5.0
#: Rounds in which two machines announce one after the other.
ROUNDS = 30
#: Milliseconds between two questions by which a real kernel revalidates an entry, and seconds until it is surely done.
REVALIDATION_INTERVAL, REVALIDATION = 100, 6.0
#: Seconds within which a cable that was mended has a carrier at both ends.
MENDED = 3.0
#: Seconds within which a move should be over.
PROMPT = 1.0


def deafen(troupe: Troupe, machine: Instance) -> None:
    """Let a machine answer no ARP at all, as if its kernel hung."""
    del troupe
    machine.host.sysctl("net.ipv4.conf.all.arp_ignore", "8")


FATES: dict[str, Callable[[Troupe, Instance], None]] = {
    "serving": lambda troupe, machine: None,  # noqa: ARG005 - nothing became of it
    "deaf": deafen,
    "interface down": lambda troupe, machine: machine.host.link_down(),  # noqa: ARG005 - its own doing
    "link cut": lambda troupe, machine: troupe.target.set_link(machine.nic, up=False),
}


@requirement("HAVIP-MOVE-001")
@pytest.mark.parametrize("fate", FATES)
def test_a_claim_needs_nothing_of_the_old_owner(troupe: Troupe, floating: Havip, fate: str) -> None:
    new, client = troupe.b, troupe.observer.instance
    with (
        troupe.guest("old owner") as old,
        holding(old, floating),
        holding(new, floating),
        Dialogue.open(floating.address, (old, new), "udp") as dialogue,
    ):
        troupe.bind(old, floating)
        assert dialogue.ask(client) is old
        FATES[fate](troupe, old)
        new.announce(floating.address)
        troupe.observer.wait_for_owner(floating.address, new)
        assert troupe.control_plane.owner_of(floating) is new
        assert dialogue.ask(client) is new


@dataclass(frozen=True)
class Crossing:
    """A stream of packets to a HAVIP, numbered, in the middle of which the owner changes.

    Args:
        before: The packets that were sent before the new owner announced.
        after: Those that were sent when their sender had heard of it.
        arrivals: How often each packet arrived, by machine and number.
    """

    before: range
    after: range
    arrivals: Counter[tuple[str, int]]

    def at(self, machine: Instance, numbers: range) -> list[int]:
        """How often packets of these numbers arrived at a machine."""
        return [self.arrivals[machine.name, number] for number in numbers]


def cross(troupe: Troupe, havip: Havip) -> Crossing:
    """Send packets to a HAVIP of which A is the owner, and holds the address, while B claims it.

    Raises:
        Inconclusive: The sender never heard of the new owner.
    """
    sender, a, b = troupe.observer.instance, troupe.a, troupe.b
    troupe.bind(a, havip)
    start = claimed = time_ns()
    deadline = monotonic() + PATIENCE
    believed, heard, number = a, 0, 0
    while believed is a or number < heard + PACKETS:
        if monotonic() > deadline:
            raise Inconclusive(f"{sender.name} did not hear {b.name}'s announcement within {PATIENCE:g} s")
        if number == PACKETS:
            claimed = b.announce(havip.address)
        if number > PACKETS and believed is a and troupe.observer.saw_about(havip.address, since=claimed):
            believed, heard = b, number
        sender.send(sender.datagram(sender.address, havip.address, believed.mac, MARK + number.to_bytes(4)))
        number += 1
    troupe.observer.control()
    arrivals = Counter(
        (machine.name, int.from_bytes(frame.data[NUMBER]))
        for machine in troupe.stage.cast
        for frame in machine.port.capture.frames(start)
        if not frame.outgoing and frame.data.startswith(MARK, UDP_PAYLOAD)
    )
    return Crossing(range(PACKETS), range(heard, number), arrivals)


@requirement("HAVIP-MOVE-002")
def test_no_packet_reaches_the_old_owner_once_the_new_one_was_heard(troupe: Troupe, floating: Havip) -> None:
    with holding(troupe.a, floating):
        crossing = cross(troupe, floating)
    assert crossing.at(troupe.a, crossing.after) == [0] * PACKETS
    assert 0 not in crossing.at(troupe.b, crossing.after)


@requirement("HAVIP-MOVE-003")
def test_no_packet_arrives_twice(troupe: Troupe, floating: Havip) -> None:
    with holding(troupe.a, floating):
        crossing = cross(troupe, floating)
    arrived = Counter[int]()
    for (_, number), times in crossing.arrivals.items():
        arrived[number] += times
    assert {number: times for number, times in arrived.items() if times > 1} == {}
    # A network that loses packets must not pass by that.
    assert 0 not in crossing.at(troupe.a, crossing.before)
    assert 0 not in crossing.at(troupe.b, crossing.after)


@requirement("HAVIP-MOVE-004")
@pytest.mark.parametrize("state", ["reachable", "stale"])
def test_a_real_neighbour_is_served_by_the_new_owner(troupe: Troupe, floating: Havip, state: str) -> None:
    client = troupe.observer.instance
    with (
        holding(troupe.a, floating),
        holding(troupe.b, floating),
        Dialogue.open(floating.address, (troupe.a, troupe.b), "udp") as dialogue,
    ):
        troupe.bind(troupe.a, floating)
        client.host.set_neighbour(floating.address, troupe.a.mac, state=state)
        assert dialogue.ask(client) is troupe.a
        troupe.bind(troupe.b, floating)
        assert dialogue.ask(client) is troupe.b


@requirement("HAVIP-MOVE-005")
def test_the_old_owner_does_not_confirm_an_old_entry(troupe: Troupe, floating: Havip) -> None:
    old, new = troupe.a, troupe.b
    with troupe.guest("revalidating") as client, holding(old, floating), holding(new, floating):
        client.host.sysctl("net.ipv4.neigh.eth0.retrans_time_ms", str(REVALIDATION_INTERVAL))
        for owner in (old, new):
            troupe.bind(owner, floating)
        client.host.set_neighbour(floating.address, old.mac, state="probe")
        deadline = monotonic() + REVALIDATION
        while (entry := client.host.neighbour(floating.address)) is not None and entry.state == "probe":
            assert monotonic() < deadline, f"{client.name} still asks about {entry} after {REVALIDATION:g} s"
            sleep(0.005)
    # An entry that failed is asked for by broadcast when it is needed, which is the owner's to answer.
    assert entry is None or entry.state == "failed" or entry.mac == new.mac


@requirement("HAVIP-MOVE-006")
def test_new_connections_are_served_by_the_new_owner(troupe: Troupe, floating: Havip) -> None:
    machines = (troupe.a, troupe.b)
    with Dialogue.open(floating.address, machines, "tcp") as dialogue, ExitStack() as held:
        for owner in machines:
            # The old owner goes on holding it.
            held.enter_context(holding(owner, floating))
            troupe.bind(owner, floating)
            for _ in range(3):
                assert dialogue.ask(troupe.observer.instance) is owner


@requirement("HAVIP-MOVE-007")
def test_a_havip_comes_back(troupe: Troupe, floating: Havip) -> None:
    for owner in (troupe.a, troupe.b) * 3:
        owner.announce(floating.address)
        troupe.observer.wait_for_owner(floating.address, owner)
        assert troupe.control_plane.owner_of(floating) is owner


@requirement("HAVIP-MOVE-008")
def test_a_split_brain_has_one_owner_at_a_time(troupe: Troupe, floating: Havip) -> None:
    rivals = (troupe.a, troupe.b)
    troupe.bind(troupe.a, floating)
    for _ in range(ROUNDS):
        for rival in rivals:
            rival.announce(floating.address)
        # The observer raises where a packet reaches both.
        assert troupe.observer.owner_of(floating.address) in rivals
    for rival in rivals:
        troupe.fence(rival)
    troupe.a.announce(floating.address)
    troupe.observer.wait_for_owner(floating.address, troupe.a)
    assert troupe.control_plane.owner_of(floating) is troupe.a


#: What HA software sends, from a machine, for an address.
SEQUENCES: dict[str, Callable[[Instance, IPv4Address], list[bytes]]] = {
    "one frame": lambda machine, address: [machine.announcement(address)],
    "keepalived": lambda machine, address: [machine.announcement(address)] * 5,
    "arping -U": lambda machine, address: [machine.announcement(address, target_mac=ZERO)] * 3,
    "arping -A": lambda machine, address: [machine.announcement(address, form="reply", target_mac=machine.mac)] * 3,
    "requests and replies in turn": lambda machine, address: (
        [
            machine.announcement(address),
            machine.announcement(address, form="reply"),
        ]
        * 3
    ),
    "RFC 5227": lambda machine, address: [
        *[machine.arp(1, NOBODY, address)] * 3,
        *[machine.announcement(address, target_mac=ZERO)] * 2,
    ],
}


@requirement("HAVIP-MOVE-009")
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_what_software_sends_moves(troupe: Troupe, floating: Havip, sequence: str) -> None:
    for owner in (troupe.a, troupe.b, troupe.a):
        for frame in SEQUENCES[sequence](owner, floating.address):
            owner.send(frame)
        troupe.observer.wait_for_owner(floating.address, owner)
        assert troupe.control_plane.owner_of(floating) is owner


@requirement("HAVIP-MOVE-010")
def test_the_last_announcement_is_enough(troupe: Troupe, floating: Havip) -> None:
    with troupe.guest("badly connected") as new:
        troupe.bind(troupe.a, floating)
        troupe.target.set_link(new.nic, up=False)
        for _ in range(4):
            # The kernel may say that nobody hears it.
            with suppress(OSError):
                new.announce(floating.address)
        troupe.target.set_link(new.nic, up=True)
        deadline = monotonic() + MENDED
        while (state := new.host.read_file("/sys/class/net/eth0/operstate").strip()) != "up":
            assert monotonic() < deadline, f"{MENDED:g} s after its link was mended, {new.name}'s interface is {state}"
            sleep(0.005)
        assert troupe.control_plane.owner_of(floating) is troupe.a
        new.announce(floating.address)
        troupe.observer.wait_for_owner(floating.address, new)
        assert troupe.control_plane.owner_of(floating) is new


@requirement("HAVIP-MOVE-011")
def test_a_burst_moves_all_that_it_names(troupe: Troupe) -> None:
    staying, *leaving = [troupe.havip() for _ in range(6)]
    for havip in (staying, *leaving):
        troupe.bind(troupe.a, havip)
    burst = [troupe.b.announcement(havip.address) for havip in leaving for _ in range(5)]
    for frame in burst:
        troupe.b.send(frame)
    for havip in leaving:
        troupe.observer.wait_for_owner(havip.address, troupe.b)
    assert troupe.observer.owner_of(staying.address) is troupe.a
    expected = {staying: troupe.a, **dict.fromkeys(leaving, troupe.b)}
    assert {havip: troupe.control_plane.owner_of(havip) for havip in expected} == expected


@requirement("HAVIP-MOVE-012")
def test_a_move_is_prompt(troupe: Troupe, floating: Havip) -> None:
    troupe.bind(troupe.a, floating)
    begun = monotonic()
    troupe.b.announce(floating.address)
    troupe.observer.wait_for_owner(floating.address, troupe.b)
    moved = monotonic() - begun
    while troupe.control_plane.owner_of(floating) is not troupe.b and monotonic() - begun <= PROMPT:
        sleep(0.005)
    named = monotonic() - begun
    assert moved <= PROMPT, f"packets followed the announcement after {moved:.2f} s"
    assert troupe.control_plane.owner_of(floating) is troupe.b, f"{named:.2f} s after, the control plane names another"
