"""The checker of the network's list of binding changes: exactly one for every change, in the order of the changes."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_havip.history.judgement import Finding, Judgement, Outcome, summed_up
from pytest_havip.history.order import Applied, Order, TooMany, add, is_applied
from pytest_havip.history.records import Change, Listing, Record
from pytest_havip.history.register import MOST
from pytest_havip.history.timeline import Lifetime, Timeline

__all__ = ["ChangesChecker"]

#: Changes that are shown before the one that is wrong.
_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class _Listed:
    """A change, and when the listing ended in which it stood."""

    change: Change
    by: int


class ChangesChecker:
    """Every change of an owner is listed once: none lost, none doubled, in order, each beginning where the last ended.

    The list must come from some order of the announcements that their times allow: each listed change is the next
    announcement by another than the owner, and refreshes by the owner are no changes. What had been handled before the
    last listing must be in it.
    """

    name = "changes"
    asks = "every binding change is listed exactly once, in order"

    def __init__(self, settle: float | None = None, most: int = MOST) -> None:
        self._timeline = Timeline(settle)
        self._most = most
        self._listings: list[Listing] = []

    def take(self, record: Record) -> None:
        """Note what matters of a record."""
        if isinstance(record, Listing):
            self._listings.append(record)
        else:
            self._timeline.take(record)

    def judge(self) -> Judgement:
        """Judge the numbers of all changes, then HAVIP by HAVIP."""
        if not self._listings:
            return summed_up(self.name, 0, [])
        self._listings.sort(key=lambda listing: listing.begun)
        listed: dict[str, list[_Listed]] = defaultdict(list)
        findings, last, judged = [], None, 0
        for listing in self._listings:
            for change in listing.changes:
                judged += 1
                if last is not None and change.sequence <= last.sequence:
                    findings.append(Finding(f"number {change.sequence} is listed after number {last.sequence}"))
                last = change
                listed[change.havip].append(_Listed(change, listing.ended))
        for lifetime in self._timeline.lifetimes.values():
            if lifetime.created is not None or lifetime.announcements:
                findings += self._of_havip(lifetime, listed[lifetime.havip])
        return summed_up(self.name, max(judged, 1), findings)

    def _of_havip(self, lifetime: Lifetime, listed: Sequence[_Listed]) -> Iterator[Finding]:
        """Each change must begin where the last one ended, and have a cause."""
        owner = "" if lifetime.created is not None or not listed else listed[0].change.old
        gone = False
        for number, (change, by) in enumerate((each.change, each.by) for each in listed):
            problem = ""
            if gone:
                problem = "follows the release"
            elif change.old == change.new:
                problem = "is none: the owner stays"
            elif change.old != owner:
                problem = f"does not begin with {self._timeline.name(owner)}, the owner then"
            elif not change.new and not self._detached(change.old, by):
                gone = lifetime.released is not None and lifetime.released.begun <= by
                problem = "" if gone else "has no cause: nothing was detached or released"
            if problem:
                yield self._finding(listed, number, problem)
                return
            owner = change.new
        try:
            yield from self._orders(lifetime, listed)
        except TooMany as bound:
            yield Finding(f"{lifetime.havip}: too many overlapping: {bound}", Outcome.INCONCLUSIVE)

    def _detached(self, nic: str, by: int) -> bool:
        return any(begun <= by for begun, _ in self._timeline.unplugged.get(nic, ()))

    def _orders(self, lifetime: Lifetime, listed: Sequence[_Listed]) -> Iterator[Finding]:
        """Look for an order of the announcements that makes just these changes."""
        order = Order(self._timeline.writes(lifetime))
        possible: set[Applied] = {(0, frozenset())}
        for number, each in enumerate(listed):
            step = _moves if each.change.new else _losses
            possible = {after for before in possible for after in step(order, before, each, self._most)}
            if not possible:
                yield self._finding(listed, number, "fits no order of the announcements")
                return
            if len(possible) > self._most:
                raise TooMany(f"more than {self._most} orders of announcements make the changes up to {each.by} ns")
        owner = listed[-1].change.new if listed else "" if lifetime.created is not None else None
        missing = [_unlisted(order, applied, owner, self._listings[-1].begun) for applied in possible]
        if all(missing):
            name = self._timeline.name(missing[0])
            witness = f"{self._drawn(listed)}\n  and none to {name}, whose announcement had been handled"
            yield Finding(f"{lifetime.havip}: a move to {name} is not listed", witness=witness)

    def _finding(self, listed: Sequence[_Listed], number: int, problem: str) -> Finding:
        change = listed[number].change
        return Finding(
            f"{change.havip}: change {change.sequence} {problem}", witness=self._drawn(listed[: number + 1]) + "   <--"
        )

    def _drawn(self, listed: Sequence[_Listed]) -> str:
        name = self._timeline.name
        return "\n".join(
            f"  {each.change.sequence}: {each.change.havip} from {name(each.change.old)} to {name(each.change.new)}"
            + (f" ({each.change.cause})" if each.change.cause else "")
            for each in listed[-_SHOWN:]
        )


def _moves(order: Order, applied: Applied, listed: _Listed, most: int) -> Iterator[Applied]:
    """What may have been applied after a move: an announcement by the new owner, and before it refreshes by the old."""
    old, new = listed.change.old, listed.change.new
    entered = bisect_right(order.begun, listed.by)
    for number in order.firsts(new, applied, entered):
        before = order.before(number, applied)
        if _are_refreshes(order, before, old):
            beside = [
                each
                for each in order.of_nic.get(old, ())
                if each < entered
                and not is_applied(each, applied)
                and order.begun[number] <= order.ended[each]
                and order.begun[each] <= order.ended[number]
            ]
            for chosen in _choices(order, beside, most):
                also = {*before, *(earlier for each in chosen for earlier in order.before(each, applied)), *chosen}
                if _are_refreshes(order, also, old):
                    yield add(applied, [*also, number])


def _losses(order: Order, applied: Applied, listed: _Listed, most: int) -> Iterator[Applied]:
    """What may have been applied when an owner was taken away: its refreshes before that, too."""
    del most
    numbers = order.of_nic.get(listed.change.old, ())
    # A list that came late may tell of several losses: what the NIC announced when it was back belongs to a later one.
    deaths = [order.writes[each].dies for each in numbers if is_applied(each, applied)]
    refreshes = [
        each
        for each in numbers
        if not is_applied(each, applied)
        and order.writes[each].certain
        and (dies := order.writes[each].dies) is not None
        and (dies == deaths[-1] if deaths else dies[0] <= listed.by)
    ]
    also = {earlier for each in refreshes for earlier in order.before(each, applied)}.union(refreshes)
    if _are_refreshes(order, also, listed.change.old):
        yield add(applied, [*also])


def _are_refreshes(order: Order, numbers: Iterable[int], owner: str) -> bool:
    """Whether these announcements make no change: the owner's own, and such as need not have been accepted."""
    return all(order.writes[each].nic == owner or not order.writes[each].certain for each in numbers)


def _choices(order: Order, candidates: Sequence[int], most: int) -> list[tuple[int, ...]]:
    """All sets of the candidates that hold, with each, the candidates before it."""
    found: list[tuple[int, ...]] = [()]
    for place, number in enumerate(candidates):
        needed = {each for each in candidates[:place] if order.ended[each] < order.begun[number]}
        found += [(*chosen, number) for chosen in found if needed.issubset(chosen)]
        if len(found) > most:
            raise TooMany(f"{len(candidates)} announcements overlap at {order.begun[number]} ns")
    return found


def _unlisted(order: Order, applied: Applied, owner: str | None, by: int) -> str:
    """A NIC whose announcement had been handled by then, for a move that is not listed; empty if there is none."""
    left = [
        write.nic
        for number, write in enumerate(order.writes)
        if write.certain and write.due is not None and write.due <= by and not is_applied(number, applied)
    ]
    # Without its creation and without a change, a HAVIP may have had any one owner.
    return next((nic for nic in left if nic != (left[0] if owner is None else owner)), "")
