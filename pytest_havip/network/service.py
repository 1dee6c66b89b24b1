"""The reference network at work: core, kernel and log tied together in one thread."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from pytest_havip.network.activity import Activity, ActivityLog
from pytest_havip.network.core import Action, Change, Effect, Havip, Moved, Network, Record, Resend, Vpc
from pytest_havip.network.dataplane.commit import DataPlane
from pytest_havip.network.dataplane.counters import Rejection, RejectionKey, read_rejections
from pytest_havip.network.dataplane.punt import Punted
from pytest_havip.network.dataplane.remover import Remover
from pytest_havip.network.dhcp import Dhcp
from pytest_havip.network.events import Event, EventLog
from pytest_havip.network.journal import Journal
from pytest_havip.network.keeper import Keeping
from pytest_havip.network.requests import RequestLog
from pytest_havip.network.store import Entry, Store, Stored, StoreError
from pytest_havip.network.terms import Terms

__all__ = ["Service"]

# Frames handled before the loop gets a turn for the API; a burst of 200 HAVIPs x 5 takes four turns.
_TURN: Final = 256
# Moves in one transaction at most: it takes 2 ms then, and the kernel's buffer holds what arrives meanwhile.
_TRANSACTION: Final = 64
# What stands in the queues when an API call arrives was sent before it; under a flood somebody has to stop.
_SETTLE: Final = 4096
# Of an ARP packet behind its Ethernet header.
_SENDER_ADDRESS: Final = slice(28, 32)


@dataclass(slots=True)
class _Batch:
    """Announcements of one VPC that are decided, and not yet committed: those before number `end` of its inbox."""

    vpc_id: str
    end: int = 0
    changes: dict[str, Change] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    seen: list[Activity] = field(default_factory=list)
    resends: list[Resend] = field(default_factory=list)
    rejections: dict[RejectionKey, int] = field(default_factory=dict)


class Service:
    """Owns the network's state and its data plane; every method belongs to the loop's thread.

    Args:
        network: the rules, and what was stored.
        stored: what else was stored.
        store: where things last.
        keeper: who holds what must outlive the process.
        loop: the loop.

    Attributes:
        network: the rules and the state.
        plane: the kernel's part.
        dhcp: who answers hosts that ask for their address.
        events: what happened to bindings.
        activity: what goes on, for whoever follows it.
        requests: what later requests may refer to.
        terms: what the account may have.
        failure: fails with the error that ends the service; nothing else ever settles it.
    """

    __slots__ = (
        "_decided",
        "_journal",
        "_loop",
        "_overflows",
        "_stored_terms",
        "activity",
        "dhcp",
        "events",
        "failure",
        "network",
        "plane",
        "requests",
        "terms",
    )

    def __init__(
        self, network: Network, stored: Stored, store: Store, keeper: Keeping, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._loop = loop
        self._decided = Counter(stored.rejections)
        self._overflows: Counter[str] = Counter()
        self.network = network
        self.terms = stored.terms or Terms(network.profile.havip_quota)
        self._stored_terms = self.terms
        network.admitted = self.terms.admitted
        self.events = EventLog(stored.events, stored.last_event)
        self.activity = ActivityLog(stored.events)
        self.requests = RequestLog(stored.notes)
        self.failure: asyncio.Future[None] = loop.create_future()
        self._journal = Journal(store, self.events, loop)
        self.plane = DataPlane(Remover(self._fail_from_thread), keeper, network.profile)
        self.dhcp = Dhcp(network, self.plane.fabrics, loop)

    @staticmethod
    def now() -> float:
        """Return the time that state changes carry, in epoch seconds."""
        return time.time()

    def fail(self, error: BaseException) -> None:
        """End the service: core and kernel may disagree, and a wrong network is worse than none."""
        if not self.failure.done():
            self.failure.set_exception(error)

    def _fail_from_thread(self, error: BaseException) -> None:
        self._loop.call_soon_threadsafe(self.fail, error)

    def create_vpc(self, name: str, cidr: IPv4Network) -> Vpc:
        """Make a VPC under the quota that is in force; errors as in `Network.create_vpc`."""
        vpc = self.network.create_vpc(name, cidr, now=self.now())
        return self.network.set_havip_quota(vpc.id, self.terms.havip_quota)

    def set_terms(self, terms: Terms) -> None:
        """Grant the account more or less; the quota is that of every VPC, those to come included."""
        for vpc_id in tuple(self.network.vpcs):
            self.network.set_havip_quota(vpc_id, terms.havip_quota)
        self.network.admitted = terms.admitted
        self.terms = terms

    def apply(self) -> None:
        """Carry out what the API has changed in the core: write it down, commit, watch the queues of new VPCs.

        Raises:
            StoreError: it could not be written down; nothing has changed.
        """
        effects, notes = self.network.take_effects(), self.requests.take_new()
        entry = _entry(effects)
        entry.notes += notes
        if self.terms != self._stored_terms:
            entry.terms = self.terms
        if not entry:
            return
        try:
            self._journal.promise(entry)
        except StoreError:
            self.network.undo(effects)
            self.requests.undo(notes)
            self.terms = self._stored_terms
            self.network.admitted = self.terms.admitted
            raise
        self._stored_terms = self.terms
        for effect in effects:
            if isinstance(effect, Change) and isinstance(effect.before, Vpc) and effect.after is None:
                self._loop.remove_reader(self.plane.fabrics[effect.before.id].punt.fileno())
        self.plane.commit(effects)
        for effect in effects:
            if isinstance(effect, Change) and effect.before is None and isinstance(effect.after, Vpc):
                self._watch(effect.after.id)
        self.dhcp.follow(effects)
        self._tell(entry.events)

    def _tell(self, events: Sequence[Event]) -> None:
        if events:
            self.activity.extend(Activity.of_event(event) for event in events)

    def _watch(self, vpc_id: str) -> None:
        self._loop.add_reader(self.plane.fabrics[vpc_id].punt.fileno(), self._take_turn, vpc_id)

    def take_over(self, vpc_id: str) -> None:
        """Follow a data plane that was adopted, with what its service had not finished when it was killed.

        Every frame that the guard punted is in the queue or in the inbox. Those of the one transaction that may have
        been under way are finished if the kernel has it, and decided anew if not.
        """
        fabric = self.plane.fabrics[vpc_id]
        accepted = [
            (punted, nic_id)
            for punted in fabric.punt.decided()
            if (nic_id := fabric.ports.nic_of(punted.interface)) is not None
            and self.network.verdict(punted.frame, nic_id).action is Action.PUNT
        ]
        if self._is_committed(vpc_id, accepted):
            for punted, nic_id in accepted:
                self._resend(Resend(self.network.nics[nic_id].subnet_id, punted.frame, nic_id))
            fabric.punt.inbox.finish(fabric.punt.inbox.position)
        else:
            fabric.punt.inbox.go_back()
        self._watch(vpc_id)
        self.dhcp.open(vpc_id)
        self._loop.call_soon(self._take_turn, vpc_id)

    def _is_committed(self, vpc_id: str, accepted: list[tuple[Punted, str]]) -> bool:
        """Say whether every HAVIP is owned by the NIC that announced it last."""
        last = {IPv4Address(punted.frame[_SENDER_ADDRESS]): nic_id for punted, nic_id in accepted}
        owners = {
            havip.address: havip.binding.nic_id
            for havip in self.network.havips.values()
            if havip.vpc_id == vpc_id and havip.binding is not None
        }
        return all(owners.get(address) == nic_id for address, nic_id in last.items())

    def follow(self, effects: Sequence[Effect]) -> None:
        """Write down what was found to have happened."""
        entry = _entry(effects)
        self._journal.note(entry)
        self._tell(entry.events)

    def settle(self) -> None:
        """Handle the announcements that arrived before now, so that an API call sees what was sent before it."""
        for vpc_id in tuple(self.plane.fabrics):
            self._handle(vpc_id, _SETTLE)

    def rejections(self) -> list[Rejection]:
        """Return what was turned away, by the guard and by the core, in no particular order."""
        total = Counter(self._decided)
        for fabric in self.plane.fabrics.values():
            total.update(read_rejections(fabric.nft))
        return [Rejection(*key, count) for key, count in total.items()]

    def note_rejections(self) -> None:
        """Look what was turned away since the last look, and tell those who follow the activity."""
        vpcs = {nic.id: nic.vpc_id for nic in self.network.nics.values()}
        self.activity.note_rejections(self.rejections(), vpcs, self.now())

    def close(self) -> None:
        """Let go of everything in the kernel."""
        for fabric in self.plane.fabrics.values():
            self._loop.remove_reader(fabric.punt.fileno())
        self.activity.close()
        self.dhcp.close()
        self._journal.close()
        self.plane.close()

    def _take_turn(self, vpc_id: str) -> None:
        try:
            if self._handle(vpc_id, _TURN):
                self._loop.call_soon(self._take_turn, vpc_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the service
            self.fail(error)

    def _handle(self, vpc_id: str, budget: int) -> bool:
        """Decide a VPC's waiting announcements in arrival order; say whether the budget ran out before they did."""
        fabric = self.plane.fabrics.get(vpc_id)
        if fabric is None:
            return False
        batch = _Batch(vpc_id)
        more = True
        for _ in range(budget):
            punted = fabric.punt.next()
            if punted is None:
                more = False
                break
            nic_id = fabric.ports.nic_of(punted.interface)
            if nic_id is not None:  # else it was unplugged meanwhile, and its frame goes with it
                self._decide(punted.frame, nic_id, batch)
            batch.end = fabric.punt.inbox.position
        batch.end = fabric.punt.inbox.position
        self._flush(batch)
        if fabric.punt.overflows != self._overflows[vpc_id]:
            self._overflows[vpc_id] = fabric.punt.overflows
            self._log_loss(vpc_id, "", "OVERFLOW")
        return more

    def _decide(self, frame: bytes, nic_id: str, batch: _Batch) -> None:
        decision = self.network.receive(frame, nic_id, now=self.now())
        for effect in decision.effects:
            if isinstance(effect, Change):
                self._note_change(effect, batch)
            elif isinstance(effect, Moved):
                event = Event.of_move(effect)
                batch.told.append(event)
                batch.seen.append(Activity.of_event(event))
            else:
                batch.resends.append(effect)
        reason = decision.verdict.reason
        if reason is not None:
            key = nic_id, IPv4Address(frame[_SENDER_ADDRESS]), reason.value
            self._decided[key] += 1
            batch.rejections[key] = self._decided[key]

    def _note_change(self, change: Change, batch: _Batch) -> None:
        """Put a change of an owner into the batch; a refresh changes nothing in the kernel."""
        before, after = change.before, change.after
        assert isinstance(before, Havip)
        assert isinstance(after, Havip)
        if before.binding is after.binding:
            batch.seen.append(Activity.of_refresh(after))
            return
        # A HAVIP moves once in a transaction, so that every owner was in force.
        if after.id in batch.changes or len(batch.changes) >= _TRANSACTION:
            self._flush(batch)
        batch.changes[after.id] = change

    def _flush(self, batch: _Batch) -> None:
        """Commit what is decided, let the subnet know, then write it down."""
        inbox = self.plane.fabrics[batch.vpc_id].punt.inbox
        entry = Entry({key: change.after for key, change in batch.changes.items()}, batch.told, [], batch.rejections)
        if batch.changes:
            inbox.decide(batch.end)
            self.plane.commit_moves(batch.vpc_id, tuple(batch.changes.values()))
            batch.changes.clear()
        if batch.resends:
            for resend in batch.resends:
                self._resend(resend)
            batch.resends.clear()
        if entry:
            self._journal.note(entry)
            batch.told, batch.rejections = [], {}
        if batch.seen:
            self.activity.extend(batch.seen)
            batch.seen.clear()
        inbox.finish(batch.end)

    def _resend(self, resend: Resend) -> None:
        vpc_id = self.network.subnets[resend.subnet_id].vpc_id
        try:
            self.plane.fabrics[vpc_id].resend(resend.subnet_id, resend.frame)
        except OSError:  # no memory for it now; the mapping holds, and the owner announces again
            self._log_loss(vpc_id, resend.nic_id, "NOT_RESENT")

    def _log_loss(self, vpc_id: str, nic_id: str, cause: str) -> None:
        event = Event.of_loss(vpc_id, nic_id, cause, self.now())
        self._journal.note(Entry(events=[event]))
        self._tell([event])


def _entry(effects: Sequence[Effect]) -> Entry:
    """What is to be written of effects: each record as it is after all of them, and what is told."""
    records: dict[str, Record | None] = {}
    events: list[Event] = []
    for effect in effects:
        if isinstance(effect, Moved):
            events.append(Event.of_move(effect))
        elif isinstance(effect, Change):
            record = effect.after if effect.after is not None else effect.before
            assert record is not None
            records[record.id] = effect.after
    return Entry(records, events)
