"""Stories that went wrong in the field, each kept as a trace in ``corpus``: who had the trouble stands in the trace.

A trace names the requirements that its story proves, and the one that was broken first when it was played on a network
with a planted fault. A failure here is that trouble, and no other; what else a network does wrong other tests tell.
"""

from pathlib import Path

import pytest

from pytest_havip.fixtures.stories import PlayTrace
from pytest_havip.fuzz import Trace
from pytest_havip.requirements import requirement

__all__: list[str] = []

pytestmark = pytest.mark.xdist_group("stories")

_TRACES = {path.stem: Trace.read(path) for path in sorted((Path(__file__).parent / "corpus").glob("*.json"))}


@pytest.mark.parametrize(
    "trace",
    [pytest.param(trace, id=name, marks=requirement(*trace.requirements)) for name, trace in _TRACES.items()],
)
def test_it_does_not_happen_again(play_trace: PlayTrace, trace: Trace) -> None:
    play_trace(trace)
