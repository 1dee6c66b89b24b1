"""Tags of a resource: keys and values that are their owner's business."""

from typing import Any, Final, TypeAlias

from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Schema, objects, required, text

__all__ = ["Tags", "tag_set", "tags"]

Tags: TypeAlias = tuple[tuple[str, str], ...]

_TAGS: Final = objects(Schema({"Key": required(text), "Value": required(text)}))
_LONGEST_KEY: Final = 127
_LONGEST_VALUE: Final = 255


def tags(name: str, value: object) -> Tags:
    """Accept an array of tags, no key twice."""
    read: Any = _TAGS(name, value)
    found: dict[str, str] = {}
    for tag in read:
        key, content = tag["Key"], tag["Value"]
        if not 1 <= len(key) <= _LONGEST_KEY:
            raise ApiError(
                "InvalidParameterValue.TagInvalidKeyLen", f"{name}: a key has 1 to {_LONGEST_KEY} characters"
            )
        if len(content) > _LONGEST_VALUE:
            raise ApiError("InvalidParameterValue.TagInvalidVal", f"{name}: a value has {_LONGEST_VALUE} at most")
        if key in found:
            raise ApiError("InvalidParameterValue.TagDuplicateKey", f"{name} has the key {key!r} twice")
        found[key] = content
    return tuple(found.items())


def tag_set(given: Tags) -> list[dict[str, str]]:
    """Show tags as the API does."""
    return [{"Key": key, "Value": value} for key, value in given]
