"""Faults of a service that goes on where another one was killed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.core import Effect, Havip, Network, Nic, Record
from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.dataplane.elements import Element
from pytest_havip.network.dataplane.punt import PuntSocket
from pytest_havip.network.store import Store, Stored

__all__ = ["MUTANTS"]


def _owners_are_forgotten() -> None:
    """Restore HAVIPs as unbound, and let the kernel follow."""
    restore = Network.restore

    def restore_unbound(records: Iterable[Record], **options: Any) -> Network:  # noqa: ANN401 - passed on
        unbound = (replace(one, binding=None) if isinstance(one, Havip) else one for one in records)
        return restore(unbound, **options)

    def believe_the_store(_network: Network, _vpc_id: str, *_: object, **__: object) -> tuple[Effect, ...]:
        return ()

    put(Network, "restore", restore_unbound)
    put(Network, "recover", believe_the_store)


def _guard_falls_open() -> None:
    """Let every NIC send from every NIC's address when the guard is looked over."""
    repair = ruleset.repair

    def open_repair(found: frozenset[Element], chains: frozenset[str], records: Sequence[Record]) -> list[str]:
        nics = [record for record in records if isinstance(record, Nic) and record.instance_id]
        senders = {f'"{nic.id}" . {address}' for nic in nics for other in nics for address in other.addresses}
        command = f"add element {ruleset.FAMILY} {ruleset.TABLE} senders {{ {', '.join(sorted(senders))} }}"
        return [*repair(found, chains, records), *([command] if senders else [])]

    put(ruleset, "repair", open_repair)


def _waiting_announcements_are_dropped() -> None:
    """Begin with an empty queue."""
    adopt = PuntSocket.adopt

    def adopt_and_empty(descriptors: tuple[int, int]) -> PuntSocket:
        punt = adopt(descriptors)
        while punt.next() is not None:
            pass
        punt.inbox.finish(punt.inbox.position)
        return punt

    put(PuntSocket, "adopt", adopt_and_empty)


def _last_moves_are_told_again() -> None:
    load = Store.load

    def load_and_repeat(self: Store) -> Stored:
        stored = load(self)
        latest = {event.havip_id: event for event in stored.events}
        return replace(stored, events=[*stored.events, *latest.values()], last_event=stored.last_event + len(latest))

    put(Store, "load", load_and_repeat)


MUTANTS = (
    Mutant(
        "restart-forgets-owners",
        "A restart of the service unbinds all HAVIPs.",
        frozenset({"HAVIP-DUR-001", "HAVIP-DUR-002", "HAVIP-DUR-003", "HAVIP-DUR-006", "HAVIP-ROUTE-008"}),
        _owners_are_forgotten,
    ),
    Mutant(
        "restart-opens-the-guard",
        "After a restart of the service every NIC may send from the addresses of all others.",
        frozenset({"HAVIP-DUR-004"}),
        _guard_falls_open,
    ),
    Mutant(
        "restart-drops-announcements",
        "Announcements that came while there was no service are forgotten.",
        frozenset({"HAVIP-DUR-005"}),
        _waiting_announcements_are_dropped,
    ),
    Mutant(
        "restart-repeats-moves",
        "A restart of the service tells the latest move of each HAVIP once more.",
        frozenset({"HAVIP-DUR-006"}),
        _last_moves_are_told_again,
    ),
)
