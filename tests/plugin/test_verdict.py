import pytest

from pytest_havip.clients.base import NotActive
from pytest_havip.lab import NotSeen
from pytest_havip.observe.probe import OwnerNotSeen
from pytest_havip.reports import Inconclusive, Verdict
from pytest_havip.reports.verdict import for_level, of_error, of_skip, worst
from pytest_havip.requirements import Level
from pytest_havip.targets.base import Refused, TargetError


class LateError(TimeoutError):
    pass


class UnmetError(Exception):
    havip_unmet = True


class BrokenNetworkError(Exception):
    havip_verdict = "fail"


def test_the_ladder() -> None:
    assert list(Verdict) == [
        "not-run", "disabled", "unsupported", "pass", "non-strict", "inconclusive", "fail", "engine-error",
    ]  # fmt: skip
    assert [verdict for verdict in Verdict if verdict.reddens] == ["inconclusive", "fail", "engine-error"]


def test_a_sum_is_the_worst_of_its_parts() -> None:
    assert worst([]) is Verdict.NOT_RUN
    assert worst([Verdict.PASS, Verdict.NON_STRICT, Verdict.UNSUPPORTED]) is Verdict.NON_STRICT
    assert worst([Verdict.FAIL, Verdict.INCONCLUSIVE]) is Verdict.FAIL


@pytest.mark.parametrize(
    ("error", "when", "verdict"),
    [
        (AssertionError("no"), "call", Verdict.FAIL),
        (pytest.fail.Exception("no"), "call", Verdict.FAIL),
        (LateError("no"), "call", Verdict.ENGINE_ERROR),
        (UnmetError("no"), "call", Verdict.FAIL),
        (Refused("LimitExceeded", "no"), "call", Verdict.FAIL),
        (Refused("LimitExceeded", "no"), "setup", Verdict.INCONCLUSIVE),
        (OwnerNotSeen("no"), "call", Verdict.FAIL),
        (NotSeen("no"), "call", Verdict.FAIL),
        (NotActive("no"), "call", Verdict.INCONCLUSIVE),
        (TargetError("no"), "call", Verdict.ENGINE_ERROR),
        (AssertionError("no"), "setup", Verdict.INCONCLUSIVE),
        (LateError("no"), "setup", Verdict.ENGINE_ERROR),
        (UnmetError("no"), "setup", Verdict.INCONCLUSIVE),
        (UnmetError("no"), "teardown", Verdict.ENGINE_ERROR),
        (AssertionError("no"), "teardown", Verdict.ENGINE_ERROR),
        (KeyError("no"), "call", Verdict.ENGINE_ERROR),
        (OSError("no"), "setup", Verdict.ENGINE_ERROR),
        (Inconclusive("no"), "call", Verdict.INCONCLUSIVE),
        (Inconclusive("no"), "setup", Verdict.INCONCLUSIVE),
        (BrokenNetworkError("no"), "call", Verdict.FAIL),
    ],
)
def test_what_an_exception_says(error: BaseException, when: str, verdict: Verdict) -> None:
    assert of_error(error, when) is verdict


def test_what_a_skip_says() -> None:
    assert of_skip("unsupported: the network lists no events") is Verdict.UNSUPPORTED
    assert of_skip("not today") is Verdict.DISABLED


def test_a_missed_should_is_no_failure() -> None:
    assert for_level(Verdict.FAIL, Level.MUST) is Verdict.FAIL
    assert for_level(Verdict.FAIL, Level.SHOULD) is Verdict.NON_STRICT
    assert for_level(Verdict.INCONCLUSIVE, Level.SHOULD) is Verdict.INCONCLUSIVE
