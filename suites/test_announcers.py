"""TAKE: other software: arping, Pacemaker's resource agent, FRR, ucarp, patterns; and what is not supported."""

from collections.abc import Callable

import pytest

from pytest_havip.clients.base import Cause
from pytest_havip.clients.frr import VIRTUAL_MAC as FRRS_MAC
from pytest_havip.clients.ucarp import VIRTUAL_MAC as UCARPS_MAC
from pytest_havip.fixtures.takeovers import Acts
from pytest_havip.observe.announcements import announced_by
from pytest_havip.observe.endings import Blame, Outcome
from pytest_havip.reports import Inconclusive
from pytest_havip.reports import Takeover as Row
from pytest_havip.requirements import requirement

__all__: list[str] = []

pytestmark = pytest.mark.xdist_group("takeovers")

_ETHERNET_SOURCE, _OPERATION = slice(6, 12), slice(20, 22)
REQUEST, REPLY = b"\0\1", b"\0\2"


@pytest.mark.parametrize(
    ("name", "number", "forms"),
    [
        pytest.param("arping request", 0, {REQUEST}, marks=requirement("HAVIP-TAKE-028"), id="arping -U"),
        pytest.param("arping reply", 0, {REPLY}, marks=requirement("HAVIP-TAKE-029"), id="arping -A"),
        pytest.param("ipaddr2", 0, {REQUEST, REPLY}, marks=requirement("HAVIP-TAKE-030"), id="IPaddr2 moved"),
        pytest.param("ipaddr2", 1, {REQUEST, REPLY}, marks=requirement("HAVIP-TAKE-030"), id="IPaddr2 stopped"),
        pytest.param("frr stopped", 0, {REQUEST}, marks=requirement("HAVIP-TAKE-061"), id="FRR stopped"),
        pytest.param("metallb", 0, {REQUEST, REPLY}, marks=requirement("HAVIP-TAKE-064"), id="MetalLB"),
        pytest.param("kube-vip", 0, {REQUEST, REPLY}, marks=requirement("HAVIP-TAKE-065"), id="kube-vip"),
        pytest.param("arp_notify", 0, {REQUEST}, marks=requirement("HAVIP-TAKE-066"), id="arp_notify"),
    ],
)
def test_the_address_goes_where_it_is_announced(
    act: Acts, record_takeover: Callable[[Row], None], name: str, number: int, forms: set[bytes]
) -> None:
    taken = act(name).taken(number)
    record_takeover(taken.row)
    sent = announced_by(taken.heir, taken.scene.address, since=taken.at)
    assert {frame.data[_OPERATION] for frame in sent} <= forms
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)
    assert taken.holders == (taken.heir.name,)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("frr host", marks=requirement("HAVIP-TAKE-061"), id="FRR"),
        pytest.param("ucarp host", marks=requirement("HAVIP-TAKE-063"), id="ucarp"),
    ],
)
def test_a_dead_owner_is_followed_where_virtual_macs_are_admitted(
    act: Acts, record_takeover: Callable[[Row], None], name: str
) -> None:
    taken = act(name).taken()
    record_takeover(taken.row)
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.TAKEN, Blame.NOBODY), taken.ending.text
    assert taken.views == dict.fromkeys(taken.views, taken.heir.name)


@requirement("HAVIP-TAKE-062")
def test_an_only_announcement_that_gets_lost_moves_nothing(act: Acts, record_takeover: Callable[[Row], None]) -> None:
    taken = act("frr lossy").taken()
    record_takeover(taken.row)
    if len(sent := announced_by(taken.heir, taken.scene.address, since=taken.at)) != 1:
        raise Inconclusive(f"{taken.heir.name} announced the address {len(sent)} times")
    assert (taken.ending.outcome, taken.ending.blame) == (Outcome.LOST, Blame.CLIENT), taken.ending.text
    assert taken.views["control plane"] == taken.views["data path"] == taken.victim.name


@requirement("HAVIP-TAKE-031")
@pytest.mark.parametrize(
    ("name", "mac", "outcome"),
    # ucarp's announcements come from the NIC's own MAC address; FRR's do not, so that the network hears none.
    [("ucarp", UCARPS_MAC, Outcome.SPLIT), ("frr", FRRS_MAC, Outcome.SILENT)],
    ids=["ucarp", "FRR"],
)
def test_heartbeats_from_a_virtual_mac_are_refused_and_say_so(
    act: Acts, record_takeover: Callable[[Row], None], name: str, mac: str, outcome: Outcome
) -> None:
    played = act(name)
    scene, ended = played.scene, played.aftermath
    source = bytes.fromhex(mac.replace(":", ""))
    sent = [frame for frame in scene.first.port.capture.frames() if frame.data[_ETHERNET_SOURCE] == source]
    if not sent or ended is None:
        raise Inconclusive(f"{scene.first.name} sent {len(sent)} heartbeats from {mac}: {played.error}")
    came = [frame for frame in scene.second.port.capture.frames() if frame.data[_ETHERNET_SOURCE] == source]
    assert [frame for frame in came if not frame.outgoing] == []
    refused = {(entry.nic_id, entry.reason) for entry in scene.target.rejections()}
    assert (scene.first.nic.id, "MAC_MISMATCH") in refused
    note = f"{ended.blame}: {ended.text}, for the network refuses heartbeats from {mac} (MAC_MISMATCH)"
    record_takeover(Row(scene.cluster.traits.name, Cause.START, None, 0, note, "unsupported"))
    assert (ended.outcome, ended.blame) == (outcome, Blame.CLIENT), ended.text
