"""Faults between a decision and its effect: the kernel is told wrongly, or the subnet is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from time import sleep

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.core import Binding, Change, Decision, Havip, Moved, Network, Resend
from pytest_havip.network.dataplane import elements, ruleset
from pytest_havip.network.dataplane.commit import DataPlane
from pytest_havip.network.events import Event, EventLog
from pytest_havip.network.service import Service, _Batch

__all__ = ["MUTANTS"]

_BROADCAST = b"\xff" * 6
_OPERATION, _SENDER = slice(20, 22), slice(28, 32)
_REQUEST = b"\x00\x01"
#: Seconds for which nobody owns a HAVIP, and how often in a second at most where refreshes do that.
_GAP, _GAPS_A_SECOND = 0.005, 20


def _releases_stay_in_force() -> None:
    """Tell the kernel of a release only when the address is given out again."""
    commands = ruleset.commands
    released: dict[object, Havip] = {}

    def late_commands(changes: Sequence[Change]) -> list[str]:
        told = []
        for change in changes:
            match change:
                case Change(before=Havip() as gone, after=None):
                    released[gone.vpc_id, gone.address] = gone
                case Change(before=None, after=Havip() as new):
                    told.append(Change(released.pop((new.vpc_id, new.address), None), new))
                case _:
                    told.append(change)
        return commands(told)

    put(ruleset, "commands", late_commands)


def _first_owner_for_ever() -> None:
    """Tell the kernel of a HAVIP's first owner only."""
    of_havip = elements._of_havip  # noqa: SLF001 - the mutant's operation
    first: dict[str, Binding] = {}

    def stale(havip: Havip) -> frozenset[elements.Element]:
        binding = havip.binding and first.setdefault(havip.id, havip.binding)
        return of_havip(replace(havip, binding=binding))

    put(elements, "_of_havip", stale)


def _broadcast_everything() -> None:
    resend = Service._resend  # noqa: SLF001 - the mutant's operation

    def shout(self: Service, effect: Resend) -> None:
        resend(self, Resend(effect.subnet_id, _BROADCAST + effect.frame[6:], effect.nic_id))

    put(Service, "_resend", shout)


def _announce_everywhere() -> None:
    resend = Service._resend  # noqa: SLF001 - the mutant's operation

    def tell_all(self: Service, effect: Resend) -> None:
        vpc_id = self.network.subnets[effect.subnet_id].vpc_id
        for subnet in self.network.subnets.values():
            if subnet.vpc_id == vpc_id:
                resend(self, Resend(subnet.id, effect.frame, effect.nic_id))

    put(Service, "_resend", tell_all)


