"""What a network's control plane says of HAVIPs, in the names of a story."""

from collections.abc import Mapping

from pytest_havip.fuzz.executor import View
from pytest_havip.targets.base import BindingEvent, Feature, Havip, Target

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
        self._read_events()
        del self._events[:-1]

    def of(self, havip: Havip, by_mac: Mapping[bytes, str], heard: bytes | None) -> View | None:
        """What can be read about a HAVIP, `None` if it is not known.

        Args:
            havip: The HAVIP.
            by_mac: The machines by their MAC addresses.
            heard: Whose announcement of its address the observer heard last.
        """
        state = self._target.havip_state(havip)
        if state is None:
            return None
        return View(
            exists=True,
            owner=self.names.get(state.nic_id, state.nic_id) if state.bound else None,
            flushed=state.flushed,
            changes=self._changes(havip),
            belief=None if heard is None else by_mac.get(heard, heard.hex(":")),
        )

    def _changes(self, havip: Havip) -> tuple[tuple[str | None, str | None], ...] | None:
        if Feature.EVENTS not in self._target.features:
            return None
        self._read_events()
        return tuple(
            (self.names.get(event.old_nic_id), self.names.get(event.new_nic_id))
            for event in self._events
            if event.havip_id == havip.id
        )

    def _read_events(self) -> None:
        if Feature.EVENTS in self._target.features:
            self._events += self._target.events(after=self._events[-1].sequence if self._events else 0)
