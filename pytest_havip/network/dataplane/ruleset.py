"""The guard of one VPC as nft text: the whole of it, or the commands that follow a change. Text only, no kernel.

Table ``bridge havip`` in the namespace of the VPC. Few sets for the whole VPC, two chains a subnet, nothing that grows
with NICs times HAVIPs: thousands of elements cost a transaction nothing, thousands of chains do. A subnet's chains
carry its range as a literal, because a frame on its way to the gateway may have the same IP destination as one that
stays, and must not be touched.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TypeVar

from pytest_havip.network.core import TENCENT, Change, Havip, Nic, Profile, Reason, Record, Subnet, Vpc
from pytest_havip.network.dataplane.elements import Element, elements, from_chain, gateway_interface, to_chain
from pytest_havip.network.dataplane.rules import (
    REASONS,
    RULES,
    RULES_BY_NAME,
    Chain,
    Role,
    Rule,
    counter_set,
    reject_chain,
)

__all__ = [
    "FAMILY",
    "FILLED",
    "PUNT_GROUP",
    "REASONS",
    "RULES",
    "RULES_BY_NAME",
    "TABLE",
    "Chain",
    "Role",
    "Rule",
    "commands",
    "counter_set",
    "elements",
    "from_chain",
    "gateway_interface",
    "reject_chain",
    "render",
    "repair",
    "to_chain",
]

FAMILY = "bridge"
TABLE = "havip"
PUNT_GROUP = 1
"""NFLOG group on which announcements arrive."""

_TABLE = f"{FAMILY} {TABLE}"
# The kernel sets memory aside for all of a set's elements: with 65,535 a VPC takes 80 ms to make, with these 3.
_COUNTERS = 4096
_NONE: frozenset[str] = frozenset()

_Part = TypeVar("_Part", Element, Subnet)

_SETS = {
    "nic_macs": "set nic_macs { type ifname . ether_addr;",
    "senders": "set senders { type ifname . ipv4_addr;",
    "forwarders": "set forwarders { type ifname;",
    "havips": "set havips { type ipv4_addr;",
    "announcements": "set announcements { type ipv4_addr . ipv4_addr;",
    "ranged": "set ranged { type ipv4_addr . ipv4_addr;",
    "candidates": "set candidates { type ifname . ipv4_addr;",
    "held": "set held { type ipv4_addr;",
    "owners": "map owners { type ipv4_addr : ether_addr;",
    "next_hops": "map next_hops { type ether_addr : ether_addr;",
    "ports": "map ports { type ifname : verdict;",
}
FILLED = frozenset(_SETS)
"""The sets and maps that are filled from records."""


def render(
    vpc: Vpc,
    subnets: Iterable[Subnet],
    nics: Iterable[Nic],
    havips: Iterable[Havip],
    *,
    profile: Profile = TENCENT,
    without: frozenset[str] = _NONE,
) -> str:
    """The whole guard of a VPC, to be loaded into a namespace that has none yet.

    Args:
        vpc: the VPC; records of others are left out.
        subnets: its subnets.
        nics: their NICs.
        havips: their HAVIPs.
        profile: how often a NIC may announce, and from which MAC addresses it may speak.
        without: names of rules to leave out, to show what each is there for.

    Raises:
        ValueError: there is no rule of such a name.
    """
    _check(without)
    own = [subnet for subnet in subnets if subnet.vpc_id == vpc.id]
    content: tuple[Subnet | Nic | Havip, ...] = (*own, *nics, *havips)
    filled = frozenset[Element]().union(*(elements(record) for record in content if record.vpc_id == vpc.id))
    lines = [
        f'comment "{vpc.id}"',
        *(_set_line(name, sorted(element for kind, element in filled if kind == name)) for name in _SETS),
        f"set announcement_rate {{ type ifname; size {_COUNTERS}; flags dynamic,timeout; timeout 1m; }}",
    ]
    for reason in REASONS:
        lines.append(f"set {counter_set(reason)} {{ type ifname . ipv4_addr; size {_COUNTERS}; flags dynamic; }}")
        lines += _chain(reject_chain(reason), Chain.REJECT, without, _reject_fields(reason))
    rate: dict[str, object] = {"rate": profile.announcement_rate, "burst": profile.announcement_burst}
    lines += _chain("announce", Chain.ANNOUNCE, without, rate)
    for subnet in own:
        lines += _subnet_chains(subnet, without)
    hook = "type filter hook {0} priority {1}; policy {2};"
    lines += _chain(
        "prerouting",
        Chain.PREROUTING,
        without,
        {},
        head=hook.format("prerouting", -300, "drop"),
        admitting=profile.admits_virtual_macs,
    )
    lines += _chain("postrouting", Chain.POSTROUTING, without, {}, head=hook.format("postrouting", 300, "accept"))
    return _table(lines)


def commands(changes: Sequence[Change], *, without: frozenset[str] = _NONE) -> list[str]:
    """The commands that bring a loaded guard from before the changes to after them, for one transaction.

    Args:
        changes: changes of records of one VPC, in order. What they undo among themselves is left out; a VPC's own
            record is nothing to the guard (its first is loaded by ``render``).
        without: as for ``render``, for the chains of subnets that are new.

    Returns:
        nft commands, to be carried out in order; none if nothing changes, as after a refresh.
    """
    _check(without)
    gone, new = _difference((_of(change.before), _of(change.after)) for change in changes)
    old_chains, new_chains = _difference((_chains(change.before), _chains(change.after)) for change in changes)
    return _lines(gone, new, (subnet.id for subnet in old_chains), new_chains, without)


def repair(found: frozenset[Element], chains: frozenset[str], records: Sequence[Record]) -> list[str]:
    """The commands that bring a loaded guard, in whatever state it was found, to what the records of its VPC want.

    Args:
        found: the elements that it has, of the sets that records fill.
        chains: the names of its chains.
        records: all of the VPC.
    """
    wanted = frozenset[Element]().union(*(elements(record) for record in records))
    subnets = [record for record in records if isinstance(record, Subnet)]
    prefix = to_chain("")
    there = {name.removeprefix(prefix) for name in chains if name.startswith(prefix)}
    gone = sorted(there - {subnet.id for subnet in subnets})
    new = [subnet for subnet in subnets if subnet.id not in there]
    return _lines(found - wanted, wanted - found, gone, new, _NONE)


def _lines(
    gone: Iterable[Element],
    new: Iterable[Element],
    gone_subnets: Iterable[str],
    new_subnets: Iterable[Subnet],
    without: frozenset[str],
) -> list[str]:
    lines = [
        f"delete element {_TABLE} {name} {{ {', '.join(element.partition(' : ')[0] for _, element in group)} }}"
        for name, group in groupby(sorted(gone), _set_name)
    ]
    for subnet_id in gone_subnets:
        for chain in (from_chain(subnet_id), to_chain(subnet_id)):
            lines += [f"flush chain {_TABLE} {chain}", f"delete chain {_TABLE} {chain}"]
    lines += [_table(_subnet_chains(subnet, without)) for subnet in new_subnets]
    return lines + [
        f"add element {_TABLE} {name} {{ {', '.join(element for _, element in group)} }}"
        for name, group in groupby(sorted(new), _set_name)
    ]


def _difference(steps: Iterable[tuple[frozenset[_Part], frozenset[_Part]]]) -> tuple[set[_Part], set[_Part]]:
    """What is gone and what is new after all steps; what came and went in between is neither."""
    gone: set[_Part] = set()
    new: set[_Part] = set()
    for before, after in steps:
        leaving, coming = before - after, after - before
        gone |= leaving - new
        new -= leaving
        new |= coming - gone
        gone -= coming
    return gone, new


def _of(record: Record | None) -> frozenset[Element]:
    return frozenset() if record is None else elements(record)


def _chains(record: Record | None) -> frozenset[Subnet]:
    return frozenset((record,)) if isinstance(record, Subnet) else frozenset()


def _set_name(element: Element) -> str:
    return element[0]


def _check(without: frozenset[str]) -> None:
    unknown = without - RULES_BY_NAME.keys()
    if unknown:
        raise ValueError(f"no rule is called {', '.join(sorted(unknown))}; there are {', '.join(RULES_BY_NAME)}")


def _table(lines: Iterable[str]) -> str:
    return f"table {_TABLE} {{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"


def _set_line(name: str, members: Sequence[str]) -> str:
    return f"{_SETS[name]} elements = {{ {', '.join(members)} }}; }}" if members else f"{_SETS[name]} }}"


def _chain(
    name: str,
    kind: Chain,
    without: frozenset[str],
    fields: dict[str, object],
    *,
    head: str = "",
    admitting: bool = False,
) -> list[str]:
    rules = (rule for rule in RULES if rule.chain is kind and rule.name not in without)
    written = (rule.written(admitting=admitting) for rule in rules)
    texts = (text.format(**fields) if fields else text for text in written)
    return [f"chain {name} {{", *(f"\t{text}" for text in (head, *texts) if text), "}"]


def _subnet_chains(subnet: Subnet, without: frozenset[str]) -> list[str]:
    fields: dict[str, object] = {
        "subnet": subnet.id,
        "cidr": subnet.cidr,
        "broadcast": subnet.cidr.broadcast_address,
        "gateway_mac": subnet.gateway_mac,
    }
    return [
        *_chain(to_chain(subnet.id), Chain.TO, without, fields),
        *_chain(from_chain(subnet.id), Chain.FROM, without, fields),
    ]


def _reject_fields(reason: Reason) -> dict[str, object]:
    return {"counters": counter_set(reason), "side": "saddr" if reason.is_rejection else "daddr"}
