"""PATH: packets to a HAVIP reach its owner and nobody else, whatever the neighbours believe."""

from collections.abc import Callable
from contextlib import nullcontext
from ipaddress import IPv4Address
from time import time_ns

import pytest

from pytest_havip.clients.announcer import BROADCAST, Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Launch, Stage
from pytest_havip.fixtures.troupe import Troupe, holding
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.dialogue import Dialogue
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.observe.remote import RemoteObserver
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Subnet, Target

__all__: list[str] = []

NOBODY = IPv4Address("0.0.0.0")


#: IP protocol number of VRRP, and the beginning of an advertisement: version 2, router 51, priority 100.
VRRP, ADVERTISEMENT = 112, b"\x21\x33\x64 unicast"


def ping(machine: Instance, address: IPv4Address, *options: str) -> None:
    """Ping an address once from a machine; it must answer."""
    asked = machine.host.run(["ping", "-n", "-c", "1", "-W", "2", *options, str(address)])
    assert asked.returncode == 0, f"{address} does not answer {machine.name}: {asked.stdout}{asked.stderr}"


def assert_served(client: Instance, havip: Havip, owner: Instance, protocol: str, *, held: bool = False) -> None:
    """A machine talks to the owner's kernel at the HAVIP; the owner holds the address meanwhile, if not already."""
    with nullcontext() if held else holding(owner, havip):
        if protocol == "icmp":
            ping(client, havip.address)
        else:
            with Dialogue.open(havip.address, (owner,), "tcp" if protocol == "tcp" else "udp") as dialogue:
                assert dialogue.ask(client) is owner


@requirement("HAVIP-PATH-001")
def test_an_unbound_havip_reaches_nobody(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence
) -> None:
    # Both would answer, if they were asked.
    for machine in (a, b):
        machine.host.add_address(f"{havip.address}/32")
        assert observer.owner_of(havip.address, destination=machine.mac) is None
    me = observer.instance
    question = me.arp(1, me.address, havip.address)
    since = me.send(question)
    fence(a)
    assert observer.witnesses(lambda data: data.startswith(question), since=since) == []
    assert observer.answers_to_who_has(havip.address) == set()


