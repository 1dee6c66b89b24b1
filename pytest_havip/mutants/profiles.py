"""Faults of networks that decide as another cloud than Tencent's does, and in what is done by hand."""

from functools import partial

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import change_shipped_profile, put
from pytest_havip.network.core import Network, OwnerRemoval

__all__ = ["MUTANTS"]


def _unbinding_in_the_api_alone() -> None:
    """Tell of a HAVIP that is unbound by hand that it is, and let the kernel go on."""

    def unbind(self: Network, havip_id: str, *, now: float) -> None:
        waiting = len(self._effects)
        rightly(self, havip_id, now=now)
        del self._effects[waiting:]

    rightly = put(Network, "unbind_havip", unbind)


MUTANTS = (
    Mutant(
        "association-can-wait",
        "Anybody may announce a HAVIP that nobody was associated with.",
        frozenset({"HAVIP-RANGE-015"}),
        partial(change_shipped_profile, "alibaba", check_associate=False),
        profile="alibaba",
    ),
    Mutant(
        "masters-are-dissociated",
        "The owner of a HAVIP is taken out of its range, and stays the owner.",
        frozenset({"HAVIP-RANGE-016"}),
        partial(change_shipped_profile, "alibaba", owner_removal=OwnerRemoval.KEEPS),
        profile="alibaba",
    ),
    Mutant(
        "in-use-is-released",
        "A HAVIP that is in use is released.",
        frozenset({"HAVIP-RELEASE-008"}),
        partial(change_shipped_profile, "alibaba", bound_is_released=True),
        profile="alibaba",
    ),
    Mutant(
        "tencents-word-for-free",
        "An unbound HAVIP is called UNBIND, as at Tencent.",
        frozenset({"HAVIP-API-034"}),
        partial(change_shipped_profile, "alibaba", unbound_state="UNBIND"),
        profile="alibaba",
    ),
    Mutant(
        "parents-that-were",
        "An owner that is taken out of the range of a HAVIP stays the owner.",
        frozenset({"HAVIP-RANGE-017"}),
        partial(change_shipped_profile, "ovn", owner_removal=OwnerRemoval.KEEPS),
        profile="ovn",
    ),
    Mutant(
        "unbinding-in-the-api-alone",
        "Packets go on reaching the former owner of a HAVIP that was unbound by hand.",
        frozenset({"HAVIP-RELEASE-009"}),
        _unbinding_in_the_api_alone,
    ),
)
