"""Route netlink: batches, errors in words, answers longer than a datagram."""

import errno
import socket
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface

import pytest

from pytest_havip.kernel.requests import (
    NewLink,
    add_address,
    add_bridge,
    add_fixed_station,
    add_veth,
    attach_port,
    guard_port,
    set_neighbour,
    set_state,
)
from pytest_havip.kernel.route import Neighbour, RouteSocket
from pytest_havip.lab import Host, Lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.open() as opened:
        yield opened


@pytest.fixture
def host(lab: Lab) -> Iterator[Host]:
    made = lab.host("a")
    yield made
    lab.remove(made)


@pytest.fixture
def route(host: Host) -> Iterator[RouteSocket]:
    opened = RouteSocket(host.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE))
    yield opened
    opened.close()


def test_a_refusal_says_what_was_wanted_and_what_the_kernel_said(route: RouteSocket) -> None:
    with pytest.raises(OSError, match="cannot set interface eth7 up: No such device") as refused:
        route.send(set_state("eth7", up=True))
    assert refused.value.errno == errno.ENODEV
    with pytest.raises(OSError, match=r"cannot give interface 1 the address 10\.0\.0\.7/24: File exists \(.+\)"):
        route.send(*[add_address(1, IPv4Interface("10.0.0.7/24"))] * 2)


def test_of_a_batch_the_first_refusal_is_told_and_the_rest_is_done(route: RouteSocket) -> None:
    addresses = [IPv4Interface(f"10.0.0.{number}/32") for number in (1, 1, 2)]
    with pytest.raises(FileExistsError, match=r"10\.0\.0\.1/32"):
        route.send(add_address(1, addresses[0]), add_address(1, addresses[1]), set_state(9, up=True))
    route.send(add_address(1, addresses[2]))
    assert {str(address) for address in route.addresses("lo")} >= {"10.0.0.1/32", "10.0.0.2/32"}


def test_a_long_batch_and_a_long_list(route: RouteSocket) -> None:
    addresses = [IPv4Interface(f"10.1.{number // 200}.{number % 200}/16") for number in range(600)]
    for first in range(0, len(addresses), 200):
        route.send(*(add_address(1, address) for address in addresses[first : first + 200]))
    assert set(addresses) <= set(route.addresses("lo"))


def test_a_missing_interface_has_no_number_and_no_mac(route: RouteSocket) -> None:
    assert route.index("lo") == 1
    for question in (route.index, route.mac):
        with pytest.raises(OSError, match="cannot look at interface eth7") as refused:
            question("eth7")
        assert refused.value.errno == errno.ENODEV


def test_ports_get_what_the_table_says_and_no_more(host: Host, route: RouteSocket) -> None:
    mac = "02:00:00:00:00:0a"
    route.send(
        add_bridge(NewLink("br0", 100, "02:00:00:00:00:01"), ("IFLA_BR_MCAST_SNOOPING", 0)),
        add_veth(NewLink("near", 101), NewLink("far", 102, mac), host.namespace()),
        attach_port(101, 100, up=True),
        guard_port(101),
        add_fixed_station(101, mac),
        set_state(102, up=True),
    )
    route.wait_until_up(101)
    assert (route.index("near"), route.index("far"), route.mac("far")) == (101, 102, mac)
    bridge = host.run(["ip", "-d", "link", "show", "br0"]).stdout
    assert "mcast_snooping 0" in bridge
    assert "link/ether 02:00:00:00:00:01" in bridge
    port = host.run(["ip", "-d", "link", "show", "near"]).stdout
    assert "learning off flood off" in port
    table = host.run(["bridge", "fdb", "show", "dev", "near"]).stdout.splitlines()
    assert any(line.startswith(f"{mac} master br0 static") for line in table), table


def test_a_cut_cable_is_not_up(host: Host, route: RouteSocket) -> None:
    route.send(add_veth(NewLink("near", 101), NewLink("far", 102), host.namespace(), up=True))
    assert route.operational_state(101) == "LOWERLAYERDOWN"
    assert route.operational_state(102) == "DOWN"


def test_neighbours_are_found_by_address(host: Host, route: RouteSocket) -> None:
    address = IPv4Address("10.0.0.9")
    route.send(add_veth(NewLink("near", 101), NewLink("far", 102), host.namespace(), up=True))
    route.send(set_neighbour(101, address, "02:00:00:00:00:09", "permanent"))
    assert route.neighbour(address) == Neighbour("02:00:00:00:00:09", "permanent")
    assert route.neighbour(IPv4Address("10.0.0.8")) is None


@pytest.mark.parametrize("module", ["lab.host", "network.command", "targets.reference"])
def test_pyroute2_is_loaded_when_it_is_needed_and_not_before(module: str) -> None:
    code = f"import sys, pytest_havip.{module}; print('pyroute2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
