"""The history of a story on a wire: what was sent there, as the requirements have it."""

from collections.abc import Mapping, Sequence
from time import time_ns

from pytest_havip.fuzz.actions import Action, Announce, DataProbe, Frame, WhoHas, WireFault
from pytest_havip.fuzz.executor import Observation
from pytest_havip.fuzz.scribe import Scribe
from pytest_havip.fuzz.wire_machine import WireMachine
from pytest_havip.fuzz.world import World
from pytest_havip.history import Effect, Header
from pytest_havip.targets.base import Havip

__all__ = ["WireNotes"]


class WireNotes(Scribe):
    """Writes down what the machines of a story do, from its beginning on.

    Args:
        header: What the history is of.
        world: Where the story takes place.
        machines: By name.
        havips: Those that there are, by name; kept up to date by their owner.
        ranges: The machines in the drift range of each HAVIP that has one; the same.
    """

    def __init__(
        self,
        header: Header,
        world: World,
        machines: Mapping[str, WireMachine],
        havips: Mapping[str, Havip],
        ranges: Mapping[str, set[str]],
    ) -> None:
        super().__init__(header)
        self._world, self._machines, self._havips, self._ranges = world, machines, havips, ranges
        now = time_ns()
        for name, machine in machines.items():
            self.plugged(name, machine.nic, now, now)
        for havip in havips.values():
            self.created(havip, now, now)

    def batch(
        self,
        frames: Sequence[Action],
        seen: Sequence[Observation],
        fenced: tuple[int, int] | None,
        *,
        fault: WireFault = "",
        certainly: Effect = Effect.CERTAIN,
    ) -> None:
        """Write down what was sent, and that the network has handled it.

        Args:
            frames: What was sent, one after the other or in a race.
            seen: What is seen of each; one without times was never sent, for a cable lost it.
            fenced: From when to when it was waited for the network.
            fault: What the cables did.
            certainly: What the network has to make of a good announcement.
        """
        for action, observation in zip(frames, seen, strict=True):
            if isinstance(action, Announce) and observation.began:
                self._announcement(action, observation, certainly, fault)
            elif isinstance(action, DataProbe | WhoHas) and action.havip in self._havips:
                self.asked(action, observation, self._havips[action.havip], all_can_be_met=self._meets_all(action))
        if fenced is not None:
            self.handled(dict.fromkeys(action.machine for action in frames if isinstance(action, Frame)), *fenced)

    def _announcement(self, action: Announce, seen: Observation, certainly: Effect, fault: WireFault) -> None:
        where = self._machines[action.machine].subnet
        name = self._world.havip_at(action.address, where)
        if name is None or name not in self._havips:
            return
        is_shut_out = action.machine not in self._ranges.get(name, (action.machine,))
        is_good = not action.fault and not is_shut_out and self._world.havips[name].subnet == where
        effect = certainly if is_good else Effect.NONE
        self.announced(action, seen, self._havips[name], effect, copies=int(is_good and fault == "duplication"))

    def _meets_all(self, action: DataProbe | WhoHas) -> bool:
        """Whoever may own the HAVIP, the asker would meet it."""
        is_third = self._world.machines[action.machine].observes
        return is_third and not any(machine.cut or machine.silent for machine in self._machines.values())
