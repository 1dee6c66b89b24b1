"""The document ``docs/requirements.md``; print it with ``python -m pytest_havip.requirements.table``."""

from collections.abc import Iterable

from pytest_havip.requirements import Requirement, catalogue
from pytest_havip.requirements.registry import AREAS

__all__ = ["document"]

_HEAD = """\
# Requirements

Made from the catalogue by `python -m pytest_havip.requirements.table`; change the catalogue, not this file. MUST,
SHOULD and MAY are those of RFC 2119; an id never names anything else. The last column has the sentence of Tencent
Cloud's product document of 2018-08-27 that a requirement comes from, if there is one.
`havip explain ID` names its tests.

"""


def document() -> str:
    """Return the whole document."""
    known = catalogue().values()
    return _HEAD + "\n".join(
        _section(area, about, [requirement for requirement in known if requirement.area == area])
        for area, about in AREAS.items()
    )


def _section(area: str, about: str, requirements: Iterable[Requirement]) -> str:
    head = f"## {area}: {about}\n\n| id | level | requirement | source | product document |\n|---|---|---|---|---|\n"
    return head + "".join(_row(requirement) for requirement in requirements)


def _row(requirement: Requirement) -> str:
    cells = (requirement.id, requirement.level, requirement.text, requirement.source, requirement.seed)
    return "".join(f"| {cell.replace('|', chr(92) + '|')} " for cell in cells) + "|\n"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - that is what it is for
