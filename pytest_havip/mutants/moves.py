"""Faults in how a HAVIP moves from one machine to another."""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pytest_havip.mutants.lifetimes import has_link
from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.cable import PatchPanel
from pytest_havip.network.core import Change, Effect, Havip, Nic, announcements
from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.dataplane.commit import DataPlane
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

_TABLE = f"{ruleset.FAMILY} {ruleset.TABLE}"
_SENDER_IP = slice(28, 32)
#: Seconds between telling the subnet and moving the mapping, and that a HAVIP's first move takes.
_LATE, _SLOW = 0.02, 1.2
#: HAVIPs that a NIC may claim in one moment, in seconds.
_FEW, _MOMENT = 4, 0.05


def _is_move(change: Change) -> bool:
    before, after = change.before, change.after
    is_bound = isinstance(before, Havip) and before.binding is not None
    return is_bound and isinstance(after, Havip) and after.binding is not None


def _owner(service: Service, frame: bytes, nic_id: str) -> str | None:
    """Id of the NIC that owns the HAVIP that a frame of a NIC announces."""
    vpc_id, address = service.network.nics[nic_id].vpc_id, frame[_SENDER_IP]
    for havip in service.network.havips.values():
        if (havip.vpc_id, havip.address.packed) == (vpc_id, address) and havip.binding is not None:
            return havip.binding.nic_id
    return None


def _former_owners_may_send() -> None:
    """Leave a former owner the right to send from the HAVIP when it moves."""

    def commands(changes: Sequence[Change]) -> list[str]:
        told: list[str] = told_rightly(changes)
        if not any(map(_is_move, changes)):
            return told
        return [line for line in told if not line.startswith(f"delete element {_TABLE} senders")]

    told_rightly = put(ruleset, "commands", commands)


def _one_owner_for_all() -> None:
    """Send what is for any HAVIP of a subnet to the machine that was bound last."""
    ways: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def commands(changes: Sequence[Change]) -> list[str]:
        told: list[str] = told_rightly(changes)
        for change in changes:
            if isinstance(change.before, Havip):
                ways[change.before.subnet_id].pop(str(change.before.address), None)
            if isinstance(change.after, Havip) and change.after.binding is not None:
                way, mac = ways[change.after.subnet_id], change.after.binding.mac
                for address, other in way.items():
                    if other != mac:
                        told += [
                            f"delete element {_TABLE} owners {{ {address} }}",
                            f"add element {_TABLE} owners {{ {address} : {mac} }}",
                        ]
                way.update(dict.fromkeys((*way, str(change.after.address)), mac))
        return told

    told_rightly = put(ruleset, "commands", commands)


def _the_old_owner_is_asked() -> None:
    """Take no claim of a HAVIP whose owner's link is down: it cannot consent."""

    def decide(self: Service, frame: bytes, nic_id: str, batch: Any) -> None:  # noqa: ANN401
        owner = _owner(self, frame, nic_id)
        if owner is None or has_link(self, owner):
            decide_rightly(self, frame, nic_id, batch)

    decide_rightly = put(Service, "_decide", decide)


def _late_data_path() -> None:
    """Tell the subnet of a move first, and move the mapping a little later."""

    def flush(self: Service, batch: Any) -> None:  # noqa: ANN401
        if any(map(_is_move, batch.changes.values())):
            for resend in batch.resends:
                self._resend(resend)
            batch.resends.clear()
            time.sleep(_LATE)
        flush_rightly(self, batch)

    flush_rightly = put(Service, "_flush", flush)


def _no_way_back() -> None:
    """Take an announcement by a machine that owned the HAVIP before for nothing."""
    former: set[tuple[str, str]] = set()

    def announce(havip: Havip, nic: Nic, now: float) -> tuple[Effect, ...]:
        owner = havip.binding
        if owner is not None and owner.nic_id != nic.id:
            if (havip.id, nic.id) in former:
                return ()
            former.add((havip.id, owner.nic_id))
        effects: tuple[Effect, ...] = announce_rightly(havip, nic, now)
        return effects

    announce_rightly = put(announcements, "announce", announce)


def _mended_links_listen_first() -> None:
    """Take no notice of the first announcement behind a link that was mended."""
    mended: set[str] = set()

    def patch(self: PatchPanel, order: dict[str, Any], descriptors: list[int]) -> None:
        carry_out(self, order, descriptors)
        if order["do"] == "mend":
            mended.add(order["nic"])

    def decide(self: Service, frame: bytes, nic_id: str, batch: Any) -> None:  # noqa: ANN401
        if nic_id in mended:
            mended.remove(nic_id)
        else:
            decide_rightly(self, frame, nic_id, batch)

    carry_out = put(PatchPanel, "_patch", patch)
    decide_rightly = put(Service, "_decide", decide)


