"""Parameters in a query, as GET sends them: one name for each value, `Filters.0.Values.1=a` and the like."""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import QueryText

__all__ = ["read_query"]

#: An inner node of the tree that the names make, before arrays are told from objects.
_Node: TypeAlias = dict[str, object]

#: More fields than any request has, and a deeper nesting.
_MOST_FIELDS: Final = 2000
_DEEPEST: Final = 8
_INDEX: Final = re.compile("0|[1-9][0-9]{0,3}")


def read_query(query: str) -> Mapping[str, object]:
    """Make the object of which a query's names and values are the flat form; every value is a `QueryText`.

    Args:
        query: what stands behind the question mark of a request.

    Raises:
        ApiError: InvalidParameter; it is the flat form of nothing.
    """
    try:
        fields = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise ApiError("InvalidParameter", f"the query cannot be read: {str(error)[:200]}") from error
    root: _Node = {}
    for name, value in fields:
        _enter(root, name, value)
    return {name: _told_apart(name, value) for name, value in root.items()}


def _enter(root: _Node, name: str, value: str) -> None:
    *path, last = name.split(".")
    if len(path) >= _DEEPEST:
        raise ApiError("InvalidParameter", f"{name[:60]!r} is nested too deeply")
    node = root
    for part in path:
        inner = node.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ApiError("InvalidParameter", f"{name[:60]!r} stands inside of what is a value")
        node = inner
    if last in node:
        raise ApiError("InvalidParameter", f"{name[:60]!r} stands in the query twice")
    node[last] = QueryText(value)


def _told_apart(name: str, value: object) -> object:
    """Make arrays of the nodes whose names are indices."""
    if not isinstance(value, dict):
        return value
    content = {key: _told_apart(f"{name}.{key}", inner) for key, inner in value.items()}
    if not all(_INDEX.fullmatch(key) for key in content):
        return content
    if any(str(index) not in content for index in range(len(content))):
        raise ApiError("InvalidParameter", f"the indices of {name[:60]!r} are not 0, 1, 2 …")
    return [content[str(index)] for index in range(len(content))]
