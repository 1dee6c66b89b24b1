"""For each rule of a client's conduct there is a client that breaks it and no other; the honest one breaks none."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address

import pytest

from pytest_havip.clients.arping import ArpingCluster
from pytest_havip.clients.base import Node
from pytest_havip.clients.faults import GRACEFUL_STOP, KILLED
from pytest_havip.fixtures.acts import Act, Script
from pytest_havip.fixtures.programme import Number
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
        node.host.port(node.interface).send(b"\xff" * 6 + own + b"\x08\x06" + arp)


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


BROKEN: dict[str, tuple[Former, Script, set[str]]] = {
    "honest": (former(ArpingCluster), stopped, set()),
    "probing": (former(ArpingCluster, probes=True), killed, set()),
    "late": (former(Late), stopped, {"announces in its declared time"}),
    "silent": (former(Silent), stopped, {"announces what it takes"}),
    "forger": (former(Forger), stopped, {"announces its own MAC"}),
    "talkative": (former(Talkative), stopped, {"is silent while passive"}),
    "keeper": (former(Keeper), stopped, {"gives up the address"}),
    "deaf": (former(Deaf, probes=True), killed, {"heeds a defender"}),
}


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Act]]:
    with Lab.open() as lab, open_target("reference", lab) as target, ExitStack() as ends:
        programme = {name: Number(form, script) for name, (form, script, _) in BROKEN.items()}
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
