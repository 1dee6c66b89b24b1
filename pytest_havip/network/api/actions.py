"""The table of actions, filled by the modules of the resources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Given, Parameter, Schema
from pytest_havip.network.service import Service

__all__ = ["Actions", "Answer"]

Answer: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Service, Given], Answer]


@dataclass(frozen=True, slots=True)
class _Action:
    schema: Schema
    handler: Handler


class Actions:
    """A table of actions by name; tables of several modules can be joined."""

    __slots__ = ("_actions",)

    def __init__(self, *tables: "Actions") -> None:
        self._actions: dict[str, _Action] = {}
        for table in tables:
            self._actions |= table._actions  # noqa: SLF001 - of the same class

    def action(self, name: str, **parameters: Parameter) -> Callable[[Handler], Handler]:
        """Make the decorated function the handler of an action with these parameters."""

        def enter(handler: Handler) -> Handler:
            self._actions[name] = _Action(Schema(parameters), handler)
            return handler

        return enter

    @property
    def names(self) -> tuple[str, ...]:
        """The actions there are."""
        return tuple(sorted(self._actions))

    def call(self, service: Service, name: str, body: Mapping[str, object]) -> Answer:
        """Carry out an action.

        Raises:
            ApiError, Refused: the request is refused, and nothing has changed.
        """
        action = self._actions.get(name)
        if action is None:
            raise ApiError(
                "UnsupportedOperation.ActionNotFound",
                f"there is no action {name[:60]!r}; there are: {', '.join(self.names)}",
            )
        given = action.schema.read(body)
        service.settle()
        try:
            return action.handler(service, given)
        finally:
            service.apply()
