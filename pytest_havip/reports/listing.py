"""The list of requirements with the tests that were collected for them."""

from collections.abc import Iterable

import pytest

from pytest_havip.requirements import catalogue, requirement_ids

__all__ = ["listing_lines"]


def listing_lines(items: Iterable[pytest.Item]) -> list[str]:
    """Return, for each requirement that tests name, its id, level and text, and below it the tests.

    Args:
        items: The tests; one that runs with several parameters stands there once.
    """
    proofs: dict[str, dict[str, None]] = {}
    for item in items:
        inside = item.nodeid.partition("::")[2].partition("[")[0]
        for identifier in requirement_ids(item):
            proofs.setdefault(identifier, {})[f"{item.path.name}::{inside}"] = None
    lines = []
    for identifier, requirement in catalogue().items():
        if identifier in proofs:
            lines.append(f"{identifier}  {requirement.level:<6}  {requirement.text}")
            lines += [f"    {test}" for test in proofs[identifier]]
    return lines
