"""What no story may break, for as long as ``--havip-fuzz`` says; each process plays a share of the stories.

pytest does not take this file for tests, unless it is named: it is, when a campaign is asked for.
"""

import pytest

from pytest_havip.fixtures.campaigns import RunCampaign
from pytest_havip.fuzz import Share

__all__: list[str] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One share for each process of pytest-xdist's."""
    processes = getattr(metafunc.config, "workerinput", {}).get("workercount", 1)
    shares = [Share(number, processes) for number in range(1, processes + 1)]
    metafunc.parametrize("share", shares, ids=[f"share {share}" for share in shares])


def test_no_drawn_story_breaks_a_requirement(campaign: RunCampaign, share: Share) -> None:
    campaign(share)
