"""Doing and reading on a stage so that a history of it remains, which checkers can judge."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import time_ns

from pytest_havip.clients.announcer import Instance
from pytest_havip.history import (
    Announcement,
    Change,
    Created,
    Effect,
    Handled,
    Listing,
    Plugged,
    Reading,
    Recorder,
    View,
)
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.targets.base import Feature, Havip, Target

__all__ = ["Chronicle"]


@dataclass
class Chronicle:
    """Writes down what is sent and what is read, with the lab's times.

    Args:
        recorder: Takes the records.
        target: The network under test. Its control plane is for one thread at a time.
        observer: The third machine, which reads the data path.
        fence: By which announcements are known to be handled.
    """

    recorder: Recorder
    target: Target
    observer: Observer
    fence: Fence
    _listed: int = field(default=0, init=False)

    def opened(self, havip: Havip, machines: Sequence[Instance]) -> None:
        """Note a HAVIP that has just been created, nobody's yet, and the machines that will play for it."""
        now = time_ns()
        for machine in machines:
            nic = machine.nic
            place = (nic.subnet.vpc_id, nic.subnet.id, str(nic.address), nic.mac, machine.name)
            self.recorder.add(Plugged(now, now, nic.id, *place))
        self.recorder.add(Created(now, now, havip.id, havip.vpc_id, havip.subnet_id, str(havip.address)))

    def send(
        self,
        machine: Instance,
        havip: Havip,
        frame: bytes,
        effect: Effect = Effect.CERTAIN,
        *,
        begun: int | None = None,
    ) -> Announcement:
        """Send a frame about a HAVIP, from any thread, and note when; return the note.

        Args:
            machine: The sender.
            havip: The HAVIP.
            frame: The frame.
            effect: What the network has to make of it.
            begun: When the sending began, where that was before now (nanoseconds).
        """
        before = machine.send(frame)
        sent = Announcement(before if begun is None else begun, time_ns(), machine.nic.id, havip.id, effect)
        self.recorder.add(sent)
        return sent

    def handled(self, machine: Instance) -> None:
        """Wait until the network has handled what a machine sent, and note that; errors as of `Fence`."""
        begun = time_ns()
        self.fence(machine)
        self.recorder.add(Handled(begun, time_ns(), machine.nic.id))

    def read_data(self, havip: Havip, *, moving: bool = False) -> list[Instance]:
        """Send one packet to a HAVIP, and note whom it reached.

        Args:
            havip: The HAVIP.
            moving: It may be moving just now: that a packet reaches nobody then is no reading, it may have got lost.

        Raises:
            Inconclusive: The network carries nothing.
        """
        begun = time_ns()
        reached = self.observer.reached(havip.address)
        if reached or not moving:
            self._read(begun, havip, View.DATA, [machine.nic.id for machine in reached])
        return reached

    def read_api(self, havip: Havip) -> str:
        """Ask the control plane for the owner, and note the answer, with its stamp; return the NIC's id.

        Raises:
            AssertionError: It does not know the HAVIP.
        """
        begun = time_ns()
        state = self.target.havip_state(havip)
        assert state is not None, f"the control plane does not know {havip.id}"
        self._read(begun, havip, View.API, [state.nic_id] if state.nic_id else [], state.flushed)
        return state.nic_id

    def read_neighbours(self, havip: Havip) -> None:
        """Note whom the observer's neighbour table would name, if any NIC of the play has that MAC address."""
        begun = time_ns()
        mac = self.observer.belief(havip.address)
        owners = [machine.nic.id for machine in self.observer.cast if machine.mac == mac]
        if owners:
            self._read(begun, havip, View.NEIGHBOURS, owners)

    def list_changes(self) -> None:
        """Note the binding changes that are new in the network's list, if it has one."""
        if Feature.EVENTS not in self.target.features:
            return
        begun = time_ns()
        new = [event for event in self.target.events() if event.sequence > self._listed]
        self._listed = max((event.sequence for event in new), default=self._listed)
        changes = (
            Change(event.sequence, event.havip_id, event.old_nic_id, event.new_nic_id, event.cause) for event in new
        )
        self.recorder.add(Listing(begun, time_ns(), tuple(changes)))

    def _read(self, begun: int, havip: Havip, view: View, owners: list[str], stamp: str = "") -> None:
        by = self.observer.instance.name
        self.recorder.add(Reading(begun, time_ns(), havip.id, view, tuple(owners), by, stamp))
