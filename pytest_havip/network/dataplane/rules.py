"""The rules of the guard, one by one: what each says to the kernel, and what it is there for.

An allow-list in the bridge family. ``core/guard.py`` says the same in the same order; a test compares the two frame by
frame. Three things about the kernel shape the text:

- A rule whose field lies behind the end of a frame does not match. So lengths are checked first, a frame passes only
  by a rule that matched, and what falls off the end of a chain meets the base chain's policy, which is to drop.
- ``ether type`` is what stands in the frame, VLAN tag included; ``meta protocol`` (which ``ip`` implies) is what
  stands behind the tag. Only the first keeps a tagged packet out.
- A set that is full ends the rule that wanted to add to it. Counting is therefore never what a drop depends on:
  chains are entered by ``goto`` from the base chain, so their end is the policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from pytest_havip.network.core import Reason

__all__ = ["REASONS", "RULES", "RULES_BY_NAME", "Chain", "Role", "Rule", "counter_set", "reject_chain"]


REASONS = tuple(reason for reason in Reason if reason is not Reason.DAMPED)
"""Why the guard drops; that a claim comes too early is the service's to say."""


class Chain(Enum):
    """Where a rule stands. ``FROM`` and ``TO`` exist once a subnet, ``REJECT`` once a reason, the others once."""

    PREROUTING = "prerouting"
    FROM = "from"
    TO = "to"
    ANNOUNCE = "announce"
    REJECT = "reject"
    POSTROUTING = "postrouting"


