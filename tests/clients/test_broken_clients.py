"""For each rule of a client's conduct there is a client that breaks it and no other; the honest one breaks none."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import IPv4Address
from time import time_ns

import pytest

from pytest_havip.clients.arping import ArpingCluster
from pytest_havip.clients.base import Cause, Node, Setting, Traits
from pytest_havip.clients.faults import GRACEFUL_STOP, KILLED, Fault, Stricken
from pytest_havip.fixtures.acts import Act, Script
from pytest_havip.fixtures.numbers import Number
from pytest_havip.fixtures.scenes import Former
from pytest_havip.fixtures.takeovers import play
from pytest_havip.lab import Lab
from pytest_havip.observe.conduct import RULES, complaints
from pytest_havip.observe.endings import Blame, Outcome
from pytest_havip.targets import open_target

FORGED = bytes.fromhex("020000000bad")
#: Seconds, more than arping declares and the rule allows for besides.
LATE = 3.5


class Late(ArpingCluster):
    """Its standby announces when it comes to it."""

    def announce(self, node: Node, address: IPv4Address) -> None:
        if node is self.nodes[0]:
            super().announce(node, address)
        else:
            self.timer = threading.Timer(LATE, super().announce, (node, address))
            self.timer.start()

    def close(self) -> None:
        self.timer.join()
        super().close()


class Silent(ArpingCluster):
    """Its standby never announces."""

    def announce(self, node: Node, address: IPv4Address) -> None:
        if node is self.nodes[0]:
            super().announce(node, address)


class Forger(ArpingCluster):
    """Its standby announces a MAC address that is not its NIC's."""

    def announce(self, node: Node, address: IPv4Address) -> None:
        if node is self.nodes[0]:
            super().announce(node, address)
            return
        own = bytes.fromhex(node.host.mac(node.interface).replace(":", ""))
        arp = bytes.fromhex("0001080006040001") + FORGED + address.packed + bytes(6) + address.packed
        self.timers = every_second(node, b"\xff" * 6 + own + b"\x08\x06" + arp)

    def close(self) -> None:
        for timer in self.timers:
            timer.join()
        super().close()


class Talkative(ArpingCluster):
    """Who gives the address up goes on announcing it."""

    def release(self, node: Node) -> None:
        senders, self._senders[node.host.name] = self._senders[node.host.name], []
        super().release(node)
        self._senders[node.host.name] = senders


class Keeper(ArpingCluster):
    """Who gives the address up keeps it."""

    def release(self, node: Node) -> None:
        for sender in self._senders[node.host.name]:
            sender.kill()


class Deaf(ArpingCluster):
    """It asks, and does not listen."""

    def defended(self, node: Node, address: IPv4Address) -> bool:
        super().defended(node, address)
        return False


class Hasty(ArpingCluster):
    """Its standby announces once, and says that it will."""

    @property
    def traits(self) -> Traits:
        return replace(super().traits, announcement=replace(super().traits.announcement, count=1))

    def announce(self, node: Node, address: IPv4Address) -> None:
        if node is self.nodes[0]:
            super().announce(node, address)
        else:
            node.host.port(node.interface).send(announcement(node, address))


class Boaster(ArpingCluster):
    """It declares refreshes, and makes none."""

    @property
    def traits(self) -> Traits:
        return replace(super().traits, announcement=replace(super().traits.announcement, refresh=1.0))


class Astray(ArpingCluster):
    """Its standby announces by all its interfaces."""

    def announce(self, node: Node, address: IPv4Address) -> None:
        super().announce(node, address)
        if node is not self.nodes[0]:
            node.host.port("eth1").send(announcement(node, address))


class Hollow(ArpingCluster):
    """Its standby announces what it does not hold."""

    def hold(self, node: Node, address: IPv4Address) -> None:
        if node is self.nodes[0]:
            super().hold(node, address)

    def announce(self, node: Node, address: IPv4Address) -> None:
        if node is self.nodes[0]:
            super().announce(node, address)
            return
        self.timers = every_second(node, announcement(node, address))

    def close(self) -> None:
        for timer in self.timers:
            timer.join()
        super().close()


class Torn(ArpingCluster):
    """Its standby takes over when it hears nothing of the owner."""

    @property
    def traits(self) -> Traits:
        declared = super().traits
        return replace(declared, takeover={**declared.takeover, Cause.SPLIT: declared.takeover[Cause.STOP]})


def every_second(node: Node, frame: bytes) -> list[threading.Timer]:
    """Send a frame three times, as arping does."""
    timers = [threading.Timer(seconds, node.host.port(node.interface).send, (frame,)) for seconds in range(3)]
    for timer in timers:
        timer.start()
    return timers


