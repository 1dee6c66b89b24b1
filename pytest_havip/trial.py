"""Trying the conformance tests on a network: run them in a process of their own, and read what they said.

Each run is a fork of a process that has imported what a run needs and has done nothing else. So it begins as clean as a
user's, without the second that the imports take.
"""

import gc
import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

import pytest

from pytest_havip.reports.runlog import RunLog
from pytest_havip.requirements import requirement_ids
from pytest_havip.requirements.registry import OF_CLIENTS

__all__ = ["AT_ONCE", "RED", "TrialFailed", "Verdicts", "verdicts_of"]

#: Requirement id -> the verdicts of its tests.
Verdicts = dict[str, set[str]]

#: Verdicts by which a requirement catches a fault; *inconclusive* says nothing of the network, so it is not one.
RED = frozenset({"fail", "non-strict"})

#: Fixtures of the tests that play stories.
_OF_STORIES = frozenset({"judge_stories", "play_trace"})

#: How many processes are well run at the same time: on a faulty network tests mostly wait for what never comes.
AT_ONCE = 3

#: Seconds; against a network that carries nothing, each test waits for what never comes.
_TIMEOUT = 1800.0

#: What a run imports before its first test, and between them. Suites are left out: pytest reads them in its own way.
_IMPORTED = (
    "pyroute2.netlink.rtnl.ifinfmsg",
    "scapy.layers.inet",
    "pytest_havip.trial",
    "pytest_havip.session",
    "pytest_havip.preflight",
    "pytest_havip.mutants",
    "pytest_havip.fixtures.takeovers",
    "pytest_havip.fixtures.judges",
)
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(list(_IMPORTED))


class TrialFailed(RuntimeError):
    """The conformance tests did not run to their end; the text holds what they printed."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What one process is to run.

    Args:
        target: As ``--havip-target`` spells it.
        requirements: Only the tests of these; of all when empty.
        until_red: Whether one red test of a requirement is enough.
        part: Which part of the tests, counted from 0.
        parts: Of how many.
    """

    target: str
    requirements: frozenset[str]
    until_red: bool
    part: int
    parts: int


def verdicts_of(target: str, requirements: Iterable[str] = (), *, until_red: bool = False) -> Verdicts:
    """Run the network suites (no HA client) against a target, all of them in `AT_ONCE` processes, some of them in one.

    Threads may call this at the same time.

    Args:
        target: As ``--havip-target`` spells it.
        requirements: Run only the tests of these; of all by default.
        until_red: Skip a test, which makes it *disabled*, when all its requirements among these are `RED` already.

    Raises:
        TrialFailed: pytest itself failed, or no test was selected.
    """
    wanted = frozenset(requirements)
    parts = 1 if wanted else AT_ONCE
    orders = [_Order(target, wanted, until_red, part, parts) for part in range(parts)]
    verdicts: Verdicts = defaultdict(set)
    with ThreadPoolExecutor(parts) as pool:
        for found in pool.map(_carry_out, orders):
            for identifier, seen in found.items():
                verdicts[identifier] |= seen
    return verdicts


def _carry_out(order: _Order) -> Verdicts:
    answers, answer = _FORKS.Pipe(duplex=False)
    run = _FORKS.Process(target=_run, args=(answer, order))
    run.start()
    answer.close()
    with answers:
        try:
            if not answers.poll(_TIMEOUT):
                run.kill()
            code, verdicts, said = answers.recv()
        except EOFError:
            run.join()
            raise TrialFailed(
                f"{order}: pytest's process ended with {run.exitcode} and no answer; it is killed after {_TIMEOUT:g} s"
            ) from None
    run.join()
    run.close()
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        raise TrialFailed(f"{order}: pytest ended with {code}:\n{said}")
    found: Verdicts = verdicts
    return found


def _run(answer: Connection, order: _Order) -> None:
    """Run pytest in a fork made for it, and answer with its exit code, the verdicts, and what it printed."""
    gc.freeze()  # nobody need look through what was imported before
    out = os.memfd_create("trial")
    for stream in (1, 2):
        os.dup2(out, stream)
    tests = _Tests(order)
    selection = " or ".join(order.requirements) or " and ".join(f"not HAVIP-{area}-" for area in OF_CLIENTS)
    arguments = ["--havip", "--havip-target", order.target, "--havip-evidence=", "-k", selection, "-q"]
    # Neither the folder that this happens to be started from nor other plugins have a say, and nobody reads assertions.
    arguments += ["-c", os.devnull, "-p", "pytest_havip.plugin", "-p", "no:cacheprovider", "--assert=plain"]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    code = int(pytest.main(arguments, plugins=[tests]))
    said = os.pread(out, os.fstat(out).st_size, 0).decode(errors="replace")
    with answer:
        answer.send((code, tests.verdicts(), said))


class _Tests:
    """Chooses the tests of an order, and takes note of their verdicts."""

    def __init__(self, order: _Order) -> None:
        self._order = order
        self._log = RunLog()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep this part of the requirements' own tests; neighbours stay together, for they may share a scene."""
        # Which requirement a story blames depends on what it met first, so stories say nothing of any one.
        items[:] = [item for item in items if not _OF_STORIES.intersection(getattr(item, "fixturenames", ()))]
        first, last = (len(items) * number // self._order.parts for number in (self._order.part, self._order.part + 1))
        items[:] = items[first:last]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a test of which nothing is wanted any more."""
        red = {identifier for identifier, seen in self.verdicts().items() if seen & RED}
        if self._order.until_red and not self._order.requirements.intersection(requirement_ids(item)) - red:
            pytest.skip("its requirements are red already")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a report."""
        self._log.add(report)

    def verdicts(self) -> Verdicts:
        """Return what is known so far."""
        verdicts: Verdicts = {}
        for result in self._log.results:
            for identifier in result.requirement_ids:
                verdicts.setdefault(identifier, set()).add(result.verdict.value)
        return verdicts
