"""A fault for each rule of the guard: the network without it. What depends on the rule fails, and nothing else."""

from functools import partial

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import drop_rule
from pytest_havip.network.dataplane.rules import RULES

__all__ = ["MUTANTS"]

#: What fails in a network in which no announcement takes effect.
_BINDING = (
    "HAVIP-ADDR-001",
    "HAVIP-ADDR-002",
    "HAVIP-BIND-001",
    "HAVIP-BIND-002",
    "HAVIP-BIND-016",
    "HAVIP-PATH-010",
    "HAVIP-QUOTA-001",
    "HAVIP-QUOTA-003",
    "HAVIP-QUOTA-007",
    "HAVIP-RANGE-002",
    "HAVIP-SPOOF-018",
)

#: What fails where no probe is ever answered.
_SERVICE = ("HAVIP-DUR-002", "HAVIP-DUR-003")

#: What fails in a network in which real machines find no other.
_RESOLUTION = (
    "HAVIP-EIP-001",
    "HAVIP-EIP-009",
    "HAVIP-MOVE-001",
    "HAVIP-MOVE-004",
    "HAVIP-MOVE-006",
    "HAVIP-NIC-008",
    "HAVIP-PATH-003",
    "HAVIP-PATH-004",
    "HAVIP-PATH-006",
    "HAVIP-PATH-007",
    "HAVIP-PATH-010",
    "HAVIP-PATH-013",
    "HAVIP-PATH-015",
    "HAVIP-PATH-016",
    "HAVIP-PATH-017",
    "HAVIP-PATH-018",
    "HAVIP-PATH-020",
    "HAVIP-PATH-022",
    "HAVIP-ROUTE-009",
    "HAVIP-PATH-080",
    "HAVIP-SPOOF-006",
)

#: For each rule the requirements that need it.
BREAKS: dict[str, tuple[str, ...]] = {
    "ethertype": ("HAVIP-SPOOF-008", "HAVIP-SPOOF-009"),
    "ethernet-source": ("HAVIP-SPOOF-009", "HAVIP-SPOOF-014"),
    "arp-length": ("HAVIP-SPOOF-009",),
    "arp-hardware-type": ("HAVIP-SPOOF-011",),
    "arp-protocol-type": ("HAVIP-SPOOF-011",),
    "arp-hardware-length": ("HAVIP-SPOOF-011",),
    "arp-protocol-length": ("HAVIP-SPOOF-011",),
    "arp-operation": ("HAVIP-SPOOF-012",),
    "arp-sender-mac": ("HAVIP-SPOOF-014",),
    "ip-length": ("HAVIP-SPOOF-009",),
    "ip-version": ("HAVIP-SPOOF-015",),
    "ip-header-length": ("HAVIP-SPOOF-009", "HAVIP-SPOOF-015"),
    "port": ("HAVIP-PATH-007", "HAVIP-SPOOF-019"),
    "arp-probe": ("HAVIP-PATH-005", "HAVIP-SPOOF-026"),
    "announcement-range": ("HAVIP-RANGE-011",),
    "announcement": (*_BINDING, "HAVIP-SPOOF-019"),
    "arp-sender": (*_RESOLUTION, *_SERVICE, "HAVIP-BIND-026", "HAVIP-PATH-011", "HAVIP-SPOOF-017", "HAVIP-SPOOF-026"),
    "arp-not-owner": ("HAVIP-SPOOF-009",),
    "arp-wrong-subnet": ("HAVIP-SCOPE-004",),
    "dhcp-answer": ("HAVIP-DHCP-003",),
    "dhcp-request": ("HAVIP-DHCP-001", "HAVIP-PATH-009"),
    "ip-sender": ("HAVIP-PATH-007", "HAVIP-PATH-008"),
    "ip-forwarder": ("HAVIP-ROUTE-009", "HAVIP-SOURCE-001", "HAVIP-SOURCE-002", "HAVIP-SOURCE-004"),
    "ip-not-owner": ("HAVIP-SPOOF-016",),
    "ip-wrong-subnet": ("HAVIP-SCOPE-004",),
    "not-yours": ("HAVIP-SPOOF-009",),
    "arp-elsewhere": ("HAVIP-PATH-011",),
    "arp-ordinary": (*_RESOLUTION, *_SERVICE, "HAVIP-BIND-026"),
    "arp-own": ("HAVIP-SPOOF-017",),
    "arp-owner": (
        *_SERVICE,
        "HAVIP-EIP-001",
        "HAVIP-EIP-009",
        "HAVIP-MOVE-001",
        "HAVIP-MOVE-004",
        "HAVIP-MOVE-006",
        "HAVIP-NIC-008",
        "HAVIP-PATH-002",
        "HAVIP-PATH-003",
        "HAVIP-PATH-004",
        "HAVIP-PATH-005",
        "HAVIP-PATH-006",
        "HAVIP-PATH-010",
        "HAVIP-PATH-012",
        "HAVIP-PATH-013",
        "HAVIP-PATH-016",
        "HAVIP-PATH-017",
        "HAVIP-PATH-018",
        "HAVIP-PATH-020",
        "HAVIP-PATH-022",
        "HAVIP-ROUTE-005",
        "HAVIP-PATH-080",
        "HAVIP-SPOOF-026",
    ),
    "arp-probe-unbound": ("HAVIP-PATH-005",),
    "ip-next-hop": tuple(f"HAVIP-ROUTE-{number:03}" for number in (1, 2, 3, 4, 5, 7, 8, 9)),
    "ip-elsewhere": (
        "HAVIP-EIP-001",
        "HAVIP-EIP-009",
        *(f"HAVIP-ROUTE-{number:03}" for number in (1, 2, 3, 4, 5, 7, 8, 9)),
        "HAVIP-PATH-004",
        "HAVIP-PATH-008",
        "HAVIP-PATH-010",
        "HAVIP-PATH-017",
        "HAVIP-PATH-021",
        "HAVIP-RELEASE-006",
    ),
    "ip-broadcast": ("HAVIP-PATH-008",),
    "ip-own": ("HAVIP-SPOOF-017",),
    "ip-owner": (
        *_BINDING,
        "HAVIP-BIND-021",
        "HAVIP-ORDER-050",
        "HAVIP-ORDER-051",
        "HAVIP-PATH-003",
        "HAVIP-RANGE-007",
    ),
    "ip-held": ("HAVIP-PATH-007",),
    "unbound": ("HAVIP-SPOOF-017",),
    "announcement-rate": ("HAVIP-SPOOF-019",),
    "announcement-punt": _BINDING,
    "count-arp": ("HAVIP-RANGE-010", "HAVIP-SCOPE-004", "HAVIP-SPOOF-009", "HAVIP-SPOOF-017", "HAVIP-SPOOF-019"),
    "count-ip": ("HAVIP-SCOPE-004", "HAVIP-SPOOF-009", "HAVIP-SPOOF-016", "HAVIP-SPOOF-017"),
    "count-other": ("HAVIP-SPOOF-009",),
    "echo": (
        "HAVIP-BIND-012",
        "HAVIP-PATH-014",
    ),
}


MUTANTS = tuple(
    Mutant(
        f"guard-without-{rule.name}",
        f"The guard lacks a rule: {rule.purpose}.",
        frozenset(BREAKS[rule.name]),
        partial(drop_rule, rule.name),
    )
    for rule in RULES
)
