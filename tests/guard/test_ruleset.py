"""The rendered guard: it grows by increments into what would be rendered anew, and holds under load."""

import random
import re
import string
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from pytest_havip.lab import Host, Lab
from pytest_havip.network.core import VIRTUAL_MACS, Change, Network, Profile, Refused, route_table_id
from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.dataplane.rules import Chain
from pytest_havip.wire import gratuitous_request, reply

STEPS = 250


def listed(host: Host, script: str) -> list[str]:
    """The ruleset that a script leaves behind: chains, sets and their elements, in one order."""
    host.write_file("/run/script.nft", "flush ruleset\n" + script)
    for argv in (("nft", "-f", "/run/script.nft"), ("nft", "-s", "list", "ruleset")):
        done = host.run(argv)
        assert done.returncode == 0, done.stderr
    blocks = done.stdout.replace("\t", " ").replace("\n   ", " ").split("\n }")
    return sorted(" ".join(sorted(block.replace(",", " ").split())) for block in blocks)


class RandomWalk:
    """Requests and announcements at random, most of them sensible."""

    def __init__(self, seed: int) -> None:
        self.entropy = random.Random(seed)
        alphabet = string.digits + string.ascii_lowercase
        self.network = Network(
            new_token=lambda length: "".join(self.entropy.choices(alphabet, k=length)),
            profile=Profile("test", havip_quota=20),
        )
        self.vpc = self.network.create_vpc("v", IPv4Network("10.0.0.0/24"), now=0)

    def step(self) -> list[Change]:
        action = self.entropy.choice(
            (
                *(self._create, self._create, self._create, self._create, self._delete, self._attach),
                *(
                    self._announce,
                    self._announce,
                    self._edit_range,
                    self._edit_range,
                    self._readdress,
                    self._forward,
                    self._lead,
                ),
            )
        )
        effects: tuple[Any, ...] = ()
        with suppress(Refused, IndexError):  # nothing there to delete, say: also a step
            effects = action() or ()
        return [e for e in (*effects, *self.network.take_effects()) if isinstance(e, Change)]

    def _any(self, records: Any) -> Any:
        return self.entropy.choice(list(records.values()))

    def _create(self) -> None:
        kind = self.entropy.choice(("subnet", "nic", "nic", "havip", "havip"))
        if kind == "subnet":
            self.network.create_subnet(
                self.vpc.id, "s", IPv4Network((0x0A000000 + 32 * self.entropy.randrange(8), 27)), now=0
            )
        elif kind == "nic":
            self.network.create_nic(self._any(self.network.subnets).id, "n", secondary_count=1, now=0)
        else:
            self.network.create_havip(
                self.vpc.id,
                self._any(self.network.subnets).id,
                "h",
                check_associate=self.entropy.random() < 0.5,
                now=0,
            )

    def _delete(self) -> None:
        kind = self.entropy.choice(("subnet", "nic", "havip"))
        if kind == "subnet":
            self.network.delete_subnet(self._any(self.network.subnets).id)
        elif kind == "nic":
            self.network.delete_nic(self._any(self.network.nics).id, now=0)
        else:
            self.network.delete_havip(self._any(self.network.havips).id, now=0)

    def _attach(self) -> None:
        nic = self._any(self.network.nics)
        if nic.instance_id:
            self.network.detach_nic(nic.id, now=0)
        else:
            self.network.attach_nic(nic.id, "ins-00000000")

    def _edit_range(self) -> None:
        for nic in list(self.network.nics.values()):
            havip = self._any(self.network.havips)
            with suppress(Refused):  # of another subnet, or attached to nothing
                if nic.id in havip.drift_range.members:
                    self.network.dissociate({havip.id: [nic.id]}, now=0)
                else:
                    self.network.associate({havip.id: [nic.id]})

    def _readdress(self) -> None:
        nic = self._any(self.network.nics)
        if len(nic.addresses) > 1:
            self.network.unassign_addresses(nic.id, nic.addresses[1:])
        else:
            self.network.assign_addresses(nic.id, count=2)

    def _forward(self) -> None:
        nic = self._any(self.network.nics)
        self.network.set_forwarding(nic.id, forwards=not nic.forwards)

    def _lead(self) -> None:
        """Make a HAVIP a next hop, or all of them none."""
        table, routes = route_table_id(self.vpc.id), self.network.vpcs[self.vpc.id].routes
        if len(routes) > 2:
            self.network.delete_routes(table, [route.id for route in routes])
        else:
            destination = IPv4Network((0xC0000200 + len(routes), 32))
            self.network.create_routes(table, [(destination, self._any(self.network.havips).id, "")], now=0)

    def _announce(self) -> tuple[Any, ...]:
        found: list[Any] = []
        for nic in self.network.nics.values():
            havip = self._any(self.network.havips)
            found += self.network.receive(gratuitous_request(nic.mac, havip.address), nic.id, now=0).effects
        return tuple(found)


@pytest.mark.parametrize("seed", range(2, 6))
def test_increments_end_where_a_new_rendering_begins(seed: int) -> None:
    walk = RandomWalk(seed)
    script = ruleset.render(walk.vpc, (), (), ())
    pending: list[Change] = []
    for _ in range(STEPS):
        pending += walk.step()
        if walk.entropy.random() < 0.5:  # several changes in one transaction, too
            script += "\n".join(ruleset.commands(pending)) + "\n"
            pending.clear()
    script += "\n".join(ruleset.commands(pending))
    network = walk.network
    assert len(network.subnets) > 1
    assert any(havip.binding for havip in network.havips.values())
    assert any(havip.drift_range.enforced and havip.drift_range.nics for havip in network.havips.values())
    anew = ruleset.render(walk.vpc, network.subnets.values(), network.nics.values(), network.havips.values())
    with Lab.open() as lab:
        host = lab.host("switch")
        assert listed(host, script) == listed(host, anew)


