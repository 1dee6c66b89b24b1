"""Writes down what is done and seen on a wire, as a history that checkers can judge again (`pytest_havip.history`)."""

from collections.abc import Iterable, Sequence
from io import StringIO

from pytest_havip.fuzz.actions import Action, Announce, DataProbe, WhoHas
from pytest_havip.fuzz.executor import Observation
from pytest_havip.history import (
    Announcement,
    Change,
    Created,
    Effect,
    Fault,
    Handled,
    Header,
    Listing,
    Plugged,
    Reading,
    Record,
    Recorder,
    Released,
    Unplugged,
    View,
)
from pytest_havip.targets.base import BindingEvent, Havip, HavipState, Nic

__all__ = ["Scribe"]


class Scribe:
    """The history of one story.

    What was seen of a batch of frames may come late; so it is written down when the next batch begins, or the story
    ends. That nobody was met is a reading only where nobody is who could not be met: a dead machine, or the asker.

    Args:
        header: What the history is of.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self._records: list[Record] = []
        self._sent: list[tuple[DataProbe | WhoHas, Observation, str, bool]] = []
        self._nics: dict[str, str] = {}
        self._told: dict[str, bool] = {}
        self._untold: dict[str, int] = {}

    @property
    def records(self) -> Sequence[Record]:
        """All that was written down so far."""
        self.catch_up()
        return self._records

    def text(self) -> str:
        """The history as a file of JSON lines."""
        sink = StringIO(newline="")
        recorder = Recorder(self.header, sink)
        for record in self.records:
            recorder.add(record)
        recorder.close()
        return sink.getvalue()

    def plugged(self, name: str, nic: Nic, began: int, ended: int) -> None:
        """A machine's NIC came into a subnet."""
        self.catch_up()
        self._nics[name] = nic.id
        place = nic.subnet.vpc_id, nic.subnet.id, str(nic.address), nic.mac
        self._records.append(Plugged(began, ended, nic.id, *place, name))

    def unplugged(self, nic: Nic, began: int, ended: int) -> None:
        """A NIC was detached."""
        self.catch_up()
        self._records.append(Unplugged(began, ended, nic.id))

    def created(self, havip: Havip, began: int, ended: int) -> None:
        """A HAVIP was created."""
        self._told[havip.id] = False
        place = havip.id, havip.vpc_id, havip.subnet_id, str(havip.address)
        self._records.append(Created(began, ended, *place))

    def released(self, havip: Havip, began: int, ended: int, *, against: Nic | None) -> None:
        """A HAVIP was released, maybe while a NIC announced it again and again."""
        self.catch_up()
        if against is not None:
            possible = Announcement(began, ended, against.id, havip.id, Effect.POSSIBLE, "again and again")
            self._records.append(possible)
        self._records.append(Released(began, ended, havip.id))

    def fault(self, action: Action, nic: Nic | None, began: int, ended: int) -> None:
        """Something was done to a machine, or to the network."""
        self._records.append(Fault(began, ended, action.name, nic.id if nic is not None else ""))

    def announced(self, action: Announce, seen: Observation, havip: Havip, effect: Effect, *, copies: int = 0) -> None:
        """A frame about a HAVIP was sent, and so many copies of it."""
        form = " ".join(filter(None, (action.operation, action.fault, action.to and f"to {action.to}")))
        nic = self._nics[action.machine]
        self._records.append(Announcement(seen.began, seen.ended, nic, havip.id, effect, form))
        copy = Announcement(seen.began, seen.ended, nic, havip.id, Effect.POSSIBLE, "a copy")
        self._records.extend([copy] * copies)
        if effect is not Effect.NONE:
            # Of announcements at once any may be the last: only a later one may tell everybody for certain.
            is_last = effect is Effect.CERTAIN and seen.began > self._untold.get(havip.id, 0)
            self._told[havip.id] = not action.to and (is_last or self._told[havip.id])
            if action.to:
                self._untold[havip.id] = seen.ended

    def asked(self, action: DataProbe | WhoHas, seen: Observation, havip: Havip, *, all_can_be_met: bool) -> None:
        """Somebody asked who owns a HAVIP; what is seen of it may still come."""
        self._sent.append((action, seen, havip.id, all_can_be_met))

    def handled(self, machines: Iterable[str], began: int, ended: int) -> None:
        """The network has handled all that these machines had sent before that."""
        self._records += [Handled(began, ended, self._nics[name]) for name in machines]

    def looked(self, state: HavipState, belief: str | None, observer: str, began: int, ended: int) -> None:
        """The control plane named an owner, and an observer's ARP table would name a machine."""
        owner = (state.nic_id,) if state.bound else ()
        self._records.append(Reading(began, ended, state.havip.id, View.API, owner, observer, state.flushed))
        if belief in self._nics and state.bound and self._told[state.havip.id]:
            nics = (self._nics[belief],)
            self._records.append(Reading(began, ended, state.havip.id, View.NEIGHBOURS, nics, observer))

    def listed(self, events: Sequence[BindingEvent], began: int, ended: int) -> None:
        """The network listed its binding changes, all that are new; those of other stories' HAVIPs are left out."""
        changes = (
            Change(event.sequence, event.havip_id, event.old_nic_id, event.new_nic_id, event.cause)
            for event in events
            if event.havip_id in self._told
        )
        self._records.append(Listing(began, ended, tuple(changes)))

    def catch_up(self) -> None:
        """Write down what was seen of the questions so far."""
        for action, seen, havip, all_can_be_met in self._sent:
            is_question = isinstance(action, WhoHas)
            met, times = (seen.answers, seen.answered_at) if is_question else (seen.reached, seen.reached_at)
            if met or all_can_be_met:
                view = View.WHO_HAS if is_question else View.DATA
                owners = tuple(dict.fromkeys(self._nics.get(name, name) for name in met))
                ended = max((*times, seen.ended))
                self._records.append(Reading(seen.began, ended, havip, view, owners, action.machine))
        self._sent.clear()
