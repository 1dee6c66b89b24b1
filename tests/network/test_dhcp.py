"""Hosts get their fixed address by DHCP: a real client, the real server."""

import shutil
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from pytest_havip.lab import Lab
from pytest_havip.network.core import Nic, Subnet
from pytest_havip.network.dhcp import configuration, hardware_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.network.conftest import Machine, Place, Rig

SYSTEM = "/usr/sbin:/sbin:/usr/bin:/bin"
needs_programs = pytest.mark.skipif(
    not all(shutil.which(name, path=SYSTEM) for name in ("dnsmasq", "udhcpc")), reason="no dnsmasq, or no udhcpc"
)
#: The process ids of the servers in the lab.
EACH = "$(grep -lx dnsmasq /proc/[0-9]*/comm | cut -d/ -f3)"
SCRIPT = '#!/bin/sh\necho "$1 $ip $subnet $router $lease"\n'


def lease(machine: "Machine", *options: str, tries: int = 6) -> str:
    """What a host is told when it asks: the last word of the client's script, or nothing."""
    machine.host.write_file("/run/lease", SCRIPT, mode=0o755)
    program = ["udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", "/run/lease", "-t", str(tries), "-T", "1", *options]
    asked = machine.host.run(program, timeout=30)
    return next((line for line in asked.stdout.splitlines() if line.startswith("bound ")), "")


def servers(machine: "Machine") -> int:
    """How many servers there are in the lab."""
    return machine.host.run(["sh", "-c", "cat /proc/[0-9]*/comm"]).stdout.split().count("dnsmasq")


@pytest.fixture(scope="module")
def durable(rig_class: "type[Rig]") -> "Iterator[Rig]":
    with Lab.open() as lab:
        rig = rig_class(lab, store="/run/havip.sqlite")
        yield rig
        alive, log = rig.process.alive, rig.process.log()
        rig.close()
    assert alive, f"the service ended by itself:\n{log}"


@needs_programs
def test_a_host_gets_the_address_of_its_nic_and_never_a_havip(place: "Place") -> None:
    machine, other, havip = place.machine(), place.machine(address="10.0.0.77"), place.havip()
    machine.announce(havip["Vip"])
    assert lease(machine) == f"bound {machine.address} 255.255.255.0 10.0.0.1 86400"
    assert lease(machine, "-r", havip["Vip"]) == f"bound {machine.address} 255.255.255.0 10.0.0.1 86400"
    assert lease(other) == "bound 10.0.0.77 255.255.255.0 10.0.0.1 86400"
    assert place.rig.owner(havip) == machine.nic


@needs_programs
def test_what_changes_is_leased_anew(place: "Place") -> None:
    first = place.machine(address="10.0.0.50")
    assert lease(first).startswith("bound 10.0.0.50 ")
    elsewhere = place.machine(subnet=place.add_subnet("10.0.7.0/25"))
    assert lease(elsewhere) == f"bound {elsewhere.address} 255.255.255.128 10.0.7.1 86400"
    place.machines.remove(first)
    place.rig.lab.remove(first.host)
    place.rig.call("DetachNetworkInterface", NetworkInterfaceId=first.nic, InstanceId=instance(place, first))
    place.rig.call("DeleteNetworkInterface", NetworkInterfaceId=first.nic)
    again = place.machine(address="10.0.0.50")
    assert again.mac != first.mac
    assert lease(again).startswith("bound 10.0.0.50 ")


def instance(place: "Place", machine: "Machine") -> str:
    (nic,) = place.rig.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[machine.nic])["NetworkInterfaceSet"]
    return nic["Attachment"]["InstanceId"]


@needs_programs
def test_equal_subnets_do_not_know_each_other(make_place: "Callable[[], Place]") -> None:
    one, two = make_place(), make_place()
    first, second = one.machine(address="10.0.0.9"), two.machine(address="10.0.0.8")
    assert lease(first).startswith("bound 10.0.0.9 ")
    assert lease(second).startswith("bound 10.0.0.8 ")


@needs_programs
def test_a_service_that_was_killed_leases_again(durable: "Rig") -> None:
    place = durable.place()
    try:
        machine = place.machine()
        assert servers(machine) == 0
        assert lease(machine).startswith(f"bound {machine.address} ")
        assert servers(machine) == 1
        durable.end()
        durable.start()
        durable.call("DescribeVpcs")
        assert lease(machine).startswith(f"bound {machine.address} ")
        assert servers(machine) == 1
    finally:
        durable.remove(place)


@needs_programs
def test_a_server_that_ends_is_started_again(durable: "Rig", until: "Callable[..., None]") -> None:
    place = durable.place()
    try:
        machine = place.machine()
        assert lease(machine).startswith(f"bound {machine.address} ")
        machine.host.run(["sh", "-c", f"for each in {EACH}; do kill -KILL $each; done"])
        until(lambda: "dnsmasq has ended by itself" in durable.process.log(), "the warning")
        assert lease(machine).startswith(f"bound {machine.address} ")
    finally:
        durable.remove(place)


def nic(name: str, address: str, **more: Any) -> Nic:
    return Nic(**{**FIELDS, "id": name, "addresses": (IPv4Address(address), IPv4Address("10.0.0.200"))} | more)


FIELDS: dict[str, Any] = {
    "vpc_id": "vpc-1",
    "subnet_id": "subnet-1",
    "name": "",
    "mac": "02:00:00:00:00:07",
    "instance_id": "ins-1",
    "created": 0.0,
}


def test_the_configuration_has_attached_nics_only() -> None:
    network = IPv4Network("10.0.0.0/24")
    subnet = Subnet("subnet-1", "vpc-1", "", network, network[1], "02:00:00:00:00:01", 0.0)
    nics = [nic("eni-1", "10.0.0.5"), nic("eni-2", "10.0.0.6", instance_id="")]
    lines = configuration([subnet], nics).splitlines()
    assert [line for line in lines if line.startswith("dhcp-")][-2:] == [
        "dhcp-range=10.0.0.0,static,255.255.255.0,1d",
        "dhcp-host=02:00:00:00:00:07,10.0.0.5",
    ]


QUESTION = bytes((1, 1, 6)) + bytes(25) + bytes.fromhex("020000000007") + bytes(206)


@pytest.mark.parametrize(
    ("message", "address"),
    [
        (QUESTION, "02:00:00:00:00:07"),
        (QUESTION[:239], None),
        (b"\2" + QUESTION[1:], None),
        (QUESTION[:2] + b"\7" + QUESTION[3:], None),
        (b"", None),
    ],
)
def test_only_a_clients_message_names_a_client(message: bytes, address: str | None) -> None:
    assert hardware_address(message) == address
