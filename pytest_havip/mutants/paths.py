"""Faults in where a packet for a HAVIP goes."""

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import add_rules, change_rule, drop_rule, put
from pytest_havip.network.core import Havip
from pytest_havip.network.dataplane import elements

__all__ = ["MUTANTS"]


def _not_redirected() -> None:
    """Let packets for a bound HAVIP pass as they are, as they do for an address that a machine holds."""
    drop_rule("ip-owner")

    def also_held(havip: Havip) -> frozenset[elements.Element]:
        held = {("held", str(havip.address))} if havip.binding is not None else set()
        found: frozenset[elements.Element] = of_havip(havip) | held
        return found

    of_havip = put(elements, "_of_havip", also_held)


def _unbound_passes() -> None:
    change_rule("unbound", "accept")


def _gateway_is_cut_off() -> None:
    add_rules("ip-elsewhere", 'iifname "gw-*" ip daddr {cidr} ip daddr @havips drop')


MUTANTS = (
    Mutant(
        "stale-neighbours-decide",
        "A packet goes to whom its sender's neighbour table names, not to the owner.",
        frozenset({"HAVIP-PATH-003"}),
        _not_redirected,
    ),
    Mutant(
        "unbound-goes-somewhere",
        "What is for an unbound HAVIP, or for nobody's address, goes where its Ethernet destination says.",
        frozenset({"HAVIP-PATH-001", "HAVIP-RELEASE-001", "HAVIP-SPOOF-003", "HAVIP-SPOOF-017"}),
        _unbound_passes,
    ),
    Mutant(
        "no-way-from-outside",
        "The gateway reaches no HAVIP.",
        frozenset({"HAVIP-PATH-004", "HAVIP-PATH-010"}),
        _gateway_is_cut_off,
    ),
)
