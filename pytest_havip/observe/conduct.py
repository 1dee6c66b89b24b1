"""How a client behaved in a takeover, judged by what its machines sent and hold; each rule is one demand on clients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import pairwise

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Bound, Cause, Traits
from pytest_havip.observe.announcements import announced_by, sender_macs

__all__ = ["RULES", "Conduct", "complaints"]

#: Seconds that a machine may add to a client's own timers, and how often a client waits to be woken up meanwhile: by a
#: missing heartbeat, by its timer, and to send. A machine that held up the prober may have held up each of these.
_SLACK, _WAKES = 1.0, 3
#: Nanoseconds after a takeover in which the old owner may still be busy giving up.
_MOMENT = 100_000_000
#: Nanoseconds from a client's first announcement until it can be said whether another one followed, and after which it
#: is no part of the same burst.
_JUDGED, _APART = 3_000_000_000, 500_000_000
#: Nanoseconds that a machine may take to answer when the network sends it the address's packets.
_READY = 1_000_000_000
_ETHERTYPE, _IPV4, _DESTINATION = slice(12, 14), b"\x08\x00", slice(30, 34)
#: Causes after which the old owner is alive, and knows that it must give the address up.
_GIVES_UP = frozenset({Cause.STOP, Cause.MOVE, Cause.SERVICE, Cause.NIC, Cause.TRACKED, Cause.RETURN})


@dataclass(frozen=True, slots=True)
class Conduct:
    """What is known of a client in one takeover.

    Args:
        traits: What the client declares.
        cause: Why it should take over.
        address: The address.
        victim: The machine that owned it.
        heir: The standby.
        since: From when on the heir was a standby, in nanoseconds of the lab's clock.
        at: When the fault was made.
        until: When the next thing happened.
        bound: When the heir should announce; `None` if it should not.
        holders: Names of the machines whose kernel held the address after the takeover.
        served: When the heir first answered a user; `None` if it never did.
        elsewhere: The machines as they are by NICs in other subnets.
        healed: When the fault was undone; 0 if it was not.
        survivors: Names of the machines whose kernel held the address when things had settled after that.
        pause: For how long the machine let a program wait that wakes up a hundred times a second, in seconds, at most.
    """

    traits: Traits
    cause: Cause
    address: IPv4Address
    victim: Instance
    heir: Instance
    since: int
    at: int
    until: int
    bound: Bound | None
    holders: tuple[str, ...]
    served: int | None = None
    elsewhere: tuple[Instance, ...] = field(default=())
    healed: int = 0
    survivors: tuple[str, ...] = ()
    pause: float = 0.0

    @property
    def slack(self) -> float:
        """Seconds that are not held against the client."""
        return _SLACK + _WAKES * self.pause

    @property
    def is_healed_split(self) -> bool:
        """Whether the nodes did not hear each other, and do so again."""
        return self.cause is Cause.SPLIT and bool(self.healed)

    @property
    def announced(self) -> int | None:
        """When the heir first announced the address after the fault, in nanoseconds; `None` if it never did."""
        sent = announced_by(self.heir, self.address, since=self.at, until=self.until)
        return sent[0].time_ns if sent else None


def _never_announces(seen: Conduct) -> str:
    if seen.bound is None or seen.announced is not None:
        return ""
    return f"{seen.heir.name} never announced {seen.address}: it should within {seen.bound.latest:g} s"


def _announces_late(seen: Conduct) -> str:
    if seen.bound is None or seen.announced is None:
        return ""
    seconds = (seen.announced - seen.at) / 1e9
    if seconds <= seen.bound.latest + seen.slack:
        return ""
    return f"{seen.heir.name} announced {seen.address} after {seconds:.2f} s; {seen.bound.formula} ends earlier"


def _announces_anothers_mac(seen: Conduct) -> str:
    for machine in (seen.victim, seen.heir):
        for frame in announced_by(machine, seen.address, since=seen.since, until=seen.until):
            if (named := sender_macs(frame)) != {machine.mac}:
                return (
                    f"{machine.name} announced {seen.address} from {', '.join(sorted(named))}, its NIC is {machine.mac}"
                )
    return ""


def _announces_while_passive(seen: Conduct) -> str:
    periods = [(seen.heir, seen.since, seen.at)]
    if seen.cause in _GIVES_UP and seen.announced is not None:
        periods.append((seen.victim, seen.announced + _MOMENT, seen.until))
    if seen.bound is None and not seen.traits.probes:
        periods.append((seen.heir, seen.at, seen.until))
    for machine, since, until in periods:
        if sent := announced_by(machine, seen.address, since=since, until=until):
            return f"{machine.name} announced {seen.address} {len(sent)} times while it was not active"
    return ""


def _keeps_the_address(seen: Conduct) -> str:
    if seen.cause not in _GIVES_UP or seen.bound is None or seen.victim.name not in seen.holders:
        return ""
    return f"{seen.victim.name} still holds {seen.address} after {seen.cause}"


def _ignores_a_defender(seen: Conduct) -> str:
    defended = seen.traits.probes and seen.bound is None and seen.victim.name in seen.holders
    if not defended or seen.announced is None:
        return ""
    return f"{seen.heir.name} announced {seen.address}, which {seen.victim.name} holds and defends"


def _announces_but_once(seen: Conduct) -> str:
    if seen.bound is None or seen.announced is None or seen.until - seen.announced < _JUDGED:
        return ""
    sent = announced_by(seen.heir, seen.address, since=seen.announced, until=seen.until)
    if any(frame.time_ns >= seen.announced + _APART for frame in sent):
        return ""
    return f"{seen.heir.name} announced {seen.address} {len(sent)} times in one moment, and never again"


def _announces_otherwise(seen: Conduct) -> str:
    if seen.bound is None or seen.announced is None:
        return ""
    declared, since = seen.traits.announcement, seen.announced
    sent = [frame.time_ns for frame in announced_by(seen.heir, seen.address, since=since, until=seen.until)]
    slack, declaration = seen.slack * 1e9, f"{seen.traits.name} declares {declared}"
    last = declared.blocks[-1] + (declared.count - 1) * declared.spacing
    due = declared.count * len(declared.blocks)
    over = since + last * 1e9 + slack
    if seen.until >= over and (count := sum(at <= over for at in sent)) < due:
        return f"{seen.heir.name} announced {seen.address} {count} times in {last + seen.slack:g} s; {declaration}"
    if declared.refresh is None:
        return ""
    for before, after in pairwise([*sent, seen.until]):
        if after - before > max(declared.refresh, *declared.blocks) * 1e9 + 2 * slack:
            return f"{seen.heir.name} did not announce {seen.address} for {(after - before) / 1e9:.1f} s; {declaration}"
    return ""


def _announces_elsewhere(seen: Conduct) -> str:
    for nic in seen.elsewhere:
        if announced_by(nic, seen.address, since=seen.since, until=seen.until):
            return f"{nic.name} announced {seen.address}, which is an address of another subnet"
    return ""


def _is_not_there(seen: Conduct) -> str:
    if seen.bound is None or seen.announced is None:
        return ""
    frames = seen.heir.port.capture.frames(seen.announced)
    asked = next((f.time_ns for f in frames if not f.outgoing and _is_for(seen.address, f.data)), seen.until)
    if asked >= seen.until or (seen.served is not None and seen.served - asked <= _READY):
        return ""
    answered = "never" if seen.served is None else f"{(seen.served - asked) / 1e9:.2f} s later"
    return f"{seen.heir.name} announced {seen.address}, packets came, and it answered {answered}"


def _is_for(address: IPv4Address, frame: bytes) -> bool:
    return frame[_ETHERTYPE] == _IPV4 and frame[_DESTINATION] == address.packed


def _several_hold(seen: Conduct) -> str:
    if seen.cause is not Cause.SPLIT or seen.bound is not None or len(seen.holders) <= 1:
        return ""
    return f"{' and '.join(seen.holders)} hold {seen.address} while they do not hear each other"


def _clings(seen: Conduct) -> str:
    if not seen.is_healed_split or len(seen.survivors) <= 1:
        return ""
    return f"{' and '.join(seen.survivors)} still hold {seen.address} although they hear each other"


def _resumes_in_silence(seen: Conduct) -> str:
    if not seen.is_healed_split or len(seen.survivors) != 1:
        return ""
    sent = {
        machine.name: max((frame.time_ns for frame in announced_by(machine, seen.address)), default=0)
        for machine in (seen.victim, seen.heir)
    }
    (survivor,) = seen.survivors
    if len(seen.holders) <= 1 or sent.get(survivor) == max(sent.values()):
        return ""
    return f"{survivor} kept {seen.address} when the nodes heard each other again, and did not announce it"


#: What is wrong with a client that breaks a rule, by the rule's name; nothing where it keeps it.
RULES: Mapping[str, Callable[[Conduct], str]] = {
    "announces what it takes": _never_announces,
    "announces in its declared time": _announces_late,
    "announces its own MAC": _announces_anothers_mac,
    "is silent while passive": _announces_while_passive,
    "gives up the address": _keeps_the_address,
    "heeds a defender": _ignores_a_defender,
    "announces again": _announces_but_once,
    "announces as declared": _announces_otherwise,
    "announces where the address belongs": _announces_elsewhere,
    "serves what it announces": _is_not_there,
    "has one owner": _several_hold,
    "has one owner again": _clings,
    "announces what it keeps": _resumes_in_silence,
}


def complaints(seen: Conduct) -> dict[str, str]:
    """Return what is wrong with a client, by the rule that it breaks."""
    found = {rule: breaks(seen) for rule, breaks in RULES.items()}
    return {rule: complaint for rule, complaint in found.items() if complaint}
