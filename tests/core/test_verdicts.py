"""The table of frames: each line is one rule of the guard, for the owner, another NIC, and while nobody owns it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_havip.network.core import Action, Nic, Reason, Verdict
from pytest_havip.wire import (
    ANNOUNCEMENT_FORMS,
    Ethernet,
    gratuitous_reply,
    gratuitous_request,
    ipv4,
    mac_bytes,
    probe,
    reply,
    who_has,
)

BROADCAST = "ff:ff:ff:ff:ff:ff"
ZERO = "00:00:00:00:00:00"
VRRP = "00:00:5e:00:01:33"
GATEWAY = IPv4Address("10.0.0.1")
NOBODYS = IPv4Address("10.0.0.200")
OUTSIDE = IPv4Address("192.0.2.1")

PASS = Verdict(Action.PASS)
PUNT = Verdict(Action.PUNT)


def drop(reason: Reason) -> Verdict:
    return Verdict(Action.DROP, reason)


def redirect(mac: str) -> Verdict:
    return Verdict(Action.REDIRECT, None, mac)


def packet(
    nic: Nic, source: IPv4Address, destination: IPv4Address, *, to: str = BROADCAST, payload: bytes = b""
) -> bytes:
    return Ethernet(to, nic.mac, 0x0800, ipv4.encode(source, destination, payload=payload)).encode()


def patch(frame: bytes, at: int, value: bytes) -> bytes:
    return frame[:at] + value + frame[at + len(value) :]


Build: TypeAlias = Callable[[Nic, IPv4Address], bytes]
Edit: TypeAlias = Callable[[bytes], bytes]
# The owner's MAC is filled in by the test, which knows the owner.
TO_THE_OWNER = Verdict(Action.REDIRECT)
UNBOUND = drop(Reason.UNBOUND)


@dataclass(frozen=True)
class About:
    """A NIC's frame about a HAVIP; the verdict if the NIC owns it, if another does, and while nobody does."""

    build: Build
    owner: Verdict
    another: Verdict
    unbound: Verdict


def speaks_for_it(build: Build) -> About:
    return About(build, PASS, drop(Reason.NOT_OWNER), drop(Reason.NOT_OWNER))


def goes_to_it(build: Build, *, unbound: Verdict = UNBOUND) -> About:
    return About(build, drop(Reason.OWN), TO_THE_OWNER, unbound)


ABOUT_A_HAVIP: dict[str, About] = {
    "reply to someone": speaks_for_it(lambda nic, vip: reply(nic.mac, vip, BROADCAST, GATEWAY)),
    "request in its name": speaks_for_it(lambda nic, vip: who_has(nic.mac, vip, GATEWAY)),
    "packet from it": speaks_for_it(lambda nic, vip: packet(nic, vip, GATEWAY)),
    "probe": goes_to_it(lambda nic, vip: probe(nic.mac, vip), unbound=PASS),
    "who-has": goes_to_it(lambda nic, vip: who_has(nic.mac, nic.addresses[0], vip)),
    "unicast who-has": goes_to_it(lambda nic, vip: who_has(nic.mac, nic.addresses[0], vip, destination=VRRP)),
    "answer to it": goes_to_it(lambda nic, vip: reply(nic.mac, nic.addresses[0], VRRP, vip)),
    "packet to it": goes_to_it(lambda nic, vip: packet(nic, nic.addresses[0], vip, to=VRRP)),
}


@pytest.mark.parametrize("name", ABOUT_A_HAVIP)
def test_frames_about_a_havip(cloud: Any, name: str) -> None:
    case = ABOUT_A_HAVIP[name]
    for nic, havip, wanted in (
        (cloud.a, cloud.owned, case.owner),
        (cloud.b, cloud.owned, case.another),
        (cloud.b, cloud.unbound, case.unbound),
    ):
        verdict = redirect(cloud.a.mac) if wanted == TO_THE_OWNER else wanted
        assert cloud.network.verdict(case.build(nic, havip.address), nic.id) == verdict


def patched(at: int, value: bytes) -> Edit:
    return lambda frame: patch(frame, at, value)


