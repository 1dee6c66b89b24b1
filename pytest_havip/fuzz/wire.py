"""Stories carried out on the wire, against any network under test, and seen by the machines' captures.

Machines and VPCs stay from story to story; only what a story has touched is made anew. Frames of a batch are sent one
right after the other; then each sender announces the fence's HAVIP, and when all who can hear that have heard it, all
frames before it have been handled, and each capture is read once.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from time import sleep, time_ns
from types import TracebackType
from typing import Any, Self

from pytest_havip import __version__
from pytest_havip.clients.announcer import Instance
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
    Probe,
    Race,
    Release,
    Rename,
    Restart,
    RoutedProbe,
    Silence,
    Wait,
    Wake,
    WhoHas,
)
from pytest_havip.fuzz.ensemble import Ensemble
from pytest_havip.fuzz.executor import Executor, Observation, View
from pytest_havip.fuzz.spelling import names_in
from pytest_havip.fuzz.wire_machine import WireMachine
from pytest_havip.fuzz.wire_notes import WireNotes
from pytest_havip.fuzz.wire_ranges import confined, edit_range
from pytest_havip.fuzz.wire_views import WireViews
from pytest_havip.fuzz.world import WORLD, World
from pytest_havip.history import Effect, Header
from pytest_havip.lab import Frame as Captured
from pytest_havip.lab import Lab
from pytest_havip.targets.base import Feature, Havip, HavipState, Refused, Target

__all__ = ["WireExecutor"]

#: Requests of the control plane at the same time.
_AT_ONCE = 5
#: What needs of the network more than that it carries frames.
_NEEDED = {
    "routed-probe": Feature.ROUTING,
    "restart": Feature.RESTART,
    **dict.fromkeys(("confine", "admit", "expel"), Feature.TENCENT_API),
}


class WireExecutor:
    """Carries actions out in a lab, on a network under test.

    Args:
        lab: Where the machines stand.
        target: The network.
        world: Where the actions take place.
        prefix: What the names of the lab's hosts begin with.
    """

    ordered_by_fences = True

    def __init__(self, lab: Lab, target: Target, world: World = WORLD, *, prefix: str = "fuzz") -> None:
        self.world = world
        self.kinds = tuple(kind for kind in ACTIONS if _NEEDED.get(kind) in {None, *target.features})
        self._lab, self._target, self._prefix = lab, target, prefix
        self._began = 0
        self._havips: dict[str, Havip] = {}
        self._touched: set[str] = set()
        self._ranges: dict[str, set[str]] = {}
        self._requests = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fuzz-request")
        # A frame names an address: all HAVIPs that have it may be touched by a mistake.
        addresses = {name: world.address(name, havip.subnet) for name, havip in world.havips.items()}
        self._alike = {
            name: [each for each, its in addresses.items() if its == address] for name, address in addresses.items()
        }
        self._views = WireViews(target)
        self._ensemble = Ensemble(world, target.settle_time)
        self.machines = self._ensemble.machines
        with ExitStack() as ends:
            ends.callback(self._requests.shutdown)
            vpcs = {name: target.create_vpc(cidr) for name, cidr in world.vpcs.items()}
            for vpc in vpcs.values():
                ends.callback(target.delete_vpc, vpc)
            self._subnets = {n: target.create_subnet(vpcs[each.vpc], each.cidr) for n, each in world.subnets.items()}
            for name, subnet in self._subnets.items():
                target.create_havip(subnet, address=str(world.canary(name)), name="canary")
            for name, machine in world.machines.items():
                made = WireMachine(target, lab.host(f"{prefix}-{name}"), claims=not machine.observes)
                # Last in, first out: a VPC goes before the hosts that are plugged into it.
                ends.callback(made.close)
                self.machines[name] = made
                self._plug(name, machine.subnet)
            ends.callback(self._unplug_all)
            for name in world.havips:
                self._make(name)
            ends.callback(self._ensemble.close)
            if "routed-probe" in self.kinds:
                self._ensemble.learn_gateways()
            self._begin_history()
            self._ends = ends.pop_all()

    @property
    def cast(self) -> list[Instance]:
        """The machines that are plugged in, as observers and reports know them."""
        return [machine.instance for machine in self.machines.values() if machine.attached]

    def is_of_this_story(self, frame: Captured) -> bool:
        """Whether a captured frame came after the last reset."""
        return frame.time_ns >= self._began

    def close(self) -> None:
        """Take everything away."""
        self._ends.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def reset(self) -> None:
        """See `Executor.reset`."""
        # A NIC in a HAVIP's range cannot be taken away: HAVIPs go first.
        gone = [self._havips.pop(name) for name in sorted(self._touched & self._havips.keys())]
        list(self._requests.map(self._target.delete_havip, gone))
        for name, machine in self.machines.items():
            home = self.world.machines[name].subnet
            if machine.subnet != home:
                self._move(Move(name, home), Observation())
            elif not machine.attached:
                self._attach(Attach(name), Observation())
            if machine.cut:
                self._turn(Mend(name), Observation())
            if machine.silent:
                machine.set_silent(silent=False)
        list(self._requests.map(self._make, sorted(self._touched)))
        self._touched.clear()
        self._ranges.clear()
        self._ensemble.beliefs.clear()
        self._views.reset()
        # Fences are announcements too: their HAVIPs begin every story with the same owners.
        self._ensemble.fence([self.world.observer(subnet) for subnet in self.world.subnets])
        self._ensemble.see_losses()
        self._began = time_ns()
        self._begin_history()

    def renewed(self) -> AbstractContextManager[Executor]:
        """See `Executor.renewed`."""
        return WireExecutor(self._lab, self._target, self.world, prefix=f"{self._prefix}-again")

    def run(self, batch: Sequence[Action]) -> list[Observation]:
        """See `Executor.run`."""
        # Making a HAVIP anew takes as long as ten moves; an observer who merely asked has touched nothing.
        named = (name for action in batch if not self._is_idle(action) for name in names_in(action))
        self._touched.update(alike for name in named for alike in self._alike.get(name, ()))
        frames = [action for action in batch if isinstance(action, Frame)]
        if frames:
            observations = self._ensemble.send(frames)
            self._notes.batch(frames, observations, self._ensemble.fenced)
            return observations
        looks = [action for action in batch if isinstance(action, Look)]
        if looks:
            return self._look(looks)
        (action,) = batch
        if isinstance(action, RoutedProbe):
            return [self._ensemble.route(action)]
        self._ensemble.begin()
        observation = Observation(began=time_ns())
        _DOERS[type(action)](self, action, observation)
        observation.ended = time_ns()
        return [observation]

    def _begin_history(self) -> None:
        target = self._target
        header = Header(target.name, f"pytest-havip {__version__}", target.profile, settle=target.settle_time)
        self._notes = WireNotes(header, self.world, self.machines, self._havips, self._ranges)

    def history(self) -> WireNotes:
        """See `Executor.history`."""
        return self._notes

    def _is_idle(self, action: Action) -> bool:
        is_question = isinstance(action, DataProbe | WhoHas | Probe) and self.world.machines[action.machine].observes
        return is_question or isinstance(action, Look)

    def look_again(self, *, timeout: float) -> bool:
        """See `Executor.look_again`."""
        return self._ensemble.look_again(timeout=timeout)

    def _follow(self, action: Follow, observation: Observation) -> None:
        observation.parts = self._ensemble.follow(action)
        pair = Announce(action.machine, action.havip), DataProbe(action.by, action.havip)
        # While it moves, that a packet reaches nobody is no reading.
        known = 2 if observation.parts[1].reached else 1
        self._notes.batch(pair[:known], observation.parts[:known], self._ensemble.fenced)

    def _race(self, action: Race, observation: Observation) -> None:
        observation.parts = self._ensemble.race(action)
        self._notes.batch(action.announcements, observation.parts, self._ensemble.fenced, fault=action.fault)

    # --- the control plane

    def _look(self, looks: Sequence[Look]) -> list[Observation]:
        """Ask the control plane about several HAVIPs, and then for what has changed."""
        self._ensemble.begin()
        self._ensemble.read()
        began = time_ns()
        known = {look.havip: self._havips[look.havip] for look in looks if look.havip in self._havips}
        states = dict(zip(known, self._target.havip_states([*known.values()]) if known else (), strict=True))
        self._notes.listed(self._views.read_events(), began, time_ns())
        return [self._looked(look.havip, states.get(look.havip), began) for look in looks]

    def _looked(self, name: str, state: HavipState | None, began: int) -> Observation:
        observation = Observation(began, time_ns(), view=View(exists=False))
        if state is not None:
            observer = self.world.observer(self.world.havips[name].subnet)
            heard = self._ensemble.beliefs.get((observer, state.havip.address.packed))
            belief = None if heard is None else self._ensemble.by_mac.get(heard, heard.hex(":"))
            observation.view = self._views.of(state, belief)
            self._notes.looked(state, belief, observer, began, observation.ended)
        return observation

    def _create(self, action: Create, observation: Observation) -> None:
        try:
            self._make(action.havip)
        except Refused as refused:
            observation.refused = str(refused)
        else:
            self._notes.created(self._havips[action.havip], observation.began, time_ns())

    def _make(self, name: str) -> None:
        subnet = self.world.havips[name].subnet
        address = str(self.world.address(name, subnet))
        self._havips[name] = self._target.create_havip(self._subnets[subnet], address=address, name=name)

    def _confine(self, action: Confine, observation: Observation) -> None:
        subnet = self.world.havips[action.havip].subnet
        address, member = self.world.address(action.havip, subnet), self.machines[action.machine].nic
        havip = confined(self._target, self._subnets[subnet], address, action.havip, member)
        self._havips[action.havip], self._ranges[action.havip] = havip, {action.machine}
        self._notes.created(havip, observation.began, time_ns())

    def _edit_range(self, action: Admit | Expel, _: Observation) -> None:
        havip, member = self._havips[action.havip], self.machines[action.machine].nic
        edit_range(self._target, havip, member, admits=isinstance(action, Admit))
        self._ranges[action.havip] ^= {action.machine}

    def _release(self, action: Release, observation: Observation) -> None:
        havip = self._havips.pop(action.havip)
        self._ranges.pop(action.havip, None)
        against = Announce(action.against, action.havip)
        with self._ensemble.announcing(against) if action.against else nullcontext():
            self._target.delete_havip(havip)
        rival = self.machines[action.against].nic if action.against else None
        self._notes.released(havip, observation.began, time_ns(), against=rival)

    def _restart(self, action: Restart, observation: Observation) -> None:
        self._target.interrupt()
        try:
            observation.parts = self._ensemble.send_off(action.announcements)
        finally:
            self._target.resume()
        self._ensemble.fence(dict.fromkeys(part.machine for part in action.announcements))
        self._notes.fault(action, None, observation.began, time_ns())
        parts, fenced = observation.parts, self._ensemble.fenced
        self._notes.batch(action.announcements, parts, fenced, certainly=Effect.POSSIBLE)

    def _rename(self, action: Rename, _: Observation) -> None:
        self._target.rename_havip(self._havips[action.havip], "renamed")

    # --- machines

    def _plug(self, name: str, subnet: str) -> None:
        world, machine = self.world, self.machines[name]
        havips = (world.address(each, subnet) for each, havip in world.havips.items() if havip.subnet == subnet)
        machine.plug(subnet, self._subnets[subnet], world.address(name, subnet), havips)
        self._views.names[machine.nic.id] = name
        self._ensemble.machines_changed()

    def _unplug_all(self) -> None:
        for machine in self.machines.values():
            machine.unplug()

    def _attach(self, action: Attach, observation: Observation) -> None:
        machine = self.machines[action.machine]
        machine.attach()
        self._notes.plugged(action.machine, machine.nic, observation.began, time_ns())
        self._ensemble.machines_changed()
        self._ensemble.await_link(action.machine)

    def _detach(self, action: Detach, observation: Observation) -> None:
        machine = self.machines[action.machine]
        machine.detach()
        self._notes.unplugged(machine.nic, observation.began, time_ns())

    def _move(self, action: Move, observation: Observation) -> None:
        machine = self.machines[action.machine]
        machine.unplug()
        self._notes.unplugged(machine.nic, observation.began, time_ns())
        began = time_ns()
        self._plug(action.machine, action.subnet)
        self._notes.plugged(action.machine, machine.nic, began, time_ns())
        self._ensemble.await_link(action.machine)

    def _turn(self, action: Cut | Mend, observation: Observation) -> None:
        self.machines[action.machine].set_link(up=isinstance(action, Mend))
        self._notes.fault(action, self.machines[action.machine].nic, observation.began, time_ns())
        if isinstance(action, Mend):
            self._ensemble.await_link(action.machine)

    def _hush(self, action: Silence | Wake, observation: Observation) -> None:
        self.machines[action.machine].set_silent(silent=isinstance(action, Silence))
        self._notes.fault(action, self.machines[action.machine].nic, observation.began, time_ns())

    @staticmethod
    def _wait(action: Wait, _: Observation) -> None:
        sleep(action.milliseconds / 1000)


_DOERS: Mapping[type[Action], Callable[[WireExecutor, Any, Observation], None]] = {
    Follow: WireExecutor._follow,  # noqa: SLF001 - its own
    Race: WireExecutor._race,  # noqa: SLF001 - its own
    Create: WireExecutor._create,  # noqa: SLF001 - its own
    Release: WireExecutor._release,  # noqa: SLF001 - its own
    Rename: WireExecutor._rename,  # noqa: SLF001 - its own
    Confine: WireExecutor._confine,  # noqa: SLF001 - its own
    Admit: WireExecutor._edit_range,  # noqa: SLF001 - its own
    Expel: WireExecutor._edit_range,  # noqa: SLF001 - its own
    Attach: WireExecutor._attach,  # noqa: SLF001 - its own
    Detach: WireExecutor._detach,  # noqa: SLF001 - its own
    Move: WireExecutor._move,  # noqa: SLF001 - its own
    Cut: WireExecutor._turn,  # noqa: SLF001 - its own
    Mend: WireExecutor._turn,  # noqa: SLF001 - its own
    Silence: WireExecutor._hush,  # noqa: SLF001 - its own
    Wake: WireExecutor._hush,  # noqa: SLF001 - its own
    Restart: WireExecutor._restart,  # noqa: SLF001 - its own
    Wait: lambda executor, action, seen: executor._wait(action, seen),  # noqa: SLF001 - its own
}
