"""What a voter must not forget when its program ends: whom it gave its vote to, in which term, and its own age."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

__all__ = ["Memory"]


@dataclass(frozen=True, slots=True)
class Memory:
    """A voter's record. It survives the death of its program, not of its host.

    Args:
        incarnation: Of the program that wrote it.
        holder: Whom the vote is given to, or empty.
        term: The highest term that it was given in.
    """

    incarnation: int = 0
    holder: str = ""
    term: int = 0

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the record; an empty one if there is none yet."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()

    def write(self, path: Path) -> None:
        """Write the record in place of the old one, whole or not at all."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.replace(path)

    def next_incarnation(self) -> int:
        """A number higher than that of any start before, by the record; by the clock if the record is lost."""
        return max(self.incarnation + 1, time.time_ns())
