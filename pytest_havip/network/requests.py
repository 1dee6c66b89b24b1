"""Requests that were carried out: tasks to ask after, and answers to give once more."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["KEPT", "Earlier", "Note", "RequestLog", "Task"]

#: Of each kind; the oldest are forgotten.
KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request that its sender marked with a token.

    Attributes:
        action: what was to be done.
        token: the sender's mark.
        parameters: what it asked for, as JSON.
        answer: what it was answered, as JSON.
    """

    action: str
    token: str
    parameters: str
    answer: str


@dataclass(frozen=True, slots=True)
class Task:
    """What a request did with a resource, under the request's id."""

    id: str
    resource_id: str


Note: TypeAlias = Earlier | Task


class RequestLog:
    """What later requests may refer to.

    Args:
        notes: those of an earlier process, oldest first.
    """

    __slots__ = ("_by_token", "_new", "_tasks")

    def __init__(self, notes: Iterable[Note] = ()) -> None:
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._by_token: OrderedDict[tuple[str, str], Earlier] = OrderedDict()
        self._new: list[Note] = []
        for note in notes:
            self._keep(note)

    def note(self, note: Note) -> None:
        """Write down a request that was carried out."""
        self._keep(note)
        self._new.append(note)

    def _keep(self, note: Note) -> None:
        if isinstance(note, Task):
            self._tasks[note.id] = note
            if len(self._tasks) > KEPT:
                self._tasks.popitem(last=False)
        else:
            self._by_token[note.action, note.token] = note
            if len(self._by_token) > KEPT:
                self._by_token.popitem(last=False)

    def take_new(self) -> tuple[Note, ...]:
        """Return the notes since the last call, in order; they are the caller's to store."""
        new = tuple(self._new)
        self._new.clear()
        return new

    def undo(self, notes: Sequence[Note]) -> None:
        """Forget notes: what they speak of was not carried out."""
        for note in notes:
            if isinstance(note, Task):
                self._tasks.pop(note.id, None)
            else:
                self._by_token.pop((note.action, note.token), None)

    def resource_of(self, task_id: str) -> str | None:
        """Return with which resource a task was done; `None` if there was no such task."""
        task = self._tasks.get(task_id)
        return task.resource_id if task is not None else None

    def earlier(self, action: str, token: str) -> Earlier | None:
        """Return the request of this action with this token, if there was one."""
        return self._by_token.get((action, token))
