"""What a network's control plane says of HAVIPs, in the names of a story."""

from collections.abc import Sequence

from pytest_havip.fuzz.executor import View
from pytest_havip.targets.base import BindingEvent, Feature, Havip, HavipState, Target

__all__ = ["WireViews"]


class WireViews:
    """Asks the control plane.

    Args:
        target: The network under test.

    Attributes:
        names: The machines by the ids of all NICs that they ever had.
    """

    def __init__(self, target: Target) -> None:
        self.names: dict[str, str] = {}
        self._target = target
        self._events: list[BindingEvent] = []

    def reset(self) -> None:
        """Forget the events so far."""
        self.read_events()
        del self._events[:-1]

    def of(self, state: HavipState, belief: str | None) -> View:
        """What the control plane says of a HAVIP, once the events are read.

        Args:
            state: Its answer.
            belief: Whose announcement of its address the observer heard last.
        """
        return View(
            exists=True,
            owner=self.names.get(state.nic_id, state.nic_id) if state.bound else None,
            flushed=state.flushed,
            changes=self._changes(state.havip),
            belief=belief,
        )

    def _changes(self, havip: Havip) -> tuple[tuple[str | None, str | None], ...] | None:
        if Feature.EVENTS not in self._target.features:
            return None
        return tuple(
            (self.names.get(event.old_nic_id), self.names.get(event.new_nic_id))
            for event in self._events
            if event.havip_id == havip.id
        )

    def read_events(self) -> Sequence[BindingEvent]:
        """Take in the binding changes that are new, and return those."""
        if Feature.EVENTS not in self._target.features:
            return ()
        new = self._target.events(after=self._events[-1].sequence if self._events else 0)
        self._events += new
        return new
