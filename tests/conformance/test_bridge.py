"""A plain Linux bridge: what any Ethernet can do passes, what only a HAVIP network can do fails."""

from pytest_havip.trial import RED, verdicts_of

#: What an Ethernet without a guard gets wrong.
FAILS = {
    # It forwards what it is given: nothing is rejected, whoever sends it.
    *(f"HAVIP-SPOOF-{number:03}" for number in (*range(1, 7), 8, *range(10, 16), 20, 21, 24)),
    # So an address that no quota allows is announced too.
    "HAVIP-QUOTA-001",
    # Subnets share the wire, and a released address is announced like any other.
    "HAVIP-NIC-002",
    "HAVIP-SCOPE-001",
    "HAVIP-SCOPE-005",
    "HAVIP-SCOPE-006",
    *(f"HAVIP-RELEASE-{number:03}" for number in (1, 2, 5, 6, 7)),
    # It does not know of owners, so it takes nothing from them either; and it floods what is for nobody.
    "HAVIP-NIC-004",
    "HAVIP-NIC-006",
    "HAVIP-NIC-007",
    "HAVIP-PATH-021",
    # Who announced an address before it was a HAVIP is its owner when it becomes one.
    "HAVIP-BIND-021",
    # Neighbours learn from every ARP request, and packets follow what neighbours believe.
    "HAVIP-BIND-007",
    "HAVIP-PATH-003",
    *(f"HAVIP-PATH-{number:03}" for number in range(80, 83)),
    "HAVIP-MOVE-005",
    # Everyone hears every broadcast, and who holds an address answers for it.
    "HAVIP-PATH-001",
    "HAVIP-PATH-002",
    "HAVIP-PATH-005",
    "HAVIP-SPOOF-026",
}
#: It lists no events, counts no rejections, makes none of the choices of a cloud, does not speak Tencent's API, and
#: there is no world outside of it.
UNSUPPORTED = {
    "HAVIP-ADDR-010",
    "HAVIP-ADDR-019",
    "HAVIP-API-003",
    *(f"HAVIP-API-{number:03}" for number in (6, 7, 8, 10, 11, 13, *range(16, 21), *range(24, 35))),
    *(f"HAVIP-DHCP-{number:03}" for number in range(1, 5)),
    *(f"HAVIP-DUR-{number:03}" for number in range(1, 7)),
    *(f"HAVIP-EIP-{number:03}" for number in range(1, 14)),
    *(f"HAVIP-ROUTE-{number:03}" for number in range(1, 12)),
    *(f"HAVIP-SOURCE-{number:03}" for number in range(1, 6)),
    "HAVIP-BIND-013",
    "HAVIP-BIND-014",
    "HAVIP-BIND-018",
    "HAVIP-ORDER-005",
    "HAVIP-PATH-009",
    "HAVIP-PATH-011",
    "HAVIP-QUOTA-008",
    "HAVIP-QUOTA-009",
    "HAVIP-QUOTA-011",
    "HAVIP-QUOTA-012",
    "HAVIP-SCOPE-004",
    *(f"HAVIP-SPOOF-{number:03}" for number in (7, 9, *range(16, 20), 23, 25, 27)),
    *(f"HAVIP-RANGE-{number:03}" for number in range(1, 18)),
    "HAVIP-RELEASE-008",
    "HAVIP-RELEASE-009",
}


def test_a_plain_bridge_fails_what_only_a_havip_network_can_do() -> None:
    verdicts = verdicts_of("bridge")
    assert {identifier for identifier, seen in verdicts.items() if seen & RED} == FAILS
    assert {identifier for identifier, seen in verdicts.items() if seen == {"unsupported"}} == UNSUPPORTED
    rest = verdicts.keys() - FAILS - UNSUPPORTED
    assert {identifier: verdicts[identifier] for identifier in rest} == {identifier: {"pass"} for identifier in rest}
