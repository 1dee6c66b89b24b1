"""Checkers of what must hold at any time: stamps that go forward, quotas, and owners of the right subnet."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final

from pytest_havip.history.judgement import Finding, Judgement, Outcome, summed_up
from pytest_havip.history.records import Created, Listing, Plugged, Quota, Reading, Record, Released
from pytest_havip.history.timeline import Lifetime, Timeline, milliseconds

__all__ = ["QuotaChecker", "ScopeChecker", "StampChecker"]

#: Stamps of this shape, all of one length, sort as texts: ISO 8601 with date and time.
_SORTS: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
#: Tencent's word for a quota that is used up.
_LIMIT_EXCEEDED: Final = "LimitExceeded"
_FOR_EVER: Final = 1 << 63


class StampChecker:
    """The control plane's stamp of the last change never goes back, and stands still while only the owner announces."""

    name = "stamps"
    asks = "the stamp of the last change never goes back, and no refresh moves it"

    def __init__(self, settle: float | None = None) -> None:
        self._timeline = Timeline(settle)

    def take(self, record: Record) -> None:
        """Note what matters of a record."""
        self._timeline.take(record)

    def judge(self) -> Judgement:
        """Compare each reading with the one before it."""
        judged, findings = 0, []
        for lifetime in self._timeline.lifetimes.values():
            readings = sorted((each for each in lifetime.readings if each.stamp), key=lambda each: each.ended)
            judged += len(readings)
            odd = [each.stamp for each in readings if not _SORTS.fullmatch(each.stamp)]
            if odd or len({len(each.stamp) for each in readings}) > 1:
                stamp = (odd or [readings[0].stamp])[0]
                problem = f"{lifetime.havip}: stamps like {stamp!r} cannot be put in order"
                findings.append(Finding(problem, Outcome.INCONCLUSIVE))
                continue
            findings += self._compare(lifetime, readings)
        return summed_up(self.name, judged, findings)

    def _compare(self, lifetime: Lifetime, readings: Sequence[Reading]) -> Iterator[Finding]:
        changing = _Changing(self._timeline, lifetime)
        for earlier, later in pairwise(readings):
            if earlier.ended >= later.begun or earlier.stamp == later.stamp:
                continue
            went_back = later.stamp < earlier.stamp
            if went_back or not changing.between(earlier, later):
                problem = "goes back" if went_back else "moves although nothing changed"
                witness = "\n".join(
                    f"  {milliseconds(each.begun)} to {milliseconds(each.ended)} ms  stamp {each.stamp}, "
                    f"owner {' and '.join(map(self._timeline.name, each.owners)) or 'nobody'}"
                    for each in (earlier, later)
                )
                yield Finding(f"{lifetime.havip}: the stamp {problem}", witness=witness)


class _Changing:
    """Whether the owner may have changed between two readings."""

    def __init__(self, timeline: Timeline, lifetime: Lifetime) -> None:
        self._writes = sorted(timeline.writes(lifetime), key=lambda write: write.begun)
        self._removals = [span for spans in timeline.unplugged.values() for span in spans]
        self._removals += [(each.begun, each.ended) for each in (lifetime.created, lifetime.released) if each]
        self._of_others: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}

    def between(self, earlier: Reading, later: Reading) -> bool:
        """Say so, unless both name one owner and no other NIC's announcement can have been handled between them."""
        if earlier.owners != later.owners:
            return True
        if any(begun <= later.ended and ended >= earlier.begun for begun, ended in self._removals):
            return True
        begun, until = self._others(earlier.owners)
        place = bisect_right(begun, later.ended)
        return place > 0 and until[place - 1] >= earlier.begun

    def _others(self, owners: tuple[str, ...]) -> tuple[list[int], list[int]]:
        """When others' announcements began, and until when they and all before them may have been handled."""
        if owners not in self._of_others:
            others = [write for write in self._writes if write.nic not in owners]
            dues = (_FOR_EVER if write.due is None else write.due for write in others)
            self._of_others[owners] = ([write.begun for write in others], list(accumulate(dues, max)))
        return self._of_others[owners]


