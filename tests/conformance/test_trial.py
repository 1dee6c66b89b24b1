"""A trial that did not take place is no verdict."""

import pytest

from pytest_havip.trial import TrialFailed, verdicts_of


def test_a_target_that_is_not_there() -> None:
    with pytest.raises(TrialFailed, match=r"ended with 4:\n(?s:.*)there is no network 'nowhere'"):
        verdicts_of("nowhere", ["HAVIP-BIND-001"])


def test_requirements_that_nothing_proves() -> None:
    with pytest.raises(TrialFailed, match=r"ended with 5:\n(?s:.*)deselected"):
        verdicts_of("reference", ["HAVIP-BIND-999"])


def test_the_verdicts_are_those_of_the_requirements_asked_for() -> None:
    assert verdicts_of("mutant:eleven-havips", ["HAVIP-QUOTA-001", "HAVIP-QUOTA-002"], until_red=True) == {
        "HAVIP-QUOTA-001": {"fail"},
        "HAVIP-QUOTA-002": {"pass"},
    }
