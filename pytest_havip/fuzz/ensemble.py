"""All machines of a story on the wire: they send batches of frames, and see what comes of them."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Barrier, Event
from time import monotonic, sleep, time_ns

from pytest_havip.fuzz.actions import (
    GATEWAY,
    Announce,
    DataProbe,
    Follow,
    Frame,
    Packet,
    Probe,
    Race,
    RoutedProbe,
    WhoHas,
)
from pytest_havip.fuzz.cable import arrivals
from pytest_havip.fuzz.executor import Observation
from pytest_havip.fuzz.frames import TOKEN, Addresses, announcement, arp, frame_of, is_datagram, token
from pytest_havip.fuzz.sightings import Sightings
from pytest_havip.fuzz.wire_machine import WireMachine
from pytest_havip.fuzz.world import World
from pytest_havip.reports import Inconclusive

__all__ = ["Ensemble"]

#: Seconds within which a network has surely carried a frame, if it carries any.
_PATIENCE = 5.0
#: Seconds between two looks, where no single capture tells that something has come.
_GLANCE = 0.002
#: Seconds within which an announcement is surely heard, and a packet has passed a gateway that knows the way.
_HEARING = 0.1
#: How many times as long as a neighbour's a packet by way of a gateway may take to follow a move.
_ROUTES_LAG = 3
#: Seconds between two announcements of one who goes on announcing.
_GAP = 0.001
_REQUEST, _REPLY, _OPERATION = 1, b"\x00\x02", slice(20, 22)
_SENDER_MAC, _SENDER, _TARGET = slice(22, 28), slice(28, 32), slice(38, 42)
_ETHERTYPE, _ARP = slice(12, 14), b"\x08\x06"


@dataclass(frozen=True, slots=True)
class _Routed:
    """A packet by way of the gateway, what is seen of it, and when it was first sent."""

    action: RoutedProbe
    observation: Observation
    began: float


class Ensemble:
    """The machines, and what they see of the present batch.

    Args:
        world: Where they are.
        settle_time: Seconds after which a network that promises no order has surely handled a frame; `None` for one
            that does promise it.

    Attributes:
        machines: By name.
        by_mac: The names of the machines, by the MAC addresses of their NICs.
        fenced: From when to when the last fence was; `None` where a time was waited for instead.
        gateways: The MAC address of each subnet's gateway, once they are learned.
        beliefs: Whose announcement of an address each machine has heard last, as a MAC address.
    """

    def __init__(self, world: World, settle_time: float | None) -> None:
        self.machines: dict[str, WireMachine] = {}
        self.by_mac: dict[bytes, str] = {}
        self.beliefs: dict[tuple[str, bytes], bytes] = {}
        self.gateways: dict[str, bytes] = {}
        self._world = world
        self._settle_time = settle_time
        self.fenced: tuple[int, int] | None = None
        self._batch = Sightings({})
        self._routed: _Routed | None = None
        self._tokens = 0
        self._runners = ThreadPoolExecutor(len(world.machines), thread_name_prefix="fuzz-runner")

    def close(self) -> None:
        """End the threads of races."""
        self._runners.shutdown()

    def begin(self) -> None:
        """Begin a new batch: what is seen from now on belongs to nothing that was sent before."""
        self._batch = Sightings(self.by_mac)
        self._routed = None

    def send(self, frames: Sequence[Frame]) -> list[Observation]:
        """Send frames one right after the other, and wait until the network has handled them."""
        observations = self.send_off(frames)
        self.fence(dict.fromkeys(action.machine for action in frames))
        return observations

    def send_off(self, frames: Sequence[Frame | RoutedProbe]) -> list[Observation]:
        """Send frames one right after the other, and wait for nothing."""
        self.begin()
        observations = [Observation() for _ in frames]
        prepared = [self._prepared(action, seen) for action, seen in zip(frames, observations, strict=True)]
        for (machine, frame), observation in zip(prepared, observations, strict=True):
            _send(machine, frame, observation)
        return observations

    def route(self, action: RoutedProbe) -> Observation:
        """Send a packet by way of the gateway, and wait until somebody has it, but not for long."""
        (observation,) = self.send_off([action])
        self._await_any(_HEARING)
        self._routed = _Routed(action, observation, monotonic())
        return observation

    def follow(self, action: Follow) -> list[Observation]:
        """Let a machine announce, and another one send a packet as soon as it has heard that."""
        self.begin()
        told, probed = observations = [Observation(), Observation()]
        announcer = self._prepared(Announce(action.machine, action.havip), told)
        prober = self._prepared(DataProbe(action.by, action.havip), probed)
        _send(*announcer, told)
        deadline = monotonic() + _HEARING
        while action.by not in told.reached and (left := deadline - monotonic()) > 0:
            self._read_one(action.by, {}, timeout=left)
        _send(*prober, probed)
        self.fence((action.machine, action.by))
        return observations

    @contextmanager
    def announcing(self, action: Announce) -> Iterator[None]:
        """Let a machine announce again and again; afterwards the network has handled it."""
        self.begin()
        machine, frame = self._prepared(action, Observation())
        is_over = Event()

        def announce() -> None:
            while not is_over.wait(_GAP):
                machine.pace()
                machine.port.send(frame)

        machine.port.send(frame)
        running = self._runners.submit(announce)
        try:
            yield
        finally:
            is_over.set()
            running.result()
            self.fence((action.machine,))

    def learn_gateways(self) -> None:
        """Ask in each subnet for the gateway's MAC address.

        Raises:
            Inconclusive: One does not answer.
        """
        for subnet in self._world.subnets:
            asker = self._world.observer(subnet)
            machine, address = self.machines[asker], self._world.address(GATEWAY, subnet).packed
            own = self._world.address(asker, subnet).packed
            machine.port.send(arp(_REQUEST, machine.mac, own, bytes(6), address))
            deadline = monotonic() + _PATIENCE
            while subnet not in self.gateways:
                if monotonic() > deadline:
                    raise Inconclusive(f"the gateway of {subnet} did not answer {asker} within {_PATIENCE:g} s")
                for frame in machine.news(timeout=deadline - monotonic()):
                    data = frame.data
                    if data[_ETHERTYPE] == _ARP and data[_OPERATION] == _REPLY and data[_SENDER] == address:
                        self.gateways[subnet] = data[_SENDER_MAC]

    def look_again(self, *, timeout: float) -> bool:
        """Take in what comes late of the present batch; say whether anything did within some seconds."""
        if self._routed is not None:
            return self._route_again(self._routed, timeout)
        if self._await_any(timeout):
            return True
        self.see_losses()
        return False

    def _route_again(self, routed: "_Routed", timeout: float) -> bool:
        """A gateway may follow a move late: another packet says where it sends now."""
        if monotonic() > routed.began + _ROUTES_LAG * timeout:
            return False
        (again,) = self.send_off([routed.action])
        self._await_any(_HEARING)
        routed.observation.reached, routed.observation.reached_at = again.reached, again.reached_at
        self._routed = routed
        return True

    def _await_any(self, timeout: float) -> bool:
        """Wait until something of the present batch is seen; say whether it was."""
        deadline = monotonic() + timeout
        while not self.read():
            if monotonic() > deadline:
                return False
            sleep(_GLANCE)
        return True

    def machines_changed(self) -> None:
        """NICs have other MAC addresses now, and frames that were made for the old ones are of no use."""
        self.by_mac = {machine.mac: name for name, machine in self.machines.items()}
        for machine in self.machines.values():
            machine.frames.clear()

    def _prepared(self, action: Frame | RoutedProbe, observation: Observation) -> tuple[WireMachine, bytes]:
        machine = self.machines[action.machine]
        frame = machine.frames.get(action)
        if frame is None:
            frame = machine.frames[action] = frame_of(action, self._addresses(machine))
        if is_datagram(frame):
            frame = frame[: TOKEN.start] + self._token() + frame[TOKEN.stop :]
        if isinstance(action, WhoHas | Probe):
            self._batch.ask(action.machine, frame, observation)
        else:
            self._batch.send(frame, observation)
        if isinstance(action, Announce):
            machine.pace()
        return machine, frame

    def _addresses(self, machine: WireMachine) -> Addresses:
        subnet = machine.subnet
        return Addresses(
            machine.mac,
            lambda name: self.gateways[subnet] if name == GATEWAY else self.machines[name].mac,
            lambda name: self._world.address(name, subnet).packed,
        )

    def race(self, action: Race) -> list[Observation]:
        """Let several machines send at the same time, each its own in their order, and wait for the network."""
        self.begin()
        parts = [Observation() for _ in action.announcements]
        lanes: dict[str, list[tuple[bytes, Observation]]] = {}
        for part, seen in zip(action.announcements, parts, strict=True):
            _, frame = self._prepared(part, seen)
            lanes.setdefault(part.machine, []).append((frame, seen))
        start = Barrier(len(lanes))

        def run(machine: WireMachine, lane: list[tuple[bytes, Observation]]) -> None:
            start.wait(_PATIENCE)
            for frame, seen in arrivals(lane, action.fault, action.seed):
                _send(machine, frame, seen)

        running = [self._runners.submit(run, self.machines[name], lane) for name, lane in lanes.items()]
        for each in running:
            each.result()
        self.fence(lanes)
        return parts

    def fence(self, senders: Iterable[str]) -> None:
        """Wait until the network has handled what these have sent, and read every capture."""
        if self._settle_time is not None:
            sleep(self._settle_time)
            self.read()
            return
        began = time_ns()
        due: dict[str, set[bytes]] = {}
        for sender in senders:
            machine = self.machines[sender]
            hearers = self._others(sender)
            for hearer in hearers:
                due.setdefault(hearer, set()).add(machine.mac)
            if hearers:
                machine.pace()
                machine.port.send(announcement(machine.mac, self._world.canary(machine.subnet).packed))
        deadline = monotonic() + _PATIENCE
        while due:
            hearer = next(iter(due))
            self._read_one(hearer, due, timeout=deadline - monotonic())
            if hearer in due and monotonic() > deadline:
                self.see_losses()
                missing = ", ".join(sorted(self.by_mac.get(mac, "?") for mac in due[hearer]))
                raise Inconclusive(f"the fence's own announcements by {missing} were not heard by {hearer}")
        self.fenced = began, time_ns()
        self.read()

    def read(self) -> bool:
        """Read every capture once; say whether anything of the batch was in them."""
        found = False
        for name, machine in self.machines.items():
            if machine.is_live:
                found = self._read_one(name, {}) or found
        return found

    def _read_one(self, name: str, due: dict[str, set[bytes]], *, timeout: float = 0) -> bool:
        """Read a machine's capture, and take the fences that it heard from what is due."""
        machine = self.machines[name]
        canary = self._world.canary(machine.subnet).packed
        found = False
        for frame in machine.news(timeout=timeout):
            data = frame.data
            if data[_ETHERTYPE] == _ARP and data[_SENDER] == data[_TARGET]:
                if data[_SENDER] == canary:
                    waiting = due.get(name)
                    if waiting is not None:
                        waiting.discard(data[_SENDER_MAC])
                        if not waiting:
                            del due[name]
                    continue
                self.beliefs[name, data[_SENDER]] = data[_SENDER_MAC]
            found = self._batch.see(name, data, frame.time_ns) or found
        return found

    def _others(self, sender: str) -> list[str]:
        subnet = self.machines[sender].subnet
        return [
            name
            for name, machine in self.machines.items()
            if name != sender and machine.subnet == subnet and machine.is_live
        ]

    def await_link(self, name: str) -> None:
        """Wait until a NIC that was just plugged in, or mended, carries frames both ways."""
        observer = self._world.observer(self.machines[name].subnet)
        ways = Packet(name, name, observer), Packet(observer, observer, name)
        seen = Observation(), Observation()
        self.begin()
        deadline = monotonic() + _PATIENCE
        while not all(each.reached for each in seen):
            if monotonic() > deadline:
                self.see_losses()
                raise Inconclusive(
                    f"{name} was plugged in, or its link mended, and {_PATIENCE:g} s later carries nothing"
                )
            for way, each in zip(ways, seen, strict=True):
                machine, frame = self._prepared(way, each)
                machine.port.send(frame)
            self.read()
            if not all(each.reached for each in seen):
                self._await_any(10 * _GLANCE)

    def see_losses(self) -> None:
        """See that no capture has lost a frame.

        Raises:
            Inconclusive: One has; what it did not see proves nothing.
        """
        lost = {name: machine.lost for name, machine in self.machines.items() if machine.lost}
        if lost:
            raise Inconclusive(f"captures lost frames ({lost}): too many came too fast for this machine")

    def _token(self) -> bytes:
        self._tokens += 1
        return token(self._tokens)


def _send(machine: WireMachine, frame: bytes, observation: Observation) -> None:
    observation.began = observation.began or time_ns()
    machine.port.send(frame)
    observation.ended = time_ns()
