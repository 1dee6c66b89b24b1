"""Faults in what the network decides: its core takes the wrong step for a frame or a request."""

from collections.abc import Callable
from types import MappingProxyType

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.core import announcements, network
from pytest_havip.network.core.announcements import Standing, Step
from pytest_havip.network.core.verdict import Decision

__all__ = ["MUTANTS"]

_OPERATION = slice(20, 22)
_REPLY = b"\x00\x02"


def _step(standing: Standing, step: Step) -> Callable[[], None]:
    def plant() -> None:
        steps = MappingProxyType({**announcements.STEPS, standing: step})
        put(announcements, "STEPS", steps)

    return plant


def _deaf_to_replies() -> None:
    receive = network.Network.receive

    def deaf_receive(self: network.Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        if frame[_OPERATION] == _REPLY:
            return Decision(self.verdict(frame, nic_id))
        return receive(self, frame, nic_id, now=now)

    put(network.Network, "receive", deaf_receive)


MUTANTS = (
    Mutant(
        "first-wins",
        "A bound HAVIP stays with its owner, whoever announces it.",
        frozenset(
            {
                "HAVIP-API-003",
                "HAVIP-BIND-003",
                "HAVIP-BIND-008",
                "HAVIP-BIND-009",
                "HAVIP-BIND-010",
                "HAVIP-BIND-011",
                "HAVIP-BIND-016",
                "HAVIP-BIND-017",
                "HAVIP-BIND-018",
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
                "HAVIP-ORDER-005",
                "HAVIP-ORDER-006",
                "HAVIP-ORDER-007",
                "HAVIP-ORDER-009",
                "HAVIP-ORDER-050",
                "HAVIP-ORDER-051",
                "HAVIP-RANGE-002",
                "HAVIP-RANGE-004",
            }
        ),
        _step(Standing.ANOTHER_OWNS, Step(binds_the_announcer=False, moves_flushed_time=False, tells_an_event=False)),
    ),
    Mutant(
        "refresh-is-a-change",
        "An owner's refresh counts as a binding change.",
        frozenset({"HAVIP-API-003", "HAVIP-BIND-004", "HAVIP-BIND-013", "HAVIP-BIND-018", "HAVIP-ORDER-005"}),
        _step(Standing.ANNOUNCER_OWNS, Step(binds_the_announcer=True, moves_flushed_time=True, tells_an_event=True)),
    ),
    Mutant(
        "refresh-is-stamped",
        "An owner's refresh moves the stamp of the last change.",
        frozenset({"HAVIP-BIND-004"}),
        _step(Standing.ANNOUNCER_OWNS, Step(binds_the_announcer=False, moves_flushed_time=True, tells_an_event=False)),
    ),
    Mutant(
        "silent-moves",
        "A move is no event; only the first binding is.",
        frozenset({"HAVIP-API-003", "HAVIP-BIND-018", "HAVIP-DUR-006", "HAVIP-ORDER-005"}),
        _step(Standing.ANOTHER_OWNS, Step(binds_the_announcer=True, moves_flushed_time=True, tells_an_event=False)),
    ),
    Mutant(
        "replies-bind-nothing",
        "A gratuitous ARP reply is no announcement.",
        frozenset(
            {
                "HAVIP-BIND-002",
                "HAVIP-BIND-010",
                "HAVIP-BIND-011",
                "HAVIP-BIND-012",
                "HAVIP-BIND-017",
                "HAVIP-BIND-018",
                "HAVIP-MOVE-009",
                "HAVIP-ORDER-004",
            }
        ),
        _deaf_to_replies,
    ),
)
