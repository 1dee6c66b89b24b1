"""The faults that happen in the field, by name: how each is made on a machine of a cluster, and how it is healed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import time_ns

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Cause, Cluster
from pytest_havip.lab import Frame, NotSeen
from pytest_havip.targets.base import Target

__all__ = [
    "FROZEN_MACHINE",
    "GRACEFUL_STOP",
    "HOST_DEAD",
    "KILLED",
    "LINK_CUT",
    "PLANNED_MOVE",
    "SERVICE_DEAD",
    "Fault",
    "Stricken",
]

#: Seconds in which a client that goes on sends its first heartbeat.
_FIRST_WORD = 0.5
_ETHERTYPE, _IPV4 = slice(12, 14), b"\x08\x00"
# A frozen machine's kernel neither takes nor answers a frame; those that come meanwhile are lost.
_DEAF = (
    "table netdev frozen {{ chain everything {{ type filter hook ingress devices = {{ {0} }} priority -500; "
    "policy drop; }}; }}"
)
_NIC = "eth"


@dataclass(frozen=True, slots=True)
class Stricken:
    """Whom a fault hits.

    Args:
        target: The network.
        cluster: The client.
        victim: The machine that owns the address.
        heir: The machine that should take it over.
    """

    target: Target
    cluster: Cluster
    victim: Instance
    heir: Instance


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, as reports name it.

    Args:
        name: What was done.
        cause: By which of the client's timers the heir takes over.
        strike: Makes it, and returns the time just before, CLOCK_REALTIME in ns.
        heal: Undoes it, and returns the time just before; `None` where nothing can be undone.
    """

    name: str
    cause: Cause
    strike: Callable[[Stricken], int]
    heal: Callable[[Stricken], int] | None = None


def _set_link(stricken: Stricken, *, up: bool) -> int:
    at = time_ns()
    stricken.target.set_link(stricken.victim.nic, up=up)
    return at


def _die(stricken: Stricken) -> int:
    at = _set_link(stricken, up=False)
    stricken.cluster.crash(stricken.victim.host)
    return at


def _freeze(stricken: Stricken) -> int:
    """Freeze the client before the kernel is deaf, so that the one does not notice the other."""
    at = stricken.cluster.freeze(stricken.victim.host)
    nics = [name for name in stricken.victim.host.interfaces() if name.startswith(_NIC)]
    _nft(stricken.victim, _DEAF.format(", ".join(nics)))
    return at


def _thaw(stricken: Stricken) -> int:
    """Let the client go on, and speak, before its kernel hears: nothing that was said meanwhile may reach it."""
    at = stricken.cluster.thaw(stricken.victim.host)
    with suppress(NotSeen):  # one that has nothing to say is heard by nobody
        stricken.victim.port.capture.wait(_is_word, timeout=_FIRST_WORD, since=at)
    _nft(stricken.victim, "delete table netdev frozen")
    return at


def _is_word(frame: Frame) -> bool:
    return frame.outgoing and frame.data[_ETHERTYPE] == _IPV4


def _nft(machine: Instance, text: str) -> None:
    ended = machine.host.run(["nft", text])
    if ended.returncode:
        raise RuntimeError(f"nft refused `{text}` on {machine.name}: {ended.stderr.strip()}")


GRACEFUL_STOP = Fault("graceful stop", Cause.STOP, lambda stricken: stricken.cluster.stop(stricken.victim.host))
PLANNED_MOVE = Fault("planned move", Cause.MOVE, lambda stricken: stricken.cluster.move(stricken.heir.host))
KILLED = Fault("kill -9", Cause.CRASH, lambda stricken: stricken.cluster.crash(stricken.victim.host))
"""The client alone is dead; its kernel holds the address and answers for it."""
SERVICE_DEAD = Fault(
    "service dead", Cause.SERVICE, lambda stricken: stricken.cluster.fail_service(stricken.victim.host)
)
LINK_CUT = Fault(
    "link cut",
    Cause.LINK,
    lambda stricken: _set_link(stricken, up=False),
    lambda stricken: _set_link(stricken, up=True),
)
HOST_DEAD = Fault("host dead", Cause.HOST, _die)
FROZEN_MACHINE = Fault("machine frozen", Cause.FROZEN, _freeze, _thaw)
"""As a virtual machine is frozen for a snapshot: nothing runs, and what comes meanwhile is lost."""
