"""Dialogues with an address say who was asked, and fail in words where nobody was."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.lab import Host
from pytest_havip.observe import dialogue
from pytest_havip.observe.dialogue import Dialogue, Protocol, Unserved
from pytest_havip.targets.base import Nic, Subnet

SUBNET = Subnet("subnet", "vpc", IPv4Network("172.17.16.0/24"), IPv4Address("172.17.16.1"))
Cast = tuple[Instance, Instance, Instance]


def instance(host: Host) -> Instance:
    return Instance(host, Nic(host.name, SUBNET, host.mac(), host.addresses()[0].ip, host.name))


@pytest.fixture(scope="module")
def cast(new_host: Callable[[str, str], Host], observer: Host) -> Cast:
    a, b = (instance(new_host(name, f"172.17.16.{number}")) for name, number in (("a", 7), ("b", 13)))
    return a, b, instance(observer)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("length", [1, 5000])
def test_whoever_holds_the_address_is_asked(cast: Cast, vip: IPv4Address, protocol: Protocol, length: int) -> None:
    a, b, client = cast
    with Dialogue.open(vip, (a, b), protocol) as talk:
        for holder in (a, b):
            holder.host.add_address(f"{vip}/32")
            client.host.set_neighbour(vip, holder.mac)
            assert talk.ask(client, b"?" * length) is holder
            holder.host.remove_address(f"{vip}/32")


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_where_nobody_holds_the_address_nobody_is_asked(
    cast: Cast, vip: IPv4Address, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialogue, "_PATIENCE", 0.2)
    a, b, client = cast
    client.host.set_neighbour(vip, a.mac)
    with (
        Dialogue.open(vip, (a, b), protocol) as talk,
        pytest.raises(Unserved, match=rf"observer got no {protocol} answer from {vip}"),
    ):
        talk.ask(client)


def test_an_answer_that_is_another_one_does_not_count(
    cast: Cast, vip: IPv4Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialogue, "_PATIENCE", 0.2)
    a, _, client = cast
    a.host.add_address(f"{vip}/32")
    client.host.set_neighbour(vip, a.mac)
    with Dialogue.open(vip, (a,), "udp") as talk:
        # Somebody else's datagram stands first in the queue, so the answer goes to them.
        with client.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"mine", (str(vip), talk.services[0][1].getsockname()[1]))
        with pytest.raises(Unserved):
            talk.ask(client)
    a.host.remove_address(f"{vip}/32")
