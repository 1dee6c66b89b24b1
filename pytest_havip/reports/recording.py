"""Fixtures by which a test records what it measured."""

from collections.abc import Callable

import pytest

from pytest_havip.reports.takeover import Takeover

__all__ = ["record_takeover"]


@pytest.fixture
def record_takeover(request: pytest.FixtureRequest) -> Callable[[Takeover], None]:
    """Record a takeover; it stands in the run's table and, as a property, in JUnit files."""
    properties = request.node.user_properties

    def record(takeover: Takeover) -> None:
        properties.append(takeover.to_property())

    return record
