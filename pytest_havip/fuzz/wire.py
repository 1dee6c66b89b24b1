"""Stories carried out on the wire, against any network under test, and seen by the machines' captures.

Machines and VPCs stay from story to story; only what a story has touched is made anew. Frames of a batch are sent one
right after the other; then each sender announces the fence's HAVIP, and when all who can hear that have heard it, all
frames before it have been handled, and each capture is read once.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from time import sleep, time_ns
from types import TracebackType
from typing import Any, Self

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
from pytest_havip.fuzz.wire_ranges import confined, edit_range
from pytest_havip.fuzz.wire_views import WireViews
from pytest_havip.fuzz.world import WORLD, World
from pytest_havip.lab import Frame as Captured
from pytest_havip.lab import Lab
from pytest_havip.targets.base import Feature, Havip, Refused, Target

__all__ = ["WireExecutor"]

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
        # A frame names an address: all HAVIPs that have it may be touched by a mistake.
        addresses = {name: world.address(name, havip.subnet) for name, havip in world.havips.items()}
        self._alike = {
            name: [each for each, its in addresses.items() if its == address] for name, address in addresses.items()
        }
        self._views = WireViews(target)
        self._ensemble = Ensemble(world, target.settle_time)
        self.machines = self._ensemble.machines
        with ExitStack() as ends:
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
        for name in self._touched & self._havips.keys():
            self._target.delete_havip(self._havips.pop(name))
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
        for name in sorted(self._touched):
            self._make(name)
        self._touched.clear()
        self._ensemble.beliefs.clear()
        self._views.reset()
        # Fences are announcements too: their HAVIPs begin every story with the same owners.
        self._ensemble.fence([self.world.observer(subnet) for subnet in self.world.subnets])
        self._ensemble.see_losses()
        self._began = time_ns()

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
            return self._ensemble.send(frames)
        (action,) = batch
        if isinstance(action, RoutedProbe):
            return [self._ensemble.route(action)]
        self._ensemble.begin()
        observation = Observation(began=time_ns())
        _DOERS[type(action)](self, action, observation)
        observation.ended = time_ns()
        return [observation]

    def _is_idle(self, action: Action) -> bool:
        is_question = isinstance(action, DataProbe | WhoHas | Probe) and self.world.machines[action.machine].observes
        return is_question or isinstance(action, Look)

    def look_again(self, *, timeout: float) -> bool:
        """See `Executor.look_again`."""
        return self._ensemble.look_again(timeout=timeout)

    def _follow(self, action: Follow, observation: Observation) -> None:
        observation.parts = self._ensemble.follow(action)

    def _race(self, action: Race, observation: Observation) -> None:
        observation.parts = self._ensemble.race(action)

    # --- the control plane

    def _look(self, action: Look, observation: Observation) -> None:
        self._ensemble.read()
        havip, view = self._havips.get(action.havip), None
        if havip is not None:
            observer = self.world.observer(self.world.havips[action.havip].subnet)
            view = self._views.of(
                havip, self._ensemble.by_mac, self._ensemble.beliefs.get((observer, havip.address.packed))
            )
        observation.view = view or View(exists=False)

    def _create(self, action: Create, observation: Observation) -> None:
        try:
            self._make(action.havip)
        except Refused as refused:
            observation.refused = str(refused)

    def _make(self, name: str) -> None:
        subnet = self.world.havips[name].subnet
        address = str(self.world.address(name, subnet))
        self._havips[name] = self._target.create_havip(self._subnets[subnet], address=address, name=name)

    def _confine(self, action: Confine, _: Observation) -> None:
        subnet = self.world.havips[action.havip].subnet
        address, member = self.world.address(action.havip, subnet), self.machines[action.machine].nic
        self._havips[action.havip] = confined(self._target, self._subnets[subnet], address, action.havip, member)

    def _edit_range(self, action: Admit | Expel, _: Observation) -> None:
        havip, member = self._havips[action.havip], self.machines[action.machine].nic
        edit_range(self._target, havip, member, admits=isinstance(action, Admit))

    def _release(self, action: Release, _: Observation) -> None:
        havip = self._havips.pop(action.havip)
        against = Announce(action.against, action.havip)
        with self._ensemble.announcing(against) if action.against else nullcontext():
            self._target.delete_havip(havip)

    def _restart(self, action: Restart, observation: Observation) -> None:
        self._target.interrupt()
        try:
            observation.parts = self._ensemble.send_off(action.announcements)
        finally:
            self._target.resume()
        self._ensemble.fence(dict.fromkeys(part.machine for part in action.announcements))

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

    def _attach(self, action: Attach, _: Observation) -> None:
        self.machines[action.machine].attach()
        self._ensemble.machines_changed()
        self._ensemble.await_link(action.machine)

    def _detach(self, action: Detach, _: Observation) -> None:
        self.machines[action.machine].detach()

    def _move(self, action: Move, _: Observation) -> None:
        self.machines[action.machine].unplug()
        self._plug(action.machine, action.subnet)
        self._ensemble.await_link(action.machine)

    def _turn(self, action: Cut | Mend, _: Observation) -> None:
        self.machines[action.machine].set_link(up=isinstance(action, Mend))
        if isinstance(action, Mend):
            self._ensemble.await_link(action.machine)

    def _hush(self, action: Silence | Wake, _: Observation) -> None:
        self.machines[action.machine].set_silent(silent=isinstance(action, Silence))

    @staticmethod
    def _wait(action: Wait, _: Observation) -> None:
        sleep(action.milliseconds / 1000)


_DOERS: Mapping[type[Action], Callable[[WireExecutor, Any, Observation], None]] = {
    Follow: WireExecutor._follow,  # noqa: SLF001 - its own
    Race: WireExecutor._race,  # noqa: SLF001 - its own
    Look: WireExecutor._look,  # noqa: SLF001 - its own
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