class QuotaChecker:
    """A VPC never holds more HAVIPs than its quota, and refuses none for its quota's sake while there is room."""

    name = "quota"
    asks = "no VPC holds more HAVIPs than its quota, none is refused while there is room"

    def __init__(self) -> None:
        self._created: dict[str, list[Created]] = defaultdict(list)
        self._released: dict[str, Released] = {}
        self._quotas: dict[str, list[Quota]] = defaultdict(list)

    def take(self, record: Record) -> None:
        """Note what matters of a record."""
        match record:
            case Created():
                self._created[record.vpc].append(record)
            case Released(refused=""):
                self._released[record.havip] = record
            case Quota():
                self._quotas[record.vpc].append(record)
            case _:
                pass

    def judge(self) -> Judgement:
        """Judge creation by creation."""
        judged, findings = 0, []
        for vpc, requests in self._created.items():
            known = sorted(self._quotas[vpc], key=lambda quota: quota.begun)
            made = [each for each in requests if not each.refused]
            for request in requests if known else ():
                judged += 1
                limits = {each.limit for each in _in_force(known, request)}
                sure = sum(self._lives(each, request, surely=True) for each in made if each is not request)
                maybe = sum(self._lives(each, request, surely=False) for each in made if each is not request)
                span = f"{milliseconds(request.begun)} to {milliseconds(request.ended)} ms"
                if not request.refused and sure >= max(limits):
                    findings.append(
                        Finding(f"{vpc}: {request.havip} was created beside {sure} others, quota {max(limits)}, {span}")
                    )
                elif request.refused.startswith(_LIMIT_EXCEEDED) and maybe < min(limits):
                    problem = f"a creation was refused with {request.refused} beside {maybe} others"
                    findings.append(Finding(f"{vpc}: {problem}, quota {min(limits)}, {span}"))
        return summed_up(self.name, judged, findings)

    def _lives(self, other: Created, request: Created, *, surely: bool) -> bool:
        """Whether another HAVIP existed when this one was asked for: all the time, or at some moment."""
        gone = self._released.get(other.havip)
        if surely:
            return other.ended < request.begun and (gone is None or gone.begun > request.ended)
        return other.begun <= request.ended and (gone is None or gone.ended >= request.begun)


def _in_force(quotas: Sequence[Quota], request: Created) -> list[Quota]:
    """The quotas that may have been in force during a request, of those that were ever told."""
    before = [quota for quota in quotas if quota.ended < request.begun][-1:]
    return [*before, *(quota for quota in quotas if request.begun <= quota.ended and quota.begun <= request.ended)] or [
        quotas[0]
    ]


class ScopeChecker:
    """Whoever is named or reached as an owner is a NIC of the HAVIP's own subnet."""

    name = "scope"
    asks = "every owner is a NIC of the HAVIP's subnet"

    def __init__(self) -> None:
        self._subnets: dict[str, str] = {}
        self._plugged: dict[str, Plugged] = {}
        self._owned: dict[tuple[str, str], tuple[int, str]] = {}

    def take(self, record: Record) -> None:
        """Note what matters of a record."""
        match record:
            case Created(refused=""):
                self._subnets[record.havip] = record.subnet
            case Plugged():
                self._plugged[record.nic] = record
            case Reading():
                for nic in record.owners:
                    self._owned.setdefault((record.havip, nic), (record.begun, f"as seen by {record.view.value}"))
            case Listing():
                for change in record.changes:
                    if change.new:
                        self._owned.setdefault((change.havip, change.new), (record.begun, "as listed"))
            case _:
                pass

    def judge(self) -> Judgement:
        """Judge each pair of a HAVIP and an owner once."""
        judged, findings = 0, []
        for (havip, nic), (at, how) in self._owned.items():
            if havip not in self._subnets:
                continue
            judged += 1
            plugged = self._plugged.get(nic)
            when = f"{how}, {milliseconds(at)} ms"
            if plugged is None:
                findings.append(
                    Finding(f"{havip}: {nic} owns it ({when}), a NIC of unknown place", Outcome.INCONCLUSIVE)
                )
            elif plugged.subnet != self._subnets[havip]:
                findings.append(
                    Finding(f"{havip} of {self._subnets[havip]}: {plugged.name} of {plugged.subnet} owns it ({when})")
                )
        return summed_up(self.name, judged, findings)
