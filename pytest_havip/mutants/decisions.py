"""Faults in what the network decides: its core takes the wrong step for a frame or a request."""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.network.core import announcements, network
from pytest_havip.network.core.announcements import Standing, Step
from pytest_havip.network.core.model import Havip
from pytest_havip.network.core.profile import TENCENT
from pytest_havip.network.core.verdict import Decision

__all__ = ["MUTANTS"]

_OPERATION = slice(20, 22)
_REPLY = b"\x00\x02"


def _step(standing: Standing, step: Step) -> Callable[[], None]:
    def plant() -> None:
        steps = MappingProxyType({**announcements.STEPS, standing: step})
        setattr(announcements, "STEPS", steps)  # noqa: B010 - a constant, for all but a mutant

    return plant


def _deaf_to_replies() -> None:
    receive = network.Network.receive

    def deaf_receive(self: network.Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        if frame[_OPERATION] == _REPLY:
            return Decision(self.verdict(frame, nic_id))
        return receive(self, frame, nic_id, now=now)

    setattr(network.Network, "receive", deaf_receive)  # noqa: B010


def _one_havip_too_many() -> None:
    defaults = network.Network.__init__.__kwdefaults__
    assert defaults is not None
    defaults["profile"] = replace(TENCENT, havip_quota=TENCENT.havip_quota + 1)


def _quota_for_each_subnet() -> None:
    create = network.Network.create_havip

    def create_havip(self: network.Network, vpc_id: str, subnet_id: str, name: str, **rest: Any) -> Havip:  # noqa: ANN401
        inventory, whole = self._inventory, self._inventory.havips
        counted = {key: havip for key, havip in whole.items() if havip.subnet_id == subnet_id}
        inventory.havips = MappingProxyType(counted)
        try:
            return create(self, vpc_id, subnet_id, name, **rest)
        finally:
            inventory.havips = whole

    setattr(network.Network, "create_havip", create_havip)  # noqa: B010


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
                "HAVIP-BIND-016",
                "HAVIP-ORDER-001",
                "HAVIP-ORDER-003",
            }
        ),
        _step(Standing.ANOTHER_OWNS, Step(binds_the_announcer=False, moves_flushed_time=False, tells_an_event=False)),
    ),
    Mutant(
        "refresh-is-a-change",
        "An owner's refresh counts as a binding change.",
        frozenset({"HAVIP-API-003", "HAVIP-BIND-004", "HAVIP-BIND-013"}),
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
        frozenset({"HAVIP-API-003"}),
        _step(Standing.ANOTHER_OWNS, Step(binds_the_announcer=True, moves_flushed_time=True, tells_an_event=False)),
    ),
    Mutant(
        "replies-bind-nothing",
        "A gratuitous ARP reply is no announcement.",
        frozenset({"HAVIP-BIND-002", "HAVIP-BIND-010", "HAVIP-BIND-011"}),
        _deaf_to_replies,
    ),
    Mutant(
        "eleven-havips", "A VPC has room for one HAVIP too many.", frozenset({"HAVIP-QUOTA-001"}), _one_havip_too_many
    ),
    Mutant(
        "quota-for-each-subnet",
        "The quota counts the HAVIPs of a subnet.",
        frozenset({"HAVIP-QUOTA-004"}),
        _quota_for_each_subnet,
    ),
)
