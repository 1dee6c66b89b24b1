"""Faults in what is held against too much: bursts, flaps and spoofs that cost others, or their sender, a takeover."""

from collections.abc import Callable

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.core import Action, Decision, Havip, Moved, Network, Verdict
from pytest_havip.network.dataplane.counters import RejectionKey, read_rejections
from pytest_havip.network.service import Service, _Batch

__all__ = ["MUTANTS"]

_SENDER = slice(28, 32)
#: HAVIPs that one NIC may own where there is such a limit.
_FEW = 5
#: So many moves or refreshes of one HAVIP, and nothing in between, are too many.
_MANY = 20
#: Rejections that are too many.
_SPOOFS = 200
_IGNORED = Decision(Verdict(Action.DROP))


def _ignore(is_too_much: Callable[[Network, Havip, str], bool]) -> Callable[[], None]:
    """Let claims to HAVIPs be ignored when something is too much, by the network, the HAVIP and the NIC."""

    def plant() -> None:
        def receive_unless(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
            nic = self.nics.get(nic_id)
            for havip in self.havips.values() if nic else ():
                if havip.address.packed == frame[_SENDER] and nic and havip.subnet_id == nic.subnet_id:
                    is_claim = havip.binding is None or havip.binding.nic_id != nic_id
                    if is_claim and is_too_much(self, havip, nic_id):
                        return _IGNORED
            decision: Decision = receive(self, frame, nic_id, now=now)
            return decision

        receive = put(Network, "receive", receive_unless)

    return plant


def _owns_enough(network: Network, _havip: Havip, nic_id: str) -> bool:
    owners = (havip.binding.nic_id for havip in network.havips.values() if havip.binding is not None)
    return list(owners).count(nic_id) >= _FEW


def _after_a_run(*, of_moves: bool, hits_others: bool) -> Callable[[], None]:
    """Let a claim be ignored when it follows a long run of one HAVIP's moves, or of its owner's refreshes."""
    runs: dict[str, tuple[bytes, int]] = {}

    def receive_and_count(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        if decision.effects:
            vpc_id, is_move = self.nics[nic_id].vpc_id, any(isinstance(each, Moved) for each in decision.effects)
            address, length = runs.get(vpc_id, (b"", 0))
            goes_on = address == frame[_SENDER] and is_move == of_moves
            runs[vpc_id] = frame[_SENDER], length + 1 if goes_on else 0
        return decision

    def is_hit(_network: Network, havip: Havip, _nic_id: str) -> bool:
        address, length = runs.get(havip.vpc_id, (b"", 0))
        if length < _MANY or (havip.address.packed == address) == hits_others:
            return False
        del runs[havip.vpc_id]
        return True

    def plant() -> None:
        put(Network, "receive", receive_and_count)
        _ignore(is_hit)()

    receive = Network.receive
    return plant


def _suspect(is_suspect: Callable[[RejectionKey, bytes, str], bool]) -> Callable[[], None]:
    """Let the service ignore announcements when too many frames were rejected, chosen by their count's key."""

    def plant() -> None:
        def decide_unless(self: Service, frame: bytes, nic_id: str, batch: _Batch) -> None:
            bindings = (each.binding for each in self.network.havips.values() if each.address.packed == frame[_SENDER])
            # Counting takes milliseconds, so an owner may go on: a flood of refreshes would stop everything.
            is_refresh = any(binding and binding.nic_id == nic_id for binding in bindings)
            counts = {} if is_refresh else read_rejections(self.plane.fabrics[batch.vpc_id].nft)
            if sum(count for key, count in counts.items() if is_suspect(key, frame, nic_id)) < _SPOOFS:
                decide(self, frame, nic_id, batch)

        decide = put(Service, "_decide", decide_unless)

    return plant


MUTANTS = (
    Mutant(
        "five-for-a-nic",
        "A NIC owns five HAVIPs at most.",
        frozenset({"HAVIP-BIND-023", "HAVIP-QUOTA-001"}),
        _ignore(_owns_enough),
    ),
    Mutant(
        "flaps-damp-others",
        "While one HAVIP flaps, a claim to another is ignored.",
        frozenset({"HAVIP-ORDER-006"}),
        _after_a_run(of_moves=True, hits_others=True),
    ),
    Mutant(
        "bursts-damp-claims",
        "After a burst of the owner's announcements the next claim is ignored.",
        frozenset({"HAVIP-ORDER-007"}),
        _after_a_run(of_moves=False, hits_others=False),
    ),
    Mutant(
        "spoofed-havips-freeze",
        "A HAVIP that was spoofed too often can no longer be announced.",
        frozenset({"HAVIP-SPOOF-022", "HAVIP-SPOOF-023"}),
        _suspect(lambda key, frame, _: key[1].packed == frame[_SENDER] and key[2] != "RATE_LIMITED"),
    ),
    Mutant(
        "spoofers-are-shut-out",
        "A NIC of which too many frames were rejected can announce nothing any more.",
        frozenset({"HAVIP-RANGE-011", "HAVIP-SPOOF-023"}),
        _suspect(lambda key, _, nic_id: key[0] == nic_id and key[2] != "RATE_LIMITED"),
    ),
)
