"""What the guard does with one frame, and why."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from pytest_havip.network.core.effects import Effect

__all__ = ["Action", "Decision", "Reason", "Verdict"]


class Action(Enum):
    """What becomes of a frame."""

    PASS = "pass"  # noqa: S105 - no password
    REDIRECT = "redirect"
    PUNT = "punt"
    DROP = "drop"


class Reason(StrEnum):
    """Why a frame was dropped."""

    ETHERTYPE = "ETHERTYPE"
    MAC_MISMATCH = "MAC_MISMATCH"
    MALFORMED = "MALFORMED"
    NOT_ARP_ANNOUNCEMENT = "NOT_ARP_ANNOUNCEMENT"
    NOT_OWNER = "NOT_OWNER"
    WRONG_SUBNET = "WRONG_SUBNET"
    NOT_IN_RANGE = "NOT_IN_RANGE"
    NOT_YOURS = "NOT_YOURS"
    NOT_DHCP_SERVER = "NOT_DHCP_SERVER"
    RATE_LIMITED = "RATE_LIMITED"
    UNBOUND = "UNBOUND"
    OWN = "OWN"
    DAMPED = "DAMPED"

    @property
    def is_rejection(self) -> bool:
        """The sender did something that it may not do; the other reasons are nobody's fault."""
        return self not in {Reason.UNBOUND, Reason.OWN, Reason.DAMPED}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The guard's answer for one frame.

    Attributes:
        action: what becomes of it.
        reason: why it is dropped; None otherwise.
        ethernet_destination: the MAC that a redirected frame gets; None otherwise.
    """

    action: Action
    reason: Reason | None = None
    ethernet_destination: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the network answers to a punted frame: the verdict at this moment, and what is to be done, in order."""

    verdict: Verdict
    effects: tuple[Effect, ...] = ()
