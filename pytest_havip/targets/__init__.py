"""Networks under test: the protocol by which one is driven, the bundled drivers, and how one is chosen by name."""

from pytest_havip.lab import Lab
from pytest_havip.targets.base import Target
from pytest_havip.targets.bridge import PlainBridge
from pytest_havip.targets.reference import ReferenceNetwork

__all__ = ["UnknownTarget", "check_target", "open_target"]

_REFERENCE = "reference:"
_VARIANTS = ("tencent", "alibaba", "ovn", "virtual-macs")
_NETWORKS = ("reference", *(f"{_REFERENCE}{name}" for name in _VARIANTS), "bridge")
_MUTANT = "mutant:"


class UnknownTarget(Exception):
    """No target has the name that was asked for; the message lists those that exist."""


def open_target(name: str, lab: Lab) -> Target:
    """Start the network under test.

    Args:
        name: ``reference``, ``reference:PROFILE`` for one that decides as another cloud does where clouds differ,
            ``bridge``, or ``mutant:NAME`` for the reference network with one rule broken.
        lab: Where it runs.

    Raises:
        UnknownTarget: Nothing has that name.
    """
    check_target(name)
    if name == "bridge":
        return PlainBridge(lab)
    if name.startswith(_MUTANT):
        from pytest_havip.mutants import MUTANTS  # noqa: PLC0415 - brings in the network

        mutant = MUTANTS[name.removeprefix(_MUTANT)]
        return ReferenceNetwork(lab, program=("pytest_havip.mutants", mutant.name), name=name, profile=mutant.profile)
    return ReferenceNetwork(lab, name=name, profile=name.removeprefix(_REFERENCE) if ":" in name else "tencent")


def check_target(name: str) -> None:
    """See that there is a network of that name, without starting it.

    Args:
        name: As `open_target` takes it.

    Raises:
        UnknownTarget: Nothing has that name.
    """
    if name in _NETWORKS:
        return
    from pytest_havip.mutants import MUTANTS  # noqa: PLC0415 - brings in the network, which only mutants need here

    mutants = [f"{_MUTANT}{mutant}" for mutant in sorted(MUTANTS)]
    if name not in mutants:
        raise UnknownTarget(f"there is no network {name!r} to test. There are: {', '.join((*_NETWORKS, *mutants))}.")
