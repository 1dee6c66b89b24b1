"""Binding tests to requirements: the decorator, and reading it back from a test."""

import sys

import pytest

from pytest_havip.requirements.model import Requirement
from pytest_havip.requirements.registry import UnknownRequirement, load

__all__ = ["MARKER", "prove", "requirement", "requirement_ids", "requirements_of"]

#: The pytest marker that carries a test's requirement ids.
MARKER = "havip_requirement"


def requirement(*identifiers: str) -> pytest.MarkDecorator:
    """Say which requirements a test proves.

    The ids then select the test (``-k HAVIP-BIND-001``, ``-m HAVIP-BIND-001``) and stand in every report of it.

    Args:
        identifiers: One id or several of the catalogue.

    Returns:
        A marker, to decorate a test with, or for the ``marks`` of `pytest.param`.

    Raises:
        pytest.Collector.CollectError: If an id is not in the catalogue, or none is given; pytest shows the text alone.
    """
    caller = sys._getframe(1)  # noqa: SLF001 - the error must say where the mistake is
    where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    if not identifiers:
        raise pytest.Collector.CollectError(f"{where}: @requirement needs at least one id, such as HAVIP-BIND-001")
    for identifier in identifiers:
        try:
            load()[identifier]
        except UnknownRequirement as error:
            raise pytest.Collector.CollectError(f"{where}: {error}") from None

    mark: pytest.MarkDecorator = getattr(pytest.mark, MARKER)(*identifiers)
    return mark


def prove(test: pytest.Item, *identifiers: str) -> None:
    """Say of a test that is running which requirements it turned out to prove, or to break.

    Args:
        test: One that names none itself.
        identifiers: Ids of the catalogue.
    """
    test.add_marker(requirement(*identifiers))
    # What was collected with its requirements has got these from the session.
    test.user_properties += [("havip_requirement", identifier) for identifier in identifiers]


def requirement_ids(item: pytest.Item) -> tuple[str, ...]:
    """Return the requirement ids of a test, its own first, then its class's and module's; each once."""
    return tuple(dict.fromkeys(identifier for mark in item.iter_markers(MARKER) for identifier in mark.args))


def requirements_of(item: pytest.Item) -> tuple[Requirement, ...]:
    """Return the requirements of a test.

    Raises:
        UnknownRequirement: If a marker names an id that the catalogue does not have.
    """
    return tuple(load()[identifier] for identifier in requirement_ids(item))
