"""What the Describe actions have in common: ids or filters, and a page of the result."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from pytest_havip.network.api.actions import Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Check, Given, Parameter, filters, integer, optional, texts
from pytest_havip.network.core import check_id

__all__ = ["FilterTable", "Listing", "check_page", "matching", "time_text"]


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)
V = TypeVar("V")
# filter name -> the values that a record has under it
FilterTable: TypeAlias = Mapping[str, Callable[[V], Iterable[str]]]

_DEFAULT_LIMIT: Final = 20
_HIGHEST_LIMIT: Final = 100
_MOST_IDS: Final = 100


def time_text(at: float | None) -> str:
    """Write a time as the API does, in UTC; all zeros for "never"."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if at is not None else "0000-00-00 00:00:00"


def check_page(given: Given) -> slice:
    """Return the part of the matches that `Offset` and `Limit` ask for.

    Raises:
        ApiError: one of them is out of range.
    """
    offset, limit = given.get("Offset", 0), given.get("Limit", _DEFAULT_LIMIT)
    if offset < 0:
        raise ApiError("InvalidParameterValue.Range", f"Offset is {offset}; it must be 0 or more")
    if not 1 <= limit <= _HIGHEST_LIMIT:
        raise ApiError("InvalidParameterValue.Range", f"Limit is {limit}; it must be 1 to {_HIGHEST_LIMIT}")
    return slice(offset, offset + limit)


def matching(records: Iterable[V], given: Mapping[str, frozenset[str]], table: FilterTable[V]) -> list[V]:
    """Choose the records that have, under every name of a filter, one of its values.

    Raises:
        ApiError: there is no filter of such a name.
    """
    chosen = list(records)
    for name, values in given.items():
        if name not in table:
            known = ", ".join(sorted(table))
            raise ApiError("InvalidParameter.FilterInvalidKey", f"there is no filter {name[:60]!r}; there are: {known}")
        has = table[name]
        chosen = [record for record in chosen if not values.isdisjoint(has(record))]
    return chosen


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """How the records of one kind are listed.

    Attributes:
        kind: of their ids.
        ids: name of the parameter with the wanted ids.
        found: name of the field with the records.
        filters: the filters there are.
        number: what `Offset` and `Limit` are; strings in the older actions.
    """

    kind: str
    ids: str
    found: str
    filters: FilterTable[T]
    number: Check = integer

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters of the Describe action."""
        return {
            self.ids: optional(texts),
            "Filters": optional(filters),
            "Offset": optional(self.number),
            "Limit": optional(self.number),
        }

    def answer(self, records: Mapping[str, T], given: Given, view: Callable[[T], Answer]) -> Answer:
        """Answer a Describe action.

        Args:
            records: all there are, in order of creation.
            given: its parameters.
            view: how the API shows a record.

        Raises:
            ApiError: ids and filters together, an unknown filter, a page out of range.
            Refused: a text that is no id.
        """
        if given.get(self.ids) and given.get("Filters"):
            raise ApiError("InvalidParameter.Coexist", f"{self.ids} and Filters exclude each other; give one of them")
        page = check_page(given)
        chosen = matching(self._by_id(records, given.get(self.ids, ())), given.get("Filters", {}), self.filters)
        return {"TotalCount": len(chosen), self.found: [view(record) for record in chosen[page]]}

    def _by_id(self, records: Mapping[str, T], wanted: Sequence[str]) -> Iterable[T]:
        if not wanted:
            return records.values()
        if len(wanted) > _MOST_IDS:
            raise ApiError(
                "InvalidParameterValue.LimitExceeded", f"{self.ids} has {len(wanted)} entries; {_MOST_IDS} at most"
            )
        for identifier in wanted:
            check_id(self.kind, identifier)
        return [records[identifier] for identifier in dict.fromkeys(wanted) if identifier in records]
