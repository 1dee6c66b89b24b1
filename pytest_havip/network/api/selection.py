"""What the Describe actions have in common: ids or filters, and a page of the result."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol, TypeAlias, TypeVar

from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Given

__all__ = ["FilterTable", "check_id", "select", "time_text"]


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)
# filter name -> the values that a record has under it
FilterTable: TypeAlias = Mapping[str, Callable[[T], Iterable[str]]]

_DEFAULT_LIMIT: Final = 20
_HIGHEST_LIMIT: Final = 100
_MOST_IDS: Final = 100


def time_text(at: float | None) -> str:
    """Write a time as the API does, in UTC; all zeros for "never"."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if at is not None else "0000-00-00 00:00:00"


def check_id(kind: str, identifier: str) -> str:
    """Return an id that has the shape of its kind.

    Raises:
        ApiError: it has not.
    """
    if re.fullmatch(rf"{kind}-[0-9a-z]{{8}}", identifier) is None:
        raise ApiError(
            "InvalidParameterValue.Malformed", f"{identifier[:60]!r} is no id; it is {kind}- and eight of 0-9, a-z"
        )
    return identifier


def select(
    records: Mapping[str, T], given: Given, *, kind: str, ids: str, filters: FilterTable[T]
) -> tuple[int, Sequence[T]]:
    """Choose the records of a Describe action.

    Args:
        records: all of them, in order of creation.
        given: the parameters: `ids` or `Filters`, `Offset`, `Limit`.
        kind: of the ids.
        ids: name of the parameter with the ids.
        filters: the filters there are.

    Returns:
        How many match, and the page that was asked for.

    Raises:
        ApiError: ids and filters together, an unknown filter, a page out of range.
    """
    chosen: Iterable[T] = records.values()
    if given.get(ids) and given.get("Filters"):
        raise ApiError("InvalidParameter.Coexist", f"{ids} and Filters exclude each other; give one of them")
    if ids in given:
        chosen = _by_id(records, given[ids], kind=kind, ids=ids)
    for name, values in given.get("Filters", {}).items():
        if name not in filters:
            known = ", ".join(sorted(filters))
            raise ApiError("InvalidParameter.FilterInvalidKey", f"there is no filter {name[:60]!r}; there are: {known}")
        has = filters[name]
        chosen = [record for record in chosen if not values.isdisjoint(has(record))]
    matching = list(chosen)
    offset, limit = given.get("Offset", 0), given.get("Limit", _DEFAULT_LIMIT)
    if offset < 0:
        raise ApiError("InvalidParameterValue.Range", f"Offset is {offset}; it must be 0 or more")
    if not 1 <= limit <= _HIGHEST_LIMIT:
        raise ApiError("InvalidParameterValue.Range", f"Limit is {limit}; it must be 1 to {_HIGHEST_LIMIT}")
    return len(matching), matching[offset : offset + limit]


def _by_id(records: Mapping[str, T], wanted: Sequence[str], *, kind: str, ids: str) -> Iterable[T]:
    if len(wanted) > _MOST_IDS:
        raise ApiError("InvalidParameterValue.LimitExceeded", f"{ids} has {len(wanted)} entries; {_MOST_IDS} at most")
    identifiers = {check_id(kind, identifier) for identifier in wanted}
    return [record for record in records.values() if record.id in identifiers] if wanted else records.values()
