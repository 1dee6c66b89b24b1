"""Trying the conformance tests on a network: run them in a process of their own, and read what they said."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

__all__ = ["RED", "TrialFailed", "Verdicts", "verdicts_of"]

#: Requirement id -> the verdicts of its tests.
Verdicts = dict[str, set[str]]

#: Verdicts by which a requirement catches a fault; *inconclusive* says nothing of the network, so it is not one.
RED = frozenset({"fail", "non-strict"})

#: Seconds; against a network that carries nothing, each test waits for what never comes.
_TIMEOUT = 1800


class TrialFailed(RuntimeError):
    """The conformance tests did not run to their end; the text holds what they printed."""


def verdicts_of(target: str, requirements: Iterable[str] = (), *, folder: Path) -> Verdicts:
    """Run the network suites (no HA client) against a target.

    Args:
        target: As ``--havip-target`` spells it.
        requirements: Run only the tests of these; of all by default.
        folder: Where the run may write its report.

    Raises:
        TrialFailed: pytest itself failed, or no test was selected.
    """
    report = folder / f"{target.replace(':', '-')}.xml"
    selection = " or ".join(requirements) or "not HAVIP-TAKE"
    command = [sys.executable, "-m", "pytest", "--havip", "--havip-target", target, "-k", selection, "-q"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", f"--junitxml={report}"]
    done = subprocess.run(command, cwd=folder, timeout=_TIMEOUT, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        raise TrialFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    verdicts: Verdicts = defaultdict(set)
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by pytest a moment ago
        noted = [(entry.get("name"), entry.get("value", "")) for entry in case.iter("property")]
        for identifier in (value for name, value in noted if name == "havip_requirement"):
            verdicts[identifier] |= {value for name, value in noted if name == "havip_verdict"}
    return verdicts
