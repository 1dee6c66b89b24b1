"""The parameters of an action: which there are, which must be there, and of what type."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pytest_havip.network.api.errors import ApiError

__all__ = [
    "Given",
    "Parameter",
    "QueryText",
    "Schema",
    "boolean",
    "client_token",
    "filters",
    "integer",
    "not_offered",
    "number_as_text",
    "objects",
    "optional",
    "required",
    "text",
    "texts",
    "unused",
]

Given: TypeAlias = Mapping[str, Any]
Check: TypeAlias = Callable[[str, object], object]

_MOST_FILTERS: Final = 10
_MOST_VALUES: Final = 5
_LARGEST: Final = 2**63 - 1
_LONGEST_TOKEN: Final = 64
_NUMBER: Final = re.compile("-?[0-9]{1,19}")
_TRUTH: Final = {"true": True, "false": False}


class QueryText(str):
    """A value of a GET request, where numbers and truths are texts too."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an action.

    Attributes:
        check: given the name and the value, returns the value to use or raises `ApiError`.
        required: whether a request without it is refused.
    """

    check: Check
    required: bool


def required(check: Check) -> Parameter:
    """Make a parameter that must be there."""
    return Parameter(check, required=True)


def optional(check: Check) -> Parameter:
    """Make a parameter that may be left out."""
    return Parameter(check, required=False)


@dataclass(frozen=True, slots=True)
class Schema:
    """The parameters of one action, or the fields of one object in a request."""

    parameters: Mapping[str, Parameter]

    def read(self, body: Mapping[str, object], *, within: str = "") -> Given:
        """Check a request's parameters.

        Args:
            body: the JSON object.
            within: path of the object, put before the names in messages.

        Raises:
            ApiError: UnknownParameter, MissingParameter, InvalidParameter, or what a check raises.
        """
        for name in body:
            if name not in self.parameters:
                known = ", ".join(sorted(self.parameters)) or "none"
                raise ApiError("UnknownParameter", f"{within}{name} is not a parameter here; there are: {known}")
        given = {}
        for name, parameter in self.parameters.items():
            value = body.get(name)
            if value is not None:
                given[name] = parameter.check(within + name, value)
            elif parameter.required:
                raise ApiError("MissingParameter", f"{within}{name} is missing")
        return given


def _wrong_type(name: str, value: object, wanted: str) -> ApiError:
    return ApiError("InvalidParameter", f"{name} is of the JSON type {type(value).__name__}; it must be {wanted}")


def text(name: str, value: object) -> str:
    """Accept a string."""
    if not isinstance(value, str):
        raise _wrong_type(name, value, "a string")
    return str(value)


def client_token(name: str, value: object) -> str:
    """Accept what a caller marks a request with so that it is carried out once: 64 ASCII characters at most."""
    token = text(name, value)
    if len(token) > _LONGEST_TOKEN:
        raise ApiError("InvalidParameterValue.TooLong", f"{name} has {len(token)} characters; {_LONGEST_TOKEN} at most")
    if not token or not token.isascii():
        raise ApiError("InvalidParameterValue.Malformed", f"{name} must be ASCII characters, one at least")
    return token


def integer(name: str, value: object) -> int:
    """Accept a whole number."""
    if isinstance(value, QueryText) and _NUMBER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(name, value, "a whole number")
    if abs(value) > _LARGEST:
        raise ApiError("InvalidParameterValue.Range", f"{name} is beyond 64 bits")
    return value


def number_as_text(name: str, value: object) -> int:
    """Accept a whole number written as a string, as older actions want it, or as a number."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) < len(str(_LARGEST))):
            raise ApiError("InvalidParameter", f"{name} is {value[:40]!r}; it must be a whole number, as a string")
        return int(value)
    return integer(name, value)


def boolean(name: str, value: object) -> bool:
    """Accept true or false."""
    if isinstance(value, QueryText):
        value = _TRUTH.get(value.lower(), value)
    if not isinstance(value, bool):
        raise _wrong_type(name, value, "true or false")
    return value


def _array(name: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise _wrong_type(name, value, "an array")
    return value


def texts(name: str, value: object) -> list[str]:
    """Accept an array of strings."""
    return [text(f"{name}.{number}", item) for number, item in enumerate(_array(name, value))]


def objects(schema: Schema) -> Check:
    """Make a check that accepts an array of objects of one schema."""

    def check(name: str, value: object) -> list[Given]:
        read = []
        for number, item in enumerate(_array(name, value)):
            if not isinstance(item, dict):
                raise _wrong_type(f"{name}.{number}", item, "an object")
            read.append(schema.read(item, within=f"{name}.{number}."))
        return read

    return check


_FILTER: Final = objects(Schema({"Name": required(text), "Values": required(texts)}))


def filters(name: str, value: object) -> dict[str, frozenset[str]]:
    """Accept Tencent's filters; return name -> values, of which a record must have one."""
    read: Any = _FILTER(name, value)
    if len(read) > _MOST_FILTERS:
        raise ApiError(
            "InvalidParameterValue.LimitExceeded", f"{name} has {len(read)} entries; {_MOST_FILTERS} at most"
        )
    found: dict[str, frozenset[str]] = {}
    for entry in read:
        if len(entry["Values"]) > _MOST_VALUES:
            count = len(entry["Values"])
            raise ApiError(
                "InvalidParameterValue.LimitExceeded",
                f"filter {entry['Name']} has {count} values; {_MOST_VALUES} at most",
            )
        values = frozenset(entry["Values"])
        found[entry["Name"]] = found[entry["Name"]] & values if entry["Name"] in found else values
    return found


def unused(name: str, value: object) -> object:
    """Accept anything: the parameter has no meaning in this network."""
    del name
    return value


def not_offered(name: str, value: object) -> object:
    """Refuse a documented parameter that this network does not implement, unless it is empty or false."""
    if value in ("", False, []):
        return value
    raise ApiError("UnsupportedOperation", f"{name} is not offered by this network; leave it out")
