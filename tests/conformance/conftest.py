"""Running the conformance tests as a user does, in a process of their own, and reading their verdicts."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

#: Seconds; a run against a broken network waits for things that never come.
TIMEOUT = 300

Verdicts = dict[str, set[str]]


@pytest.fixture
def verdicts_of(tmp_path: Path) -> Callable[..., Verdicts]:
    """Run the network suites against a target, and return the verdicts of each requirement that was tested."""

    def run(target: str, *arguments: str) -> Verdicts:
        report = tmp_path / "report.xml"
        command = [sys.executable, "-m", "pytest", "--havip", "--havip-target", target, "-k", "not TAKE", "-q"]
        command += ["-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
        done = subprocess.run(command, cwd=tmp_path, timeout=TIMEOUT, capture_output=True, text=True, check=False)
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        verdicts: Verdicts = defaultdict(set)
        for case in ET.parse(report).iter("testcase"):
            noted = [(entry.get("name"), entry.get("value", "")) for entry in case.iter("property")]
            for identifier in (value for name, value in noted if name == "havip_requirement"):
                verdicts[identifier] |= {value for name, value in noted if name == "havip_verdict"}
        return verdicts

    return run
