"""One takeover, as a test measured it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

__all__ = ["Takeover"]

_PROPERTY = "havip_takeover"


@dataclass(frozen=True, slots=True)
class Takeover:
    """A client's move of a HAVIP after a fault. Whatever is `None` was not measured, or never came.

    Args:
        client: The HA software, such as ``keepalived 2.2.7``.
        cause: What was done to the owner, such as ``kill -9``.
        outage_ms: Milliseconds in which a third host was not served.
        announcements: How many announcements a third host saw.
        note: Anything a reader must know.
        outcome: How it ended: ``taken over``, or ``stuck``, ``ghost`` and the like (see ``observe/endings.py``).
        outage_ended: Whether the outage did; if not, it lasted at least so long.
        lost_probes: How many of the third host's probes in the outage were never answered.
        first_answer_ms: Milliseconds from the fault to the first answer by the new owner.
        dual_answer_ms: Milliseconds in which both machines answered: from the new owner's first to the old one's last.
        announcements_sent: How many announcements the new owner had sent when a third host was served.
        announcements_needed: How many of them it took at most.
        connection: What became of an established TCP connection: ``kept``, ``reset``, ``closed`` or ``stalled``.
        connection_ms: Milliseconds from the fault to that; of one that was kept, its longest wait for an answer, and of
            one that was stalled, how long so at least.
        new_connection_ms: Milliseconds from the fault to the first new TCP connection that the new owner served.
        repetition: In which repetition of the takeovers, from 1.
    """

    client: str
    cause: str
    outage_ms: float | None
    announcements: int
    note: str = ""
    outcome: str = "taken over"
    outage_ended: bool = True
    lost_probes: int | None = None
    first_answer_ms: float | None = None
    dual_answer_ms: float | None = None
    announcements_sent: int | None = None
    announcements_needed: int | None = None
    connection: str | None = None
    connection_ms: float | None = None
    new_connection_ms: float | None = None
    repetition: int = 1

    def to_property(self) -> tuple[str, str]:
        """Return it as one of pytest's user properties, which cross process borders."""
        return _PROPERTY, json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_properties(cls, properties: Iterable[tuple[str, object]]) -> tuple[Self, ...]:
        """Return the takeovers among a report's user properties, in their order."""
        return tuple(cls(**json.loads(str(value))) for name, value in properties if name == _PROPERTY)