def announcement(node: Node, address: IPv4Address) -> bytes:
    own = bytes.fromhex(node.host.mac(node.interface).replace(":", ""))
    arp = bytes.fromhex("0001080006040001") + own + address.packed + bytes(6) + address.packed
    return b"\xff" * 6 + own + b"\x08\x06" + arp


def former(kind: type[ArpingCluster], *, probes: bool = False) -> Former:
    return lambda nodes, addresses, _: kind.form(nodes, addresses, probes=probes)


def stopped(act: Act) -> None:
    act.elect(settle=False)
    act.strike(GRACEFUL_STOP)
    act.watch(lambda: False, timeout=LATE)  # until every announcement that is still due has come


def killed(act: Act) -> None:
    cluster, heir = act.scene.cluster, act.scene.second
    act.elect()
    act.strike(KILLED, until=lambda: cluster.belief(heir.host) != "")


def torn(act: Act, strike: Callable[[], None], heal: Callable[[], None]) -> None:
    def struck(_: Stricken) -> int:
        at = time_ns()
        strike()
        return at

    def healed(_: Stricken) -> int:
        at = time_ns()
        heal()
        return at

    act.elect()
    act.strike(Fault("torn", Cause.SPLIT, struck, healed), timeout=0.1)
    act.heal(lambda: len(act.scene.cluster.holders()) == 1, timeout=0.5)


def both_hold(act: Act) -> None:
    cluster = arpings(act)
    torn(act, lambda: cluster.hold(cluster.nodes[1], act.scene.address), lambda: cluster.release(cluster.nodes[1]))


def both_cling(act: Act) -> None:
    cluster = arpings(act)
    torn(act, lambda: cluster.take(cluster.nodes[1]), lambda: None)


def one_resumes(act: Act) -> None:
    cluster = arpings(act)
    torn(act, lambda: cluster.take(cluster.nodes[1]), lambda: cluster.release(cluster.nodes[1]))


def one_announces(act: Act) -> None:
    cluster = arpings(act)

    def heal() -> None:
        cluster.release(cluster.nodes[1])
        act.scene.first.announce(act.scene.address)

    torn(act, lambda: cluster.take(cluster.nodes[1]), heal)


def arpings(act: Act) -> ArpingCluster:
    assert isinstance(act.scene.cluster, ArpingCluster)
    return act.scene.cluster


BROKEN: dict[str, tuple[Former, Script, set[str]]] = {
    "honest": (former(ArpingCluster), stopped, set()),
    "probing": (former(ArpingCluster, probes=True), killed, set()),
    "late": (former(Late), stopped, {"announces in its declared time"}),
    "silent": (former(Silent), stopped, {"announces what it takes"}),
    "forger": (former(Forger), stopped, {"announces its own MAC"}),
    "talkative": (former(Talkative), stopped, {"is silent while passive"}),
    "keeper": (former(Keeper), stopped, {"gives up the address"}),
    "deaf": (former(Deaf, probes=True), killed, {"heeds a defender"}),
    "hasty": (former(Hasty), stopped, {"announces again"}),
    "boaster": (former(Boaster), stopped, {"announces as declared"}),
    "astray": (former(Astray), stopped, {"announces where the address belongs"}),
    "hollow": (former(Hollow), stopped, {"serves what it announces"}),
    "two owners": (former(ArpingCluster), both_hold, {"has one owner"}),
    "torn": (former(Torn), one_announces, set()),
    "clinging": (former(Torn), both_cling, {"has one owner again"}),
    "mute": (former(Torn), one_resumes, {"announces what it keeps"}),
}


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Act]]:
    with Lab.open() as lab, open_target("reference", lab) as target, ExitStack() as ends:
        setting = Setting(heartbeat=True)
        programme = {name: Number(form, script, setting=setting) for name, (form, script, _) in BROKEN.items()}
        yield {name: act for name, act in play(ends, lab, target, programme).items() if isinstance(act, Act)}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_client_breaks_exactly_its_rule(played: dict[str, Act], name: str) -> None:
    act = played[name]
    assert act.error is None
    (conduct,) = act.conducts()
    assert complaints(conduct).keys() == BROKEN[name][2]


def test_every_rule_has_a_client_that_breaks_it() -> None:
    assert set.union(*(broken for _, _, broken in BROKEN.values())) == RULES.keys()


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("honest", Outcome.TAKEN), ("probing", Outcome.GHOST), ("silent", Outcome.STUCK), ("forger", Outcome.STUCK)],
)
def test_its_ending_is_named(played: dict[str, Act], name: str, outcome: Outcome) -> None:
    (taken,) = played[name].takeovers
    assert taken.ending.outcome is outcome
    assert taken.ending.blame is (Blame.NOBODY if outcome is Outcome.TAKEN else Blame.CLIENT)
