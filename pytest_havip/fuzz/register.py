"""What has happened to one HAVIP, as far as it says what may be read of it, or who is to blame for what was."""

from dataclasses import dataclass, field

from pytest_havip.fuzz.blame import Note, blamed_for
from pytest_havip.fuzz.executor import View
from pytest_havip.fuzz.situation import Owners

__all__ = ["Register"]


@dataclass(slots=True)
class Register:
    """A HAVIP since it was created.

    Args:
        notes: What happened since its owner was last seen to be right.
        changes: Every change of its owner, old and new one; `None` once nobody can say what they were.
        is_told: The last announcement went to everybody, so that a third host's ARP table names the owner.
        is_renamed: It has got another name since its stamp was last read.
        is_resumed: The same of a restart of the control plane.
    """

    notes: list[Note] = field(default_factory=list)
    changes: list[tuple[str | None, str | None]] | None = field(default_factory=list)
    is_told: bool = True
    is_renamed: bool = False
    is_resumed: bool = False
    _stamp: tuple[str, int] | None = None

    def note(self, requirement: str, machine: str = "", *, binds: bool = False) -> None:
        """Note something that happened to it."""
        self.notes.append(Note(requirement, machine, binds))

    def change(self, before: Owners, after: Owners) -> None:
        """Its owners are others now."""
        if self.changes is not None and len(before) == len(after) == 1:
            self.changes.append((before[0], after[0]))
        else:
            self.changes = None

    def blamed(self, owner: str | None, otherwise: str) -> str:
        """The requirement that is broken if this is the owner, against all expectation."""
        return blamed_for(self.notes, owner, otherwise)

    def odd_listing(self, view: View) -> tuple[str, str] | None:
        """What the listed changes should be, and what they are, if these differ."""
        if self.changes is None or view.changes is None or list(view.changes) == self.changes:
            return None
        return f"changes {self.changes}", f"changes {list(view.changes)}"

    def odd_stamp(self, view: View) -> tuple[str, str] | None:
        """What the stamp of the last change should be, and what it is, if it is another one without a change."""
        if self.changes is None:
            return None
        last, count = self._stamp or (view.flushed, len(self.changes))
        if count == len(self.changes) and last != view.flushed:
            return f"stamp {last}", f"stamp {view.flushed}, without a change"
        self._stamp = view.flushed, len(self.changes)
        self.is_renamed = self.is_resumed = False
        return None
