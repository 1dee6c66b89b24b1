"""How a client behaved in a takeover, judged by what its machines sent and hold; each rule is one demand on clients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from pytest_havip.clients.announcer import Instance
from pytest_havip.clients.base import Bound, Cause, Traits
from pytest_havip.observe.announcements import announced_by, sender_macs

__all__ = ["RULES", "Conduct", "complaints"]

#: Seconds that a busy machine may add to a client's own timers.
_SLACK = 1.0
#: Nanoseconds after a takeover in which the old owner may still be busy giving up.
_MOMENT = 100_000_000
#: Causes after which the old owner is alive, and knows that it must give the address up.
_GIVES_UP = frozenset({Cause.STOP, Cause.MOVE, Cause.SERVICE})


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
    if seconds <= seen.bound.latest + _SLACK:
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


#: What is wrong with a client that breaks a rule, by the rule's name; nothing where it keeps it.
RULES: Mapping[str, Callable[[Conduct], str]] = {
    "announces what it takes": _never_announces,
    "announces in its declared time": _announces_late,
    "announces its own MAC": _announces_anothers_mac,
    "is silent while passive": _announces_while_passive,
    "gives up the address": _keeps_the_address,
    "heeds a defender": _ignores_a_defender,
}


def complaints(seen: Conduct) -> dict[str, str]:
    """Return what is wrong with a client, by the rule that it breaks."""
    found = {rule: breaks(seen) for rule, breaks in RULES.items()}
    return {rule: complaint for rule, complaint in found.items() if complaint}
