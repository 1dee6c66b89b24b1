"""``havip replay``: a trace's story on a network, or as a test."""

import argparse
import sys
from pathlib import Path

from pytest_havip.fuzz import BadTrace, Failure, Trace, WireExecutor, replay, write_script
from pytest_havip.lab import Lab
from pytest_havip.preflight import machine_checks, refusal
from pytest_havip.reports import Inconclusive
from pytest_havip.targets import UnknownTarget, check_target, open_target
from pytest_havip.targets.base import Refused

__all__ = ["run"]

#: The bundled network's rules without a kernel.
_CORE = "core"
_FINE, _BROKEN, _REFUSED, _INCONCLUSIVE = range(4)


class _Unusable(Exception):
    """The trace, the target or the machine cannot be used; the text says why and what to do."""


def run(arguments: argparse.Namespace) -> int:
    """Play the story and say what came of it.

    Returns:
        0 if the network played it as it should, 1 if it broke a requirement, 2 if the trace or the target cannot be
        used, 3 if nobody can say what the network did.
    """
    try:
        trace = _read(arguments.trace)
        if arguments.pytest is not None:
            return _write(trace, arguments.pytest)
        return _play(trace, arguments.target)
    except _Unusable as error:
        print(f"havip replay: {error}", file=sys.stderr)
        return _REFUSED


def _read(path: str) -> Trace:
    try:
        return Trace.read(Path(path))
    except BadTrace as error:
        raise _Unusable(f"{path}: {error}") from error
    except OSError as error:
        raise _Unusable(f"{path} cannot be read: {error.strerror}") from error


def _write(trace: Trace, path: str) -> int:
    try:
        write_script(trace, Path(path))
    except OSError as error:
        raise _Unusable(f"{path} cannot be written: {error.strerror}") from error
    print(f"written: {path}; run it by `pytest --havip {path}`")
    return _FINE


def _play(trace: Trace, target: str) -> int:
    is_core = target == _CORE
    if not is_core:
        _check(target)
    if trace.source:
        print(f"{trace.source}\n")
    print("\n".join(f"{number:3}. {action}" for number, action in enumerate(trace.actions, start=1)))
    try:
        failure = _on_core(trace) if is_core else _on_wire(trace, target)
    except Refused as error:
        raise _Unusable(f"{target} refuses what the story needs: {error}") from error
    except Inconclusive as error:
        print(f"\ninconclusive on {target}: {error}")
        return _INCONCLUSIVE
    return _tell(trace, target, failure)


def _check(target: str) -> None:
    try:
        check_target(target)
    except UnknownTarget as error:
        raise _Unusable(f"{error} `{_CORE}` plays it on the bundled network's rules, without a kernel.") from error
    if missing := refusal(machine_checks(bundled=False)):
        raise _Unusable(missing)


def _on_core(trace: Trace) -> Failure | None:
    from pytest_havip.fuzz.core import CoreExecutor  # noqa: PLC0415 - brings in the network, which only this needs
    from pytest_havip.network import core  # noqa: PLC0415 - as above

    try:
        return replay(CoreExecutor(trace.world), trace.actions)
    except core.Refused as refused:
        raise Refused(refused.code, refused.message) from refused


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
