"""Faults in the order of things: what comes later is done first, or overtakes what was under way."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.core import Change, Effect, Havip, Network
from pytest_havip.network.dataplane.commit import DataPlane
from pytest_havip.network.dataplane.punt import Punted, PuntSocket
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

_SENDER_IP = slice(28, 32)
#: Seconds for which announcements are gathered to a batch, and that a release takes.
_GATHERED, _RELEASED = 0.005, 0.02


def _batches_in_reverse() -> None:
    """Gather announcements for a moment, and decide about the last one first."""
    gathered: defaultdict[int, list[Punted]] = defaultdict(list)

    def take_last(self: PuntSocket) -> Punted | None:
        batch = gathered[self.fileno()]
        if not batch and (first := take_first(self)) is not None:
            time.sleep(_GATHERED)
            batch.append(first)
            while (another := take_first(self)) is not None:
                batch.append(another)
        return batch.pop() if batch else None

    take_first = put(PuntSocket, "next", take_last)


def _releases_are_overtaken() -> None:
    """Let a HAVIP be again that is announced while it is being released, until its address is asked for."""
    gone: dict[tuple[str, IPv4Address], Havip] = {}
    revived: set[str] = set()

    def commit(self: DataPlane, effects: Sequence[Effect]) -> None:
        changes = [effect for effect in effects if isinstance(effect, Change)]
        ended = [each.before for each in changes if isinstance(each.before, Havip) and each.after is None]
        released = [havip for havip in ended if havip.id not in revived]
        if released:
            time.sleep(_RELEASED)
        commit_rightly(self, effects)
        gone.update(((havip.vpc_id, havip.address), replace(havip, binding=None)) for havip in released)

    def decide(self: Service, frame: bytes, nic_id: str, batch: Any) -> None:  # noqa: ANN401
        havip = gone.pop((batch.vpc_id, IPv4Address(frame[_SENDER_IP])), None)
        if havip is not None:
            revived.add(havip.id)
            self.network._inventory.apply(None, havip)  # noqa: SLF001 - the mutant's operation
            commit_rightly(self.plane, (Change(None, havip),))
        decide_rightly(self, frame, nic_id, batch)

    def create_havip(self: Network, vpc_id: str, *wanted: str, now: float, **more: Any) -> Havip:  # noqa: ANN401
        address = more["address"]
        gone.pop((vpc_id, address), None)
        for other in tuple(self.havips.values()):
            if (other.vpc_id, other.address) == (vpc_id, address) and other.id in revived:
                self.delete_havip(other.id, now=now)
        havip: Havip = create_rightly(self, vpc_id, *wanted, now=now, **more)
        return havip

    commit_rightly = put(DataPlane, "commit", commit)
    decide_rightly = put(Service, "_decide", decide)
    create_rightly = put(Network, "create_havip", create_havip)


MUTANTS = (
    Mutant(
        "batches-in-reverse",
        "Of announcements that arrive within 5 ms the last one is handled first.",
        frozenset(
            {
                "HAVIP-API-003",
                "HAVIP-ORDER-001",
                "HAVIP-ORDER-002",
                "HAVIP-ORDER-003",
                "HAVIP-ORDER-004",
                "HAVIP-ORDER-005",
                "HAVIP-ORDER-007",
                "HAVIP-ORDER-050",
                "HAVIP-ORDER-051",
            }
        ),
        _batches_in_reverse,
    ),
    Mutant(
        "releases-are-overtaken",
        "A HAVIP that is announced while it is being released is there again, and bound.",
        frozenset({"HAVIP-RELEASE-005"}),
        _releases_are_overtaken,
    ),
)
