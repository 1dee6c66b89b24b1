"""TOML files that users write: read so that whatever is wrong in one is told with its file, its line and a remedy."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, overload

__all__ = ["TomlError", "TomlTable", "read_toml"]

_T = TypeVar("_T")
#: Where tomllib ends its messages.
_POSITION: Final = re.compile(r" \(at line (?P<line>\d+), column \d+\)$")
_END: Final = " (at end of document)"
#: How a value is called in a message, by its Python type.
_NAMES: Final[Mapping[type, str]] = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


class TomlError(ValueError):
    """A TOML file is no good; the text begins with ``FILE:LINE:`` and ends with what to do."""


def read_toml(path: Path) -> "TomlTable":
    """Read a file as one table.

    Args:
        path: The file.

    Raises:
        TomlError: It cannot be read, is not UTF-8, or is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise TomlError(f"{path}:{line}: this is not UTF-8 ({error.reason}); save the file as UTF-8") from error
    except OSError as error:
        raise TomlError(f"{path}: the file cannot be read ({error.strerror}); name one that can") from error
    try:
        return TomlTable(tomllib.loads(text), path, text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = _POSITION.search(said)
        line = int(place["line"]) if place else text.rstrip("\n").count("\n") + 1
        problem = _POSITION.sub("", said).removesuffix(_END)
        remedy = "what was begun on an earlier line may not be closed" if said.endswith(_END) else "correct the line"
        raise TomlError(f"{path}:{line}: this is no TOML: {problem}; {remedy}") from error


class TomlTable:
    """A table of a file. Its readers return what was asked for, or raise a `TomlError` that tells its place.

    Args:
        values: The table, as tomllib has it.
        path: The file.
        text: The whole of the file.
        place: The keys and numbers by which the table is reached from the top.
    """

    __slots__ = ("_path", "_place", "_text", "_values")

    def __init__(self, values: Mapping[str, Any], path: Path, text: str, place: tuple[str | int, ...] = ()) -> None:
        self._values = values
        self._path = path
        self._text = text
        self._place = place

    def __contains__(self, key: str) -> bool:
        """Say whether the table has a key."""
        return key in self._values

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the table has, in the order of the file."""
        return tuple(self._values)

    def only(self, known: Sequence[str]) -> None:
        """See that the table has no key but these.

        Raises:
            TomlError: It has; the nearest known key is suggested.
        """
        for key in self._values:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else f"the keys here are: {', '.join(known)}"
                self.fail(f"there is no key {key!r}{self._where()}; {remedy}", key)

    def fail(self, problem: str, key: str | None = None) -> NoReturn:
        """Refuse the file.

        Args:
            problem: What is wrong, and what to do.
            key: Whose value it is about; the table itself if left out, or if it has no such key.

        Raises:
            TomlError: Always.
        """
        place = (*self._place, key) if key is not None and key in self._values else self._place
        raise TomlError(f"{self._path}:{_line(self._text, place)}: {problem}")

    @overload
    def text(self, key: str, /) -> str: ...
    @overload
    def text(self, key: str, default: _T, /) -> str | _T: ...
    def text(self, key: str, /, *default: Any) -> Any:
        """Return a text that is not empty; the default, if there is one, when the key is missing."""
        found = self._read(key, str, *default)
        if found == "" and key in self._values:
            self.fail(f"{key} is empty; give it a value, or leave the line out", key)
        return found

    @overload
    def flag(self, key: str, /) -> bool: ...
    @overload
    def flag(self, key: str, default: _T, /) -> bool | _T: ...
    def flag(self, key: str, /, *default: Any) -> Any:
        """Return true or false."""
        return self._read(key, bool, *default)

    @overload
    def integer(self, key: str, /) -> int: ...
    @overload
    def integer(self, key: str, default: _T, /) -> int | _T: ...
    def integer(self, key: str, /, *default: Any) -> Any:
        """Return a whole number."""
        return self._read(key, int, *default)

    @overload
    def number(self, key: str, /) -> float: ...
    @overload
    def number(self, key: str, default: _T, /) -> float | _T: ...
    def number(self, key: str, /, *default: Any) -> Any:
        """Return a number, whole or not."""
        if type(self._values.get(key)) is int:
            return float(self._values[key])
        return self._read(key, float, *default)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, an empty one when the key is missing."""
        found = self._read(key, list, [])
        if not all(isinstance(each, str) and each for each in found):
            self.fail(f"{key} must be a list of texts in quotes, none of them empty", key)
        return tuple(found)

    def numbers(self, key: str, default: tuple[float, ...] | None = None) -> tuple[float, ...]:
        """Return a list of numbers, or a single one as such a list; the default, if there is one, for a missing key."""
        if key not in self._values:
            return default if default is not None else self._read(key, list)
        found = self._values[key]
        numbers = found if isinstance(found, list) else [found]
        if not all(type(each) in {int, float} for each in numbers):
            self.fail(f"{key} must be a number or a list of numbers, not {found!r}", key)
        return tuple(map(float, numbers))

    def words(self, key: str) -> str | tuple[str, ...]:
        """Return a command: a text for the shell, or a list of a program and its arguments."""
        if isinstance(self._values.get(key), list):
            if found := self.texts(key):
                return found
            self.fail(f"{key} is an empty list; give a program and its arguments", key)
        return self.text(key)

    def table(self, key: str) -> "TomlTable":
        """Return a table below this one, an empty one when the key is missing."""
        found: dict[str, Any] = self._read(key, dict, {})
        return TomlTable(found, self._path, self._text, (*self._place, key))

    def tables(self, key: str) -> tuple["TomlTable", ...]:
        """Return the tables of a list, as many ``[[key]]`` write it; none when the key is missing."""
        found = self._values.get(key, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self.fail(f"{key} must be a list of tables; begin each with a line [[{self._dotted(key)}]]", key)
        return tuple(
            TomlTable(each, self._path, self._text, (*self._place, key, number)) for number, each in enumerate(found)
        )

    def _read(self, key: str, kind: type[Any], *default: Any) -> Any:  # noqa: ANN401 - the callers name the type
        if key not in self._values:
            if default:
                return default[0]
            self.fail(f"{key} is missing{self._where()}; it must be {_NAMES[kind]}")
        found = self._values[key]
        if type(found) is not kind:  # true is an int to isinstance
            self.fail(f"{key} must be {_NAMES[kind]}, not {found!r}", key)
        return found

    def _dotted(self, *more: str) -> str:
        return ".".join(str(part) for part in (*self._place, *more) if isinstance(part, str))

    def _where(self) -> str:
        return f" in [{self._dotted()}]" if self._place else ""


def _line(text: str, place: Sequence[str | int]) -> int:
    """Find the line on which a place begins: the first after which the file, cut there, has it.

    tomllib keeps no lines. What is cut inside of a value that goes over several lines is no TOML, so the line after
    the last cut that was some is where the value's statement begins.
    """
    lines = text.split("\n")
    begins = 1
    for number in range(len(lines) + 1):
        try:
            known = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue
        if _has(known, place):
            return begins
        begins = number + 1
    return 1


def _has(values: object, place: Sequence[str | int]) -> bool:
    for part in place:
        match values, part:
            case dict(), str() if part in values:
                values = values[part]
            case list(), int() if part < len(values):
                values = values[part]
            case _:
                return False
    return True
