"""How actions are written as JSON, and the names in them."""

from dataclasses import MISSING, fields
from functools import lru_cache
from typing import Any, Final, get_args, get_type_hints

from pytest_havip.fuzz.actions import ACTIONS, Action, Announce, parts_of

__all__ = ["NotAnAction", "action_of", "data_of", "names_in"]

#: The one field that holds actions.
_ANNOUNCEMENTS: Final = "announcements"


class NotAnAction(ValueError):
    """Data that describes no action; the text says what is wrong with it."""


def data_of(action: Action) -> dict[str, Any]:
    """An action as JSON has it: its name under ``do``, and its fields unless they are as by default.

    >>> data_of(Announce("a", "h1", operation="reply"))
    {'do': 'announce', 'machine': 'a', 'address': 'h1', 'operation': 'reply'}
    """
    data: dict[str, Any] = {"do": action.name}
    for field in fields(action):
        value = getattr(action, field.name)
        if field.default is MISSING or value != field.default:
            data[field.name] = [data_of(part) for part in value] if field.name == _ANNOUNCEMENTS else value
    return data


@lru_cache(1 << 14)
def names_in(action: Action) -> tuple[str, ...]:
    """Every name in an action, and other words that it has in its fields."""
    values = (getattr(part, field.name) for part in parts_of(action) for field in fields(part))
    return tuple(value for value in values if isinstance(value, str))


def action_of(data: object) -> Action:
    """The action that some JSON describes.

    Raises:
        NotAnAction: It describes none.

    >>> action_of({"do": "detach", "machine": "a"})
    Detach(machine='a')
    """
    if not isinstance(data, dict):
        raise NotAnAction(f"an action is a JSON object, not {data!r}")
    given = dict(data)
    kind = ACTIONS.get(given.pop("do", ""))
    if kind is None:
        raise NotAnAction(f"{data!r} does nothing known; do is one of {', '.join(ACTIONS)}")
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    for name, value in given.items():
        if name not in known:
            raise NotAnAction(f"{kind.name} has no {name!r}; it has {', '.join(known)}")
        if name == _ANNOUNCEMENTS:
            given[name] = _announcements_of(kind.name, value)
        else:
            _check(kind.name, name, value, hints[name])
    missing = [name for name, field in known.items() if field.default is MISSING and name not in given]
    if missing:
        raise NotAnAction(f"{data!r} lacks {', '.join(missing)}")
    return kind(**given)


def _announcements_of(action: str, data: object) -> tuple[Announce, ...]:
    parts = [action_of(part) for part in data] if isinstance(data, list) else []
    announcements = tuple(part for part in parts if isinstance(part, Announce))
    if not announcements or len(announcements) < len(parts):
        raise NotAnAction(f"what stands in a {action} is a list of announcements, not {data!r}")
    return announcements


def _check(action: str, name: str, value: object, hint: Any) -> None:  # noqa: ANN401 - a type, whichever
    choices = get_args(hint)
    if choices and value not in choices:
        raise NotAnAction(f"{action}: {name} is {value!r}; it is one of {', '.join(map(repr, choices))}")
    if not choices and (not isinstance(value, hint) or isinstance(value, bool)):
        raise NotAnAction(f"{action}: {name} is {value!r}; it is of type {hint.__name__}")
