"""Running the conformance tests as a user does, in a process of their own, and reading their verdicts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_havip.mutants.trial import Verdicts, verdicts_of


@pytest.fixture
def try_target(tmp_path: Path) -> Callable[..., Verdicts]:
    """Run the network suites, or some requirements of them, against a target; return each requirement's verdicts."""

    def run(target: str, *requirements: str) -> Verdicts:
        return verdicts_of(target, requirements, folder=tmp_path)

    return run
