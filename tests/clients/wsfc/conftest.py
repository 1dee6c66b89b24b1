"""Two ways to play: a whole cluster in simulated time, and its programs on a network with a third machine watching."""

import heapq
import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Node
from pytest_havip.clients.haproxy import HAPROXY
from pytest_havip.clients.wsfc.actions import Action, Hold, Remember, Reply, Send
from pytest_havip.clients.wsfc.administration import Administration
from pytest_havip.clients.wsfc.cluster import WsfcCluster
from pytest_havip.clients.wsfc.control import NoNode
from pytest_havip.clients.wsfc.member import Member, Phase
from pytest_havip.clients.wsfc.messages import WITNESS, Done, Heartbeat, Message, Order, RoleState
from pytest_havip.clients.wsfc.settings import NO_SCRIPT, AddressCheck, NodeFile, RoleScript, WsfcSettings
from pytest_havip.clients.wsfc.vote import Vote
from pytest_havip.fixtures.stage import Stage
from pytest_havip.lab import Frame, Lab
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.targets import open_target
from pytest_havip.targets.base import Havip, Target

CHECK = AddressCheck(0.1, 3, 0.1, 0.2, 0.2, 2, 0.2, 1.0)
SETTINGS = WsfcSettings(
    same_subnet_threshold=4, join_wait=1.0, restart_delay=0.2, restart_period=20.0, retry_period=5.0, check=CHECK
)
VIP = IPv4Address("172.17.16.3")


@dataclass(order=True)
class Delivery:
    at: float
    number: int
    to: str = field(compare=False)
    message: Message = field(compare=False)


