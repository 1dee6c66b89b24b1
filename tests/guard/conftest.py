"""Worlds for the tests of the guard."""

import os
import random
from collections.abc import Iterator

import pytest

from pytest_havip.lab import Lab
from tests.guard.world import World


@pytest.fixture
def one_processor() -> Iterator[None]:
    """Frames sent from one processor stand in one queue of the kernel: the last one seen says that all are through."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def _world(seed: int) -> Iterator[World]:
    print(f"seed {seed}")  # noqa: T201 - shown when a test fails
    with Lab.open() as lab:
        made = World(lab, seed)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def world() -> Iterator[World]:
    yield from _world(random.SystemRandom().randrange(2**32))


@pytest.fixture(scope="module")
def shared_world() -> Iterator[World]:
    yield from _world(1)
