"""PATH: however a neighbour treats gratuitous ARP, and whatever it has begun before, its packets follow the owner."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep, time_ns

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.troupe import Troupe, holding
from pytest_havip.observe.dialogue import Dialogue
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip

__all__: list[str] = []

#: What a Linux neighbour does with an announcement, and the settings by which it does: it renews the entry that it has,
#: makes one where it has none, or drops the frame.
TREATMENTS = {
    "renews": {"arp_accept": "0", "drop_gratuitous_arp": "0"},
    "learns": {"arp_accept": "1", "drop_gratuitous_arp": "0"},
    "drops": {"arp_accept": "0", "drop_gratuitous_arp": "1"},
}
#: The states that an entry can be in, as `ip neigh` calls them, and having none.
STATES = ("none", "incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp", "permanent")
#: The states in which an entry that was not renewed stays as it is for a while.
RESTING = ("reachable", "stale", "noarp", "permanent")
#: Seconds within which a kernel has begun to ask.
MOMENT = 2.0
DISCARD, PORT = 9, 9500
#: Seconds that an answer may take; the kernel sends again what was lost after 0.2, 0.6, 1.4 s.
PATIENCE = 3.0
#: What is sent on a connection after a move.
AFTER = b"after the move"


@pytest.fixture(scope="module")
def receiver(standing_troupe: Troupe) -> Instance:
    """A neighbour of the troupe's, to which nothing else happens."""
    return standing_troupe.stage.launch("receiver", standing_troupe.subnet)


def treat(receiver: Instance, treatment: str) -> None:
    """Let a machine treat gratuitous ARP in one of these ways from now on."""
    for name, value in TREATMENTS[treatment].items():
        receiver.host.sysctl(f"net.ipv4.conf.{receiver.interface}.{name}", value)


@contextmanager
def remembering(receiver: Instance, havip: Havip, owner: Instance, state: str) -> Iterator[None]:
    """Let a machine's neighbour table name the owner by an entry of a state; the owner may hold the address inside."""
    host, address = receiver.host, str(havip.address)
    if state == "incomplete":
        # The owner does not hold the address yet, so that nobody answers.
        with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.sendto(b"who?", (address, DISCARD))
        deadline = monotonic() + MOMENT
        while (entry := host.neighbour(address)) is None or entry.state != state:
            if monotonic() > deadline:
                raise Inconclusive(f"{receiver.name} does not ask for {address}: its entry is {entry}")
            sleep(0.001)
    elif state != "none":
        host.set_neighbour(address, owner.mac, state=state)
    with holding(owner, havip):
        yield


@requirement("HAVIP-PATH-080")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("treatment", TREATMENTS)
def test_packets_follow_the_owner(
    troupe: Troupe, floating: Havip, receiver: Instance, treatment: str, state: str
) -> None:
    old, new = troupe.a, troupe.b
    # Of the first owner it learns nothing by itself.
    treat(receiver, "renews")
    troupe.bind(old, floating)
    treat(receiver, treatment)
    # The old owner goes on holding the address: it would answer whatever reached it.
    with (
        remembering(receiver, floating, old, state),
        holding(new, floating),
        Dialogue.open(floating.address, (old, new), "udp") as dialogue,
    ):
        troupe.bind(new, floating)
        entry = receiver.host.neighbour(floating.address)
        asked = dialogue.ask(receiver)
    assert asked is new
    ignores = state in RESTING and (treatment == "drops" or state == "permanent")
    if ignores and (entry is None or entry.mac != old.mac):
        raise Inconclusive(f"{receiver.name} was to ignore the announcement, and its entry is {entry}")


@requirement("HAVIP-PATH-081")
@pytest.mark.parametrize("state", ["reachable", "permanent"])
def test_an_established_connection_leaves_the_old_owner(
    troupe: Troupe, floating: Havip, receiver: Instance, state: str
) -> None:
    reached, _ = speak_after_a_move(troupe, floating, receiver, state)
    troupe.observer.control_from(receiver)
    assert troupe.a.name not in reached


@requirement("HAVIP-PATH-082")
@pytest.mark.parametrize("state", ["reachable", "permanent"])
def test_an_established_connection_is_reset_by_the_new_owner(
    troupe: Troupe, floating: Havip, receiver: Instance, state: str
) -> None:
    reached, reset = speak_after_a_move(troupe, floating, receiver, state)
    assert reached == {troupe.b.name}
    assert reset


def speak_after_a_move(troupe: Troupe, havip: Havip, receiver: Instance, state: str) -> tuple[set[str], bool]:
    """Connect from a neighbour, move the HAVIP, and speak on: whom that reached, and whether the user was told."""
    old, new = troupe.a, troupe.b
    treat(receiver, "renews")
    troupe.bind(old, havip)
    with (
        remembering(receiver, havip, old, state),
        old.host.socket(socket.AF_INET, socket.SOCK_STREAM) as service,
        receiver.host.socket(socket.AF_INET, socket.SOCK_STREAM) as user,
        connected(user, service, havip),
        holding(new, havip),
    ):
        troupe.bind(new, havip)
        since = time_ns()
        user.sendall(AFTER)
        reset = is_reset(user)
    return set(troupe.observer.witnesses(lambda data: AFTER in data, since=since)), reset


@contextmanager
def connected(user: socket.socket, service: socket.socket, havip: Havip) -> Iterator[None]:
    """Connect a user to a service behind a HAVIP."""
    for end in (user, service):
        end.settimeout(PATIENCE)
    service.bind((str(havip.address), PORT))
    service.listen()
    try:
        user.connect((str(havip.address), PORT))
        served, _ = service.accept()
    except OSError as failed:
        raise Inconclusive(
            f"no connection to {havip.address}, so that nothing can be said of one: {failed}"
        ) from failed
    with served:
        yield


def is_reset(user: socket.socket) -> bool:
    """Whether a connection's user is told in time that it is no more."""
    try:
        user.recv(100)
    except ConnectionResetError:
        return True
    except TimeoutError:
        pass
    return False
