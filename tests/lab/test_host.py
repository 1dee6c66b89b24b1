"""Hosts: interfaces, addresses, neighbours, settings, files, sockets, wires."""

import socket
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from pytest_havip.lab import Host, Lab, LabError, Neighbour

Pair = tuple[Host, Host]


def udp(host: Host, address: str) -> socket.socket:
    opened = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((address, 5000))
    opened.settimeout(2)
    return opened


def test_hosts_talk_over_a_wire(pair: Pair) -> None:
    a, b = pair
    near, far = udp(a, "10.0.0.1"), udp(b, "10.0.0.2")
    near.sendto(b"hello", ("10.0.0.2", 5000))
    assert far.recvfrom(100) == (b"hello", ("10.0.0.1", 5000))


def test_addresses(pair: Pair) -> None:
    a, _ = pair
    a.add_address("10.0.0.5/24")
    assert a.addresses() == [IPv4Interface("10.0.0.1/24"), IPv4Interface("10.0.0.5/24")]
    a.remove_address("10.0.0.5/24")
    a.remove_address("10.0.0.1/24")
    assert a.addresses() == []
    assert a.addresses("lo") == [IPv4Interface("127.0.0.1/8")]
    with pytest.raises(OSError, match=r"Cannot assign|not found"):
        a.remove_address("10.0.0.5/24")


def test_interfaces_and_macs(pair: Pair) -> None:
    a, b = pair
    assert a.interfaces() == ["lo", "eth0"]
    assert a.mac() == "02:00:00:00:00:01"
    assert b.mac() != a.mac()
    with pytest.raises(OSError, match="No such device"):
        a.mac("eth7")


def test_a_wire_needs_fitting_names_and_macs(lab: Lab, pair: Pair) -> None:
    a, b = pair
    with pytest.raises(OSError, match="File exists"):
        lab.link(a, "eth0", b, "eth1")
    with pytest.raises(OSError, match=r"out of range|too long"):
        lab.link(a, "name-longer-than-15", b, "eth1")
    with pytest.raises(ValueError, match="no MAC address"):
        lab.link(a, "eth1", b, "eth1", mac="02:00:00:00:00")


def test_a_cut_wire_loses_carrier_and_keeps_addresses(lab: Lab) -> None:
    a, b = lab.host("a"), lab.host("b")
    link = lab.link(a, "eth0", b, "port")
    a.add_address("10.0.0.1/24")
    link.cut()
    assert a.run(["cat", "/sys/class/net/eth0/carrier"]).stdout == "0\n"
    assert a.addresses() == [IPv4Interface("10.0.0.1/24")]
    link.mend()
    assert a.run(["cat", "/sys/class/net/eth0/carrier"]).stdout == "1\n"
    a.link_down()
    assert b.run(["cat", "/sys/class/net/port/carrier"]).stdout == "0\n"
    a.link_up()
    link.remove()
    assert b.interfaces() == ["lo"]


def test_a_bridge_connects_its_ports(lab: Lab) -> None:
    switch = lab.host("switch")
    switch.add_bridge("br0")
    hosts = []
    for number in (1, 2):
        host = lab.host(f"h{number}")
        lab.link(host, "eth0", switch, f"p{number}")
        switch.join_bridge(f"p{number}", "br0")
        host.add_address(f"10.0.0.{number}/24")
        hosts.append(host)
    near, far = udp(hosts[0], "10.0.0.1"), udp(hosts[1], "10.0.0.2")
    near.sendto(b"across", ("10.0.0.2", 5000))
    assert far.recv(100) == b"across"


def test_a_bridge_keeps_the_mac_that_it_was_given(lab: Lab) -> None:
    switch = lab.host("switch")
    switch.add_bridge("br0", mac="02:00:00:00:00:ff")
    host = lab.host("h")
    link = lab.link(host, "eth0", switch, "p")
    switch.join_bridge("p", "br0")
    assert switch.mac("br0") == "02:00:00:00:00:ff"
    link.remove()
    assert switch.mac("br0") == "02:00:00:00:00:ff"


