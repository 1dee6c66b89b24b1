"""``havip replay``: a trace's story on a network, or as a test."""

import argparse
import sys
from pathlib import Path

from pytest_havip.fuzz import BadTrace, Failure, Trace, WireExecutor, replay, write_script
from pytest_havip.lab import Lab
from pytest_havip.preflight import machine_checks, refusal
from pytest_havip.reports import Inconclusive
from pytest_havip.targets import UnknownTarget, check_target, open_target

__all__ = ["run"]

#: The bundled network's rules without a kernel.
_CORE = "core"
_FINE, _BROKEN, _REFUSED, _INCONCLUSIVE = range(4)


def run(arguments: argparse.Namespace) -> int:
    """Play the story and say what came of it.

    Returns:
        0 if the network played it as it should, 1 if it broke a requirement, 2 if the trace or the target cannot be
        used, 3 if nobody can say what the network did.
    """
    try:
        trace = Trace.read(Path(arguments.trace))
        if arguments.target != _CORE:
            check_target(arguments.target)
    except (BadTrace, OSError, UnknownTarget) as error:
        return _refuse(str(error))
    if arguments.pytest is not None:
        write_script(trace, Path(arguments.pytest))
        print(f"written: {arguments.pytest}; run it by `pytest --havip {arguments.pytest}`")
        return _FINE
    if arguments.target != _CORE and (missing := refusal(machine_checks(bundled=False))):
        return _refuse(missing)
    print("\n".join(f"{number:3}. {action}" for number, action in enumerate(trace.actions, start=1)))
    try:
        failure = _on_core(trace) if arguments.target == _CORE else _on_wire(trace, arguments.target)
    except Inconclusive as error:
        print(f"\ninconclusive on {arguments.target}: {error}")
        return _INCONCLUSIVE
    return _tell(trace, arguments.target, failure)


def _on_core(trace: Trace) -> Failure | None:
    from pytest_havip.fuzz.core import CoreExecutor  # noqa: PLC0415 - brings in the network, which only this needs

    return replay(CoreExecutor(trace.world), trace.actions)


def _on_wire(trace: Trace, name: str) -> Failure | None:
    with Lab.open() as lab, open_target(name, lab) as target, WireExecutor(lab, target, trace.world) as executor:
        return replay(executor, trace.actions)


def _tell(trace: Trace, target: str, failure: Failure | None) -> int:
    if trace.requirement:
        print(f"\nthe trace: {trace.requirement} broken by {trace.target or 'some network'}: {trace.seen}")
    if failure is None:
        print(f"{target}: played as it should be")
        return _FINE
    found = failure.disagreement
    print(
        f"{target}: breaks {found.requirement} by {failure.action}\n  expected: {found.expected}\n  seen: {found.seen}"
    )
    return _BROKEN


def _refuse(why: str) -> int:
    print(f"havip replay: {why}", file=sys.stderr)
    return _REFUSED
