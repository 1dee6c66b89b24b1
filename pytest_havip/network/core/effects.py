"""What follows from an input, as values for whoever does it: store, kernel, journal, wire."""

from dataclasses import dataclass
from enum import StrEnum

from pytest_havip.network.core.model import Havip, Record

__all__ = ["Cause", "Change", "Effect", "Moved", "Resend"]


class Cause(StrEnum):
    """Why a binding changed; RECOVERED: a service that was killed had no time to write down why."""

    ANNOUNCED = "announced"
    RELEASED = "released"
    DETACHED = "detached"
    DELETED = "deleted"
    EXCLUDED = "excluded"
    UNBOUND = "unbound"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Change:
    """One record is replaced by another; None stands for "does not exist". To be committed before anything is told."""

    before: Record | None
    after: Record | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The owner of a HAVIP changed: exactly one of these per change of binding, losing it included.

    Attributes:
        havip: the record after the change; after a release, the last one.
        old_nic_id: the former owner, None if it was unbound.
        new_nic_id: the new owner, None if it is unbound now.
        cause: what changed it.
        at: epoch seconds.
    """

    havip: Havip
    old_nic_id: str | None
    new_nic_id: str | None
    cause: Cause
    at: float


@dataclass(frozen=True, slots=True)
class Resend:
    """An accepted announcement goes into its subnet, to everyone but its sender, once the change is committed."""

    subnet_id: str
    frame: bytes
    nic_id: str


Effect = Change | Moved | Resend