def test_neighbours(pair: Pair) -> None:
    a, _ = pair
    assert a.neighbour("10.0.0.9") is None
    a.set_neighbour("10.0.0.9", "02:00:00:00:00:09")
    assert a.neighbour("10.0.0.9") == Neighbour("02:00:00:00:00:09", "stale")
    a.set_neighbour("10.0.0.9", "02:00:00:00:00:0a", state="permanent")
    assert a.neighbour("10.0.0.9") == Neighbour("02:00:00:00:00:0a", "permanent")
    with pytest.raises(ValueError, match="no neighbour state"):
        a.set_neighbour("10.0.0.9", "02:00:00:00:00:09", state="asleep")


def test_an_unanswered_neighbour_has_no_mac(pair: Pair) -> None:
    a, _ = pair
    with udp(a, "10.0.0.1") as opened:
        opened.sendto(b"?", ("10.0.0.77", 9))
    assert a.neighbour("10.0.0.77") == Neighbour(None, "incomplete")


def test_the_default_route_is_replaced(pair: Pair) -> None:
    a, _ = pair
    a.default_route("10.0.0.2")
    a.default_route("10.0.0.3")
    assert a.run(["ip", "route", "show", "default"]).stdout.split()[:3] == ["default", "via", "10.0.0.3"]


def test_settings_are_the_hosts_own(pair: Pair) -> None:
    a, b = pair
    a.sysctl("net.ipv4.ip_forward", "1")
    assert a.read_file("/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert b.read_file("/proc/sys/net/ipv4/ip_forward") == "0\n"
    with pytest.raises(ValueError, match="not a host's own"):
        a.sysctl("kernel.panic", "1")
    with pytest.raises(OSError, match="no_such"):
        a.sysctl("net.ipv4.no_such", "1")


def test_hosts_are_quiet_about_ipv6_until_asked(pair: Pair) -> None:
    a, _ = pair
    assert "inet6" not in a.run(["ip", "address"]).stdout
    a.sysctl("net.ipv6.conf.all.disable_ipv6", "0")
    assert "inet6" in a.run(["ip", "address"]).stdout


def test_files_are_the_hosts_own(pair: Pair) -> None:
    a, b = pair
    a.write_file("app/settings.conf", "one")
    a.write_file("/run/app/settings.conf", "two")
    a.write_file("/tmp/script", "#!/bin/sh\necho ran\n", 0o755)
    assert a.read_file("app/settings.conf") == "two"
    assert a.run(["/tmp/script"]).stdout == "ran\n"
    assert not Path("/run/app").exists()
    with pytest.raises(FileNotFoundError):
        b.read_file("app/settings.conf")
    for outside in ("/etc/passwd", "../etc/passwd", "/run"):
        with pytest.raises(ValueError, match="no file of the host's own"):
            a.write_file(outside, "")


def test_large_files_are_written_and_read_whole(lab: Lab) -> None:
    text = "0123456789\n" * 100_000
    host = lab.host("a")
    host.write_file("large", text)
    assert host.read_file("large") == text


def test_the_namespace_can_be_handed_on(lab: Lab, pair: Pair) -> None:
    a, _ = pair
    process = lab.spawn(["nsenter", "--net=/proc/self/fd/9", "ip", "-br", "link"], fds={9: a.namespace()})
    assert process.wait(5) == 0, process.log()
    assert "02:00:00:00:00:01" in process.log()


def test_pyroute2_sees_the_host(pair: Pair) -> None:
    a, _ = pair
    assert [link.get("ifname") for link in a.route.get_links()] == ["lo", "eth0"]
    assert a.route is a.route


def test_testinfra_sees_the_host(pair: Pair) -> None:
    a, b = pair
    a.spawn(["sleep", "100"])
    interface = a.infra.interface("eth0")
    assert interface.exists
    assert interface.addresses == ["10.0.0.1"]
    assert interface.speed == 10000
    assert b.infra.interface("eth0").addresses == ["10.0.0.2"]
    assert not b.infra.interface("eth7").exists
    assert len(a.infra.process.filter(comm="sleep")) == 1
    a.write_file("note", "text é")
    assert a.infra.file("/run/note").content_string == "text é"
    assert not b.infra.file("/run/note").exists
    assert a.infra.backend.get_pytest_id() == "netns://a"


def test_a_port_needs_its_interface(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"a has no interface eth0 \(it has: lo\)"):
        lab.host("a").port()
