"""The reference network, deciding as another cloud: it passes what is required of that one, and of all."""

import pytest

from pytest_havip.requirements import catalogue
from pytest_havip.trial import verdicts_of

#: What is different between the profiles, and what depends on it; all areas are a matter of minutes.
AREAS = {"BIND", "QUOTA", "RANGE", "RELEASE"}


@pytest.mark.parametrize("profile", ["alibaba", "ovn"])
def test_each_profile_passes_its_own_expectations(profile: str) -> None:
    wanted = {each.id for each in catalogue().values() if each.area in AREAS or each.profile == profile}
    verdicts = verdicts_of(f"reference:{profile}", wanted)
    own = {each for each in wanted if catalogue()[each].profile in {"", profile}}
    assert {each: verdicts[each] for each in wanted} == {
        each: {"pass"} if each in own else {"unsupported"} for each in wanted
    }
