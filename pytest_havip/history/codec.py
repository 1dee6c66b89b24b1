"""Records as lines of JSON, and the header and footer around them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final

from pytest_havip.history.records import (
    Announcement,
    Change,
    Created,
    Effect,
    Fault,
    Handled,
    Listing,
    Mark,
    Plugged,
    Quota,
    Reading,
    Record,
    Released,
    Unplugged,
    View,
)

__all__ = ["FORMAT", "VERSION", "Footer", "Header", "MalformedLine", "decode", "decode_header", "encode"]

#: By which a reader knows a history from any other file.
FORMAT: Final = "havip-history"
#: Raised when an older reader would misjudge what is written.
VERSION: Final = 1


class MalformedLine(ValueError):
    """A line is no record of a history; the text says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a history is of.

    Args:
        network: The network under test, as ``--havip-target`` spells it.
        tool: Who recorded it, with the version.
        profile: The cloud whose undocumented choices the network makes, or empty.
        seed: From which the run can be made again, or empty.
        settle: Seconds after which the network has surely handled an announcement, if it declares that; `None` where
            `Handled` records say so.
        notes: Anything else that a reader may want to know.
    """

    network: str
    tool: str
    profile: str = ""
    seed: str = ""
    settle: float | None = None
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Footer:
    """How a history ended.

    Args:
        counts: How many records of each kind stand above.
        digest: SHA-256 of all bytes above, in hexadecimal digits.
        complete: Whether all that happened was recorded.
        reason: Why not, where it was not.
    """

    counts: dict[str, int]
    digest: str
    complete: bool = True
    reason: str = ""


_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__.lower(): kind
    for kind in (
        Announcement,
        Reading,
        Handled,
        Created,
        Released,
        Plugged,
        Unplugged,
        Quota,
        Listing,
        Fault,
        Mark,
        Footer,
    )
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_FIELDS: Final = {kind: tuple(each.name for each in fields(kind)) for kind in (*_NAMES, Change)}
#: Fields that JSON has no type for, and how they are made from what it has.
_MADE: Final[dict[type[Any], tuple[tuple[str, Callable[[Any], Any]], ...]]] = {
    Announcement: (("effect", Effect),),
    Reading: (("view", View), ("owners", tuple)),
    Listing: (("changes", lambda changes: tuple(Change(**each) for each in changes)),),
}
_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(record: Record | Header | Footer) -> str:
    """Return a record, a header or a footer as one line, its end included."""
    if isinstance(record, Header):
        return f"{_write({'format': FORMAT, 'version': VERSION, **_plain(record)})}\n"
    return f"{_write({'kind': _NAMES[type(record)], **_plain(record)})}\n"


def _plain(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass of ours
    found = {name: getattr(record, name) for name in _FIELDS.get(type(record)) or _fields_of(record)}
    if type(record) is Listing:
        found["changes"] = [_plain(each) for each in record.changes]
    return found


def _fields_of(record: Any) -> tuple[str, ...]:  # noqa: ANN401
    return tuple(each.name for each in fields(record))


def decode(line: str) -> Record | Footer:
    """Return what a line holds.

    Raises:
        MalformedLine: It is cut short, or no record.
    """
    try:
        found: dict[str, Any] = json.loads(line)
        kind = _KINDS[found.pop("kind")]
        for name, make in _MADE.get(kind, ()):
            if name in found:
                found[name] = make(found[name])
        record: Record | Footer = kind(**found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedLine(f"no record ({type(error).__name__}: {error}): {line[:120]!r}") from error
    if not isinstance(record, Footer) and not (type(record.begun) is type(record.ended) is int):
        raise MalformedLine(f"times are whole nanoseconds: {line[:120]!r}")
    return record


def decode_header(line: str) -> Header:
    """Return the header that a history's first line holds.

    Raises:
        MalformedLine: It is no header of a history, or of a version that this reader does not know.
    """
    try:
        found: dict[str, Any] = json.loads(line)
        if found.pop("format") != FORMAT:
            raise MalformedLine(f"the first line is no header of a {FORMAT}")
        version = found.pop("version")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedLine(f"the first line is no header of a {FORMAT}: {line[:120]!r}") from error
    if version != VERSION:
        raise MalformedLine(f"version {version} of the format; this reader knows {VERSION}: use the tool that wrote it")
    try:
        return Header(**found)
    except TypeError as error:
        raise MalformedLine(f"the header has other fields than version {VERSION} has: {error}") from error
