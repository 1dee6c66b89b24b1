"""Faults in the guard's allow-list: somebody may send what is not theirs to send, or may not what is."""

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import add_rules, put
from pytest_havip.network.core import Havip
from pytest_havip.network.dataplane import elements

__all__ = ["MUTANTS"]


def _held_by_somebody() -> None:
    add_rules("arp-not-owner", "arp saddr ip {cidr} arp saddr ip @held goto to_{subnet}")
    add_rules("ip-not-owner", "ip saddr {cidr} ip saddr @held goto to_{subnet}")


def _unknown_is_allowed() -> None:
    add_rules("arp-not-owner", "arp saddr ip {cidr} arp saddr ip != @held arp saddr ip != @havips accept")


def _anyone_sends_as_havip() -> None:
    add_rules("ip-not-owner", "ip saddr {cidr} ip saddr @havips goto to_{subnet}")


def _nobody_sends_as_havip() -> None:
    def without_senders(havip: Havip) -> frozenset[elements.Element]:
        return frozenset(element for element in of_havip(havip) if element[0] != "senders")

    of_havip = put(elements, "_of_havip", without_senders)


MUTANTS = (
    Mutant(
        "shared-allowances",
        "What one machine may send from, every machine of the subnet may.",
        frozenset({"HAVIP-SPOOF-001", "HAVIP-SPOOF-002", "HAVIP-SPOOF-009", "HAVIP-SPOOF-010", "HAVIP-SPOOF-013"}),
        _held_by_somebody,
    ),
    Mutant(
        "unallocated-is-free",
        "An address that nobody holds may be announced by everyone.",
        frozenset({"HAVIP-QUOTA-001", "HAVIP-RELEASE-001", "HAVIP-SPOOF-003"}),
        _unknown_is_allowed,
    ),
    Mutant(
        "anyone-sends-as-havip",
        "Every machine of the subnet may send packets from a HAVIP.",
        frozenset({"HAVIP-SPOOF-007"}),
        _anyone_sends_as_havip,
    ),
    Mutant(
        "mute-owner",
        "The owner may not send from its HAVIP.",
        frozenset(
            {
                "HAVIP-MOVE-001",
                "HAVIP-MOVE-004",
                "HAVIP-MOVE-006",
                "HAVIP-NIC-008",
                "HAVIP-PATH-002",
                "HAVIP-PATH-003",
                "HAVIP-PATH-004",
                "HAVIP-PATH-006",
                "HAVIP-PATH-010",
                "HAVIP-PATH-012",
                "HAVIP-PATH-013",
                "HAVIP-PATH-016",
                "HAVIP-PATH-017",
                "HAVIP-PATH-018",
                "HAVIP-PATH-020",
                "HAVIP-PATH-021",
                "HAVIP-PATH-022",
                "HAVIP-RELEASE-006",
                "HAVIP-RELEASE-007",
                "HAVIP-SPOOF-006",
                "HAVIP-SPOOF-007",
                "HAVIP-SPOOF-017",
            }
        ),
        _nobody_sends_as_havip,
    ),
)
