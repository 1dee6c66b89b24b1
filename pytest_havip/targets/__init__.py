"""Networks under test: the protocol by which one is driven, the bundled drivers, and how one is chosen by name."""

from pytest_havip.lab import Lab
from pytest_havip.targets.base import Target
from pytest_havip.targets.bridge import PlainBridge
from pytest_havip.targets.reference import ReferenceNetwork

__all__ = ["UnknownTarget", "open_target"]

_MUTANT = "mutant:"


class UnknownTarget(Exception):  # noqa: N818 - named for what happened, as the message says
    """No target has the name that was asked for; the message lists those that exist."""


def open_target(name: str, lab: Lab) -> Target:
    """Start the network under test.

    Args:
        name: ``reference``, ``bridge``, or ``mutant:NAME`` for the reference network with one rule broken.
        lab: Where it runs.

    Raises:
        UnknownTarget: Nothing has that name.
    """
    if name == "reference":
        return ReferenceNetwork(lab)
    if name == "bridge":
        return PlainBridge(lab)
    if name.startswith(_MUTANT):
        from pytest_havip.mutants import MUTANTS  # noqa: PLC0415 - brings in the network, which only mutants need here

        mutant = name.removeprefix(_MUTANT)
        if mutant not in MUTANTS:
            raise UnknownTarget(f"There is no mutant {mutant!r}. There are: {', '.join(sorted(MUTANTS))}.")
        return ReferenceNetwork(lab, program=("pytest_havip.mutants", mutant), name=name)
    raise UnknownTarget(f"There is no target {name!r}. Choose reference, bridge or mutant:NAME.")
