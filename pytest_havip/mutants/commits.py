"""Faults between a decision and its effect: the kernel is told wrongly, or the subnet is."""

from collections.abc import Sequence
from dataclasses import replace

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.core import Binding, Change, Havip, Resend
from pytest_havip.network.dataplane import elements, ruleset
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

_BROADCAST = b"\xff" * 6


def _releases_stay_in_force() -> None:
    """Tell the kernel of a release only when the address is given out again."""
    commands = ruleset.commands
    released: dict[object, Havip] = {}

    def late_commands(changes: Sequence[Change]) -> list[str]:
        told = []
        for change in changes:
            match change:
                case Change(before=Havip() as gone, after=None):
                    released[gone.vpc_id, gone.address] = gone
                case Change(before=None, after=Havip() as new):
                    told.append(Change(released.pop((new.vpc_id, new.address), None), new))
                case _:
                    told.append(change)
        return commands(told)

    put(ruleset, "commands", late_commands)


def _first_owner_for_ever() -> None:
    """Tell the kernel of a HAVIP's first owner only."""
    of_havip = elements._of_havip  # noqa: SLF001 - the mutant's operation
    first: dict[str, Binding] = {}

    def stale(havip: Havip) -> frozenset[elements.Element]:
        binding = havip.binding and first.setdefault(havip.id, havip.binding)
        return of_havip(replace(havip, binding=binding))

    put(elements, "_of_havip", stale)


def _broadcast_everything() -> None:
    resend = Service._resend  # noqa: SLF001 - the mutant's operation

    def shout(self: Service, effect: Resend) -> None:
        resend(self, Resend(effect.subnet_id, _BROADCAST + effect.frame[6:], effect.nic_id))

    put(Service, "_resend", shout)


def _announce_everywhere() -> None:
    resend = Service._resend  # noqa: SLF001 - the mutant's operation

    def tell_all(self: Service, effect: Resend) -> None:
        vpc_id = self.network.subnets[effect.subnet_id].vpc_id
        for subnet in self.network.subnets.values():
            if subnet.vpc_id == vpc_id:
                resend(self, Resend(subnet.id, effect.frame, effect.nic_id))

    put(Service, "_resend", tell_all)


MUTANTS = (
    Mutant(
        "stale-data-path",
        "The API moves a bound HAVIP, the data path does not.",
        frozenset(
            {
                "HAVIP-BIND-003",
                "HAVIP-BIND-008",
                "HAVIP-BIND-009",
                "HAVIP-BIND-015",
                "HAVIP-BIND-016",
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
                "HAVIP-ORDER-050",
                "HAVIP-ORDER-051",
                "HAVIP-RANGE-002",
                "HAVIP-RANGE-004",
            }
        ),
        _first_owner_for_ever,
    ),
    Mutant(
        "release-in-the-api-alone",
        "A release is not carried out in the data path.",
        frozenset({"HAVIP-RELEASE-001", "HAVIP-RELEASE-006", "HAVIP-RELEASE-007"}),
        _releases_stay_in_force,
    ),
    Mutant(
        "unicast-is-broadcast",
        "An announcement for one machine is re-sent to everyone.",
        frozenset({"HAVIP-BIND-011"}),
        _broadcast_everything,
    ),
    Mutant(
        "announcements-go-everywhere",
        "An announcement is re-sent into all subnets of the VPC.",
        frozenset({"HAVIP-SCOPE-006"}),
        _announce_everywhere,
    ),
)
