"""A network that admits the MAC addresses of virtual routers: they bind, reach others, and lead to the NIC's own."""

from collections.abc import Iterator

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.stage import Stage
from pytest_havip.lab import Lab
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.observer import Observer
from pytest_havip.targets import open_target
from pytest_havip.targets.base import Feature, Havip, Subnet

VRRP, UCARP, NEITHER = "00:00:5e:00:01:33", "00:00:5e:00:00:33", "00:00:5e:00:02:33"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Lab.open() as lab, open_target("reference:virtual-macs", lab) as target, Stage.build(lab, target) as built:
        yield built


@pytest.fixture(scope="module")
def subnet(stage: Stage) -> Subnet:
    return stage.subnet()


@pytest.fixture(scope="module")
def pair(stage: Stage, subnet: Subnet) -> tuple[Instance, Instance]:
    return stage.launch("a", subnet), stage.launch("b", subnet)


@pytest.fixture(scope="module")
def observer(stage: Stage, subnet: Subnet, pair: tuple[Instance, Instance]) -> Observer:
    del pair  # they are in its cast
    return stage.observer(subnet)


@pytest.fixture(scope="module")
def havip(stage: Stage, subnet: Subnet) -> Havip:
    return stage.target.create_havip(subnet)


def test_the_network_says_so(stage: Stage) -> None:
    assert Feature.VIRTUAL_MACS in stage.target.features
    assert stage.target.profile != "tencent"


@pytest.mark.parametrize("mac", [VRRP, UCARP])
def test_the_same_virtual_mac_moves_the_havip_to_and_fro(
    stage: Stage, pair: tuple[Instance, Instance], observer: Observer, havip: Havip, mac: str
) -> None:
    for owner in (*pair, *pair):
        owner.announce(havip.address, ethernet_source=mac, sender_mac=mac)
        observer.wait_for_owner(havip.address, owner)
        assert ControlPlane(stage.target, pair).owner_of(havip) is owner
    assert observer.belief(havip.address) == mac


def test_packets_from_a_virtual_mac_pass(pair: tuple[Instance, Instance], observer: Observer) -> None:
    first, second = pair
    packet = bytearray(first.datagram(first.address, second.address, second.mac, b"from a virtual router"))
    packet[6:12] = bytes.fromhex(VRRP.replace(":", ""))
    since = first.send(bytes(packet))
    second.port.capture.wait(lambda frame: b"from a virtual router" in frame.data, timeout=5, since=since)
    observer.control()


def test_any_other_mac_is_refused(
    stage: Stage, pair: tuple[Instance, Instance], observer: Observer, havip: Havip
) -> None:
    first, second = pair
    first.announce(havip.address)
    observer.wait_for_owner(havip.address, first)
    second.announce(havip.address, ethernet_source=NEITHER, sender_mac=NEITHER)
    observer.control_from(second)
    assert ControlPlane(stage.target, pair).owner_of(havip) is first
    refused = {(entry.nic_id, entry.reason) for entry in stage.target.rejections()}
    assert refused == {(second.nic.id, "MAC_MISMATCH")}
