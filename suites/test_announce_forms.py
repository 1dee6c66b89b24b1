"""BIND: what real software sends when it takes an address, frame by frame and sequence by sequence."""

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.announcer import BROADCAST, ZERO, Form, Instance
from pytest_havip.fixtures.troupe import Troupe
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")
REQUEST: Form = "request"
REPLY: Form = "reply"
#: What makes a frame of 42 bytes one of 58 or of 60, empty or with whatever the memory held.
PADDINGS = {"42 bytes": b"", "58 bytes": bytes(16), "60 bytes": bytes(18), "60 bytes, not empty": b"\xa5" * 18}


@requirement("HAVIP-BIND-010")
@pytest.mark.parametrize("form", [REQUEST, REPLY])
@pytest.mark.parametrize("target_mac", [ZERO, BROADCAST, "own"])
@pytest.mark.parametrize("padding", PADDINGS.values(), ids=PADDINGS)
def test_every_form_of_real_software_binds_refreshes_and_moves(
    troupe: Troupe, form: Form, target_mac: str, padding: bytes
) -> None:
    havip = troupe.havip()
    for machine in (troupe.a, troupe.a, troupe.b):
        mac = machine.mac if target_mac == "own" else target_mac
        machine.announce(havip.address, form=form, target_mac=mac, padding=padding)
        troupe.observer.wait_for_owner(havip.address, machine)
        troupe.fence(machine)
        assert troupe.observer.owner_of(havip.address) is machine


@requirement("HAVIP-BIND-011")
@pytest.mark.parametrize("form", [REQUEST, REPLY])
def test_a_unicast_announcement_binds_refreshes_and_moves_and_stays_unicast(troupe: Troupe, form: Form) -> None:
    havip, observer = troupe.havip(), troupe.observer
    # A switch that learns knows the observer from now on.
    observer.control()
    for machine in (troupe.a, troupe.a, troupe.b):
        since = machine.announce(havip.address, form=form, ethernet_destination=observer.instance.mac)
        observer.wait_for_owner(havip.address, machine)
        troupe.fence(machine)
        assert observer.heard_arp_from(havip.address, since=since) == [observer.instance.name]


@requirement("HAVIP-BIND-012")
@pytest.mark.parametrize("form", [REQUEST, REPLY])
def test_an_accepted_announcement_reaches_the_neighbours_but_not_its_sender(troupe: Troupe, form: Form) -> None:
    havip = troupe.havip()
    # It binds, then it refreshes, then it moves.
    for machine in (troupe.a, troupe.a, troupe.b):
        since = machine.announce(havip.address, form=form)
        troupe.fence(machine)
        heard = troupe.observer.heard_arp_from(havip.address, since=since)
        assert sorted(heard) == sorted(other.name for other in troupe.stage.cast if other is not machine)


def gratuitous(*shapes: tuple[Form, str]) -> Callable[[Instance, IPv4Address], list[bytes]]:
    """Make a sequence of announcements from each one's form and target MAC, ``own`` for the sender's."""

    def frames(machine: Instance, address: IPv4Address) -> list[bytes]:
        return [
            machine.announcement(address, form=form, target_mac=machine.mac if mac == "own" else mac)
            for form, mac in shapes
        ]

    return frames


def detecting_conflicts(machine: Instance, address: IPv4Address) -> list[bytes]:
    """RFC 5227: three probes, which must not bind, then two announcements."""
    probes = [machine.arp(1, NOBODY, address)] * 3
    return probes + [machine.announcement(address, target_mac=ZERO)] * 2


def of_58_bytes(form: Form) -> Callable[[Instance, IPv4Address], list[bytes]]:
    """Thomas Habets's arping: broadcast as the target MAC in replies too, and 16 bytes of padding."""
    return lambda machine, address: [machine.announcement(address, form=form, padding=bytes(16))] * 3


