"""Is there an order of announcements that explains every reading of one HAVIP in one view?

A HAVIP is a register: an announcement writes its sender, a reading reads the owner. It differs from the register of the
textbooks (Herlihy and Wing 1990; Wing and Gong 1993; Lowe 2017) in one thing: `send()` returns before the network has
handled the frame. So a write takes effect at any time after it began, at the latest when it is `due`, but always after
the writes that had returned before it began. Overlapping writes may take either order.

The search goes through time once, with all configurations that are possible: what has been applied, and what was the
last of it. It applies writes as late as it can: when a reading that ends must return what it saw, or when a write is
due. As long as writes do not overlap there is one configuration, and a step costs a few comparisons. Where they do, the
configurations of all orders that the times allow are kept, each once. There is a bound to them, and to the work.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_havip.history.order import Applied, Order, TooMany, Write, add, is_applied

__all__ = ["MOST", "NOBODY", "Answer", "Read", "explain_readings"]

#: Configurations that are held at most.
MOST: Final = 2_000
#: Steps for each write and reading, on the average, and what is allowed beyond: they bound the time.
_STEPS: Final = 100
_MORE_STEPS: Final = 300_000
#: The owner of what is unbound.
NOBODY: Final = ""
#: Writes that are applied together in about a step.
_CHEAP: Final = 32
# What happens at one time is taken in this order, which forbids least.
_DIE, _INVOKE, _RETURN, _DUE = range(4)
_NONE: Final[frozenset[int]] = frozenset()
#: What is applied; which write was the last (below zero: none, and which of the first owners) and when it was applied;
#: and the numbers of the readings that are under way and not explained yet.
_Configuration: TypeAlias = tuple[Applied, int, int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Read:
    """A reading, from the question to the answer, in nanoseconds."""

    begun: int
    ended: int
    nic: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Args:
        broken: The number of the first reading (by its end) that no order explains, or `None`.
        possible: Who could have been read, for each reading until then; kept only if asked for.
    """

    broken: int | None
    possible: dict[int, frozenset[str]]


def explain_readings(
    writes: Sequence[Write], reads: Sequence[Read], first: Sequence[Write], *, most: int = MOST, trace: bool = False
) -> Answer:
    """Look for an order of the writes that explains the readings.

    Args:
        writes: The announcements that may have an effect, in any order.
        reads: The readings, in any order.
        first: Who may be the owner at the beginning, as writes (of which only `nic` and `dies` matter).
        most: How many configurations may be held.
        trace: Note who could have been read.

    Raises:
        TooMany: The bound was reached, and nothing is known.
    """
    return _Search(writes, reads, first, most, trace=trace).run()


