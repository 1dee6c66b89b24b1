"""What a mutant is."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Mutant"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault.

    Args:
        name: As ``--havip-target mutant:NAME`` spells it.
        fault: What is wrong with this network, in one sentence.
        breaks: Ids of the requirements that it breaks, all of them.
        plant: Plants the fault in this process, before the service starts.
        profile: The one that the network has besides.
    """

    name: str
    fault: str
    breaks: frozenset[str]
    plant: Callable[[], None]
    profile: str = "tencent"
