"""Stories carried out on the reference network's rules alone, without a kernel: tens of thousands of actions a second.

It is the one module here that imports the network, and it runs it in this process: for depth, not for a verdict on a
wire. What the kernel does with a verdict is played by a few lines that flood, unicast and drop; what is expected comes
from the model, which sees nothing of this.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import count
from typing import Any

from pytest_havip.fuzz.actions import (
    ACTIONS,
    Action,
    Admit,
    Announce,
    Attach,
    Confine,
    Create,
    Cut,
    DataProbe,
    Detach,
    Expel,
    Follow,
    Frame,
    Look,
    Mend,
    Move,
    Packet,
    Probe,
    Race,
    Release,
    Rename,
    Restart,
    RoutedProbe,
    Silence,
    Speak,
    Wait,
    Wake,
    WhoHas,
)
from pytest_havip.fuzz.cable import arrivals
from pytest_havip.fuzz.executor import Executor, Observation, View
from pytest_havip.fuzz.frames import Addresses, arp, frame_of, mac_of
from pytest_havip.fuzz.world import WORLD, World
from pytest_havip.network.core import Action as Fate
from pytest_havip.network.core import Effect, Moved, Network, Record, Refused, Resend

__all__ = ["CoreExecutor"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_GROUP = 1  # the bit of a MAC address's first byte that broadcast and multicast have in common
_REPLY, _UNSPECIFIED = 2, bytes(4)
#: Nanoseconds between two actions.
_STEP, _MILLISECOND = 1_000_000, 1_000_000


@dataclass(slots=True)
class _Machine:
    """A machine as it is now."""

    subnet: str
    nic_id: str
    mac: bytes
    attached: bool = True
    cut: bool = False
    silent: bool = False

    @property
    def is_live(self) -> bool:
        return self.attached and not self.cut


class CoreExecutor:
    """Carries actions out on a `Network` of this process.

    Args:
        world: Where they take place.
    """

    kinds = tuple(ACTIONS)
    ordered_by_fences = False

    def __init__(self, world: World = WORLD) -> None:
        self.world = world
        self._numbers = count(1)
        self._clock = 0
        self._names: dict[str, str] = {}
        self._frames: dict[Frame, bytes] = {}
        self._has_moved = False
        network = self._network = Network(new_token=self._token)
        vpcs = {name: network.create_vpc(name, IPv4Network(cidr), now=0) for name, cidr in world.vpcs.items()}
        self._vpcs = {name: vpcs[each.vpc].id for name, each in world.subnets.items()}
        self._subnets = {
            name: network.create_subnet(vpcs[each.vpc].id, name, IPv4Network(each.cidr), now=0).id
            for name, each in world.subnets.items()
        }
        self._beginning = {name: self._plugged(name, machine.subnet) for name, machine in world.machines.items()}
        self._first_ids = {name: self._created(name) for name in world.havips}
        self._records = self._all_records()
        self.reset()

    def reset(self) -> None:
        """See `Executor.reset`: the records of the beginning are restored."""
        self._network = Network.restore(self._records, new_token=self._token)
        self._machines = {
            name: _Machine(self.world.machines[name].subnet, *plugged) for name, plugged in self._beginning.items()
        }
        self._ids = dict(self._first_ids)
        if self._has_moved:
            self._frames.clear()
            self._has_moved = False
        self._moves: list[Moved] = []
        self._beliefs: dict[tuple[str, bytes], bytes] = {}
        self._machines_changed()

    def _all_records(self) -> tuple[Record, ...]:
        network = self._network
        kinds = (network.vpcs, network.subnets, network.nics, network.havips)
        return tuple(record for records in kinds for record in records.values())

    def history(self) -> None:
        """See `Executor.history`: actions of no duration need no checker, the model says it all."""

    def renewed(self) -> AbstractContextManager[Executor]:
        """See `Executor.renewed`."""
        return nullcontext(CoreExecutor(self.world))

    def run(self, batch: Sequence[Action]) -> list[Observation]:
        """See `Executor.run`; each action is over when the next one begins."""
        return [self._carry_out(action) for action in batch]

    def look_again(self, *, timeout: float) -> bool:
        """See `Executor.look_again`; nothing comes late."""
        del timeout
        return False

    def _carry_out(self, action: Action) -> Observation:
        self._clock += _STEP
        observation = Observation(self._clock, self._clock)
        _DOERS[type(action)](self, action, observation)
        return observation

    # --- frames

    def _send(self, action: Frame, observation: Observation) -> None:
        observation.reached = self._sent(action.machine, self._frame(action))

    def _ask(self, action: WhoHas | Probe, observation: Observation) -> None:
        """Whoever has the HAVIP's address configured answers what reaches it, as a machine's kernel does."""
        frame = self._frame(action)
        observation.reached = self._sent(action.machine, frame)
        asker = self._machines[action.machine]
        observation.answers = [
            name
            for name in observation.reached
            if not self._machines[name].silent
            and not self.world.machines[name].observes
            and self._gets_through(name, arp(_REPLY, self._machines[name].mac, frame[38:42], asker.mac, frame[28:32]))
        ]

    def _race(self, action: Race, observation: Observation) -> None:
        """One after another: one of the orders that a race may take."""
        observation.parts = [Observation(self._clock, self._clock) for _ in action.announcements]
        for at in arrivals(range(len(action.announcements)), action.fault, action.seed):
            observation.parts[at].reached = self._carry_out(action.announcements[at]).reached

    def _restart(self, action: Restart, observation: Observation) -> None:
        """The rules alone outlive a restart: their records are restored, and what was announced is handled then."""
        self._network = Network.restore(self._all_records(), new_token=self._token)
        observation.parts = [self._carry_out(part) for part in action.announcements]

    def _follow(self, action: Follow, observation: Observation) -> None:
        pair = Announce(action.machine, action.havip), DataProbe(action.by, action.havip)
        observation.parts = [self._carry_out(part) for part in pair]

    def _route(self, action: RoutedProbe, observation: Observation) -> None:
        """The gateway is a machine of the HAVIP's subnet: its third host stands for it."""
        gateway = self.world.observer(self.world.havips[action.havip].subnet)
        observation.reached = self._carry_out(DataProbe(gateway, action.havip)).reached

    def _sent(self, sender: str, frame: bytes) -> Sequence[str]:
        decision = self._network.receive(frame, self._machines[sender].nic_id, now=self._clock / 1e9)
        match decision.verdict.action:
            case Fate.PUNT:
                return self._told(sender, decision.effects)
            case Fate.PASS:
                return self._reached(sender, frame[:6])
            case Fate.REDIRECT:
                assert decision.verdict.ethernet_destination is not None
                return self._reached(sender, mac_of(decision.verdict.ethernet_destination))
            case Fate.DROP:
                return ()

    def _told(self, sender: str, effects: Iterable[Effect]) -> Sequence[str]:
        reached: Sequence[str] = ()
        for effect in effects:
            if isinstance(effect, Moved):
                self._moves.append(effect)
            elif isinstance(effect, Resend):
                reached = self._reached(sender, effect.frame[:6])
                observer = self._observers[sender]
                if observer in reached:
                    self._beliefs[observer, effect.frame[28:32]] = effect.frame[22:28]
        return reached

    def _gets_through(self, sender: str, frame: bytes) -> bool:
        return self._network.verdict(frame, self._machines[sender].nic_id).action in {Fate.PASS, Fate.REDIRECT}

    def _reached(self, sender: str, destination: bytes) -> Sequence[str]:
        """The live machines of the sender's subnet that a bridge would hand a frame to."""
        around = self._around.get(sender)
        if around is None:
            subnet = self._machines[sender].subnet
            around = self._around[sender] = {
                machine.mac: name
                for name, machine in self._machines.items()
                if machine.subnet == subnet and machine.attached and name != sender
            }
        live = self._live_around(sender, around)
        if destination[0] & _GROUP:
            return live
        owner = around.get(destination)
        if owner is None:
            return () if destination == self._machines[sender].mac else live
        return (owner,) if owner in live else ()

    def _live_around(self, sender: str, around: dict[bytes, str]) -> tuple[str, ...]:
        found = self._live.get(sender)
        if found is None:
            found = self._live[sender] = tuple(name for name in around.values() if self._machines[name].is_live)
        return found

    def _frame(self, action: Frame) -> bytes:
        frame = self._frames.get(action)
        if frame is None:
            machine = self._machines[action.machine]
            addresses = Addresses(
                machine.mac,
                lambda name: self._machines[name].mac,
                lambda name: self.world.address(name, machine.subnet).packed,
            )
            frame = self._frames[action] = frame_of(action, addresses)
        return frame

    # --- the control plane

    def _look(self, action: Look, observation: Observation) -> None:
        observation.view = View(exists=False)
        havip = self._network.havips.get(self._ids.get(action.havip, ""))
        if havip is None:
            return
        names = self._names
        macs = {machine.mac: name for name, machine in self._machines.items()}
        heard = self._beliefs.get((self.world.observer(self.world.havips[action.havip].subnet), havip.address.packed))
        observation.view = View(
            exists=True,
            owner=names[havip.binding.nic_id] if havip.binding else None,
            flushed=str(havip.flushed),
            changes=tuple(
                (names.get(moved.old_nic_id or ""), names.get(moved.new_nic_id or ""))
                for moved in self._moves
                if moved.havip.id == havip.id
            ),
            belief=macs.get(heard) if heard else None,
        )

    def _create(self, action: Create, observation: Observation) -> None:
        try:
            self._ids[action.havip] = self._created(action.havip)
        except Refused as refused:
            observation.refused = str(refused)
        self._take_effects()

    def _confine(self, action: Confine, _: Observation) -> None:
        members = (self._machines[action.machine].nic_id,)
        self._ids[action.havip] = self._created(action.havip, members=members, check_associate=True)
        self._take_effects()

    def _edit_range(self, action: Admit | Expel, _: Observation) -> None:
        members = {self._ids[action.havip]: (self._machines[action.machine].nic_id,)}
        if isinstance(action, Admit):
            self._network.associate(members)
        else:
            self._network.dissociate(members, now=self._clock / 1e9)
        self._take_effects()

    def _release(self, action: Release, _: Observation) -> None:
        if action.against:
            self._carry_out(Announce(action.against, action.havip))
        self._network.delete_havip(self._ids.pop(action.havip), now=self._clock / 1e9)
        self._take_effects()

    def _rename(self, action: Rename, _: Observation) -> None:
        self._network.rename_havip(self._ids[action.havip], f"renamed at {self._clock}")
        self._take_effects()

    def _created(self, name: str, **range_options: Any) -> str:  # noqa: ANN401 - passed on
        havip = self.world.havips[name]
        subnet, address = havip.subnet, self.world.address(name, havip.subnet)
        now = self._clock / 1e9
        return self._network.create_havip(
            self._vpcs[subnet], self._subnets[subnet], name, address=address, now=now, **range_options
        ).id

    # --- machines

    def _attach(self, action: Attach, _: Observation) -> None:
        machine = self._machines[action.machine]
        self._network.attach_nic(machine.nic_id, _instance(action.machine))
        machine.attached = True
        self._machines_changed()

    def _detach(self, action: Detach, _: Observation) -> None:
        machine = self._machines[action.machine]
        self._network.detach_nic(machine.nic_id, now=self._clock / 1e9)
        machine.attached = machine.cut = False
        self._machines_changed()

    def _move(self, action: Move, _: Observation) -> None:
        name = action.machine
        machine = self._machines[name]
        self._network.detach_nic(machine.nic_id, now=self._clock / 1e9)
        self._network.delete_nic(machine.nic_id, now=self._clock / 1e9)
        machine.subnet, machine.cut = action.subnet, False
        machine.nic_id, machine.mac = self._plugged(name, action.subnet)
        self._has_moved = True
        self._frames.clear()
        self._machines_changed()

    def _plugged(self, name: str, subnet: str) -> tuple[str, bytes]:
        """Make a NIC and attach it; its id and MAC address."""
        address, now = self.world.address(name, subnet), self._clock / 1e9
        nic = self._network.create_nic(self._subnets[subnet], name, addresses=(address,), now=now)
        self._network.attach_nic(nic.id, _instance(name))
        self._names[nic.id] = name
        return nic.id, mac_of(nic.mac)

    def _turn(self, action: Cut | Mend | Silence | Wake, _: Observation) -> None:
        machine = self._machines[action.machine]
        if isinstance(action, Cut | Mend):
            machine.cut = isinstance(action, Cut)
        else:
            machine.silent = isinstance(action, Silence)
        self._live.clear()

    def _wait(self, action: Wait, _: Observation) -> None:
        self._clock += action.milliseconds * _MILLISECOND

    def _machines_changed(self) -> None:
        self._take_effects()
        self._around: dict[str, dict[bytes, str]] = {}
        self._live: dict[str, tuple[str, ...]] = {}
        self._observers = {name: self.world.observer(machine.subnet) for name, machine in self._machines.items()}

    def _take_effects(self) -> None:
        self._moves += (effect for effect in self._network.take_effects() if isinstance(effect, Moved))

    def _token(self, length: int) -> str:
        number, digits = next(self._numbers), ""
        for _ in range(length):
            number, digit = divmod(number, len(_DIGITS))
            digits = _DIGITS[digit] + digits
        return digits


