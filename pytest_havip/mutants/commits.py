"""Faults between a decision and its effect: the kernel is told wrongly, or the subnet is."""

from collections.abc import Callable, Sequence

from pytest_havip.mutants.model import Mutant
from pytest_havip.network.core import Change, Havip, Resend
from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

_BROADCAST = b"\xff" * 6


def _kernel_misses(missed: Callable[[Change], bool]) -> Callable[[], None]:
    """Keep some changes from the kernel."""

    def plant() -> None:
        commands = ruleset.commands

        def partial_commands(changes: Sequence[Change]) -> list[str]:
            return commands([change for change in changes if not missed(change)])

        setattr(ruleset, "commands", partial_commands)  # noqa: B010 - a function, but a mutant's

    return plant


def _is_a_move(change: Change) -> bool:
    match change:
        case Change(before=Havip(binding=before), after=Havip(binding=after)):
            return before is not None and after is not None
    return False


def _is_a_release(change: Change) -> bool:
    return isinstance(change.before, Havip) and change.after is None


def _broadcast_everything() -> None:
    resend = Service._resend  # noqa: SLF001 - the mutant's operation

    def shout(self: Service, effect: Resend) -> None:
        resend(self, Resend(effect.subnet_id, _BROADCAST + effect.frame[6:], effect.nic_id))

    setattr(Service, "_resend", shout)  # noqa: B010


MUTANTS = (
    Mutant(
        "stale-data-path",
        "The API moves a bound HAVIP, the data path does not.",
        frozenset(),
        _kernel_misses(_is_a_move),
    ),
    Mutant(
        "release-in-the-api-alone",
        "A release is not carried out in the data path.",
        frozenset(),
        _kernel_misses(_is_a_release),
    ),
    Mutant(
        "unicast-is-broadcast",
        "An announcement for one machine is re-sent to everyone.",
        frozenset(),
        _broadcast_everything,
    ),
)
