"""Making what was attached to a test, when it fails, and keeping it in a folder of the test's own."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_havip.reports.evidence import Text, evidence_of

__all__ = ["Exhibits", "exhibits_of", "folder_of"]

_LADDER = "ladder.txt"
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
#: File systems and people like short names; the digest behind keeps them apart.
_LONGEST_NAME = 48
_DIGEST = 8


@dataclass(frozen=True, slots=True)
class Exhibits:
    """A failed test's evidence.

    Args:
        observations: What a third host saw.
        ladders: Frames in the order of time, as text.
        files: Where there is more, a line each; what could not be written says why.
    """

    observations: tuple[str, ...]
    ladders: tuple[str, ...]
    files: tuple[str, ...]


_EXHIBITS = pytest.StashKey[Exhibits]()


def exhibits_of(item: pytest.Item, root: Path | None) -> Exhibits:
    """Make a failed test's evidence, once; a later phase may fail too, but by then the lab is gone.

    Args:
        item: The test.
        root: Where its folder goes; `None` writes nothing.
    """
    made = item.stash.get(_EXHIBITS, None)
    if made is None:
        evidence = evidence_of(item)
        ladders = tuple(_texts(evidence.ladders))
        writers = dict(evidence.artifacts)
        if any(ladders):
            writers[_LADDER] = lambda path: _write("\n\n".join(ladders), path)
        written = _keep(writers, folder_of(item, root), item.config.invocation_params.dir) if root else ()
        files = (*map(str, evidence.files), *written)
        made = item.stash[_EXHIBITS] = Exhibits(tuple(_texts(evidence.observations)), ladders, files)
    return made


def _texts(made: Iterable[Text]) -> Iterator[str]:
    """Make the texts; one that cannot be made says so, and leaves the failure itself readable."""
    for each in made:
        try:
            yield each if isinstance(each, str) else each()
        except Exception as error:  # noqa: BLE001 - the lab may be the very thing that broke
            yield f"(this evidence could not be made: {type(error).__name__}: {error})"


def _keep(writers: dict[str, Callable[[Path], None]], folder: Path, here: Path) -> Iterator[str]:
    for name, write in sorted(writers.items(), reverse=True):
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # An older failure's file must not pass for this one's.
            path.unlink(missing_ok=True)
            write(path)
        except Exception as error:  # noqa: BLE001 - as above
            yield f"({name} could not be written: {type(error).__name__}: {error})"
        else:
            yield str(path.relative_to(here) if path.is_relative_to(here) else path)


def folder_of(item: pytest.Item, root: Path) -> Path:
    """The folder of a test's evidence.

    Args:
        item: The test.
        root: Where the folders of all tests are.
    """
    readable = _UNSAFE.sub("-", item.name)[:_LONGEST_NAME].strip("-")
    return root / f"{readable}-{hashlib.sha256(item.nodeid.encode()).hexdigest()[:_DIGEST]}"


def _write(text: str, path: Path) -> None:
    path.write_text(f"{text}\n", encoding="utf-8")
