"""The JSON Schema of a trace, made from the actions themselves: ``python -m pytest_havip.fuzz.schema`` prints it."""

import json
from dataclasses import MISSING, fields
from typing import Any, get_args, get_type_hints

from pytest_havip.fuzz.actions import ACTIONS, Action, Announce
from pytest_havip.fuzz.trace import FORMAT, VERSION

__all__ = ["schema"]


def schema() -> dict[str, Any]:
    """The JSON Schema of a trace, made from the actions themselves."""
    text = {"type": "string"}
    found = ("requirement", "target", "expected", "seen")
    origin, ids = ("source", "seed"), {"type": "array", "items": text}
    number = {"type": "integer", "minimum": 2, "maximum": 254}
    place = {"subnet": text, "number": number}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A story told on a HAVIP network",
        **_object(
            {
                "format": {"const": FORMAT},
                "version": {"const": VERSION},
                "found": _object(dict.fromkeys(found, text)),
                "origin": _object({**dict.fromkeys(origin, text), "requirements": ids}, *origin, "requirements"),
                "world": _object(
                    {
                        "vpcs": _named(text),
                        "subnets": _named(_object({"vpc": text, "cidr": text})),
                        "machines": _named(_object({**place, "observes": {"type": "boolean"}}, "observes")),
                        "havips": _named(_object(place)),
                    }
                ),
                "actions": {"type": "array", "items": {"oneOf": [_schema_of(kind) for kind in ACTIONS.values()]}},
            },
            "origin",
        ),
    }


def _schema_of(kind: type[Action]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    properties: dict[str, Any] = {"do": {"const": kind.name}}
    for field in fields(kind):
        choices, simple = get_args(hints[field.name]), {int: "integer", str: "string"}.get(hints[field.name])
        if field.name == "announcements":
            properties[field.name] = {"type": "array", "minItems": 1, "items": _schema_of(Announce)}
        else:
            properties[field.name] = {"type": simple} if simple else {"enum": list(choices)}
    return _object(properties, *(field.name for field in fields(kind) if field.default is not MISSING))


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))  # noqa: T201 - what it is run for