def _few_at_once() -> None:
    """Take no notice of a NIC that claims yet another HAVIP in the same moment."""
    claimed: defaultdict[str, dict[bytes, float]] = defaultdict(dict)

    def decide(self: Service, frame: bytes, nic_id: str, batch: Any) -> None:  # noqa: ANN401
        owner, address, now = _owner(self, frame, nic_id), frame[_SENDER_IP], self.now()
        if owner not in {None, nic_id}:
            recent = {other: at for other, at in claimed[nic_id].items() if now - at < _MOMENT}
            if address not in recent and len(recent) >= _FEW:
                return
            claimed[nic_id] = {**recent, address: now}
        decide_rightly(self, frame, nic_id, batch)

    decide_rightly = put(Service, "_decide", decide)


def _slow_moves() -> None:
    """Let the first move of each HAVIP take its time."""
    moved: set[str] = set()

    def commit_moves(self: DataPlane, vpc_id: str, changes: Sequence[Change]) -> None:
        for change in filter(_is_move, changes):
            assert isinstance(change.after, Havip)
            if change.after.id not in moved:
                moved.add(change.after.id)
                time.sleep(_SLOW)
        commit(self, vpc_id, changes)

    commit = put(DataPlane, "commit_moves", commit_moves)


MUTANTS = (
    Mutant(
        "former-owners-may-send",
        "A machine that lost a HAVIP may go on sending from it, and reaches it no more.",
        frozenset({"HAVIP-PATH-013"}),
        _former_owners_may_send,
    ),
    Mutant(
        "one-owner-for-all",
        "Packets for every HAVIP of a subnet go to the machine that was bound last.",
        frozenset(
            {
                "HAVIP-API-023",
                "HAVIP-BIND-008",
                "HAVIP-BIND-016",
                "HAVIP-DUR-005",
                "HAVIP-MOVE-011",
                "HAVIP-NIC-003",
                "HAVIP-NIC-005",
                "HAVIP-ORDER-050",
                "HAVIP-ORDER-051",
                "HAVIP-PATH-020",
                "HAVIP-RANGE-011",
                "HAVIP-SPOOF-004",
                "HAVIP-SPOOF-005",
                "HAVIP-SPOOF-006",
                "HAVIP-SPOOF-008",
                "HAVIP-SPOOF-011",
                "HAVIP-SPOOF-012",
                "HAVIP-SPOOF-013",
            }
        ),
        _one_owner_for_all,
    ),
    Mutant(
        "the-old-owner-is-asked",
        "A HAVIP does not move while its owner's link is down.",
        frozenset({"HAVIP-BIND-009", "HAVIP-MOVE-001"}),
        _the_old_owner_is_asked,
    ),
    Mutant(
        "late-data-path",
        "The neighbours hear of a move before packets follow it.",
        frozenset({"HAVIP-MOVE-002", "HAVIP-MOVE-003", "HAVIP-ORDER-001", "HAVIP-ORDER-002", "HAVIP-ORDER-003"}),
        _late_data_path,
    ),
    Mutant(
        "no-way-back",
        "A machine that lost a HAVIP never gets it again.",
        frozenset(
            {
                "HAVIP-API-003",
                "HAVIP-EIP-002",
                "HAVIP-MOVE-007",
                "HAVIP-MOVE-008",
                "HAVIP-MOVE-009",
                "HAVIP-NIC-001",
                "HAVIP-ORDER-002",
                "HAVIP-ORDER-050",
                "HAVIP-ORDER-051",
                "HAVIP-RANGE-002",
                "HAVIP-ROUTE-002",
                "HAVIP-SOURCE-005",
            }
        ),
        _no_way_back,
    ),
    Mutant(
        "mended-links-listen-first",
        "The first announcement behind a link that was mended is lost.",
        frozenset({"HAVIP-MOVE-010"}),
        _mended_links_listen_first,
    ),
    Mutant(
        "few-at-once",
        "A machine that claims many HAVIPs at once gets four of them.",
        frozenset({"HAVIP-MOVE-011"}),
        _few_at_once,
    ),
    Mutant(
        "slow-moves",
        "The first move of a HAVIP takes 1.2 s.",
        frozenset({"HAVIP-MOVE-012"}),
        _slow_moves,
    ),
)