def _instance(machine: str) -> str:
    return f"ins-{machine.encode().hex()[-8:]:0>8}"


_DOERS: dict[type[Action], Callable[[CoreExecutor, Any, Observation], None]] = {
    Announce: CoreExecutor._send,  # noqa: SLF001 - its own
    Speak: CoreExecutor._send,  # noqa: SLF001 - its own
    Packet: CoreExecutor._send,  # noqa: SLF001 - its own
    DataProbe: CoreExecutor._send,  # noqa: SLF001 - its own
    WhoHas: CoreExecutor._ask,  # noqa: SLF001 - its own
    Probe: CoreExecutor._ask,  # noqa: SLF001 - its own
    RoutedProbe: CoreExecutor._route,  # noqa: SLF001 - its own
    Follow: CoreExecutor._follow,  # noqa: SLF001 - its own
    Race: CoreExecutor._race,  # noqa: SLF001 - its own
    Look: CoreExecutor._look,  # noqa: SLF001 - its own
    Create: CoreExecutor._create,  # noqa: SLF001 - its own
    Release: CoreExecutor._release,  # noqa: SLF001 - its own
    Rename: CoreExecutor._rename,  # noqa: SLF001 - its own
    Confine: CoreExecutor._confine,  # noqa: SLF001 - its own
    Admit: CoreExecutor._edit_range,  # noqa: SLF001 - its own
    Expel: CoreExecutor._edit_range,  # noqa: SLF001 - its own
    Attach: CoreExecutor._attach,  # noqa: SLF001 - its own
    Detach: CoreExecutor._detach,  # noqa: SLF001 - its own
    Move: CoreExecutor._move,  # noqa: SLF001 - its own
    Cut: CoreExecutor._turn,  # noqa: SLF001 - its own
    Mend: CoreExecutor._turn,  # noqa: SLF001 - its own
    Silence: CoreExecutor._turn,  # noqa: SLF001 - its own
    Wake: CoreExecutor._turn,  # noqa: SLF001 - its own
    Restart: CoreExecutor._restart,  # noqa: SLF001 - its own
    Wait: CoreExecutor._wait,  # noqa: SLF001 - its own
}
