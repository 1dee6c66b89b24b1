"""The catalogue of requirements, read once from ``catalogue.toml`` beside this file."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_havip.requirements.model import Level, Requirement

__all__ = ["AREAS", "OF_CLIENTS", "Catalogue", "CatalogueError", "UnknownRequirement", "load", "read"]

#: The areas, in the order in which reports show them, and what each is about.
AREAS: Mapping[str, str] = MappingProxyType(
    {
        "BIND": "who owns a HAVIP after an announcement, and what is no announcement",
        "ORDER": "the latest announcement decides",
        "SPOOF": "announcing anything but a HAVIP has no effect and reaches nobody",
        "SCOPE": "a HAVIP belongs to one subnet",
        "RANGE": "a drift range names those who may announce a HAVIP",
        "API": "the control plane, which never binds",
        "ADDR": "which address a HAVIP gets",
        "QUOTA": "how many HAVIPs a VPC has room for",
        "RELEASE": "what a released HAVIP leaves behind",
        "PATH": "where packets for a HAVIP go",
        "NIC": "several NICs of an instance, several HAVIPs of a NIC",
        "MOVE": "a HAVIP moves from one machine to another",
        "TAKE": "takeovers by real clients",
        "CASE": "the product document's two use cases: load balancers, and a database with a standby",
        "DUR": "what holds while the control plane is down, and when it is back",
        "EIP": "elastic IPs of HAVIPs: the way in from outside, and out",
        "ROUTE": "routes whose next hop is a HAVIP",
        "SOURCE": "NICs that may send for others, and what they still may not",
        "DHCP": "what a network leases to machines that ask for their address",
    }
)

#: Areas whose requirements real HA clients prove; the others are a network's alone.
OF_CLIENTS = ("TAKE", "CASE")

_IDENTIFIER = re.compile(r"HAVIP-(?P<area>[A-Z]+)-[0-9]{3}")
_KEYS = frozenset(Requirement.__dataclass_fields__)
_MAY_BE_EMPTY = frozenset({"seed", "profile", "feature"})


class CatalogueError(ValueError):
    """The catalogue file breaks its own rules; the text names the entry and the rule."""


class UnknownRequirement(LookupError):
    """A test or a command names a requirement that the catalogue does not have."""


class Catalogue(Mapping[str, Requirement]):
    """All requirements by id, in the order of the file."""

    def __init__(self, requirements: tuple[Requirement, ...]) -> None:
        self._by_id = {requirement.id: requirement for requirement in requirements}

    def __getitem__(self, identifier: str) -> Requirement:
        """Return the requirement of that id.

        Raises:
            UnknownRequirement: With the ids that come nearest.
        """
        try:
            return self._by_id[identifier]
        except KeyError:
            raise UnknownRequirement(self._unknown(identifier)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def _unknown(self, identifier: str) -> str:
        from difflib import get_close_matches  # noqa: PLC0415 - only for an error

        near = get_close_matches(identifier, self._by_id, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`havip list` shows all ids."
        return f"there is no requirement {identifier!r} in the catalogue. {hint}"


@cache
def load() -> Catalogue:
    """Return the catalogue that is shipped with the package.

    Raises:
        CatalogueError: If the file breaks a rule.
    """
    return read(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))


def read(text: str) -> Catalogue:
    """Read a catalogue from TOML text and check every entry.

    Raises:
        CatalogueError: If the text breaks a rule.
    """
    try:
        entries = tomllib.loads(text).get("requirement", [])
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"the catalogue is no valid TOML: {error}") from error
    requirements = tuple(_requirement(entry) for entry in entries)
    seen: set[str] = set()
    for requirement in requirements:
        if requirement.id in seen:
            raise CatalogueError(
                f"{requirement.id} stands twice in the catalogue; an id names one requirement for ever"
            )
        seen.add(requirement.id)
    return Catalogue(requirements)


def _requirement(entry: Mapping[str, Any]) -> Requirement:
    name = entry.get("id", f"an entry without id ({entry})")
    if entry.keys() != _KEYS:
        wrong = ", ".join(sorted(entry.keys() ^ _KEYS))
        raise CatalogueError(f"{name}: missing or unknown keys: {wrong}")
    for key, value in entry.items():
        if not isinstance(value, str) or value != value.strip() or (not value and key not in _MAY_BE_EMPTY):
            raise CatalogueError(f"{name}: {key} must be a text without surrounding blanks, not {value!r}")
    match = _IDENTIFIER.fullmatch(name)
    if match is None:
        raise CatalogueError(f"{name}: an id looks like HAVIP-BIND-001")
    if match["area"] != entry["area"] or entry["area"] not in AREAS:
        raise CatalogueError(
            f"{name}: area is {entry['area']!r}; it must be the id's middle part and one of {', '.join(AREAS)}"
        )
    if entry["level"] not in tuple(Level):
        raise CatalogueError(f"{name}: level is {entry['level']!r}; it must be one of {', '.join(Level)}")
    return Requirement(**{**entry, "level": Level(entry["level"])})
