"""Frozen records as JSON, and back: every value is checked against the type that its field has."""

import json
from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["CodecError", "decode", "encode"]

_Record = TypeVar("_Record")
_Reader = Callable[[Any], Any]

_BUILT_FROM_TEXT: Final = (IPv4Address, IPv4Network, StrEnum)


class CodecError(ValueError):
    """A text is not that of a record of the wanted type."""


@cache
def _names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - any dataclass
    return tuple(field.name for field in fields(kind))


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever json does not know
    if isinstance(value, IPv4Address | IPv4Network):
        return str(value)
    if isinstance(value, frozenset):
        return sorted(value)
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _names(kind)}


_ENCODE: Final = json.JSONEncoder(default=_plain, separators=(",", ":"), check_circular=False).encode


def encode(record: object) -> str:
    """Write a dataclass as a JSON object, its fields by name.

    Raises:
        TypeError: a field holds what no record has.
    """
    return _ENCODE(record)


def decode(kind: type[_Record], text: str) -> _Record:
    """Read a dataclass from its JSON object.

    Args:
        kind: the dataclass.
        text: what `encode` wrote.

    Raises:
        CodecError: it is something else.
    """
    try:
        hint: Any = kind
        record: _Record = _reader(hint)(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CodecError(f"{text[:200]!r} is no {kind.__name__}: {error!r}") from error
    return record


@cache
def _reader(hint: Any) -> _Reader:  # noqa: ANN401 - any annotation
    """Make the function that reads values of a type."""
    arguments = get_args(hint)
    match get_origin(hint):
        case None:
            return _simple_reader(hint)
        case origin if origin is Union or origin is UnionType:
            (some,) = (argument for argument in arguments if argument is not NoneType)
            reader = _reader(some)
            return lambda value: None if value is None else reader(value)
        case origin if origin is tuple and arguments[-1] is not Ellipsis:
            readers = tuple(_reader(argument) for argument in arguments)
            return lambda values: tuple(read(value) for read, value in zip(readers, _list(values), strict=True))
        case origin:
            assert origin is not None
            element = _reader(arguments[0])
            return lambda values: origin(element(value) for value in _list(values))


def _simple_reader(kind: Any) -> _Reader:  # noqa: ANN401 - any class
    if hasattr(kind, "__dataclass_fields__"):
        hints = get_type_hints(kind)
        readers = tuple((name, _reader(hints[name])) for name in _names(kind))

        def read(value: Any) -> Any:  # noqa: ANN401 - that is what is found out
            if len(value) != len(readers):
                raise ValueError(f"it has the fields {', '.join(value)}")
            return kind(**{name: reader(value[name]) for name, reader in readers})

        return read
    if issubclass(kind, _BUILT_FROM_TEXT):
        return lambda value: kind(_of(str, value))
    if kind is float:
        return lambda value: float(value) if type(value) is int else _of(float, value)
    return lambda value: _of(kind, value)


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - that is what is found out
    return _of(list, value)


def _of(kind: type[_Record], value: Any) -> _Record:  # noqa: ANN401 - that is what is found out
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