def _replies_refresh_silently() -> None:
    """Tell the neighbours nothing of a refresh that is a reply."""

    def receive_silently(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        if frame[_OPERATION] == _REQUEST or any(isinstance(effect, Moved) for effect in decision.effects):
            return decision
        return Decision(decision.verdict, tuple(each for each in decision.effects if not isinstance(each, Resend)))

    receive = put(Network, "receive", receive_silently)


def _old_news() -> None:
    """Send the former owner's last announcement once more, behind the reply that took the HAVIP from it."""
    last: dict[tuple[bytes, str | None], Resend] = {}

    def receive_and_remember(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        old = [effect.old_nic_id for effect in decision.effects if isinstance(effect, Moved)]
        is_reply = frame[_OPERATION] != _REQUEST
        news = (last[frame[_SENDER], nic] for nic in old if is_reply and (frame[_SENDER], nic) in last)
        effects = (*decision.effects, *news)
        for resend in (effect for effect in decision.effects if isinstance(effect, Resend)):
            last[frame[_SENDER], nic_id] = resend
        return Decision(decision.verdict, effects)

    receive = put(Network, "receive", receive_and_remember)


def _changes_in_a_row_are_one() -> None:
    """List changes of a HAVIP as one, from the first owner to the last, when no other's change is between them."""

    def extend(self: EventLog, events: Sequence[Event]) -> None:
        for event in events:
            last = self._events[-1] if self._events else None
            if last is not None and last.havip_id == event.havip_id:
                self._events[-1] = replace(event, old_nic_id=last.old_nic_id)
            else:
                extend_rightly(self, [event])

    extend_rightly = put(EventLog, "extend", extend)


def _moves_have_a_gap() -> None:
    """Take a HAVIP from the one owner in one transaction, and give it to the other in a second one."""

    def commit_moves(self: DataPlane, vpc_id: str, changes: Sequence[Change]) -> None:
        for change in changes:
            before, after = change.before, change.after
            assert isinstance(before, Havip)
            assert isinstance(after, Havip)
            unbound = replace(before, binding=None)
            if before.binding is not None and after.binding is not None:
                commit(self, vpc_id, (Change(before, unbound),))
                sleep(_GAP)
                commit(self, vpc_id, (Change(unbound, after),))
            else:
                commit(self, vpc_id, (change,))

    commit = put(DataPlane, "commit_moves", commit_moves)


def _refreshes_have_a_gap() -> None:
    """Take a HAVIP from its owner, when that refreshes, and give it back; now and then, but not at a flood's pace."""
    gaps: Counter[tuple[str, int]] = Counter()

    def decide_with_gap(self: Service, frame: bytes, nic_id: str, batch: _Batch) -> None:
        decide(self, frame, nic_id, batch)
        self._flush(batch)
        second = int(self.now())
        for havip in self.network.havips.values():
            is_refresh = frame[_SENDER] == havip.address.packed and havip.announced != havip.flushed
            if havip.vpc_id == batch.vpc_id and is_refresh and gaps[havip.id, second] < _GAPS_A_SECOND:
                gaps[havip.id, second] += 1
                unbound = replace(havip, binding=None)
                self.plane.commit_moves(batch.vpc_id, (Change(havip, unbound),))
                sleep(_GAP)
                self.plane.commit_moves(batch.vpc_id, (Change(unbound, havip),))

    decide = put(Service, "_decide", decide_with_gap)


MUTANTS = (
    Mutant(
        "replies-refresh-silently",
        "An owner's refresh by an ARP reply reaches no neighbour.",
        frozenset({"HAVIP-BIND-011", "HAVIP-BIND-012"}),
        _replies_refresh_silently,
    ),
    Mutant(
        "old-news",
        "When a reply takes a HAVIP, the neighbours hear of the former owner once more, and last.",
        frozenset({"HAVIP-BIND-012", "HAVIP-ORDER-004"}),
        _old_news,
    ),
    Mutant(
        "changes-in-a-row-are-one",
        "Changes of one HAVIP are listed as one when no change of another is between them.",
        frozenset({"HAVIP-API-003", "HAVIP-BIND-018", "HAVIP-ORDER-005"}),
        _changes_in_a_row_are_one,
    ),
    Mutant(
        "moves-have-a-gap",
        "A HAVIP that moves belongs to nobody for some milliseconds.",
        frozenset({"HAVIP-ORDER-008"}),
        _moves_have_a_gap,
    ),
    Mutant(
        "refreshes-have-a-gap",
        "A HAVIP that its owner refreshes belongs to nobody for some milliseconds.",
        frozenset({"HAVIP-BIND-020", "HAVIP-ORDER-008"}),
        _refreshes_have_a_gap,
    ),
    Mutant(
        "stale-data-path",
        "The API moves a bound HAVIP, the data path does not.",
        frozenset(
            {
                "HAVIP-BIND-003",
                "HAVIP-BIND-008",
                "HAVIP-BIND-009",
                "HAVIP-BIND-010",
                "HAVIP-BIND-011",
                "HAVIP-BIND-015",
                "HAVIP-BIND-016",
                "HAVIP-BIND-017",
                "HAVIP-BIND-019",
                "HAVIP-BIND-022",
                "HAVIP-BIND-023",
                "HAVIP-BIND-024",
                "HAVIP-DUR-005",
                "HAVIP-DUR-006",
                "HAVIP-MOVE-001",
                "HAVIP-MOVE-002",
                "HAVIP-MOVE-003",
                "HAVIP-MOVE-007",
                "HAVIP-MOVE-009",
                "HAVIP-MOVE-010",
                "HAVIP-MOVE-011",
                "HAVIP-MOVE-012",
                "HAVIP-NIC-001",
                "HAVIP-NIC-003",
                "HAVIP-ORDER-001",
                "HAVIP-ORDER-003",
                "HAVIP-ORDER-006",
                "HAVIP-ORDER-007",
                "HAVIP-ORDER-009",
                "HAVIP-ORDER-050",
                "HAVIP-ORDER-051",
                "HAVIP-RANGE-002",
                "HAVIP-RANGE-004",
                "HAVIP-SPOOF-024",
            }
        ),
        _first_owner_for_ever,
    ),
    Mutant(
        "release-in-the-api-alone",
        "A release is not carried out in the data path.",
        frozenset({"HAVIP-RELEASE-001", "HAVIP-RELEASE-006", "HAVIP-RELEASE-007"}),
        _releases_stay_in_force,
    ),
    Mutant(
        "unicast-is-broadcast",
        "An announcement for one machine is re-sent to everyone.",
        frozenset({"HAVIP-BIND-011"}),
        _broadcast_everything,
    ),
    Mutant(
        "announcements-go-everywhere",
        "An announcement is re-sent into all subnets of the VPC.",
        frozenset({"HAVIP-SCOPE-006"}),
        _announce_everywhere,
    ),
)
