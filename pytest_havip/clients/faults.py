"""The faults that happen in the field, by name: how each is made on a machine of a cluster, and how it is healed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from time import time_ns

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Cause, Cluster
from pytest_havip.lab import Frame, NotSeen, Wire
from pytest_havip.targets.base import Target

__all__ = [
    "ADDRESS_REMOVED",
    "FROZEN_MACHINE",
    "GRACEFUL_STOP",
    "HEARTBEATS_LOST",
    "HEARTBEATS_LOST_ONE_WAY",
    "HOST_DEAD",
    "KILLED",
    "LINK_CUT",
    "NIC_DOWN",
    "PLANNED_MOVE",
    "RETURN",
    "SERVICE_DEAD",
    "Fault",
    "Stricken",
    "announcements_lost",
    "announcements_repeated",
    "hold_back",
    "late_copy",
    "tracked_down",
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
        address: The address.
        wires: By which machines are plugged in that have a wire with faults on demand, by the machine's name.
    """

    target: Target
    cluster: Cluster
    victim: Instance
    heir: Instance
    address: IPv4Address
    wires: Mapping[str, Wire] = field(default_factory=dict)

    def wire(self, machine: Instance) -> Wire:
        """Return the wire of a machine.

        Raises:
            ValueError: It has none.
        """
        if machine.name not in self.wires:
            raise ValueError(f"{machine.name} is plugged in directly: give the scene wires to make faults on them")
        return self.wires[machine.name]


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


def _remove_address(stricken: Stricken) -> int:
    """Take the address from the machine behind its client's back, as a careless operator does."""
    victim = stricken.victim
    held = next(each for each in victim.host.addresses(victim.interface) if each.ip == stricken.address)
    at = time_ns()
    victim.host.remove_address(held, victim.interface)
    return at


def _set_nic(stricken: Stricken, *, up: bool) -> int:
    """Set the machine's own interface up or down: unlike a cut link, nothing can leave it either."""
    at = time_ns()
    if up:
        stricken.victim.host.link_up(stricken.victim.interface)
    else:
        stricken.victim.host.link_down(stricken.victim.interface)
    return at


def _lose_heartbeats(stricken: Stricken, *pairs: tuple[Instance, Instance]) -> int:
    """Lose what one machine of each pair should hear of the other; a witness is heard by both."""
    at = time_ns()
    for machine, other in pairs:
        match = f"ip saddr {other.address} {stricken.cluster.traits.heartbeats}"
        stricken.wire(machine).lose(match, inward=True)
    return at


def _mend_wires(stricken: Stricken) -> int:
    at = time_ns()
    for wire in stricken.wires.values():
        wire.mend()
    return at


def tracked_down(interface: str) -> Fault:
    """Return the fault that another interface of the owner goes down, on which its client keeps an eye."""

    def strike(stricken: Stricken) -> int:
        at = time_ns()
        stricken.victim.host.link_down(interface)
        return at

    return Fault("tracked interface down", Cause.TRACKED, strike)


def _announcements(address: IPv4Address) -> str:
    """Announcements of an address, in nft's words."""
    return f"arp saddr ip {address} arp daddr ip {address}"


def announcements_lost(fault: Fault, first: int | None = None) -> Fault:
    """Return a fault during which the heir's first announcements, or all of them, get lost on its wire."""

    def strike(stricken: Stricken) -> int:
        stricken.wire(stricken.heir).lose(_announcements(stricken.address), first=first)
        return fault.strike(stricken)

    which = "all" if first is None else "the first" if first == 1 else f"the first {first}"
    noun = "announcement" if first == 1 else "announcements"
    return Fault(f"{fault.name}, {which} {noun} lost", fault.cause, strike, _mend_wires)


def announcements_repeated(fault: Fault, times: int) -> Fault:
    """Return a fault during which each of the heir's announcements arrives so many times."""

    def strike(stricken: Stricken) -> int:
        stricken.wire(stricken.heir).repeat(_announcements(stricken.address), times)
        return fault.strike(stricken)

    return Fault(f"{fault.name}, announcements x {times}", fault.cause, strike, _mend_wires)


def hold_back(wire: Wire, address: IPv4Address) -> int:
    """Hold the next announcement of an address back on a wire, and return the time just before in ns."""
    at = time_ns()
    wire.lose(_announcements(address), first=1)
    return at


def late_copy(former: Instance, frame: bytes) -> Fault:
    """Return the fault that an announcement of a former owner, held back on its wire, arrives only now."""
    return Fault("late announcement", Cause.LATE, lambda stricken: stricken.wire(former).deliver(frame))


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
NIC_DOWN = Fault(
    "NIC down", Cause.NIC, lambda stricken: _set_nic(stricken, up=False), lambda stricken: _set_nic(stricken, up=True)
)
RETURN = Fault("preferred node returns", Cause.RETURN, lambda stricken: stricken.cluster.start(stricken.heir.host))
ADDRESS_REMOVED = Fault("address removed", Cause.REMOVED, _remove_address)
HEARTBEATS_LOST = Fault(
    "heartbeats lost",
    Cause.SPLIT,
    lambda stricken: _lose_heartbeats(stricken, (stricken.victim, stricken.heir), (stricken.heir, stricken.victim)),
    _mend_wires,
)
"""Neither machine hears the other, and all else passes: the beginning of a split brain."""
HEARTBEATS_LOST_ONE_WAY = Fault(
    "heartbeats to the standby lost",
    Cause.SPLIT,
    lambda stricken: _lose_heartbeats(stricken, (stricken.heir, stricken.victim)),
    _mend_wires,
)
FROZEN_MACHINE = Fault("machine frozen", Cause.FROZEN, _freeze, _thaw)
"""As a virtual machine is frozen for a snapshot: nothing runs, and what comes meanwhile is lost."""