def test_a_refresh_needs_no_command() -> None:
    walk = RandomWalk(1)
    subnet = walk.network.create_subnet(walk.vpc.id, "s", IPv4Network("10.0.0.0/27"), now=0)
    nic = walk.network.attach_nic(walk.network.create_nic(subnet.id, "n", now=0).id, "ins-00000000")
    frame = gratuitous_request(nic.mac, walk.network.create_havip(walk.vpc.id, subnet.id, "h", now=0).address)
    first, second = (
        ruleset.commands([e for e in walk.network.receive(frame, nic.id, now=now).effects if isinstance(e, Change)])
        for now in (1, 2)
    )
    assert first
    assert second == []


def test_records_of_another_vpc_are_left_out() -> None:
    walk = RandomWalk(1)
    other = walk.network.create_vpc("other", IPv4Network("10.0.0.0/24"), now=0)
    subnet = walk.network.create_subnet(other.id, "s", IPv4Network("10.0.0.0/27"), now=0)
    nic = walk.network.create_nic(subnet.id, "n", now=0)
    assert ruleset.render(walk.vpc, [subnet], [nic], []) == ruleset.render(walk.vpc, [], [], [])


def test_a_rule_that_does_not_exist_cannot_be_left_out() -> None:
    walk = RandomWalk(1)
    with pytest.raises(ValueError, match="no rule is called nonsense; there are ethertype"):
        ruleset.render(walk.vpc, [], [], [], without=frozenset({"nonsense"}))
    with pytest.raises(ValueError, match="nonsense"):
        ruleset.commands([], without=frozenset({"nonsense"}))


def test_rule_names_are_unique_and_all_are_rendered() -> None:
    assert len(ruleset.RULES_BY_NAME) == len(ruleset.RULES)
    assert {rule.chain for rule in ruleset.RULES} == set(Chain)


@pytest.mark.parametrize("role", ruleset.Role)
def test_every_role_is_taken(role: ruleset.Role) -> None:
    assert any(rule.role is role and rule.purpose for rule in ruleset.RULES)


@pytest.mark.usefixtures("one_processor")
class TestUnderLoad:
    def test_an_announcer_floods_only_itself(self, world: Any) -> None:
        world.load(world.render().replace("10000000/second burst 10000000", "10/second burst 5"))
        here = [place for place in world.sockets if place.subnet == world.subnets[0] and place.nic_id]
        loud, quiet = here[:2]
        address = world.havips[0].address
        for _ in range(100):
            loud.host.port().send(gratuitous_request(loud.mac, address))
        quiet.host.port().send(gratuitous_request(quiet.mac, address))
        world.fence()
        punted = [interface for interface, _ in world.punted()]
        assert punted[-1] == quiet.interface
        assert 5 <= punted.count(loud.interface) < 50
        counted = world.counters()["RATE_LIMITED", loud.interface, str(address)]
        assert counted == 100 - punted.count(loud.interface)

    def test_without_the_rate_rule_all_of_a_flood_is_punted(self, world: Any) -> None:
        world.load(world.render(frozenset({"announcement-rate"})))
        loud = next(place for place in world.sockets if place.nic_id)
        for _ in range(100):
            loud.host.port().send(gratuitous_request(loud.mac, world.havips[0].address))
        world.fence()
        assert len(world.punted()) == 100

    def test_what_no_counter_has_room_for_is_dropped_all_the_same(self, world: Any) -> None:
        world.load(re.sub(r"size \d+; flags dynamic;", "size 2; flags dynamic;", world.render()))
        spoofer, victim = [place for place in world.sockets if place.subnet == world.subnets[0]][1:3]
        started = None
        for last in range(20, 40):
            address = IPv4Address(f"10.0.0.{last}")
            at = spoofer.host.port().send(reply(spoofer.mac, address, victim.mac, world.subnets[0].gateway))
            spoofer.host.port().send(reply(victim.mac, address, victim.mac, world.subnets[0].gateway))
            started = started or at
        world.fence()
        assert sum(world.counters().values()) == 4
        assert [seen for seen in victim.host.port().capture.frames(started or 0) if not seen.outgoing] == []

    @pytest.mark.parametrize("without", [frozenset[str](), frozenset({"echo"})], ids=["guarded", "without-echo"])
    def test_a_resent_announcement_reaches_all_but_its_sender(self, world: Any, without: frozenset[str]) -> None:
        world.load(world.render(without))
        sender = next(place for place in world.sockets if place.nic_id)
        frame = gratuitous_request(sender.mac, world.havips[0].address)
        at = world.switch.port(sender.subnet.id).send(frame)
        world.fence()
        heard = {
            place.interface
            for place in world.sockets
            if any(seen.data == frame for seen in place.host.port().capture.frames(at) if not seen.outgoing)
        }
        segment = {place.interface for place in world.sockets if place.subnet == sender.subnet}
        assert heard == (segment if without else segment - {sender.interface})
        assert world.punted() == []


def test_virtual_macs_are_looked_at_first_where_they_are_admitted() -> None:
    vpc = RandomWalk(1).vpc
    usual = ruleset.render(vpc, (), (), ())
    admitting = ruleset.render(vpc, (), (), (), profile=VIRTUAL_MACS)
    for field in ("ether saddr", "arp saddr ether"):
        asked = f"iifname . {field} != @nic_macs"
        assert f"\t{asked}" in usual
        assert f"\t{field} & ff:ff:ff:ff:fe:00 != 00:00:5e:00:00:00 {asked}" in admitting
