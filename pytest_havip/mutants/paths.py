"""Faults in where a packet for a HAVIP goes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import add_rules, change_rule, drop_rule, put
from pytest_havip.network.core import Action, Decision, Havip, Network, Resend
from pytest_havip.network.dataplane import elements, ports
from pytest_havip.wire import mac_bytes

__all__ = ["MUTANTS"]

_ETHERTYPE, _ARP, _IPV4 = slice(12, 14), b"\x08\x06", b"\x08\x00"
_SENDER_MAC, _SENDER_IP, _TARGET_IP = slice(22, 28), slice(28, 32), slice(38, 42)
#: An ARP reply from its Ethernet type to its operation.
_REPLY = bytes.fromhex("0806 0001 0800 0604 0002")


def _not_redirected() -> None:
    """Let packets for a bound HAVIP pass as they are, as they do for an address that a machine holds."""
    drop_rule("ip-owner")
    _owned_is_held()


def _owned_is_held() -> None:
    """Count a bound HAVIP among the addresses that machines hold."""

    def also_held(havip: Havip) -> frozenset[elements.Element]:
        held = {("held", str(havip.address))} if havip.binding is not None else set()
        found: frozenset[elements.Element] = of_havip(havip) | held
        return found

    of_havip = put(elements, "_of_havip", also_held)


def _unbound_passes() -> None:
    change_rule("unbound", "accept")


def _gateway_is_cut_off() -> None:
    add_rules("ip-elsewhere", 'iifname "gw-*" ip daddr {cidr} ip daddr @havips drop')


def _seen_by_the_service(show: Callable[[], None], more: Callable[[bytes, bytes], bytes | None]) -> Callable[[], None]:
    """Let the service see frames on their way to an owner, and send another one.

    Args:
        show: Plants the rule that shows them.
        more: Makes the other frame of the one that was seen and the owner's MAC.
    """

    def plant() -> None:
        def receive(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
            verdict = self.verdict(frame, nic_id)
            if verdict.action is Action.REDIRECT and verdict.ethernet_destination is not None:
                another = more(frame, bytes.fromhex(verdict.ethernet_destination.replace(":", "")))
                if another is not None:
                    return Decision(verdict, (Resend(self.nics[nic_id].subnet_id, another, nic_id),))
            decision: Decision = receive_rightly(self, frame, nic_id, now=now)
            return decision

        receive_rightly = put(Network, "receive", receive)
        show()

    return plant


def _answer(question: bytes, owner: bytes) -> bytes | None:
    """The owner's answer, in its name."""
    if question[_ETHERTYPE] != _ARP:
        return None
    asker = question[_SENDER_MAC]
    return asker + owner + _REPLY + owner + question[_TARGET_IP] + asker + question[_SENDER_IP]


def _show_questions() -> None:
    add_rules("arp-owner", "arp operation request arp daddr ip @havips log group 1 snaplen 128")


def _again(packet: bytes, _: bytes) -> bytes | None:
    """The same packet to the same machine, as the rule had sent it."""
    return packet if packet[_ETHERTYPE] == _IPV4 else None


def _show_packets() -> None:
    change_rule("ip-owner", "ether daddr set ip daddr map @owners log group 1 snaplen 1600 accept")


def _hairpin() -> None:
    """Let ports send back what is for the machine that it came from."""

    def guard_port(interface: int) -> Any:  # noqa: ANN401 - a request to the kernel
        request = guard(interface)
        ((name, options, flag),) = request.attributes
        hairpin = {"attrs": [*options["attrs"], ("IFLA_BRPORT_MODE", 1)]}
        return replace(request, attributes=((name, hairpin, flag),))

    guard = put(ports, "guard_port", guard_port)
    drop_rule("ip-own")


def _no_tcp() -> None:
    add_rules("ip-owner", "ip protocol tcp ip daddr @havips drop")


def _connections_stay() -> None:
    add_rules("ip-owner", "ip protocol tcp tcp flags & syn == 0 ip daddr @havips accept")


def _no_fragments() -> None:
    add_rules("ip-owner", "ip frag-off & 0x1fff != 0 ip daddr @havips drop")


def _no_unicast_vrrp() -> None:
    add_rules("ip-elsewhere", "ip protocol 112 ip daddr {cidr} drop")


def _gateway_remembers() -> None:
    add_rules("unbound", 'iifname "gw-*" accept')


def _routes_lag() -> None:
    """Let the gateway send to whom its own ARP table names, and hear no announcement."""
    _owned_is_held()
    add_rules("ip-owner", 'iifname "gw-*" ip daddr @held accept')
    add_rules("echo", 'oifname "gw-*" arp saddr ip . arp daddr ip @announcements drop')


def _old_owners_confirm() -> None:
    """Let questions by unicast go to whom they are addressed, and any machine that holds a HAVIP answer."""
    add_rules("arp-owner", "arp operation request ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 accept")
    add_rules("arp-not-owner", "arp operation reply arp saddr ip @havips arp daddr ip @held accept")


def _zombies_are_asked() -> None:
    """Let everyone hear what is asked about a bound HAVIP; who may answer stays as it is."""
    add_rules("arp-owner", "arp operation request arp daddr ip @havips arp daddr ip @held accept")
    _owned_is_held()


