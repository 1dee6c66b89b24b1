"""What this machine must have before anything runs, and the one message when it has not."""

from collections.abc import Iterable
from dataclasses import replace

from pytest_havip.clients.postgres import find_postgres
from pytest_havip.clients.program import ProgramMissing
from pytest_havip.lab.checks import Check, checks

__all__ = ["machine_checks", "refusal"]

#: What the lab can do without, and the bundled conformance run cannot: it puts these programs under test or uses them.
_BUNDLED = frozenset({"ping"})
#: What our HA clients are made of.
_OF_CLIENTS = frozenset({"keepalived", "haproxy"})


def machine_checks(*, bundled: bool = True, clients: bool = True) -> list[Check]:
    """Return all checks of this machine.

    Args:
        bundled: Whether the bundled conformance tests are to run, with all the programs that they use.
        clients: Whether our HA clients are put under test.
    """
    needed = (_BUNDLED | _OF_CLIENTS if clients else _BUNDLED) if bundled else frozenset()
    found = [
        replace(check, status="fail") if check.name in needed and check.status == "warn" else check
        for check in checks()
    ]
    return [*found, _postgres()]


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


def _postgres() -> Check:
    try:
        return Check("postgres", "ok", find_postgres("postgres"))
    except ProgramMissing:
        remedy = "sudo apt-get install postgresql (or the package of that name of your distribution)"
        return Check("postgres", "warn", "not installed; only the use case of databases needs it", remedy)