class _Search:
    def __init__(
        self, writes: Sequence[Write], reads: Sequence[Read], first: Sequence[Write], most: int, *, trace: bool
    ) -> None:
        self.order = Order(writes)
        self.reads = reads
        self.states = [*self.order.writes, *reversed(first)]
        self.most = most
        self.steps = _STEPS * (len(writes) + len(reads)) + _MORE_STEPS
        self.trace = trace
        self.possible: dict[int, frozenset[str]] = {}
        self.configurations: list[_Configuration] = [
            ((0, _NONE), -1 - number, -1, _NONE) for number in range(len(first))
        ]
        self.dying = [number for number, write in enumerate(self.order.writes) if write.dies is not None]
        self.of_due: dict[int, list[int]] = {}
        for number, write in enumerate(self.order.writes):
            if write.due is not None:
                self.of_due.setdefault(write.due, []).append(number)
        #: Readings that some configuration does not explain yet.
        self.waiting: set[int] = set()
        self.now = 0

    def run(self) -> Answer:
        nics, reads = [state.nic for state in self.states], self.reads
        plain = all(state.dies is None for state in self.states)
        for now, kind, what in self._events():
            self.now = now
            if kind == _INVOKE:
                if not (plain and len(self.configurations) == 1 and nics[self.configurations[0][1]] == reads[what].nic):
                    self._invoke(what)
                if self.trace:
                    self._note(what)
            elif kind == _RETURN:
                if self.trace:
                    self._note(what)
                if what in self.waiting and not self._return(what):
                    return Answer(what, self.possible)
            elif kind == _DUE:
                self._due(what)
            else:
                self._die()
        return Answer(None, self.possible)

    def _events(self) -> list[tuple[int, int, int]]:
        """Times, kinds, and the number of a reading or the time at which writes are due."""
        events = [(read.begun, _INVOKE, number) for number, read in enumerate(self.reads)]
        events += [(read.ended, _RETURN, number) for number, read in enumerate(self.reads)]
        events += [(state.dies[0], _DIE, 0) for state in self.states if state.dies is not None]
        # One event for all writes that are due at one time.
        events += [(due, _DUE, due) for due in self.of_due]
        events.sort()
        return events

    # --- what happens --------------------------------------------------------------------------------------------

    def _invoke(self, read: int) -> None:
        """A reading begins: the configurations whose owner it saw explain it at once."""
        nic, found = self.reads[read].nic, []
        for configuration in self.configurations:
            applied, last, since, unmet = configuration
            if self._shows(last, nic, self.now):
                found.append(configuration)
            else:
                found.append((applied, last, since, unmet | {read}))
                self.waiting.add(read)
        self.configurations = found

    def _return(self, read: int) -> bool:
        """A reading ends: what does not explain it must apply more, or is out. Say whether anything is left."""
        self.waiting.discard(read)
        nic = self.reads[read].nic
        entered = self._entered()
        found: set[_Configuration] = set()
        for configuration in self.configurations:
            if read not in configuration[3]:
                found.add(configuration)
                continue
            for number in self._showing(nic, configuration[0], entered):
                wanted = [*self.order.before(number, configuration[0]), number]
                found.add(self._land(configuration, number, wanted))
                inserted = self._insert(configuration, wanted)
                if inserted is not None and read not in inserted[3]:
                    found.add(inserted)
        self._keep(found)
        return bool(found)

    def _due(self, time: int) -> None:
        """Some writes are due: the certain ones have taken effect, the others have or never will."""
        group, writes, entered = self.of_due[time], self.order.writes, self._entered()
        doubtful = [each for each in group if not writes[each].certain]
        certain = [each for each in group if writes[each].certain]
        # What can still apply a write that is due now cannot do so later: nothing may be left out before the end.
        found = set(self.configurations)
        for each in doubtful:
            for configuration in tuple(found):
                if not is_applied(each, configuration[0]):
                    before = self.order.before(each, configuration[0])
                    found.add(self._land(configuration, each, [*before, each]))
            self._check(found)
        forced: set[_Configuration] = set()
        for configuration in found:
            missing = [each for each in certain if not is_applied(each, configuration[0])]
            forced.update(self._force(configuration, missing, entered) if missing else (configuration,))
        passed = set()
        for applied, last, since, unmet in forced:
            missing = [each for each in doubtful if not is_applied(each, applied)]
            passed.add((add(applied, missing), last, since, unmet))
        self._keep(passed)

    def _die(self) -> None:
        """Somebody is being detached: open readings of nobody may be explained by that."""
        found: set[_Configuration] = set()
        for applied, last, since, unmet in self.configurations:
            left = frozenset(each for each in unmet if not self._shows(last, self.reads[each].nic, self.now))
            found.add((applied, last, since, left))
        self._keep(found)

    # --- applying writes -----------------------------------------------------------------------------------------

    def _force(self, configuration: _Configuration, missing: list[int], entered: int) -> Iterator[_Configuration]:
        """Apply what is missing and all before it; each of the writes that nothing certain must follow may be last."""
        order, (base, extra) = self.order, configuration[0]
        latest = max(order.begun[each] for each in missing)
        also = set(missing)
        wanted = [
            each for each in range(base, entered) if each not in extra and (order.ended[each] < latest or each in also)
        ]
        limit = self._latest_certain(wanted)
        for last in wanted:
            if order.ended[last] >= limit:
                yield self._land(configuration, last, wanted)
        inserted = self._insert(configuration, wanted)
        if inserted is not None:
            yield inserted

    def _land(self, configuration: _Configuration, last: int, wanted: list[int]) -> _Configuration:
        """Apply writes now, with one of them as the last; doubtful ones that must follow it are passed over."""
        applied, _, _, unmet = configuration
        self.steps -= 1 + len(wanted) // _CHEAP + len(unmet)
        if unmet:
            writes, end = self.order.writes, self.order.ended[last]
            shown = [each for each in wanted if writes[each].certain or writes[each].begun <= end]
            unmet = self._left(unmet, shown, self.now)
        return add(applied, wanted), last, self.now, unmet

    def _insert(self, configuration: _Configuration, wanted: list[int]) -> _Configuration | None:
        """Have it that writes were applied just before the last one, when that was; `None` where times forbid it.

        So it need not be guessed, when a write is applied, which of those that overlap it came before it.
        """
        applied, last, since, unmet = configuration
        if last < 0 or self._latest_certain(wanted) > min(since, self.order.ended[last]):
            return None
        self.steps -= 1 + len(wanted) // _CHEAP + len(unmet)
        if unmet:
            end = min(since, self.order.ended[last])
            shown = [each for each in wanted if self.order.begun[each] <= end]
            unmet = self._left(unmet, shown, since)
        return add(applied, wanted), last, since, unmet

    def _latest_certain(self, numbers: list[int]) -> int:
        writes = self.order.writes
        return max((writes[each].begun for each in numbers if writes[each].certain), default=-1)

    def _left(self, unmet: frozenset[int], shown: Sequence[int], at: int) -> frozenset[int]:
        """The readings that are not explained by writes that were applied then, one after the other."""
        reads = self.reads
        return frozenset(
            each
            for each in unmet
            if reads[each].begun > at or not any(self._shows(number, reads[each].nic, at) for number in shown)
        )

    def _check(self, found: set[_Configuration]) -> None:
        if len(found) > self.most or self.steps < 0:
            raise TooMany(f"more than {self.most} orders of overlapping announcements are possible at {self.now} ns")

    def _keep(self, found: set[_Configuration]) -> None:
        self._check(found)
        self.configurations = self._apart(found) if len(found) > 1 else list(found)

    def _apart(self, found: set[_Configuration]) -> list[_Configuration]:
        """Leave out what another configuration can still become, for that one shows the same owner meanwhile."""
        kept: dict[object, list[_Configuration]] = {}
        for configuration in sorted(found, key=_size):
            self._check(found)
            state = self.states[configuration[1]]
            rivals = kept.setdefault((state.nic, state.dies), [])
            self.steps -= len(rivals)
            if not any(self._becomes(less, configuration) for less in rivals):
                rivals.append(configuration)
        return [configuration for rivals in kept.values() for configuration in rivals]

    def _becomes(self, less: _Configuration, more: _Configuration) -> bool:
        """Whether one can apply what the other has applied more, and end with the same write."""
        if not (less[3] <= more[3] and _within(less[0], more[0])):
            return False
        last = more[1]
        if less[1] != last:
            return last >= 0 and not is_applied(last, less[0])
        if less[2] < more[2]:
            return False
        more_of_it = [each for each in range(less[0][0], more[0][0]) if each not in less[0][1]]
        more_of_it += [each for each in more[0][1] if not is_applied(each, less[0])]
        return not more_of_it or (
            last >= 0 and self._latest_certain(more_of_it) <= min(less[2], self.order.ended[last])
        )

    # --- who is the owner ----------------------------------------------------------------------------------------

    def _shows(self, last: int, nic: str, at: int) -> bool:
        """Whether a reading may have said so, at a time after this write."""
        state = self.states[last]
        if state.dies is None:
            return state.nic == nic
        return (state.nic == nic and at <= state.dies[1]) or (nic == NOBODY and at >= state.dies[0])

    def _showing(self, nic: str, applied: Applied, entered: int) -> Iterator[int]:
        """The writes that may come next so that a reading says this."""
        if nic == NOBODY:
            candidates: Iterable[int] = (
                number for number in self.dying if number < entered and not is_applied(number, applied)
            )
        else:
            candidates = self.order.firsts(nic, applied, entered)
        yield from (number for number in candidates if self._shows(number, nic, self.now))

    def _entered(self) -> int:
        return bisect_right(self.order.begun, self.now)

    def _note(self, read: int) -> None:
        """Note who could be read just now."""
        entered = self._entered()
        nics = {NOBODY, *self.order.of_nic, *(state.nic for state in self.states)}
        shown = {
            nic
            for nic in nics
            for applied, last, _, _ in self.configurations
            if self._shows(last, nic, self.now) or next(self._showing(nic, applied, entered), None) is not None
        }
        self.possible[read] = self.possible.get(read, frozenset()) | shown


def _size(configuration: _Configuration) -> int:
    base, extra = configuration[0]
    return base + len(extra)


def _within(less: Applied, more: Applied) -> bool:
    """Whether all that the one has applied the other has applied too; bases are as high as they can be."""
    return less[0] <= more[0] and all(is_applied(each, more) for each in less[1])
