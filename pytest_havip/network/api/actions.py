"""The table of actions, filled by the modules of the resources."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Given, Parameter, Schema
from pytest_havip.network.requests import Earlier, Task
from pytest_havip.network.service import Service

__all__ = ["Actions", "Answer", "NotYet"]

Answer: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Service, Given], Answer]

# Numbers of tasks have eight digits.
_NUMBERS: Final = 10**8


class NotYet(Exception):
    """There is nothing to tell yet, and the caller wants to wait for it.

    Args:
        answer: to give when the caller has waited long enough.
        seconds: how long that is.
        again: seconds after which the action is to be carried out again, though nothing was heard.
    """

    def __init__(self, answer: Answer, seconds: float, again: float) -> None:
        super().__init__(answer)
        self.answer = answer
        self.seconds = seconds
        self.again = again


@dataclass(frozen=True, slots=True)
class _Action:
    schema: Schema
    handler: Handler
    task_of: str
    is_numbered: bool


class Actions:
    """A table of actions by name; tables of several modules can be joined."""

    __slots__ = ("_actions",)

    def __init__(self, *tables: "Actions") -> None:
        self._actions: dict[str, _Action] = {}
        for table in tables:
            self._actions |= table._actions  # noqa: SLF001 - of the same class

    def action(self, name: str, **parameters: Parameter) -> Callable[[Handler], Handler]:
        """Make the decorated function the handler of an action with these parameters."""
        return self._enter(name, parameters)

    def task(self, name: str, of: str, **parameters: Parameter) -> Callable[[Handler], Handler]:
        """Make the decorated function the handler of an action whose end is asked after by DescribeVpcTaskResult.

        Args:
            name: of the action; the task's id is that of the request.
            of: the parameter that names the resource.
            **parameters: of the action.
        """
        return self._enter(name, parameters, task_of=of)

    def numbered_task(self, name: str, **parameters: Parameter) -> Callable[[Handler], Handler]:
        """Make the decorated function the handler of an action whose end is asked after by DescribeTaskResult.

        Args:
            name: of the action; its answer has the task's number.
            **parameters: of the action.
        """
        return self._enter(name, parameters, is_numbered=True)

    def _enter(
        self, name: str, parameters: Mapping[str, Parameter], *, task_of: str = "", is_numbered: bool = False
    ) -> Callable[[Handler], Handler]:
        def enter(handler: Handler) -> Handler:
            self._actions[name] = _Action(Schema(parameters), handler, task_of, is_numbered)
            return handler

        return enter

    @property
    def names(self) -> tuple[str, ...]:
        """The actions there are."""
        return tuple(sorted(self._actions))

    def parameters(self, name: str) -> Mapping[str, bool]:
        """The names of an action's parameters; whether a request without it is refused."""
        schema = self._actions[name].schema
        return {each: parameter.required for each, parameter in schema.parameters.items()}

    def call(self, service: Service, name: str, body: Mapping[str, object], *, request_id: str) -> Answer:
        """Carry out an action; one with the ClientToken of an earlier request is only answered, as that one was.

        Args:
            service: the network.
            name: of the action.
            body: its parameters.
            request_id: the id of the request in its answer.

        Raises:
            ApiError, Refused: the request is refused, and nothing has changed.
            NotYet: call again later.
            StoreError: it cannot be written down, and nothing has changed.
        """
        action = self._actions.get(name)
        if action is None:
            raise ApiError(
                "UnsupportedOperation.ActionNotFound",
                f"there is no action {name[:60]!r}; there are: {', '.join(self.names)}",
            )
        given = action.schema.read(body)
        token = given.get("ClientToken")
        asked = "" if token is None else json.dumps(given, sort_keys=True, default=str)
        earlier = None if token is None else service.requests.earlier(name, token)
        if earlier is not None and earlier.parameters != asked:
            raise ApiError(
                "UnsupportedOperation.IdempotentParameterMismatch",
                "an earlier request with this ClientToken had other parameters; take a new token for a new request",
            )
        service.settle()
        try:
            answer: Answer = json.loads(earlier.answer) if earlier is not None else action.handler(service, given)
            if token is not None and earlier is None:
                service.requests.note(Earlier(name, token, asked, json.dumps(answer)))
            if action.task_of:
                service.requests.note(Task(request_id, given[action.task_of]))
            if action.is_numbered:
                answer["TaskId"] = str(UUID(request_id).int % _NUMBERS)
                service.requests.note(Task(answer["TaskId"], ""))
        finally:
            service.apply()
        return answer
