"""A small suite of someone's own, run by the plugin in a process of its own."""

from collections.abc import Callable

import pytest

#: One test for each verdict. It needs no lab, so it runs in a moment.
EVERY_VERDICT = """
import pytest
from pytest_havip.reports import Inconclusive, Takeover, attach_artifact, attach_file, attach_ladder, attach_observation
from pytest_havip.requirements import requirement


def no_room(path):
    raise OSError("the disk is full")


@requirement("HAVIP-BIND-001")
def test_passes(request, record_takeover):
    attach_ladder(request, "frames of a test that passes")
    record_takeover(Takeover("keepalived 2.2.7", "kill -9", 3712.44, 5))
    record_takeover(Takeover("keepalived 2.2.7", "stop", None, 5, "not measured"))


@requirement("HAVIP-BIND-002")
def test_fails(request, tmp_path):
    attach_observation(request, "+17.2 ms  172.17.16.3 is at b, as c sees it")
    attach_ladder(request, lambda: "0.0 ms  a > everyone  ARP announcement")
    attach_ladder(request, lambda: 1 / 0)
    attach_file(request, tmp_path / "elsewhere.txt")
    attach_artifact(request, "wire.pcapng", lambda path: path.write_bytes(b"frames"))
    attach_artifact(request, "notes.txt", no_room)
    owner = "b"
    assert owner == "a"


@requirement("HAVIP-API-003")
def test_misses_a_should():
    assert 1 == 2


@requirement("HAVIP-BIND-003", "HAVIP-API-003")
def test_misses_a_must_and_a_should():
    pytest.fail("no", pytrace=False)


@requirement("HAVIP-SPOOF-001")
def test_cannot_say():
    raise Inconclusive("the control was not seen")


@pytest.fixture
def broken_scene():
    raise OSError("no lab")


@requirement("HAVIP-SPOOF-002")
def test_breaks(broken_scene):
    pass


@requirement("HAVIP-SPOOF-003")
def test_is_unsupported():
    pytest.skip("unsupported: this network counts nothing")


@requirement("HAVIP-SPOOF-004")
@pytest.mark.skip(reason="not today")
def test_is_disabled():
    pass


def test_has_nothing_to_do_with_it():
    pass
"""

#: Takes the machine's part: every check is fine, and no fixture needs a lab.
HEALTHY = """
from pytest_havip import fixtures
from pytest_havip.lab import checks

fixtures.MODULES = ()
checks.checks = lambda: [checks.Check("nft", "ok", "1.0.6", "")]
"""


@pytest.fixture
def every_verdict(pytester: pytest.Pytester) -> None:
    """A folder with one test for each verdict."""
    pytester.makepyfile(test_every_verdict=EVERY_VERDICT)


@pytest.fixture
def havip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run ``pytest --havip`` on a folder of one's own tests, on a machine that has everything."""
    pytester.makepyfile(healthy=HEALTHY)
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))

    def run(*arguments: str) -> pytest.RunResult:
        # Other plugins would cost half of the time.
        others = [f"-pno:{name}" for name in ("randomly", "testinfra", "hypothesispytest", "anyio")]
        return pytester.runpytest_subprocess("-phealthy", *others, "-Werror", "--havip", "--strict-markers", *arguments)

    return run
