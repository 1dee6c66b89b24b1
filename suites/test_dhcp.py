"""DHCP: a machine may ask the network for its fixed address, and gets that and nothing else."""

from time import time_ns

import pytest

from pytest_havip.clients.announcer import BROADCAST, Instance
from pytest_havip.clients.dhcp import Answer, Kind, answers, ask, message, take_lease
from pytest_havip.fixtures.troupe import Troupe
from pytest_havip.lab import NotSeen
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement

__all__: list[str] = []


def leased(machine: Instance) -> Answer:
    """The lease that a machine gets: the control of what it must not get."""
    try:
        return take_lease(machine)
    except NotSeen as missing:
        raise Inconclusive(f"{machine.name} gets no lease at all: {missing}") from missing


@requirement("HAVIP-DHCP-001")
def test_a_machine_is_leased_the_address_of_its_nic(troupe: Troupe) -> None:
    with troupe.guest("not chosen") as guest:
        for machine in (guest, troupe.a, troupe.b):
            lease = take_lease(machine)
            assert lease.address == machine.address
            assert (lease.mask, lease.gateway) == (troupe.subnet.cidr.netmask, troupe.subnet.gateway)


@requirement("HAVIP-DHCP-002")
@pytest.mark.parametrize("state", ["unbound", "its own"])
def test_no_havip_is_leased(troupe: Troupe, state: str) -> None:
    havip = troupe.havip()
    with troupe.guest(f"leases {state}") as machine:
        if state == "its own":
            troupe.bind(machine, havip)
        since = time_ns()
        wishes = {ask(machine, kind, wish=havip.address) for kind in (Kind.DISCOVER, Kind.REQUEST)}
        leased(machine)  # servers answer in the order of the questions
        told = answers(machine, since=since)
        assert havip.address not in {answer.address for answer in told if answer.kind != Kind.NAK}
        assert not [answer for answer in told if answer.kind == Kind.ACK and answer.transaction in wishes]


@requirement("HAVIP-DHCP-003")
@pytest.mark.parametrize("destination", ["everyone", "one machine"])
@pytest.mark.parametrize("kind", [Kind.OFFER, Kind.ACK], ids=lambda kind: kind.name.lower())
def test_a_machines_answer_to_dhcp_clients_reaches_nobody(troupe: Troupe, kind: Kind, destination: str) -> None:
    from scapy.layers.inet import IP, UDP, IPOption  # noqa: PLC0415 - scapy only where frames are crafted
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    spoofer, victim = troupe.a, troupe.b
    mac, address = {
        "everyone": (BROADCAST, "255.255.255.255"),
        "one machine": (victim.mac, str(victim.address)),
    }[destination]
    answer = message(victim, kind, 0x5A5A5A5A, server_id=str(spoofer.address), router=str(spoofer.address))
    answer.yiaddr = "172.17.16.250"
    since = spoofer.send(spoofer.datagram(spoofer.address, address, mac, bytes(answer)))
    troupe.fence(spoofer)
    heard = troupe.observer.witnesses(lambda data: bytes(answer) in data, since=since)
    if victim.name not in heard:
        raise Inconclusive(f"what {spoofer.name} sends to another port does not arrive either")
    for port, options in ((67, b""), (1067, b""), (67, b"\x01\x01\x01\x00")):
        packet = IP(src=str(spoofer.address), dst=address, options=IPOption(options) if options else [])
        since = spoofer.send(Ether(src=spoofer.mac, dst=mac) / packet / UDP(sport=port, dport=68) / answer)
        troupe.fence(spoofer)
        assert troupe.observer.witnesses(lambda data: bytes(answer) in data, since=since) == []


@requirement("HAVIP-DHCP-004")
def test_a_lease_changes_no_binding(troupe: Troupe) -> None:
    havip = troupe.havip()
    with troupe.guest("renews") as owner:
        troupe.bind(owner, havip)
        lease = leased(owner)
        assert troupe.observer.owner_of(havip.address) == owner
        ask(owner, Kind.REQUEST, current=lease.address)
        leased(owner)
        assert troupe.observer.owner_of(havip.address) == owner