class World:
    """Nodes, a witness, and a network between them that delays, loses and reorders; time is a number."""

    def __init__(self, names: str, *, witness: bool, told: WsfcSettings) -> None:
        self.names = tuple(names)
        self.told = told
        self.witnessed = witness
        self.now = 100.0
        self.random = random.Random(1)
        self.nodes: dict[str, Member] = {}
        self.witness: Vote | None = None
        self.memory: dict[str, tuple[int, str, int]] = {}
        self.frozen: set[str] = set()
        self.cut: set[tuple[str, str]] = set()
        self.latest = 0.001
        self.queue: list[Delivery] = []
        self.inbox: dict[str, list[Message]] = {name: [] for name in (*names, WITNESS)}
        self.numbers = itertools.count()
        self.replies: dict[int, tuple[bool, str]] = {}
        self.log: list[str] = []

    def start(self, *names: str) -> None:
        for name in names or (*self.names, WITNESS):
            incarnation, holder, term = self.memory.get(name, (0, "", 0))
            self.memory[name] = (incarnation + 1, holder, term)
            if name == WITNESS:
                if self.witnessed and self.witness is None:
                    self.witness = Vote(WITNESS, self.told.lease, now=self.now, holder=holder, term=term)
            elif name not in self.nodes:
                members = {each: f"172.17.16.{10 + place}" for place, each in enumerate(self.names)}
                file = NodeFile(
                    name, "eth0", members, "x" if self.witnessed else "", (str(VIP),), "", NO_SCRIPT, self.told
                )
                self.inbox[name].clear()
                self.nodes[name] = Member(
                    file,
                    f"02:00:00:00:00:0{self.names.index(name)}",
                    self.random.random,
                    incarnation=incarnation + 1,
                    now=self.now,
                    holder=holder,
                    term=term,
                )

    def crash(self, name: str) -> None:
        self.nodes.pop(name, None)
        self.frozen.discard(name)
        if name == WITNESS:
            self.witness = None

    def freeze(self, name: str) -> None:
        if name in self.nodes:
            self.frozen.add(name)

    def thaw(self, name: str) -> None:
        if name in self.frozen:
            self.frozen.discard(name)
            # As in the program's loop: time first, then what has waited.
            self.perform(name, self.nodes[name].tick(self.now))
            for message in self.inbox[name]:
                self.hear(name, message)
            self.inbox[name].clear()

    def isolate(self, *names: str) -> None:
        everyone = (*self.names, WITNESS)
        self.cut |= {pair for pair in itertools.permutations(everyone, 2) if (pair[0] in names) != (pair[1] in names)}

    def ask(self, name: str, action: str, node: str = "", drain: str = "yes") -> int:
        ticket = next(self.numbers)
        command = {"action": action, "node": node, "drain": drain}
        self.perform(name, Administration(self.nodes[name]).command(command, ticket, self.now))
        return ticket

    def leave(self, name: str) -> None:
        if name in self.nodes and name not in self.frozen:
            self.perform(name, self.nodes[name].leave(self.now))

    def run(self, seconds: float) -> None:
        end, idle = self.now + seconds, 0
        while True:
            awake = [name for name in self.nodes if name not in self.frozen]
            due = min([self.nodes[name].deadline(self.now) for name in awake], default=end)
            arrival = self.queue[0].at if self.queue else end
            idle = 0 if min(due, arrival, end) > self.now else idle + 1
            assert idle < 1000, f"time stands still: {self.log[-10:]}"
            self.now = max(self.now, min(due, arrival, end))
            for name in awake:
                self.perform(name, self.nodes[name].tick(self.now))
                if self.nodes[name].gone(self.now):
                    self.crash(name)
            self.check()
            while self.queue and self.queue[0].at <= self.now:
                delivery = heapq.heappop(self.queue)
                self.deliver(delivery.to, delivery.message)
                self.check()
            if self.now >= end:
                return

    def deliver(self, name: str, message: Message) -> None:
        if name == WITNESS and self.witness is not None and isinstance(message, Heartbeat):
            response = self.witness.hear(message, self.now)
            self.memory[WITNESS] = (0, self.witness.holder(self.now), self.witness.term)
            if response is not None:
                self.send(WITNESS, message.sender, response)
        elif name in self.frozen:
            self.inbox[name].append(message)
        elif name in self.nodes:
            self.hear(name, message)

    def hear(self, name: str, message: Message) -> None:
        member = self.nodes[name]
        if isinstance(message, Order | Done):
            self.perform(name, Administration(member).hear(message, self.now))
        else:
            self.perform(name, member.hear(message, self.now))

    def perform(self, name: str, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send():
                    self.send(name, action.to, action.message)
                case Remember():
                    self.memory[name] = (self.memory[name][0], action.holder, action.term)
                case Reply():
                    self.replies[action.ticket] = (action.ok, action.text)
                case Hold():
                    self.log.append(f"{self.now:.3f} {name} {action}")
                    self.perform(name, self.nodes[name].held(action.address, self.now))
                case _:
                    self.log.append(f"{self.now:.3f} {name} {action}")

    def send(self, sender: str, to: str, message: Message) -> None:
        if (sender, to) not in self.cut:
            at = self.now + self.random.random() * self.latest
            heapq.heappush(self.queue, Delivery(at, next(self.numbers), to, message))

    def owners(self) -> list[str]:
        return [name for name, node in self.nodes.items() if name not in self.frozen and node.phase is Phase.OWNER]

    def check(self) -> None:
        """Nobody who can act believes in a role that another one has; only an owner uses the address."""
        owners = [name for name in self.owners() if self.nodes[name].tally.holds(self.now)]
        assert len(owners) <= 1, self.log[-40:]
        for name, node in self.nodes.items():
            if name not in self.frozen and node.phase is not Phase.OWNER:
                assert not node.role.held, (name, self.log[-40:])

    def online(self) -> str:
        self.check()
        return next((name for name in self.owners() if self.nodes[name].role.state is RoleState.ONLINE), "")

    def until_online(self, name: str, seconds: float = 30.0) -> float:
        """Seconds until this node has the role online."""
        began = self.now
        while self.online() != name:
            assert self.now < began + seconds, (name, self.log[-20:])
            self.run(0.01)
        return self.now - began


@pytest.fixture(scope="session")
def new_world() -> Callable[..., World]:
    """Make a world whose settings differ from the fast ones as told; nothing runs yet."""

    def make(names: str = "ab", *, witness: bool = True, **told: Any) -> World:
        return World(names, witness=witness, told=replace(SETTINGS, **told))

    return make


@pytest.fixture(scope="session")
def formed(new_world: Callable[..., World]) -> Callable[..., World]:
    """Make a world whose first node has the role online."""

    def form(names: str = "ab", **told: Any) -> World:
        world = new_world(names, **told)
        world.start()
        world.run(3.0)
        assert world.online() == names[0]
        return world

    return form


#: The programs' settings: fast, but slow enough for a busy machine.
FAST = WsfcSettings(
    same_subnet_delay=0.2,
    same_subnet_threshold=5,
    join_wait=2.0,
    restart_delay=0.1,
    retry_period=1.0,
    looks_alive=0.2,
    check=AddressCheck(0.05, 3, 0.05, 0.1, 0.1, 2, 0.2, 0.5),
)
PATIENCE = 12.0


@dataclass
class Cell:
    """A cluster in a subnet of its own, and a machine that uses the address."""

    target: Target
    machines: list[Instance]
    witness: Instance
    user: Instance
    havip: Havip
    cluster: WsfcCluster

    def arp(self, machine: Instance, since: int = 0) -> list[Frame]:
        """What a machine has sent by ARP about the address, but for questions by others' names."""
        machine.port.capture.sync()
        sent = [
            frame for frame in machine.port.capture.frames(since) if frame.outgoing and frame.data[12:14] == b"\x08\x06"
        ]
        return [
            frame for frame in sent if frame.data[38:42] == VIP.packed and frame.data[28:32] in {bytes(4), VIP.packed}
        ]

    def announced(self, machine: Instance, since: int) -> float:
        """Seconds from `since` to a machine's first announcement, which may be about to come."""

        def announces(frame: Frame) -> bool:
            return frame.outgoing and frame.data[12:14] == b"\x08\x06" and frame.data[28:32] == VIP.packed

        first = machine.port.capture.wait(announces, timeout=PATIENCE, since=since)
        return (first.time_ns - since) / 1e9

    def owner(self) -> Instance | None:
        return ControlPlane(self.target, self.machines).owner_of(self.havip)

    def wait_status(self, machine: Instance, wanted: Callable[[Any], bool]) -> Any:
        """Wait until a node answers and its status is as wanted, and return it."""
        deadline = time.monotonic() + PATIENCE
        seen: Any = None
        while time.monotonic() < deadline:
            with suppress(NoNode):
                seen = self.cluster.status(machine.host)
                if wanted(seen):
                    return seen
        raise AssertionError(f"{machine.name} last said {seen}: {self.cluster.log(machine.host)}")

    def wait_log(self, machine: Instance, wanted: str) -> None:
        """Wait until a node, or its script, has said this."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in (said := self.cluster.log(machine.host)):
            assert time.monotonic() < deadline, f"{machine.name} did not say {wanted!r}: {said}"
            time.sleep(0.02)

    def wait_announced(self, machine: Instance) -> None:
        """Wait until a third machine has been told, as often as it will be, that this one has the address."""
        mac = bytes.fromhex(machine.mac.replace(":", ""))

        def announces(frame: Frame) -> bool:
            return frame.data[12:14] == b"\x08\x06" and frame.data[22:32] == mac + VIP.packed

        first = self.user.port.capture.wait(announces, timeout=PATIENCE)
        for _ in range(self.cluster.traits.announcement.count - 1):
            first = self.user.port.capture.wait(announces, timeout=PATIENCE, since=first.time_ns + 1)


@contextmanager
def cell(
    lab: Lab,
    target: Target,
    nodes: int,
    *,
    settings: WsfcSettings,
    witness: bool,
    service: bool,
    script: RoleScript,
) -> Iterator[Cell]:
    with ExitStack() as ends:
        stage = ends.enter_context(Stage.build(lab, target))
        subnet = stage.subnet()
        machines = [
            stage.launch(name, subnet, address=f"172.17.16.{7 + place}") for place, name in enumerate("abc"[:nodes])
        ]
        third, user = (
            stage.launch(name, subnet, address=f"172.17.16.{end}") for name, end in (("w", 20), ("user", 21))
        )
        havip = target.create_havip(subnet, address=str(VIP))
        placed = [Node(machine.host, machine.address) for machine in (*machines, third)]
        cluster = WsfcCluster.form(
            placed[:-1],
            [VIP],
            settings=settings,
            witness=placed[-1] if witness else None,
            service=HAPROXY if service else None,
            script=script,
        )
        ends.enter_context(cluster)
        yield Cell(target, machines, third, user, havip, cluster)


@pytest.fixture(scope="module", params=["bridge", "reference"])
def network(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Target]:
    with open_target(request.param, lab) as target:
        yield target


@pytest.fixture(scope="module")
def bridge(lab: Lab) -> Iterator[Target]:
    with open_target("bridge", lab) as target:
        yield target


@pytest.fixture
def new_cell(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Callable[..., Cell]]:
    """Set a cluster up, on the plain bridge unless another network is named; its first node is active, or none runs."""
    with ExitStack() as ends:

        def make(
            nodes: int = 2,
            *,
            network: Target | None = None,
            started: bool = True,
            witness: bool = True,
            service: bool = False,
            script: RoleScript = NO_SCRIPT,
            settings: WsfcSettings = FAST,
            **told: Any,
        ) -> Cell:
            target = network or request.getfixturevalue("bridge")
            settings = replace(settings, **told)
            made = ends.enter_context(
                cell(lab, target, nodes, settings=settings, witness=witness, service=service, script=script)
            )
            if started:
                made.cluster.start()
                made.cluster.wait_active(made.machines[0].host, timeout=PATIENCE)
                made.wait_announced(made.machines[0])
            return made

        yield make
