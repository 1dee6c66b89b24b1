"""Runs `pytest --havip` again and again, in several ways, and compares what every test said.

The ways: plainly; with every core kept busy by something else; in random order, of modules and of the tests in them,
another one each time; and, if asked for, as another user. Prints a line for each run, then the tests whose verdicts
differ, with their reasons. Exit status 1 if any differs, or if a run did not run to its end.
Usage: python bench/flakiness.py [--runs N] [--ways plain,busy,shuffled] [--user NAME] [PYTEST ARGUMENTS]
A way may have a number of its own: --ways plain:20,busy:5 --havip-only client
"""

import argparse
import os
import pwd
import random
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_havip.reports.table import table

#: Seconds; a run takes under a minute, on a very busy machine a few.
TIMEOUT = 1800
#: How a run is started in a certain order: this file is its plugin, and this variable its seed.
PLUGIN, SEED = "flakiness", "HAVIP_FLAKINESS_SEED"
ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Args:
        way: How it was run.
        status: pytest's exit status.
        seconds: How long it took.
        verdicts: Each test's verdict, or pytest's own word of a test that names no requirement.
        reasons: What tests that did not pass said.
    """

    way: str
    status: int
    seconds: float
    verdicts: Mapping[str, str]
    reasons: Mapping[str, str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """As a plugin of a run: shuffle the modules, and the tests in each."""
    chance = random.Random(os.environ[SEED])  # noqa: S311 - an order, no secret
    modules = sorted({item.path for item in items})
    chance.shuffle(modules)
    place = {path: number for number, path in enumerate(modules)}
    chance.shuffle(items)
    items.sort(key=lambda item: place[item.path])


def attempt(way: str, arguments: list[str], *, seed: int | None = None, user: str | None = None) -> Run:
    """Run the conformance tests once."""
    command = [sys.executable, "-m", "pytest", "--havip", "-n", "2", "-q"]
    command += ["-p", "no:cacheprovider", *arguments]
    environment = dict(os.environ)
    if seed is not None:
        environment |= {SEED: str(seed), "PYTHONPATH": str(Path(__file__).parent)}
        command += ["-p", PLUGIN]
    with tempfile.TemporaryDirectory(prefix="havip-") as folder:
        report = Path(folder) / "junit.xml"
        command += [f"--junitxml={report}", f"--havip-evidence={folder}/evidence", f"--basetemp={folder}/temp"]
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            timeout=TIMEOUT,
            capture_output=True,
            text=True,
            check=False,
            **_identity(user, folder),
        )
        seconds = time.monotonic() - began
        if done.returncode not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            print(done.stdout, done.stderr, sep="\n")
        said = said_in(report) if report.exists() else {}
        verdicts = {test: verdict for test, (verdict, _) in said.items()}
        reasons = {test: reason for test, (_, reason) in said.items() if reason}
        return Run(way, done.returncode, seconds, verdicts, reasons)


def _identity(user: str | None, folder: str) -> Any:  # noqa: ANN401 - arguments of all kinds
    """Arguments of `subprocess.run` by which a program belongs to another user alone, who gets the folder too."""
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def said_in(report: Path) -> dict[str, tuple[str, str]]:
    """Each test's verdict and reason, from a JUnit file."""
    found = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by pytest a moment ago
        noted = {each.get("name"): each.get("value", "") for each in case.iter("property")}
        plain = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
        verdict, reason = noted.get("havip_verdict", plain), noted.get("havip_reason", "")
        found[f"{case.get('classname')}::{case.get('name')}"] = verdict, reason
    return found


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy."""
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def runs(given: argparse.Namespace, arguments: list[str]) -> Iterator[Run]:
    """Run as often as was asked for, in each way."""
    for each in given.ways.split(","):
        way, _, number = each.partition(":")
        for _ in range(int(number or given.runs)):
            if way == "busy":
                with busy_cores():
                    yield attempt(way, arguments)
            elif way == "shuffled":
                seed = random.randrange(10**6)  # noqa: S311 - an order, no secret
                yield attempt(f"{way} by {seed}", arguments, seed=seed)
            else:
                yield attempt(way, arguments)
    for _ in range(given.runs if given.user else 0):
        yield attempt(f"as {given.user}", arguments, user=given.user)


def main() -> int:
    """Run, print, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="how many of each way")
    parser.add_argument("--ways", default="plain,busy,shuffled")
    parser.add_argument("--user", help="run as this user too; needs root")
    given, arguments = parser.parse_known_args()
    done: list[Run] = []
    for run in runs(given, arguments):
        done.append(run)
        counts = Counter(run.verdicts.values())
        summary = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
        print(f"run {len(done):2}  {run.way:20} {run.seconds:6.1f} s  exit {run.status}  {summary}", flush=True)
    tests = sorted(set().union(*(run.verdicts for run in done)))
    said = {test: [run.verdicts.get(test, ABSENT) for run in done] for test in tests}
    differing = {test: words for test, words in said.items() if len(set(words)) > 1}
    unfinished = [run for run in done if run.status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}]
    if differing:
        header = ["test", *(str(number) for number in range(1, len(done) + 1))]
        print("", *table(header, [[test, *words] for test, words in differing.items()]), sep="\n")
    for number, run in enumerate(done, 1):
        for test in sorted(differing.keys() & run.reasons.keys()):
            print(f"run {number}: {test}: {run.verdicts[test]}: {run.reasons[test]}")
    print(f"{len(done)} runs of {len(tests)} tests, {len(differing)} differ, {len(unfinished)} runs not to their end")
    return 1 if differing or unfinished or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