# What is done to a good announcement -> the reason why nobody's passes any more, not even the owner's.
FAULTS: dict[str, tuple[Edit, Reason]] = {
    "foreign MAC": (lambda frame: patch(patch(frame, 6, mac_bytes(VRRP)), 22, mac_bytes(VRRP)), Reason.MAC_MISMATCH),
    "foreign Ethernet source": (patched(6, mac_bytes(VRRP)), Reason.MAC_MISMATCH),
    "foreign sender MAC": (patched(22, mac_bytes(VRRP)), Reason.MAC_MISMATCH),
    "zero sender MAC": (patched(22, mac_bytes(ZERO)), Reason.MAC_MISMATCH),
    "group sender MAC": (patched(22, mac_bytes(BROADCAST)), Reason.MAC_MISMATCH),
    "wrong hardware type": (patched(15, b"\6"), Reason.MALFORMED),
    "wrong protocol type": (patched(16, b"\x86\xdd"), Reason.MALFORMED),
    "wrong MAC length": (patched(18, b"\5"), Reason.MALFORMED),
    "wrong address length": (patched(19, b"\6"), Reason.MALFORMED),
    "one byte short": (lambda frame: frame[:41], Reason.MALFORMED),
    "operation 0": (patched(21, b"\0"), Reason.NOT_ARP_ANNOUNCEMENT),
    "operation 3": (patched(21, b"\3"), Reason.NOT_ARP_ANNOUNCEMENT),
    "RARP": (patched(12, b"\x80\x35"), Reason.ETHERTYPE),
    "VLAN 0": (lambda frame: frame[:12] + b"\x81\0\0\0" + frame[12:], Reason.ETHERTYPE),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_announcement_is_refused_whoever_sends_it(cloud: Any, name: str) -> None:
    edit, reason = FAULTS[name]
    for nic, havip in ((cloud.a, cloud.owned), (cloud.b, cloud.owned), (cloud.b, cloud.unbound)):
        frame = edit(gratuitous_request(nic.mac, havip.address))
        assert cloud.network.verdict(frame, nic.id) == drop(reason)


@pytest.mark.parametrize("name", ANNOUNCEMENT_FORMS)
def test_every_form_of_announcement_is_punted_the_owners_too(cloud: Any, name: str) -> None:
    form = ANNOUNCEMENT_FORMS[name]
    for nic in (cloud.a, cloud.b):
        for havip in (cloud.owned, cloud.unbound):
            frame = form.build(nic.mac, havip.address, neighbour=cloud.here.gateway_mac)
            assert cloud.network.verdict(frame, nic.id) == PUNT


def test_a_gratuitous_reply_from_an_unspecified_address_is_nobodys(cloud: Any) -> None:
    assert cloud.network.verdict(gratuitous_reply(cloud.b.mac, IPv4Address(0)), cloud.b.id) == drop(Reason.NOT_YOURS)


def test_scope_ends_at_the_subnet_and_at_the_vpc(cloud: Any) -> None:
    network = cloud.network
    for build in (gratuitous_request, gratuitous_reply, lambda mac, vip: who_has(mac, vip, GATEWAY)):
        assert network.verdict(build(cloud.b.mac, cloud.elsewhere.address), cloud.b.id) == drop(Reason.WRONG_SUBNET)
        assert network.verdict(build(cloud.twin.mac, cloud.owned.address), cloud.twin.id) == drop(Reason.NOT_YOURS)
    sent = packet(cloud.b, cloud.elsewhere.address, GATEWAY)
    assert network.verdict(sent, cloud.b.id) == drop(Reason.WRONG_SUBNET)


@pytest.mark.parametrize(
    "victim", ["another machine", "another's secondary", "gateway", "nobody's", "outside", "everyone"]
)
def test_no_other_address_can_be_spoken_for(cloud: Any, victim: str) -> None:
    address = {
        "another machine": cloud.b.addresses[0],
        "another's secondary": cloud.b.addresses[1],
        "gateway": GATEWAY,
        "nobody's": NOBODYS,
        "outside": OUTSIDE,
        "everyone": IPv4Address("255.255.255.255"),
    }[victim]
    a = cloud.a
    for frame in (
        gratuitous_request(a.mac, address),
        gratuitous_reply(a.mac, address),
        reply(a.mac, address, cloud.b.mac, cloud.b.addresses[0]),
        who_has(a.mac, address, GATEWAY),
        packet(a, address, GATEWAY),
    ):
        assert cloud.network.verdict(frame, a.id) == drop(Reason.NOT_YOURS)


def test_fixed_and_secondary_addresses_pass(cloud: Any) -> None:
    b = cloud.b
    for address in b.addresses:
        for frame in (
            gratuitous_request(b.mac, address),
            who_has(b.mac, address, NOBODYS),
            reply(b.mac, address, cloud.a.mac, cloud.a.addresses[0]),
            packet(b, address, cloud.a.addresses[0]),
            packet(b, address, GATEWAY),
            packet(b, address, OUTSIDE),
            packet(b, address, IPv4Address("224.0.0.18")),
            packet(b, address, IPv4Address("10.0.0.255")),
            packet(b, address, IPv4Address("255.255.255.255")),
        ):
            assert cloud.network.verdict(frame, b.id) == PASS


def test_what_nobody_has_goes_nowhere(cloud: Any) -> None:
    source = cloud.b.addresses[0]
    assert cloud.network.verdict(packet(cloud.b, source, NOBODYS), cloud.b.id) == drop(Reason.UNBOUND)
    cloud.network.delete_havip(cloud.owned.id, now=3.0)
    assert cloud.network.verdict(packet(cloud.b, source, cloud.owned.address), cloud.b.id) == drop(Reason.UNBOUND)


def test_another_subnets_havip_is_reached_through_the_gateway_untouched(cloud: Any) -> None:
    target = cloud.elsewhere.address
    sent = packet(cloud.b, cloud.b.addresses[0], target, to=cloud.here.gateway_mac)
    assert cloud.network.verdict(sent, cloud.b.id) == PASS
    assert cloud.network.verdict(who_has(cloud.b.mac, cloud.b.addresses[0], target), cloud.b.id) == PASS


DHCP: dict[str, tuple[IPv4Address, IPv4Address, bytes, Reason | None]] = {
    "discover": (IPv4Address(0), ipv4.BROADCAST, ipv4.DHCP_PORTS, None),
    "to one host": (IPv4Address(0), GATEWAY, ipv4.DHCP_PORTS, Reason.NOT_YOURS),
    "from the server's port": (IPv4Address(0), ipv4.BROADCAST, bytes((0, 67, 0, 68)), Reason.NOT_DHCP_SERVER),
    "no ports": (IPv4Address(0), ipv4.BROADCAST, b"", Reason.NOT_YOURS),
}


@pytest.mark.parametrize("name", DHCP)
def test_a_dhcp_request_goes_to_the_gateway_alone(cloud: Any, name: str) -> None:
    source, destination, payload, reason = DHCP[name]
    wanted = drop(reason) if reason else redirect(cloud.here.gateway_mac)
    assert cloud.network.verdict(packet(cloud.b, source, destination, payload=payload), cloud.b.id) == wanted


@pytest.mark.parametrize(("at", "value"), [(14, b"\x46"), (20, b"\x00\x01"), (23, b"\x06")])
def test_what_only_resembles_a_dhcp_request_is_a_spoof(cloud: Any, at: int, value: bytes) -> None:
    sent = packet(cloud.b, IPv4Address(0), ipv4.BROADCAST, payload=ipv4.DHCP_PORTS)
    assert cloud.network.verdict(patch(sent, at, value), cloud.b.id) == drop(Reason.NOT_YOURS)


ANSWER = bytes((0, 67, 0, 68))


@pytest.mark.parametrize("options", [b"", bytes(4), bytes(40)], ids=len)
def test_nobody_but_the_gateway_answers_a_dhcp_client(cloud: Any, options: bytes) -> None:
    sent = packet(cloud.b, cloud.b.addresses[0], ipv4.BROADCAST, payload=options + ANSWER)
    sent = patch(sent, 14, bytes((0x45 + len(options) // 4,)))
    assert cloud.network.verdict(sent, cloud.b.id) == drop(Reason.NOT_DHCP_SERVER)


@pytest.mark.parametrize(("at", "value"), [(20, b"\x00\x01"), (23, b"\x06"), (16, b"\x01\x00"), (16, b"\x00\x10")])
def test_what_no_dhcp_client_takes_for_an_answer_passes(cloud: Any, at: int, value: bytes) -> None:
    sent = packet(cloud.b, cloud.b.addresses[0], ipv4.BROADCAST, payload=ANSWER)
    assert cloud.network.verdict(patch(sent, at, value), cloud.b.id) == PASS


@pytest.mark.parametrize("first", [0x44, 0x40, 0x55, 0x65, 0x00])
def test_a_malformed_packet_is_called_so(cloud: Any, first: int) -> None:
    sent = packet(cloud.b, cloud.b.addresses[0], GATEWAY)
    assert cloud.network.verdict(patch(sent, 14, bytes((first,))), cloud.b.id) == drop(Reason.MALFORMED)
    assert cloud.network.verdict(sent[:33], cloud.b.id) == drop(Reason.MALFORMED)


@pytest.mark.parametrize("ethertype", [0x86DD, 0x8100, 0x88A8, 0x8035, 0x88CC, 0x0026])
def test_only_arp_and_ipv4_exist(cloud: Any, ethertype: int) -> None:
    sent = Ethernet(BROADCAST, cloud.b.mac, ethertype, bytes(40)).encode()
    assert cloud.network.verdict(sent, cloud.b.id) == drop(Reason.ETHERTYPE)


def test_of_two_faults_the_first_in_the_guards_order_is_named(cloud: Any) -> None:
    spoof = gratuitous_request(VRRP, GATEWAY)
    assert cloud.network.verdict(patch(spoof, 12, b"\x86\xdd"), cloud.b.id) == drop(Reason.ETHERTYPE)
    assert cloud.network.verdict(spoof[:30], cloud.b.id) == drop(Reason.MAC_MISMATCH)
    truncated = patch(spoof, 6, mac_bytes(cloud.b.mac))[:30]
    assert cloud.network.verdict(truncated, cloud.b.id) == drop(Reason.MALFORMED)
    assert cloud.network.verdict(patch(spoof, 6, mac_bytes(cloud.b.mac)), cloud.b.id) == drop(Reason.MAC_MISMATCH)


@pytest.mark.parametrize(
    ("mac", "announcing", "sending"),
    [(VRRP, PUNT, PASS), ("00:00:5e:00:00:01", PUNT, PASS), ("00:00:5e:00:02:01", *[drop(Reason.MAC_MISMATCH)] * 2)],
)
def test_virtual_macs_are_admitted_where_the_profile_says_so(
    cloud: Any, mac: str, announcing: Verdict, sending: Verdict
) -> None:
    announced = gratuitous_request(mac, cloud.owned.address)
    sent = packet(cloud.b, cloud.b.addresses[0], OUTSIDE)
    sent = patch(sent, 6, mac_bytes(mac))
    for frame in (announced, sent):
        assert cloud.network.verdict(frame, cloud.b.id) == drop(Reason.MAC_MISMATCH)
    cloud.network.profile = replace(cloud.network.profile, admits_virtual_macs=True)
    assert cloud.network.verdict(announced, cloud.b.id) == announcing
    assert cloud.network.verdict(sent, cloud.b.id) == sending
    assert cloud.network.verdict(announced, "eni-nothere") == drop(Reason.MAC_MISMATCH)
    cloud.network.receive(announced, cloud.b.id, now=5.0)
    owner = cloud.b if announcing is PUNT else cloud.a
    assert cloud.network.havips[cloud.owned.id].binding.mac == owner.mac


def test_a_detached_or_unknown_nic_has_no_port(cloud: Any) -> None:
    frame = gratuitous_request(cloud.b.mac, cloud.unbound.address)
    cloud.network.detach_nic(cloud.b.id, now=3.0)
    assert cloud.network.verdict(frame, cloud.b.id) == drop(Reason.MAC_MISMATCH)
    assert cloud.network.verdict(frame, "eni-00000000") == drop(Reason.MAC_MISMATCH)


class TestFromTheGateway:
    def sent(self, cloud: Any, source: IPv4Address, destination: IPv4Address) -> Verdict:
        frame = Ethernet(VRRP, cloud.here.gateway_mac, 0x0800, ipv4.encode(source, destination)).encode()
        return cloud.network.verdict_from_gateway(frame, cloud.here.id)

    def test_it_speaks_for_the_world(self, cloud: Any) -> None:
        assert self.sent(cloud, OUTSIDE, cloud.b.addresses[0]) == PASS

    def test_its_frames_follow_the_mapping(self, cloud: Any) -> None:
        assert self.sent(cloud, OUTSIDE, cloud.owned.address) == redirect(cloud.a.mac)
        assert self.sent(cloud, OUTSIDE, cloud.unbound.address) == drop(Reason.UNBOUND)
        assert self.sent(cloud, OUTSIDE, NOBODYS) == drop(Reason.UNBOUND)
        asked = who_has(cloud.here.gateway_mac, GATEWAY, cloud.owned.address)
        assert cloud.network.verdict_from_gateway(asked, cloud.here.id) == redirect(cloud.a.mac)

    def test_it_announces_no_havip(self, cloud: Any) -> None:
        announced = gratuitous_request(cloud.here.gateway_mac, cloud.unbound.address)
        assert cloud.network.verdict_from_gateway(announced, cloud.here.id) == drop(Reason.UNBOUND)

    def test_its_frames_are_well_formed(self, cloud: Any) -> None:
        asked = who_has(cloud.here.gateway_mac, GATEWAY, cloud.owned.address)
        assert cloud.network.verdict_from_gateway(asked[:41], cloud.here.id) == drop(Reason.MALFORMED)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(
        st.binary(max_size=80),
        st.tuples(st.sampled_from([b"\x08\x06", b"\x08\x00"]), st.binary(max_size=60)).map(lambda p: p[0] + p[1]),
    )
)
def test_every_sequence_of_bytes_has_a_verdict_and_moves_nothing(cloud: Any, data: bytes) -> None:
    before = dict(cloud.network.havips)
    framed = mac_bytes(BROADCAST) + mac_bytes(cloud.b.mac) + data
    for frame in (data, framed):
        decision = cloud.network.receive(frame, cloud.b.id, now=5.0)
        assert decision.verdict == cloud.network.verdict(frame, cloud.b.id)
        assert isinstance(cloud.network.verdict_from_gateway(frame, cloud.here.id), Verdict)
        if decision.verdict.action is not Action.PUNT:
            assert decision.effects == ()
            assert dict(cloud.network.havips) == before
