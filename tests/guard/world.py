"""A VPC of two subnets in a lab, wired as the data plane does it, with the guard loaded from a core's records."""

import json
import random
import string
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from pytest_havip.lab import Host, Lab
from pytest_havip.network.core import Change, Network, Nic, Profile, Subnet, route_table_id
from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.dataplane.punt import PuntSocket
from pytest_havip.wire import gratuitous_request

PROFILE = Profile("test", havip_quota=100, announcement_rate=10_000_000, announcement_burst=10_000_000)
_NOBODY = frozenset[str]()


@dataclass(frozen=True)
class Socket:
    """A place on a bridge: the switch's interface, the host behind it, its MAC, its subnet; no NIC: the gateway."""

    interface: str
    host: Host
    mac: str
    subnet: Subnet
    nic_id: str | None


class World:
    """Core and kernel side by side."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.seed = seed
        entropy = random.Random(seed)
        self._new_token = lambda length: "".join(entropy.choices(string.digits + string.ascii_lowercase, k=length))
        self.lab = lab
        self.network = Network(new_token=self._new_token, profile=PROFILE)
        self.switch = lab.host("switch")
        for name in ("iptables", "ip6tables", "arptables"):
            with suppress(OSError):  # only where br_netfilter is loaded
                self.switch.sysctl(f"net.bridge.bridge-nf-call-{name}", "0")
        self._fence_ends = self._unguarded_bridge()
        self.sockets: list[Socket] = []
        self.vpc = self.network.create_vpc("v", IPv4Network("10.0.0.0/24"), now=0)
        self.subnets = [self._subnet(IPv4Network(f"10.0.0.{first}/26")) for first in (0, 64)]
        here, there = self.subnets
        self.nics = [
            *(self._nic(here, f"n{i}", secondary=i % 2, attached=True) for i in range(3)),
            self._nic(here, "idle", secondary=0, attached=False),
            *(self._nic(there, f"f{i}", secondary=1, attached=True) for i in range(2)),
        ]
        self.havips = [self.network.create_havip(self.vpc.id, s.id, "h", now=0) for s in (here,) * 4 + (there,) * 2]
        for havip, owner in zip(self.havips, (0, 1, 1, None, 4, None), strict=True):
            if owner is not None:
                nic = self.nics[owner]
                self.network.receive(gratuitous_request(nic.mac, havip.address), nic.id, now=1)
        for number, members in ((1, [self.nics[0].id]), (2, [self.nics[1].instance_id]), (5, [])):
            self._range(number, members)
        hops = [(IPv4Network((0xC0000200 + i, 32)), self.havips[i].id, "") for i in (0, 3)]
        self.network.create_routes(route_table_id(self.vpc.id), hops, now=1)
        self.network.set_forwarding(self.nics[2].id, forwards=True)
        self.network.take_effects()
        links = json.loads(self._run("ip", "-j", "link").stdout)
        self._by_index = {link["ifindex"]: link["ifname"] for link in links}
        self.load()
        self.punts = PuntSocket.create(self.switch)

    def close(self) -> None:
        self.punts.close()

    def _range(self, number: int, members: list[str]) -> None:
        """Replace a HAVIP by one whose range is in force; of its address, and announced by its former owner."""
        old = self.network.delete_havip(self.havips[number].id, now=1)
        new = self.network.create_havip(
            self.vpc.id, old.subnet_id, "r", address=old.address, check_associate=True, members=members, now=1
        )
        self.havips[number] = new
        if old.binding is not None:
            nic = self.network.nics[old.binding.nic_id]
            self.network.receive(gratuitous_request(nic.mac, new.address), nic.id, now=1)

    # What is in the kernel

    def render(self, without: frozenset[str] = _NOBODY) -> str:
        network = self.network
        records = (network.subnets.values(), network.nics.values(), network.havips.values())
        return ruleset.render(self.vpc, *records, profile=PROFILE, without=without)

    def load(self, text: str | None = None) -> None:
        self.nft("flush ruleset\n" + (text or self.render()))

    def nft(self, script: str) -> None:
        self.switch.write_file("/run/script.nft", script)
        self._run("nft", "-f", "/run/script.nft")

    def follow(self, changes: list[Change]) -> None:
        self.nft("\n".join(ruleset.commands(changes)))

    def counters(self) -> Counter[tuple[str, str, str]]:
        """(reason, interface, address) -> packets."""
        found: Counter[tuple[str, str, str]] = Counter()
        listed: dict[str, Any] = json.loads(self._run("nft", "-j", "list", "ruleset").stdout)
        for reason in ruleset.REASONS:
            for item in listed["nftables"]:
                if item.get("set", {}).get("name") == ruleset.counter_set(reason):
                    for element in item["set"].get("elem", ()):
                        interface, address = element["elem"]["val"]["concat"]
                        found[reason, interface, address] += element["elem"]["counter"]["packets"]
        return found

    def reset_counters(self) -> None:
        self.nft("".join(f"flush set bridge havip {ruleset.counter_set(reason)}\n" for reason in ruleset.REASONS))

    def punted(self) -> list[tuple[str, bytes]]:
        found = []
        while (message := self.punts.next()) is not None:
            found.append((self._by_index[message.interface], message.frame))
        assert self.punts.overflows == 0
        return found

    def fence(self) -> None:
        """All frames sent before from this processor are through: one that took as many hops behind them has come."""
        frame = gratuitous_request("02:00:00:00:0f:0e", IPv4Address("192.0.2.1"))
        sent_at = self._fence_ends[0].port().send(frame)
        self._fence_ends[1].port().capture.wait(lambda seen: seen.data == frame, timeout=5, since=sent_at)

    # The wiring

    def _run(self, *argv: str) -> Any:
        done = self.switch.run(argv)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done

    def _unguarded_bridge(self) -> tuple[Host, Host]:
        middle, near, far = (self.lab.host(f"fence{i}") for i in range(3))
        middle.add_bridge("bridge")
        for end in (near, far):
            self.lab.link(end, "eth0", middle, end.name)
            middle.join_bridge(end.name, "bridge")
            end.port()
        return near, far

    def _subnet(self, cidr: IPv4Network) -> Subnet:
        subnet = self.network.create_subnet(self.vpc.id, "s", cidr, now=0)
        self._run("ip", "link", "add", subnet.id, "type", "bridge", "mcast_snooping", "0", "stp_state", "0")
        self._run("ip", "link", "set", subnet.id, "up")
        self._plug(Socket(ruleset.gateway_interface(subnet.id), self._host(), subnet.gateway_mac, subnet, None))
        return subnet

    def _nic(self, subnet: Subnet, name: str, *, secondary: int, attached: bool) -> Nic:
        nic = self.network.create_nic(subnet.id, name, secondary_count=secondary, now=0)
        if attached:
            nic = self.network.attach_nic(nic.id, f"ins-{self._new_token(8)}")
        self._plug(Socket(nic.id, self._host(), nic.mac, subnet, nic.id))
        return nic

    def _host(self) -> Host:
        return self.lab.host(f"host{len(self.sockets)}")

    def _plug(self, place: Socket) -> None:
        self.lab.link(place.host, "eth0", self.switch, place.interface, mac=place.mac)
        self.switch.join_bridge(place.interface, place.subnet.id)
        self._run("bridge", "link", "set", "dev", place.interface, "learning", "off", "flood", "off")
        self._run("bridge", "fdb", "replace", place.mac, "dev", place.interface, "master", "static")
        place.host.port()
        self.sockets.append(place)
