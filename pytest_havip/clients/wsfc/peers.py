"""What a node knows of the others, and in which order nodes should own the role."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from pytest_havip.clients.wsfc.messages import WITNESS, Heartbeat, Standing

__all__ = ["Candidate", "Peers", "Vacancy", "in_order"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that could own the role now."""

    name: str
    healthy: bool


def in_order(candidates: Iterable[Candidate], preferred: Sequence[str], successor: str = "") -> list[str]:
    """Name the candidates, the one that should own the role first.

    Args:
        candidates: All that could.
        preferred: Names in the order of preference; the others come last, by name.
        successor: Whom the last owner handed the role to: before all others.
    """

    def key(candidate: Candidate) -> tuple[bool, bool, int, str]:
        place = preferred.index(candidate.name) if candidate.name in preferred else len(preferred)
        return (candidate.name != successor, not candidate.healthy, place, candidate.name)

    return [candidate.name for candidate in sorted(candidates, key=key)]


class Peers:
    """The other voters, and when each was last heard.

    Args:
        names: The other voters' names, the witness's among them.
        lease: Seconds without a word after which one is down.
    """

    def __init__(self, names: Iterable[str], lease: float) -> None:
        self._heard = dict.fromkeys(names, -inf)
        self._last: dict[str, Heartbeat] = {}
        self._lease = lease
        self._up: set[str] = set()

    def hear(self, name: str, now: float) -> None:
        """Note a sign of life."""
        if name in self._heard:
            self._heard[name] = now

    def take(self, heartbeat: Heartbeat, now: float) -> bool:
        """Note a node's heartbeat; return whether it has just come up."""
        last = self._last.get(heartbeat.sender)
        came = last is None or last.incarnation != heartbeat.incarnation or not self.reachable(heartbeat.sender, now)
        self.hear(heartbeat.sender, now)
        self._last[heartbeat.sender] = heartbeat
        return came

    def departed(self, now: float) -> list[str]:
        """Name the nodes that were up when this was last asked, and no longer are."""
        up = {last.sender for last in self.nodes(now)}
        gone, self._up = self._up - up, up
        return sorted(gone)

    def complete(self) -> bool:
        """Whether every node has been heard since the start; the witness need not."""
        return self._heard.keys() <= {WITNESS, *self._last}

    def knows(self, name: str) -> bool:
        """Whether this is one of the others."""
        return name in self._heard

    def expiry(self, name: str) -> float:
        """When a node is down unless it is heard again."""
        return self._heard.get(name, -inf) + self._lease

    def reachable(self, name: str, now: float) -> bool:
        """Whether a voter was heard lately."""
        return self.expiry(name) > now

    def count(self, now: float) -> int:
        """How many of the others are reachable."""
        return sum(self.reachable(name, now) for name in self._heard)

    def last(self, name: str) -> Heartbeat | None:
        """A node's last heartbeat."""
        return self._last.get(name)

    def nodes(self, now: float) -> list[Heartbeat]:
        """The last heartbeat of each node that is up or paused."""
        return [
            last
            for name, last in self._last.items()
            if self.reachable(name, now) and last.standing is not Standing.LEAVING
        ]

    def claimant(self, now: float) -> Heartbeat | None:
        """The heartbeat of a node that claims the role, of the newest term if there are several."""
        claiming = [last for last in self.nodes(now) if last.term]
        return max(claiming, key=lambda last: last.term, default=None)

    def candidates(self, now: float) -> list[Candidate]:
        """The nodes that could own the role."""
        return [Candidate(last.sender, last.healthy) for last in self.nodes(now) if last.able]


class Vacancy:
    """Since when nobody claims the role, and how that came.

    Args:
        peers: The others.
        now: When this node started.

    Attributes:
        since: The time since which nobody claims it.
        lost: Whether its owner was lost, and did not give it up.
    """

    def __init__(self, peers: Peers, now: float) -> None:
        self.since = now
        self.lost = False
        self._peers = peers
        self._claimant = ""

    def note(self, claimant: str, now: float) -> None:
        """Note who claims the role now, this node perhaps; empty for nobody."""
        if self._claimant and not claimant:
            self.since = now
            self.lost = self._peers.knows(self._claimant) and not self._peers.reachable(self._claimant, now)
        self._claimant = claimant
