"""What this machine must have before anything runs, and the one message when it has not."""

from collections.abc import Iterable
from shutil import which

from pytest_havip.lab.checks import Check, checks
from pytest_havip.reports.machine import SEARCH_PATH

__all__ = ["machine_checks", "refusal"]

#: The programs that the bundled conformance run puts under test, by their Debian package, and what each is for.
_PROGRAMS = {
    "keepalived": "the bundled HA client, whose takeovers are measured",
    "haproxy": "the service on the hosts that keepalived's track script watches",
}


def machine_checks(*, clients: bool = True) -> list[Check]:
    """Return all checks of this machine.

    Args:
        clients: Whether the bundled HA clients are needed, as they are for the bundled conformance run.
    """
    return [*checks(), *(_program(name, purpose) for name, purpose in _PROGRAMS.items() if clients)]


def refusal(found: Iterable[Check]) -> str | None:
    """Return the message that stops a run, `None` when the machine can do it.

    Args:
        found: The checks of this machine.
    """
    failed = [check for check in found if check.status == "fail"]
    if not failed:
        return None
    reasons = "\n".join(f"  {check.name}: {check.detail}\n    mend it: {check.remedy}" for check in failed)
    return f"this machine cannot run the HAVIP tests.\n{reasons}\n`havip doctor` shows all checks."


def _program(name: str, purpose: str) -> Check:
    path = which(name, path=SEARCH_PATH)
    if path is None:
        return Check(name, "fail", f"not found; it is {purpose}", f"apt-get install --no-install-recommends {name}")
    return Check(name, "ok", path, "")
