"""Faults in the guard's allow-list: somebody may send what is not theirs to send, or may not what is."""

from collections.abc import Sequence

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import add_rules, change_rule, put
from pytest_havip.network.core import Change, Decision, Havip, Network, Nic
from pytest_havip.network.dataplane import elements, ruleset
from pytest_havip.network.dataplane.rules import RULES_BY_NAME
from pytest_havip.wire import mac_bytes

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


def _allowances_outlive_moves() -> None:
    """Leave a former owner what it was allowed."""

    def keeping_commands(changes: Sequence[Change]) -> list[str]:
        has_moves = any(isinstance(change.before, Havip) and isinstance(change.after, Havip) for change in changes)
        taken = "delete element bridge havip senders "
        return [line for line in commands(changes) if not (has_moves and line.startswith(taken))]

    commands = put(ruleset, "commands", keeping_commands)


def _the_left_inherit() -> None:
    """Allow the addresses of a NIC that goes to all others of its subnet."""
    nics: dict[str, Nic] = {}

    def bequeathing_commands(changes: Sequence[Change]) -> list[str]:
        found: list[str] = commands(changes)
        for change in changes:
            before, after = change.before, change.after
            if isinstance(after, Nic) and after.instance_id:
                nics[after.id] = after
            elif isinstance(before, Nic) and before.id in nics:
                del nics[before.id]
                heirs = (nic for nic in nics.values() if nic.subnet_id == before.subnet_id)
                inherited = [f'"{nic.id}" . {address}' for nic in heirs for address in before.addresses]
                found += [f"add element bridge havip senders {{ {each} }}" for each in inherited]
        return found

    commands = put(ruleset, "commands", bequeathing_commands)


#: Whether a MAC address is that of a VRRP virtual router.
_VIRTUAL = "& ff:ff:ff:ff:ff:00 != 00:00:5e:00:01:00"


def _virtual_macs_are_let_in() -> None:
    for name, source in (("ethernet-source", "ether saddr"), ("arp-sender-mac", "arp saddr ether")):
        change_rule(name, f"{source} {_VIRTUAL} {RULES_BY_NAME[name].text}")

    def receive_as_own(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        nic = self.nics.get(nic_id)
        own = mac_bytes(nic.mac) if nic else frame[6:12]
        decision: Decision = receive(self, frame[:6] + own + frame[12:22] + own + frame[28:], nic_id, now=now)
        return decision

    receive = put(Network, "receive", receive_as_own)


MUTANTS = (
    Mutant(
        "allowances-outlive-moves",
        "A former owner may go on speaking as the HAVIP.",
        frozenset({"HAVIP-SPOOF-020", "HAVIP-SPOOF-027"}),
        _allowances_outlive_moves,
    ),
    Mutant(
        "the-left-inherit",
        "What a NIC was allowed that goes, all others of its subnet are.",
        frozenset({"HAVIP-SPOOF-024"}),
        _the_left_inherit,
    ),
    Mutant(
        "virtual-macs-are-let-in",
        "VRRP's virtual MAC addresses are taken for the NIC's own.",
        frozenset({"HAVIP-SPOOF-009", "HAVIP-SPOOF-025"}),
        _virtual_macs_are_let_in,
    ),
    Mutant(
        "shared-allowances",
        "What one machine may send from, every machine of the subnet may.",
        frozenset(
            {
                "HAVIP-DUR-004",
                "HAVIP-SOURCE-003",
                "HAVIP-SPOOF-001",
                "HAVIP-SPOOF-002",
                "HAVIP-SPOOF-009",
                "HAVIP-SPOOF-010",
                "HAVIP-SPOOF-013",
                "HAVIP-SPOOF-021",
                "HAVIP-SPOOF-024",
            }
        ),
        _held_by_somebody,
    ),
    Mutant(
        "unallocated-is-free",
        "An address that nobody holds may be announced by everyone.",
        frozenset({"HAVIP-QUOTA-001", "HAVIP-RELEASE-001", "HAVIP-SPOOF-003", "HAVIP-SPOOF-021", "HAVIP-SPOOF-024"}),
        _unknown_is_allowed,
    ),
    Mutant(
        "anyone-sends-as-havip",
        "Every machine of the subnet may send packets from a HAVIP.",
        frozenset({"HAVIP-SPOOF-007", "HAVIP-SPOOF-016", "HAVIP-SPOOF-024", "HAVIP-SPOOF-027"}),
        _anyone_sends_as_havip,
    ),
    Mutant(
        "mute-owner",
        "The owner may not send from its HAVIP.",
        frozenset(
            {
                "HAVIP-DUR-002",
                "HAVIP-DUR-003",
                "HAVIP-EIP-001",
                "HAVIP-EIP-009",
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
                "HAVIP-PATH-080",
                "HAVIP-RELEASE-006",
                "HAVIP-RELEASE-007",
                "HAVIP-ROUTE-005",
                "HAVIP-SPOOF-006",
                "HAVIP-SPOOF-007",
                "HAVIP-SPOOF-017",
            }
        ),
        _nobody_sends_as_havip,
    ),
)
