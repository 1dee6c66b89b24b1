"""What a requirement is."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Level", "Requirement"]


class Level(StrEnum):
    """How strongly a requirement binds, in the words of RFC 2119."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One observable demand on a network or a client.

    Args:
        id: ``HAVIP-<AREA>-<nnn>``, never reused.
        level: How strongly it binds.
        area: What it is about, the middle of the id.
        text: The demand in one English sentence.
        seed: The sentence of the product document that it comes from (Chinese), or nothing.
        source: Where the rule comes from.
        profile: The kinds of network it applies to; empty for all.
        feature: The optional ability of a network that it needs; empty for none.
        since: The package version that first had it.
    """

    id: str
    level: Level
    area: str
    text: str
    seed: str
    source: str
    profile: str
    feature: str
    since: str
