"""Votes: who may claim the role. A vote is a lease; whoever has leases from most voters, and he alone, holds quorum.

A voter counts a lease from the arrival of the claimant's heartbeat, the claimant from the moment it sent it, which
was earlier. So a claimant stops believing before the voter is free to vote for another, without a common clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_havip.clients.wsfc.messages import Heartbeat, Response

__all__ = ["Tally", "Vote", "majority"]


def majority(voters: int) -> int:
    """The number of votes that is more than half."""
    return voters // 2 + 1


@dataclass(frozen=True, slots=True)
class _Lease:
    """Whom a vote is given to; an incarnation of None stands for whichever one claimed before the voter's restart."""

    holder: str
    incarnation: int | None
    term: int
    until: float


class Vote:
    """One voter's vote: a node's, or the witness's.

    Args:
        voter: The voter's name.
        length: Seconds that a vote lasts after the last heartbeat of the one that has it.
        now: The voter's clock.
        holder: Whom it was given to when the voter last ended, which may not know of that end; empty for nobody.
        term: The highest term that it was given in.
    """

    def __init__(self, voter: str, length: float, *, now: float, holder: str = "", term: int = 0) -> None:
        self.voter = voter
        self.term = term
        self._length = length
        self._lease = _Lease(holder, None, term, now + length) if holder else None
        self._latest: dict[str, tuple[int, int]] = {}

    def holder(self, now: float) -> str:
        """Whom the vote is given to, or empty."""
        self._expire(now)
        return self._lease.holder if self._lease else ""

    def until(self, now: float) -> float:
        """When the vote is free again, unless it is renewed; now, if it is free."""
        self._expire(now)
        return self._lease.until if self._lease else now

    def hear(self, heartbeat: Heartbeat, now: float, *, silent: bool = False) -> Response | None:
        """Answer a heartbeat; None when a newer one of its sender has been answered before.

        Args:
            heartbeat: It claims a term, or gives up whatever its sender claimed before.
            now: The voter's clock.
            silent: The voter gives its vote to nobody new, for it is about to leave.
        """
        order = (heartbeat.incarnation, heartbeat.number)
        if order <= self._latest.get(heartbeat.sender, (0, 0)):
            return None
        self._latest[heartbeat.sender] = order
        self._expire(now)
        self._free_from(heartbeat)
        if heartbeat.term and self._may_have(heartbeat, silent=silent):
            self.term = heartbeat.term
            self._lease = _Lease(heartbeat.sender, heartbeat.incarnation, heartbeat.term, now + self._length)
        given = self._lease is not None and self._lease.holder == heartbeat.sender
        remaining = self._lease.until - now if self._lease and not given else 0.0
        return Response(
            sender=self.voter,
            incarnation=heartbeat.incarnation,
            number=heartbeat.number,
            sent=heartbeat.sent,
            term=heartbeat.term if given else 0,
            newest=self.term,
            remaining=remaining,
        )

    def _expire(self, now: float) -> None:
        if self._lease and now >= self._lease.until:
            self._lease = None

    def _free_from(self, heartbeat: Heartbeat) -> None:
        """Take the vote back from a holder that no longer claims what it had it for.

        What was voted before this voter's restart only a newer claim takes back: a release might be a late, old one.
        """
        held = self._lease
        if held is None or held.holder != heartbeat.sender:
            return
        if held.incarnation is None:
            given_up = heartbeat.term > held.term
        else:
            given_up = (heartbeat.incarnation, heartbeat.term) != (held.incarnation, held.term)
        if given_up:
            self._lease = None

    def _may_have(self, heartbeat: Heartbeat, *, silent: bool) -> bool:
        if self._lease is None:
            return heartbeat.term > self.term and not silent
        return self._lease.holder == heartbeat.sender and self._lease.term == heartbeat.term


class Tally:
    """A claimant's count of the votes that it was given for one term.

    Args:
        voters: All voters, the claimant among them.
        length: Seconds that a vote lasts from the moment at which the answered heartbeat was sent.
    """

    def __init__(self, voters: Iterable[str], length: float) -> None:
        self._until = dict.fromkeys(voters, float("-inf"))
        self._length = length

    @property
    def needed(self) -> int:
        """The number of votes that make a quorum."""
        return majority(len(self._until))

    def clear(self) -> None:
        """Forget all votes: they were for another term."""
        self._until = dict.fromkeys(self._until, float("-inf"))

    def add(self, voter: str, sent: float) -> None:
        """Count a voter's answer to a heartbeat that was sent then."""
        if voter in self._until:
            self._until[voter] = max(self._until[voter], sent + self._length)

    def count(self, now: float) -> int:
        """How many votes are valid."""
        return sum(until > now for until in self._until.values())

    def lapse(self) -> float:
        """When the quorum ends, unless votes are renewed."""
        return sorted(self._until.values(), reverse=True)[self.needed - 1]

    def holds(self, now: float) -> bool:
        """Whether there is a quorum."""
        return self.lapse() > now
