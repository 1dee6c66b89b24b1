"""A machine of another subnet does not take a gateway that still asks for one that keeps packets away."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from threading import Thread
from time import time_ns

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.stage import Stage
from pytest_havip.lab import Frame, Lab
from pytest_havip.observe.remote import RemoteObserver
from pytest_havip.reports import Inconclusive
from pytest_havip.targets.bridge import PlainBridge

_ARP, _TARGET = b"\x08\x06", slice(38, 42)
#: With this value of arp_ignore a kernel answers for no address at all.
_MUTE = "8"


@pytest.fixture(scope="module")
def stage(lab: Lab) -> Iterator[Stage]:
    with Stage.build(lab, PlainBridge(lab)) as stage:
        yield stage


@pytest.fixture(scope="module")
def holder(stage: Stage) -> Instance:
    return stage.launch("holder", stage.subnet())


@pytest.fixture(scope="module")
def remote(stage: Stage, holder: Instance) -> RemoteObserver:
    elsewhere = stage.target.create_subnet(stage.vpc, "172.17.64.0/24")
    return RemoteObserver(stage.launch("remote", elsewhere), stage.observer(holder.nic.subnet))


def test_who_answers_the_gateways_second_question_is_reached(
    remote: RemoteObserver, holder: Instance, vip: IPv4Address
) -> None:
    def asks(frame: Frame) -> bool:
        return not frame.outgoing and frame.data[12:14] == _ARP and frame.data[_TARGET] == vip.packed

    def answer_next_time(since: int) -> None:
        holder.port.capture.wait(asks, timeout=5, since=since)
        holder.host.sysctl("net.ipv4.conf.all.arp_ignore", "0")

    holder.host.sysctl("net.ipv4.conf.all.arp_ignore", _MUTE)
    holder.host.add_address(f"{vip}/32")
    answering = Thread(target=answer_next_time, args=[time_ns()])
    answering.start()
    assert remote.reached(vip) == [holder]
    answering.join()
    holder.host.remove_address(f"{vip}/32")


def test_nobody_is_reached_where_nobody_answers(remote: RemoteObserver) -> None:
    assert remote.reached(IPv4Address("172.17.16.99")) == []


def test_where_nothing_is_routed_nothing_is_said(
    stage: Stage, remote: RemoteObserver, vip: IPv4Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_havip.observe.remote._PATIENCE", 0.1)
    witness = remote.near.witness.nic
    stage.target.set_link(witness, up=False)
    with pytest.raises(Inconclusive, match="got lost: nothing is routed"):
        remote.reached(vip)
    stage.target.set_link(witness, up=True)