class Role(Enum):
    """What is lost without a rule."""

    PROTECTS = "a frame passes, or loads the service, that must not"
    SERVES = "a frame is lost, or goes the wrong way"
    EXPLAINS = "the frame is dropped all the same, but under another reason, or uncounted"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``text`` is nft's, with the fields of its chain in braces; ``purpose`` says what it is there for.

    ``virtual`` names the field that a network that admits the MAC addresses of virtual routers looks at first.
    """

    chain: Chain
    name: str
    role: Role
    text: str
    purpose: str
    virtual: str = ""

    def written(self, *, admitting: bool) -> str:
        """Return the text for a network that does, or does not, admit the MAC addresses of virtual routers."""
        return f"{self.virtual} {_NO_ROUTER} {self.text}" if admitting and self.virtual else self.text


#: Neither 00:00:5e:00:01:xx (RFC 9568 section 7.3) nor 00:00:5e:00:00:xx (ucarp).
_NO_ROUTER = "& ff:ff:ff:ff:fe:00 != 00:00:5e:00:00:00"
_VIRTUAL = {"ethernet-source": "ether saddr", "arp-sender-mac": "arp saddr ether"}


def reject_chain(reason: Reason) -> str:
    """The chain that counts and drops for a reason."""
    return f"reject_{reason.lower()}"


def counter_set(reason: Reason) -> str:
    """The set that counts a reason: port and address -> packets.

    The address is the one that the frame came in the name of, for UNBOUND and OWN the one that it was for; 0.0.0.0
    if the frame tells none.
    """
    return f"rejected_{reason.lower()}"


def _reject(reason: Reason) -> str:
    return f"goto {reject_chain(reason)}"


_MALFORMED = _reject(Reason.MALFORMED)
_DHCP_REQUEST = (
    "ip saddr 0.0.0.0 ip daddr 255.255.255.255 ip hdrlength 5 ip protocol udp ip frag-off & 0x1fff == 0"
    " @nh,160,32 0x00440043"
)

_PREROUTING = (
    (
        "ethertype",
        Role.PROTECTS,
        f"ether type != {{ arp, ip }} {_reject(Reason.ETHERTYPE)}",
        "no VLAN tag (VID 0 neither) carries a frame around the other rules; no IPv6, RARP or anything else",
    ),
    (
        "ethernet-source",
        Role.PROTECTS,
        f"iifname . ether saddr != @nic_macs {_reject(Reason.MAC_MISMATCH)}",
        "a NIC sends from its own MAC, not from another's, nor from a VRRP virtual MAC",
    ),
    (
        "arp-length",
        Role.PROTECTS,
        f"ether type arp meta length < 28 {_MALFORMED}",
        "a truncated ARP message reaches nobody; all later rules can read every field",
    ),
    ("arp-hardware-type", Role.PROTECTS, f"arp htype != 1 {_MALFORMED}", "ARP is about Ethernet"),
    ("arp-protocol-type", Role.PROTECTS, f"arp ptype != ip {_MALFORMED}", "ARP is about IPv4"),
    ("arp-hardware-length", Role.PROTECTS, f"arp hlen != 6 {_MALFORMED}", "a MAC address has six bytes"),
    ("arp-protocol-length", Role.PROTECTS, f"arp plen != 4 {_MALFORMED}", "an IPv4 address has four bytes"),
    (
        "arp-operation",
        Role.PROTECTS,
        f"arp operation != {{ request, reply }} {_reject(Reason.NOT_ARP_ANNOUNCEMENT)}",
        "nothing but requests and replies",
    ),
    (
        "arp-sender-mac",
        Role.PROTECTS,
        f"iifname . arp saddr ether != @nic_macs {_reject(Reason.MAC_MISMATCH)}",
        "an ARP message names the NIC's own MAC: neighbours learn from it",
    ),
    (
        "ip-length",
        Role.EXPLAINS,
        f"ether type ip meta length < 20 {_MALFORMED}",
        "a truncated packet is called malformed; all later rules can read every field",
    ),
    ("ip-version", Role.PROTECTS, f"ip version != 4 {_MALFORMED}", "a packet called IPv4 is IPv4"),
    ("ip-header-length", Role.PROTECTS, f"ip hdrlength < 5 {_MALFORMED}", "a header has at least 20 bytes"),
    (
        "port",
        Role.SERVES,
        "iifname vmap @ports",
        "a frame goes through its subnet's rules; the gateway speaks for the world: only where to is asked",
    ),
)

_FROM = (
    (
        "arp-probe",
        Role.SERVES,
        "arp operation request arp saddr ip 0.0.0.0 goto to_{subnet}",
        "anybody may ask whether an address is free, without claiming anything",
    ),
    (
        "announcement-range",
        Role.PROTECTS,
        "arp saddr ip {cidr} arp saddr ip . arp daddr ip @ranged iifname . arp saddr ip != @candidates "
        + _reject(Reason.NOT_IN_RANGE),
        "who is not in the drift range of a HAVIP does not announce it, and takes no place in the queue",
    ),
    (
        "announcement",
        Role.SERVES,
        "arp saddr ip {cidr} arp saddr ip . arp daddr ip @announcements goto announce",
        "announcements of this subnet's HAVIPs go to the service, the owner's too, so that all stand in one queue",
    ),
    (
        "arp-sender",
        Role.SERVES,
        "iifname . arp saddr ip @senders goto to_{subnet}",
        "a NIC resolves and answers for its own addresses and for the HAVIPs that it owns",
    ),
    (
        "arp-not-owner",
        Role.EXPLAINS,
        f"arp saddr ip {{cidr}} arp saddr ip @havips {_reject(Reason.NOT_OWNER)}",
        "who speaks ARP for a HAVIP of this subnet without owning it is told so",
    ),
    (
        "arp-wrong-subnet",
        Role.EXPLAINS,
        f"arp saddr ip @havips {_reject(Reason.WRONG_SUBNET)}",
        "who speaks ARP for a HAVIP of another subnet is told so",
    ),
    (
        "dhcp-answer",
        Role.PROTECTS,
        f"ip protocol udp ip frag-off & 0x1fff == 0 udp dport 68 {_reject(Reason.NOT_DHCP_SERVER)}",
        "nobody but the gateway speaks to DHCP clients: another's answer would be a spoof of an address",
    ),
    (
        "dhcp-request",
        Role.SERVES,
        f"{_DHCP_REQUEST} ether daddr set {{gateway_mac}} accept",
        "a host without an address asks the gateway for one, and nobody else hears it",
    ),
    (
        "ip-sender",
        Role.SERVES,
        "iifname . ip saddr @senders goto to_{subnet}",
        "a NIC sends from its own addresses and from the HAVIPs that it owns",
    ),
    (
        "ip-forwarder",
        Role.SERVES,
        "ether type ip iifname @forwarders goto to_{subnet}",
        "a NIC whose source check is off forwards packets that others have sent",
    ),
    (
        "ip-not-owner",
        Role.EXPLAINS,
        f"ip saddr {{cidr}} ip saddr @havips {_reject(Reason.NOT_OWNER)}",
        "who sends from a HAVIP of this subnet without owning it is told so",
    ),
    (
        "ip-wrong-subnet",
        Role.EXPLAINS,
        f"ip saddr @havips {_reject(Reason.WRONG_SUBNET)}",
        "who sends from a HAVIP of another subnet is told so",
    ),
    (
        "not-yours",
        Role.EXPLAINS,
        _reject(Reason.NOT_YOURS),
        "every other sender is a spoof: another machine's address, the gateway's, one that nobody has",
    ),
)

_TO = (
    (
        "arp-elsewhere",
        Role.SERVES,
        "arp daddr ip != {cidr} accept",
        "a HAVIP of another subnet is nothing to this one: ARP about it stays where it is, like any other",
    ),
    ("arp-ordinary", Role.SERVES, "arp daddr ip != @havips accept", "ARP for ordinary addresses is left alone"),
    (
        "arp-own",
        Role.EXPLAINS,
        f"iifname . arp daddr ip @senders {_reject(Reason.OWN)}",
        "the owner's question for its own HAVIP goes to nobody (the bridge would not send it back either)",
    ),
    (
        "arp-owner",
        Role.SERVES,
        "ether daddr set arp daddr ip map @owners accept",
        "who asks for a HAVIP, or answers it, reaches its owner and nobody else",
    ),
    (
        "arp-probe-unbound",
        Role.SERVES,
        "arp operation request arp saddr ip 0.0.0.0 accept",
        "two hosts that probe for an unbound HAVIP at the same time see each other",
    ),
    (
        "ip-next-hop",
        Role.SERVES,
        "ip daddr != {cidr} ether daddr set ether daddr map @next_hops accept",
        "what a route leads to a HAVIP reaches its owner at once, whatever the gateway's neighbour table says",
    ),
    (
        "ip-elsewhere",
        Role.SERVES,
        "ip daddr != {cidr} accept",
        "what leaves the subnet, and multicast, goes where its Ethernet destination says",
    ),
    ("ip-broadcast", Role.SERVES, "ip daddr {broadcast} accept", "a broadcast to the subnet reaches the subnet"),
    (
        "ip-own",
        Role.EXPLAINS,
        f"ip daddr @havips iifname . ip daddr @senders {_reject(Reason.OWN)}",
        "the owner's packet for its own HAVIP goes to nobody (the bridge would not send it back either)",
    ),
    (
        "ip-owner",
        Role.SERVES,
        "ether daddr set ip daddr map @owners accept",
        "a packet for a HAVIP reaches its owner at once, whatever its sender's neighbour table says",
    ),
    ("ip-held", Role.SERVES, "ip daddr @held accept", "a packet for an address that somebody has passes"),
    (
        "unbound",
        Role.EXPLAINS,
        _reject(Reason.UNBOUND),
        "what is for an unbound HAVIP, or for an address that nobody has any more, goes nowhere, and is counted",
    ),
)

_ANNOUNCE = (
    (
        "announcement-rate",
        Role.PROTECTS,
        "update @announcement_rate {{ iifname limit rate over {rate}/second burst {burst} packets }} "
        + _reject(Reason.RATE_LIMITED),
        "one hostile NIC does not fill the queue in which all announcements stand",
    ),
    (
        "announcement-punt",
        Role.SERVES,
        "log group 1 snaplen 128 drop",
        "the service decides; the frame itself reaches nobody until it has",
    ),
)

_REJECT = (
    (
        "count-arp",
        Role.EXPLAINS,
        "update @{counters} {{ iifname . arp {side} ip counter }} drop",
        "dropped ARP messages are counted by port and address",
    ),
    (
        "count-ip",
        Role.EXPLAINS,
        "update @{counters} {{ iifname . ip {side} counter }} drop",
        "dropped packets are counted by port and address",
    ),
    (
        "count-other",
        Role.EXPLAINS,
        "update @{counters} {{ iifname . 0.0.0.0 counter }} drop",
        "dropped frames that tell no address are counted by port",
    ),
)

_POSTROUTING = (
    (
        "echo",
        Role.PROTECTS,
        "oifname . arp saddr ether @nic_macs drop",
        "a re-sent announcement does not come back to its sender",
    ),
)

RULES: tuple[Rule, ...] = tuple(
    Rule(chain, name, role, text, purpose, _VIRTUAL.get(name, ""))
    for chain, rules in (
        (Chain.PREROUTING, _PREROUTING),
        (Chain.FROM, _FROM),
        (Chain.TO, _TO),
        (Chain.ANNOUNCE, _ANNOUNCE),
        (Chain.REJECT, _REJECT),
        (Chain.POSTROUTING, _POSTROUTING),
    )
    for name, role, text, purpose in rules
)
"""All rules in the kernel's order. Fields: FROM and TO {subnet} {cidr} {broadcast} {gateway_mac}, ANNOUNCE {rate}
{burst}, REJECT {counters} {side}; braces of nft's own are doubled there."""

RULES_BY_NAME: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in RULES})
