"""A lab for each test, and the smallest topology."""

from collections.abc import Iterator

import pytest

from pytest_havip.lab import Host, Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab.open() as opened:
        yield opened


@pytest.fixture
def pair(lab: Lab) -> tuple[Host, Host]:
    """Two hosts with a wire: a is 10.0.0.1, b is 10.0.0.2."""
    a, b = lab.host("a"), lab.host("b")
    lab.link(a, "eth0", b, "eth0", mac="02:00:00:00:00:01")
    a.add_address("10.0.0.1/24")
    b.add_address("10.0.0.2/24")
    return a, b