#: What software sends on becoming the owner, without its pauses: a network may not need them.
SEQUENCES: dict[str, Callable[[Instance, IPv4Address], list[bytes]]] = {
    "keepalived, five and five": gratuitous(*[(REQUEST, BROADCAST)] * 10),
    "keepalived with vrrp_min_garp, FRR": gratuitous((REQUEST, BROADCAST)),
    "ucarp": gratuitous((REQUEST, "own"), (REQUEST, "own")),
    "Pacemaker's send_arp": gratuitous(*[(REQUEST, ZERO), (REPLY, "own")] * 5),
    "iputils arping -U": gratuitous(*[(REQUEST, BROADCAST)] * 5),
    "iputils arping -A": gratuitous(*[(REPLY, "own")] * 5),
    "Habets arping -U": of_58_bytes(REQUEST),
    "Habets arping -P": of_58_bytes(REPLY),
    "MetalLB": gratuitous(*[(REQUEST, BROADCAST), (REPLY, BROADCAST)] * 5),
    "kube-vip": gratuitous(*[(REPLY, "own"), (REQUEST, BROADCAST)] * 3),
    "Linux with arp_notify": gratuitous((REQUEST, ZERO)),
    "Windows NT 4 and 2000": gratuitous(*[(REQUEST, ZERO)] * 3),
    "RFC 5227 and Windows clusters": detecting_conflicts,
}


def take_over(troupe: Troupe, software: str) -> Havip:
    """Let b own a HAVIP, and a take it over as some software does."""
    havip = troupe.havip()
    troupe.bind(troupe.b, havip)
    for frame in SEQUENCES[software](troupe.a, havip.address):
        troupe.a.send(frame)
    troupe.fence(troupe.a)
    return havip


@requirement("HAVIP-BIND-017")
@pytest.mark.parametrize("software", SEQUENCES)
def test_a_takeover_by_real_software_ends_with_it_as_the_owner(troupe: Troupe, software: str) -> None:
    havip = take_over(troupe, software)
    assert troupe.observer.owner_of(havip.address) is troupe.a
    assert troupe.control_plane.owner_of(havip) is troupe.a


@requirement("HAVIP-BIND-018")
@pytest.mark.parametrize("software", SEQUENCES)
def test_a_takeover_by_real_software_is_one_change(troupe: Troupe, software: str) -> None:
    havip = take_over(troupe, software)
    assert troupe.control_plane.moves_of(havip) == [(None, troupe.b), (troupe.b, troupe.a)]


@requirement("HAVIP-BIND-024")
def test_nobody_defends_the_havip_of_a_dead_owner(troupe: Troupe) -> None:
    havip = troupe.havip()
    # As after a crash: a owns it, and has no such address any more.
    troupe.bind(troupe.a, havip)
    *probes, first, second = detecting_conflicts(troupe.b, havip.address)
    since = troupe.b.send(probes[0])
    for probe in probes[1:]:
        troupe.b.send(probe)
    troupe.fence(troupe.b)
    assert troupe.observer.heard_arp_from(havip.address, since=since) == []
    for announcement in (first, second):
        troupe.b.send(announcement)
    troupe.fence(troupe.b)
    assert troupe.observer.owner_of(havip.address) is troupe.b


@requirement("HAVIP-BIND-023")
def test_as_many_havips_as_there_may_be_are_bound_by_one_burst(troupe: Troupe) -> None:
    # The fence's HAVIP takes a place in the quota.
    room = troupe.stage.target.havip_quota(troupe.stage.vpc) - 1
    havips, half = [troupe.havip() for _ in range(room)], room // 2
    for machine, taken in ((troupe.a, havips), (troupe.b, havips[:half])):
        for frame in [machine.announcement(havip.address) for havip in taken]:
            for _ in range(5):
                machine.send(frame)
        for havip in taken:
            troupe.observer.wait_for_owner(havip.address, machine)
    assert [troupe.observer.owner_of(havip.address) for havip in havips[half:]] == [troupe.a] * (room - half)


@requirement("HAVIP-BIND-026")
@pytest.mark.parametrize("form", [REQUEST, REPLY])
def test_announcing_ones_own_fixed_address_is_harmless(troupe: Troupe, form: Form) -> None:
    havip = troupe.havip()
    troupe.bind(troupe.a, havip)
    for machine in (troupe.a, troupe.b):
        since = machine.announce(machine.address, form=form)
        troupe.fence(machine)
        heard = troupe.observer.heard_arp_from(machine.address, since=since, mac=machine.mac)
        assert sorted(heard) == sorted(other.name for other in troupe.stage.cast if other is not machine)
        assert troupe.observer.owner_of(havip.address) is troupe.a
