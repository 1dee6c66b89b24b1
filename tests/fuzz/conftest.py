"""Executors for stories: the bundled rules in this process, and the bundled network on a wire."""

from collections.abc import Iterator

import pytest

from pytest_havip.fuzz import WireExecutor
from pytest_havip.fuzz.core import CoreExecutor
from pytest_havip.lab import Lab
from pytest_havip.targets import open_target


@pytest.fixture
def core() -> CoreExecutor:
    return CoreExecutor()


@pytest.fixture(scope="module")
def wire() -> Iterator[WireExecutor]:
    with Lab.open() as lab, open_target("reference", lab) as target, WireExecutor(lab, target) as executor:
        yield executor
