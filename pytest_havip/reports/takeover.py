"""One takeover, as a test measured it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

__all__ = ["Takeover"]

_PROPERTY = "havip_takeover"


@dataclass(frozen=True, slots=True)
class Takeover:
    """A client's move of a HAVIP after a fault.

    Args:
        client: The HA software, such as ``keepalived 2.2.7``.
        cause: What was done to the owner, such as ``kill -9``.
        outage_ms: Milliseconds in which a third host was not served; `None` where it was not measured.
        announcements: How many announcements a third host saw.
        note: Anything a reader must know.
        outcome: How it ended: ``taken over``, or ``stuck``, ``ghost`` and the like (see ``observe/endings.py``).
    """

    client: str
    cause: str
    outage_ms: float | None
    announcements: int
    note: str = ""
    outcome: str = "taken over"

    def to_property(self) -> tuple[str, str]:
        """Return it as one of pytest's user properties, which cross process borders."""
        return _PROPERTY, json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_properties(cls, properties: Iterable[tuple[str, object]]) -> tuple[Self, ...]:
        """Return the takeovers among a report's user properties, in their order."""
        return tuple(cls(**json.loads(str(value))) for name, value in properties if name == _PROPERTY)
