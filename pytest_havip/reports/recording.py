"""Fixtures by which a test records what it measured."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_havip.reports.takeover import Takeover

__all__ = ["record_takeover"]


@pytest.fixture
def record_takeover(request: pytest.FixtureRequest) -> Callable[[Takeover], None]:
    """Record a takeover; it stands in the run's table and, as a property, in JUnit files."""
    properties = request.node.user_properties
    callspec = getattr(request.node, "callspec", None)
    repetition = callspec.params.get("repetition", 1) if callspec else 1

    def record(takeover: Takeover) -> None:
        properties.append(replace(takeover, repetition=repetition).to_property())

    return record
