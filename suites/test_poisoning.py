"""SPOOF: what machines believe about their neighbours, in their own kernels, stays out of a spoofer's reach."""

from ipaddress import IPv4Address
from time import monotonic, sleep

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.troupe import Troupe
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")
#: An address of the subnet that nobody has.
UNALLOCATED = IPv4Address("172.17.16.200")
#: What the neighbours' tables say at first; no NIC has it.
KNOWN = "02:00:00:00:00:01"


def table(neighbour: Instance, address: IPv4Address) -> str | None:
    """The MAC address that a machine's kernel has for an address, `None` if there is none."""
    entry = neighbour.host.neighbour(address)
    return entry.mac if entry else None


def teach(teacher: Instance, neighbour: Instance, operation: int) -> None:
    """Let a machine's own ARP change a neighbour's table: the positive control, after which all before it was handled.

    Raises:
        Inconclusive: The neighbour learnt nothing.
    """
    neighbour.host.set_neighbour(teacher.address, KNOWN)
    lesson = teacher.arp(
        operation, teacher.address, neighbour.address, target_mac=neighbour.mac, ethernet_destination=neighbour.mac
    )
    deadline = monotonic() + 2
    while table(neighbour, teacher.address) != teacher.mac:
        if monotonic() > deadline:
            raise Inconclusive(
                f"{neighbour.name} learnt nothing from {teacher.name}'s own ARP either, so its table proves nothing: "
                f"it says {neighbour.host.neighbour(teacher.address)}"
            )
        # Again and again: within a tick of its clock Linux ignores a reply after a change.
        teacher.send(lesson)
        sleep(0.001)


@requirement("HAVIP-SPOOF-021")
@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
@pytest.mark.parametrize("whose", ["another machine's", "the gateway's", "nobody's", "a HAVIP's"])
def test_no_spoof_changes_a_neighbours_table(troupe: Troupe, whose: str, operation: int) -> None:
    havip, spoofer = troupe.havip(), troupe.b
    troupe.bind(troupe.a, havip)
    neighbours = (troupe.observer.instance, troupe.observer.witness)
    victim = {
        "another machine's": troupe.a.address,
        "the gateway's": troupe.subnet.gateway,
        "nobody's": UNALLOCATED,
        "a HAVIP's": havip.address,
    }[whose]
    for neighbour in neighbours:
        # Linux ignores a change within a second of the last one, unless told otherwise.
        neighbour.host.sysctl("net.ipv4.neigh.eth0.locktime", "0")
        if victim != UNALLOCATED:
            neighbour.host.set_neighbour(victim, KNOWN)
        teach(spoofer, neighbour, operation)
    expected = None if victim == UNALLOCATED else KNOWN
    # A gratuitous one from the HAVIP is no spoof: it is how b would take it over.
    targets = [neighbour.address for neighbour in neighbours] + [victim] * (victim != havip.address)
    for target in targets:
        for destination in ("ff:ff:ff:ff:ff:ff", *(neighbour.mac for neighbour in neighbours)):
            spoofer.send(spoofer.arp(operation, victim, target, ethernet_destination=destination))
    troupe.fence(spoofer)
    for neighbour in neighbours:
        teach(spoofer, neighbour, operation)
        assert table(neighbour, victim) == expected, f"{neighbour.name} was taken in"


@requirement("HAVIP-SPOOF-026")
@pytest.mark.parametrize("question", ["who-has", "probe"])
@pytest.mark.parametrize("asker", ["another", "the owner"])
def test_the_owner_alone_is_asked(troupe: Troupe, question: str, asker: str) -> None:
    havip = troupe.havip()
    troupe.bind(troupe.a, havip)
    machine = troupe.b if asker == "another" else troupe.a
    sender = machine.address if question == "who-has" else NOBODY
    asked = sender.packed + bytes(6) + havip.address.packed
    since = machine.send(machine.arp(1, sender, havip.address))
    troupe.fence(machine)
    expected = [troupe.a.name] if asker == "another" else []
    assert troupe.observer.witnesses(lambda data: data[28:42] == asked, since=since) == expected
