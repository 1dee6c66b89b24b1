"""The gateway of a VPC, and the way of packets for a HAVIP."""

import socket
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.network.conftest import Place, Rig

_LEG = """
from pathlib import Path
from pytest_havip.kernel.requests import NewLink, add_veth
from pytest_havip.network.dataplane.router import Router
namespace = Router.create()._namespace
with namespace.entered():
    links = namespace.route_socket()
    links.send(add_veth(NewLink("leg", 10), NewLink("port", 11), namespace.fileno()))
    for name in ("forwarding", "send_redirects", "rp_filter", "arp_ignore"):
        print(name, Path(f"/proc/sys/net/ipv4/conf/leg/{name}").read_text().strip())
"""


def test_a_leg_of_the_gateway_routes_and_answers_for_itself_alone(rig: "Rig") -> None:
    program = rig.lab.spawn([sys.executable, "-c", _LEG])
    assert program.wait(10) == 0, program.log()
    assert program.log().split("\n")[:4] == ["forwarding 1", "send_redirects 0", "rp_filter 0", "arp_ignore 1"]


def test_the_gateway_routes_between_subnets(place: "Place") -> None:
    far = place.add_subnet("10.0.1.0/24")
    a, b = place.machine(), place.machine(subnet=far)
    answer = a.host.run(["ping", "-c", "2", "-i", "0.2", "-W", "2", b.address])
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_gateway_redirects_nobody(place: "Place") -> None:
    a, b = place.machine(), place.machine()
    a.host.run(["ip", "route", "replace", f"{b.address}/32", "via", "10.0.0.1"])
    answer = a.host.run(["ping", "-c", "2", "-i", "0.2", "-W", "2", b.address])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Redirect" not in answer.stdout


def test_tcp_passes_through_the_gateway(place: "Place") -> None:
    far = place.add_subnet("10.0.1.0/24")
    a, b = place.machine(), place.machine(subnet=far)
    payload = b"x" * 300_000
    with b.host.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((b.address, 8000))
        listener.listen()
        with a.host.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            client.connect((b.address, 8000))
            served, _ = listener.accept()
            with served:
                sending = threading.Thread(target=client.sendall, args=(payload,))
                sending.start()
                received = b""
                served.settimeout(5)
                while len(received) < len(payload):
                    received += served.recv(65536)
                sending.join()
    assert received == payload


def test_packets_follow_the_mapping_from_near_and_from_far(rig: "Rig", place: "Place") -> None:
    far = place.add_subnet("10.0.1.0/24")
    a, b, near, away = place.machine(), place.machine(), place.machine(), place.machine(subnet=far)
    vip = place.havip()["Vip"]
    for server in (a, b):
        server.host.add_address(f"{vip}/32")
    with (
        a.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as on_a,
        b.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as on_b,
        near.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as from_near,
        away.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as from_away,
    ):
        for listener in (on_a, on_b):
            listener.bind((vip, 9000))
            listener.settimeout(3)
        for turn in range(6):
            machine, listener = ((a, on_a), (b, on_b))[turn % 2]
            machine.announce(vip)
            assert rig.call("HavipLabDescribeEvents", After=0)["EventSet"][-1]["NewNetworkInterfaceId"] == machine.nic
            for client, word in ((from_near, b"near"), (from_away, b"away")):
                client.sendto(word + bytes([turn]), (vip, 9000))
                assert listener.recv(100) == word + bytes([turn])


def test_nothing_of_ipv6_comes_from_the_network_itself(place: "Place") -> None:
    a = place.machine()
    b = place.machine()
    b.host.run(["ping", "-c", "1", "-W", "2", a.address])
    assert {frame[12:14] for frame in a.frames(since=0)} <= {b"\x08\x00", b"\x08\x06"}