def _network_defends() -> None:
    """Let the network answer probes in the owner's place."""
    add_rules(
        "arp-probe", "arp operation request arp saddr ip 0.0.0.0 arp daddr ip {cidr} arp daddr ip @havips goto announce"
    )

    def receive_probes(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        nic = self.nics.get(nic_id)
        for havip in self.havips.values():
            asked = frame[28:32] == bytes(4) and frame[38:42] == havip.address.packed
            if nic is not None and asked and havip.binding is not None and havip.vpc_id == nic.vpc_id:
                owner = self.nics[havip.binding.nic_id]
                macs = frame[6:12] + mac_bytes(owner.mac)
                answer = macs + frame[12:20] + b"\0\2" + mac_bytes(owner.mac) + frame[38:42] + frame[22:32]
                return Decision(decision.verdict, (Resend(nic.subnet_id, answer, owner.id),))
        return decision

    receive = put(Network, "receive", receive_probes)


MUTANTS = (
    Mutant(
        "zombies-are-asked",
        "A question for a bound HAVIP reaches everybody.",
        frozenset({"HAVIP-PATH-005", "HAVIP-SPOOF-026"}),
        _zombies_are_asked,
    ),
    Mutant(
        "the-network-defends",
        "The network answers a probe for a bound HAVIP in its owner's place.",
        frozenset({"HAVIP-BIND-024", "HAVIP-PATH-005", "HAVIP-SPOOF-026"}),
        _network_defends,
    ),
    Mutant(
        "stale-neighbours-decide",
        "A packet goes to whom its sender's neighbour table names, not to the owner.",
        frozenset({"HAVIP-PATH-003", "HAVIP-PATH-080", "HAVIP-PATH-081", "HAVIP-PATH-082"}),
        _not_redirected,
    ),
    Mutant(
        "unbound-goes-somewhere",
        "What is for an unbound HAVIP, or for nobody's address, goes where its Ethernet destination says.",
        frozenset(
            {
                "HAVIP-BIND-021",
                "HAVIP-EIP-003",
                "HAVIP-NIC-006",
                "HAVIP-NIC-007",
                "HAVIP-PATH-001",
                "HAVIP-PATH-021",
                "HAVIP-RELEASE-001",
                "HAVIP-RELEASE-005",
                "HAVIP-RELEASE-006",
                "HAVIP-SPOOF-003",
                "HAVIP-SPOOF-017",
            }
        ),
        _unbound_passes,
    ),
    Mutant(
        "no-way-from-outside",
        "The gateway reaches no HAVIP.",
        frozenset(
            {
                "HAVIP-EIP-001",
                "HAVIP-PATH-004",
                "HAVIP-PATH-010",
                "HAVIP-PATH-017",
                "HAVIP-PATH-021",
                "HAVIP-RELEASE-006",
                "HAVIP-ROUTE-005",
            }
        ),
        _gateway_is_cut_off,
    ),
    Mutant(
        "answers-twice",
        "The network answers for a bound HAVIP in its owner's name, and the owner answers too.",
        frozenset({"HAVIP-PATH-012", "HAVIP-SPOOF-007"}),
        _seen_by_the_service(_show_questions, _answer),
    ),
    Mutant(
        "packets-come-twice",
        "The owner gets every packet for its HAVIP two times.",
        frozenset({"HAVIP-MOVE-003"}),
        _seen_by_the_service(_show_packets, _again),
    ),
    Mutant(
        "hairpin",
        "What the owner sends to its own HAVIP comes back to it.",
        frozenset({"HAVIP-PATH-014", "HAVIP-SPOOF-017"}),
        _hairpin,
    ),
    Mutant(
        "no-tcp",
        "TCP to a HAVIP is lost.",
        frozenset({"HAVIP-EIP-001", "HAVIP-MOVE-006", "HAVIP-NIC-008", "HAVIP-PATH-016", "HAVIP-PATH-017"}),
        _no_tcp,
    ),
    Mutant(
        "connections-stay",
        "Of a TCP connection only the first segment is led to the owner, the others to whom a neighbour table names.",
        frozenset({"HAVIP-PATH-081", "HAVIP-PATH-082"}),
        _connections_stay,
    ),
    Mutant(
        "no-fragments",
        "Of a packet to a HAVIP only the first fragment arrives.",
        frozenset({"HAVIP-PATH-018"}),
        _no_fragments,
    ),
    Mutant(
        "no-unicast-vrrp",
        "VRRP passes by multicast alone.",
        frozenset({"HAVIP-PATH-019"}),
        _no_unicast_vrrp,
    ),
    Mutant(
        "gateway-remembers",
        "What comes from another subnet for an unbound or released HAVIP goes to whom the gateway last knew.",
        frozenset({"HAVIP-EIP-003", "HAVIP-PATH-021", "HAVIP-RELEASE-006"}),
        _gateway_remembers,
    ),
    Mutant(
        "routes-lag",
        "Packets from another subnet go to the old owner until the gateway's ARP table has aged.",
        frozenset({"HAVIP-EIP-002", "HAVIP-EIP-007", "HAVIP-EIP-011", "HAVIP-PATH-004"}),
        _routes_lag,
    ),
    Mutant(
        "old-owners-confirm",
        "A neighbour that asks the old owner by unicast whether it still holds the HAVIP is told so.",
        frozenset({"HAVIP-MOVE-005", "HAVIP-SPOOF-006", "HAVIP-SPOOF-009"}),
        _old_owners_confirm,
    ),
)
