"""Requests that were carried out: tasks to ask after, and answers to give once more."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

__all__ = ["Earlier", "RequestLog"]

_Answer: TypeAlias = Mapping[str, Any]

#: Of each kind; the oldest are forgotten.
_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request that its sender marked with a token.

    Attributes:
        parameters: what it asked for.
        answer: what it was answered.
    """

    parameters: Mapping[str, Any]
    answer: _Answer


class RequestLog:
    """What later requests may refer to."""

    __slots__ = ("_by_token", "_tasks")

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, str] = OrderedDict()
        self._by_token: OrderedDict[tuple[str, str], Earlier] = OrderedDict()

    def finish_task(self, task_id: str, resource_id: str) -> None:
        """Write down that a task was done with a resource."""
        self._tasks[task_id] = resource_id
        if len(self._tasks) > _KEPT:
            self._tasks.popitem(last=False)

    def resource_of(self, task_id: str) -> str | None:
        """Return with which resource a task was done; `None` if there was no such task."""
        return self._tasks.get(task_id)

    def remember(self, action: str, token: str, earlier: Earlier) -> None:
        """Write down what a request with a token was answered."""
        self._by_token[action, token] = earlier
        if len(self._by_token) > _KEPT:
            self._by_token.popitem(last=False)

    def earlier(self, action: str, token: str) -> Earlier | None:
        """Return the request of this action with this token, if there was one."""
        return self._by_token.get((action, token))