@requirement("HAVIP-PATH-003")
def test_a_stale_neighbour_reaches_the_new_owner(
    havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    bind(b, havip)
    assert observer.owner_of(havip.address, destination=a.mac) is b


@requirement("HAVIP-PATH-002")
def test_only_the_owner_is_asked_and_answers(
    havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    # Both hold the address, as after a crash of the HA software on one of them.
    for machine in (a, b):
        machine.host.add_address(f"{havip.address}/32")
    bind(a, havip)
    assert observer.answers_to_who_has(havip.address) == {a.mac}
    bind(b, havip)
    assert observer.answers_to_who_has(havip.address) == {b.mac}


@requirement("HAVIP-PATH-005")
def test_a_probe_reaches_the_owner_alone(
    havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    def probe(data: bytes) -> bool:
        return data[12:14] == b"\x08\x06" and data[28:32] == NOBODY.packed and data[38:42] == havip.address.packed

    since = b.send(b.arp(1, NOBODY, havip.address))
    fence(b)
    # While nobody owns it, two that probe at once must see each other.
    assert sorted(observer.witnesses(probe, since=since)) == sorted(
        {a.name, observer.instance.name, observer.witness.name}
    )
    bind(a, havip)
    since = b.send(b.arp(1, NOBODY, havip.address))
    fence(b)
    assert observer.witnesses(probe, since=since) == [a.name]


@requirement("HAVIP-PATH-004")
def test_a_client_of_another_subnet_follows(
    launch: Launch, elsewhere: Subnet, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    far = launch("far", elsewhere)
    for machine in (a, b):
        machine.host.add_address(f"{havip.address}/32")
        bind(machine, havip)
        since = time_ns()
        ping(far, havip.address)
        served = observer.witnesses(_echo_request(far, havip), since=since)
        assert served == [machine.name]


@requirement("HAVIP-PATH-006")
def test_the_owner_speaks_as_the_havip(havip: Havip, a: Instance, observer: Observer, bind: Bind) -> None:
    a.host.add_address(f"{havip.address}/32")
    bind(a, havip)
    ping(observer.instance, havip.address)
    ping(a, observer.instance.address, "-I", str(havip.address))


@requirement("HAVIP-API-002")
def test_all_views_agree(
    control_plane: ControlPlane, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    for machine in (a, b):
        bind(machine, havip)
        assert control_plane.owner_of(havip) is machine
        assert observer.belief(havip.address) == machine.mac
        assert observer.owner_of(havip.address) is machine


@requirement("HAVIP-PATH-007")
def test_ordinary_traffic_passes(subnet: Subnet, a: Instance, b: Instance) -> None:
    for destination in (b.address, subnet.gateway):
        ping(a, destination)


@requirement("HAVIP-PATH-008")
@pytest.mark.parametrize("destination", ["multicast", "broadcast"])
def test_multicast_and_broadcast_from_a_fixed_address_pass(
    subnet: Subnet, a: Instance, observer: Observer, fence: Fence, destination: str
) -> None:
    address, mac = {
        "multicast": ("224.0.0.18", "01:00:5e:00:00:12"),
        "broadcast": (str(subnet.cidr.broadcast_address), "ff:ff:ff:ff:ff:ff"),
    }[destination]
    since = a.send(a.datagram(a.address, address, mac, b"to everyone"))
    fence(a)
    assert observer.instance.name in observer.witnesses(lambda data: b"to everyone" in data, since=since)


@requirement("HAVIP-PATH-009")
def test_a_dhcp_request_is_the_gateways_alone(target: Target, a: Instance, observer: Observer, fence: Fence) -> None:
    from scapy.layers.inet import IP, UDP  # noqa: PLC0415 - scapy only where frames are crafted
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    request = Ether(src=a.mac, dst="ff:ff:ff:ff:ff:ff") / IP(src="0.0.0.0", dst="255.255.255.255")
    since = a.send(request / UDP(sport=68, dport=67) / b"who am I?")
    fence(a)
    assert observer.witnesses(lambda data: b"who am I?" in data, since=since) == []
    assert [entry for entry in target.rejections() if entry.nic_id == a.nic.id] == []


@requirement("HAVIP-PATH-010")
def test_another_subnets_havip_is_reached_through_the_gateway(stage: Stage, elsewhere: Subnet, b: Instance) -> None:
    foreign = stage.target.create_havip(elsewhere)
    observer = stage.observer(elsewhere, prefix="far ")
    owner = stage.launch("far", elsewhere)
    owner.host.add_address(f"{foreign.address}/32")
    owner.announce(foreign.address)
    observer.wait_for_owner(foreign.address, owner)
    ping(b, foreign.address)


@requirement("HAVIP-PATH-011")
def test_arp_about_another_subnets_havip_is_left_alone(
    target: Target, elsewhere: Subnet, a: Instance, b: Instance, observer: Observer, fence: Fence
) -> None:
    foreign = target.create_havip(elsewhere)
    since = b.send(b.arp(1, b.address, foreign.address))
    fence(b)
    asked = b.address.packed + bytes(6) + foreign.address.packed
    assert a.name in observer.witnesses(lambda data: data[28:42] == asked, since=since)


@requirement("HAVIP-PATH-012")
@pytest.mark.parametrize("asker", ["neighbour", "standby"])
@pytest.mark.parametrize("way", ["broadcast", "unicast"])
def test_a_question_is_answered_once(troupe: Troupe, floating: Havip, asker: str, way: str) -> None:
    owner = troupe.a
    who = troupe.b if asker == "standby" else troupe.observer.instance
    destination = owner.mac if way == "unicast" else BROADCAST
    with holding(owner, floating):
        troupe.bind(owner, floating)
        replies = troupe.observer.replies_to_who_has(floating.address, asker=who, destination=destination, at_least=1)
    assert replies == [owner.mac]


@requirement("HAVIP-PATH-003")
def test_an_entry_that_never_changes_leads_to_the_new_owner(troupe: Troupe, floating: Havip) -> None:
    troupe.bind(troupe.a, floating)
    client = troupe.observer.instance
    client.host.set_neighbour(floating.address, troupe.a.mac, state="permanent")
    with holding(troupe.a, floating), holding(troupe.b, floating):
        troupe.bind(troupe.b, floating)
        with Dialogue.open(floating.address, (troupe.a, troupe.b), "udp") as dialogue:
            assert dialogue.ask(client) is troupe.b


@requirement("HAVIP-PATH-013")
def test_a_standby_reaches_the_owner(troupe: Troupe, floating: Havip) -> None:
    owner, standby = troupe.a, troupe.b
    troupe.bind(standby, floating)
    troupe.bind(owner, floating)
    before = troupe.target.havip_state(floating)
    with holding(owner, floating):
        since = time_ns()
        ping(standby, floating.address)
        assert troupe.observer.witnesses(_echo_request(standby, floating), since=since) == [owner.name]
    troupe.fence(standby)
    assert troupe.control_plane.owner_of(floating) is owner
    after = troupe.target.havip_state(floating)
    assert before is not None
    assert after is not None
    assert after.flushed == before.flushed


@requirement("HAVIP-PATH-014")
def test_what_the_owner_sends_to_itself_does_not_return(troupe: Troupe, floating: Havip) -> None:
    owner = troupe.a
    troupe.bind(owner, floating)
    since = time_ns()
    for destination in (owner.mac, BROADCAST):
        owner.send(owner.datagram(floating.address, floating.address, destination, b"to myself"))
        owner.send(owner.datagram(owner.address, floating.address, destination, b"to myself"))
    owner.send(owner.arp(1, owner.address, floating.address))
    troupe.fence(owner)
    own = bytes.fromhex(owner.mac.replace(":", ""))
    assert owner.name not in troupe.observer.witnesses(lambda data: data[6:12] == own, since=since)


@requirement("HAVIP-PATH-015")
def test_an_owners_fixed_address_works_on(troupe: Troupe, floating: Havip) -> None:
    for owner in (troupe.a, troupe.b, troupe.a):
        troupe.bind(owner, floating)
        for machine in (troupe.a, troupe.b):
            ping(troupe.observer.instance, machine.address)
            ping(machine, troupe.observer.instance.address)
            assert troupe.observer.replies_to_who_has(machine.address, at_least=1) == [machine.mac]


@requirement("HAVIP-PATH-016")
@pytest.mark.parametrize("asker", ["neighbour", "standby"])
@pytest.mark.parametrize("protocol", ["tcp", "udp", "icmp"])
def test_every_protocol_reaches_the_owner(troupe: Troupe, floating: Havip, protocol: str, asker: str) -> None:
    who = troupe.b if asker == "standby" else troupe.observer.instance
    troupe.bind(troupe.a, floating)
    assert_served(who, floating, troupe.a, protocol)


@requirement("HAVIP-PATH-017")
@pytest.mark.parametrize("protocol", ["tcp", "udp", "icmp"])
def test_every_protocol_reaches_the_owner_from_another_subnet(
    troupe: Troupe, floating: Havip, remote: RemoteObserver, protocol: str
) -> None:
    troupe.bind(troupe.a, floating)
    assert_served(remote.instance, floating, troupe.a, protocol)


@requirement("HAVIP-PATH-018")
def test_fragments_reach_the_owner_and_come_back(troupe: Troupe, floating: Havip) -> None:
    troupe.bind(troupe.a, floating)
    client = troupe.observer.instance
    with holding(troupe.a, floating), Dialogue.open(floating.address, (troupe.a,), "udp") as dialogue:
        since = time_ns()
        assert dialogue.ask(client, bytes(range(250)) * 20) is troupe.a

    def fragment(data: bytes) -> bool:
        is_later = int.from_bytes(data[20:22]) & 0x1FFF
        return data[12:14] == b"\x08\x00" and data[30:34] == floating.address.packed and bool(is_later)

    assert troupe.observer.witnesses(fragment, since=since) == [troupe.a.name]


@requirement("HAVIP-PATH-019")
def test_vrrp_by_unicast_passes(troupe: Troupe) -> None:
    from scapy.layers.inet import IP  # noqa: PLC0415 - scapy only where frames are crafted
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    for sender, receiver in ((troupe.a, troupe.b), (troupe.b, troupe.a)):
        packet = IP(src=str(sender.address), dst=str(receiver.address), ttl=255, proto=VRRP)
        since = sender.send(Ether(src=sender.mac, dst=receiver.mac) / packet / ADVERTISEMENT)
        troupe.observer.control()
        assert receiver.name in troupe.observer.witnesses(lambda data: ADVERTISEMENT in data, since=since)


@requirement("HAVIP-PATH-020")
def test_two_owners_are_kept_apart(troupe: Troupe, floating: Havip) -> None:
    other = troupe.havip()
    owners = {floating: troupe.a, other: troupe.b}
    for havip, owner in owners.items():
        troupe.bind(owner, havip)
    for havip, owner in owners.items():
        assert troupe.observer.owner_of(havip.address) is owner
    for havip, owner, peer in ((floating, troupe.a, troupe.b), (other, troupe.b, troupe.a)):
        assert_served(peer, havip, owner, "udp")


@requirement("HAVIP-PATH-021")
def test_who_lost_its_owner_is_not_reached_from_another_subnet(
    troupe: Troupe, floating: Havip, remote: RemoteObserver
) -> None:
    with troupe.guest("leaver") as owner:
        with holding(owner, floating):
            troupe.bind(owner, floating)
            remote.wait_for_owner(floating.address, owner)
        again = troupe.stage.attach(troupe.stage.detach(owner), owner.host)
        with holding(again, floating):
            assert remote.reached(floating.address) == []
            troupe.bind(again, floating)
            remote.wait_for_owner(floating.address, again)


@requirement("HAVIP-PATH-022")
def test_what_becomes_of_a_standby_changes_nothing(troupe: Troupe, floating: Havip) -> None:
    owner = troupe.a
    with troupe.guest("standby") as standby, holding(owner, floating):
        troupe.bind(standby, floating)
        troupe.bind(owner, floating)
        blows: tuple[Callable[[], None], ...] = (
            # It answers no ARP at all, for any address: a firewall that drops everything.
            lambda: standby.host.sysctl("net.ipv4.conf.all.arp_ignore", "8"),
            lambda: troupe.target.set_link(standby.nic, up=False),
            lambda: troupe.stage.unplug(standby),
        )
        for blow in blows:
            blow()
            assert troupe.observer.owner_of(floating.address) is owner
            assert troupe.control_plane.owner_of(floating) is owner
            assert_served(troupe.observer.instance, floating, owner, "udp", held=True)


def _echo_request(client: Instance, havip: Havip) -> Callable[[bytes], bool]:
    sender_and_target = client.address.packed + havip.address.packed
    return lambda data: data[12:14] == b"\x08\x00" and data[26:34] == sender_and_target and data[34:35] == b"\x08"
