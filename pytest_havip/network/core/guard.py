"""The guard as a function: one frame of one port, one verdict. The kernel's ruleset gives the same answer.

An allow-list: a frame passes because a line says so, and what no line allows is dropped with a reason. The order of
the lines is the order of the kernel's rules, so that a frame with two faults is counted under the same one.
How often a port may announce is the kernel's to say (it needs a clock): RATE_LIMITED is never given here.
"""

from pytest_havip.network.core.forwarding import Forwarding, Port
from pytest_havip.network.core.profile import TENCENT, Profile
from pytest_havip.network.core.verdict import Action, Reason, Verdict
from pytest_havip.wire import arp, ethernet, ipv4

__all__ = ["judge"]

_PASS = Verdict(Action.PASS)
_PUNT = Verdict(Action.PUNT)
_DROP = {reason: Verdict(Action.DROP, reason) for reason in Reason}

_ARP = ethernet.ETHERTYPE_ARP.to_bytes(2, "big")
_IPV4 = ethernet.ETHERTYPE_IPV4.to_bytes(2, "big")
_START = ethernet.HEADER_LENGTH
_UNSPECIFIED = bytes(4)
_EVERYONE = ipv4.BROADCAST.packed
_MINIMUM_WORDS = 5
_FRAGMENT_OFFSET = 0x1FFF
_VIRTUAL_ROUTERS = (b"\x00\x00\x5e\x00\x00", b"\x00\x00\x5e\x00\x01")


def judge(frame: bytes, port: Port | None, forwarding: Forwarding, profile: Profile = TENCENT) -> Verdict:
    """What becomes of a frame that came in at a port; no MAC is right at a port that has no NIC attached (None).

    The gateway speaks for the world outside, so whom its frames name as their sender is not looked at.
    """
    ethertype = frame[12:14]
    if ethertype not in {_ARP, _IPV4}:
        return _DROP[Reason.ETHERTYPE]
    if port is None or not _may_speak_from(frame[6:12], port, profile):
        return _DROP[Reason.MAC_MISMATCH]
    if ethertype == _ARP:
        return _judge_arp(frame, port, forwarding, profile)
    return _judge_ipv4(frame, port, forwarding)


def _may_speak_from(mac: bytes, port: Port, profile: Profile) -> bool:
    return mac == port.mac or (profile.admits_virtual_macs and mac.startswith(_VIRTUAL_ROUTERS))


def _judge_arp(  # noqa: PLR0911 - a list of rules
    frame: bytes, port: Port, forwarding: Forwarding, profile: Profile
) -> Verdict:
    if len(frame) < _START + arp.LENGTH:
        return _DROP[Reason.MALFORMED]
    hardware, protocol, hardware_length, protocol_length, operation, sender_mac, sender, _, target = (
        arp.LAYOUT.unpack_from(frame, _START)
    )
    if (
        hardware != arp.HARDWARE_ETHERNET
        or protocol != ethernet.ETHERTYPE_IPV4
        or hardware_length != len(sender_mac)
        or protocol_length != arp.ADDRESS_LENGTH
    ):
        return _DROP[Reason.MALFORMED]
    if operation not in {arp.REQUEST, arp.REPLY}:
        return _DROP[Reason.NOT_ARP_ANNOUNCEMENT]
    if not _may_speak_from(sender_mac, port, profile):
        return _DROP[Reason.MAC_MISMATCH]
    if port.is_gateway or (operation == arp.REQUEST and sender == _UNSPECIFIED):
        return _arp_destination(frame, port, forwarding)
    if sender == target and sender in forwarding.havips and port.segment.has(sender):
        is_outside = sender in forwarding.ranged and (port.nic_id, sender) not in forwarding.candidates
        return _DROP[Reason.NOT_IN_RANGE] if is_outside else _PUNT
    if sender in port.senders:
        return _arp_destination(frame, port, forwarding)
    return _not_allowed(sender, port, forwarding)


def _judge_ipv4(frame: bytes, port: Port, forwarding: Forwarding) -> Verdict:  # noqa: PLR0911 - a list of rules
    if len(frame) < _START + ipv4.HEADER_LENGTH:
        return _DROP[Reason.MALFORMED]
    version, words = divmod(frame[_START], 16)
    if version != 4 or words < _MINIMUM_WORDS:  # noqa: PLR2004 - IPv4
        return _DROP[Reason.MALFORMED]
    if port.is_gateway:
        return _ipv4_destination(frame, port, forwarding)
    if _is_for_dhcp_client(frame):
        return _DROP[Reason.NOT_DHCP_SERVER]
    sender = frame[26:30]
    if sender == _UNSPECIFIED and _is_dhcp_request(frame):
        return Verdict(Action.REDIRECT, None, port.segment.gateway_mac)
    if sender in port.senders or port.forwards:
        return _ipv4_destination(frame, port, forwarding)
    return _not_allowed(sender, port, forwarding)


def _is_for_dhcp_client(frame: bytes) -> bool:
    """Over UDP, in a packet that is not longer than its frame, to the client's port; options may stand before."""
    header = ipv4.LAYOUT.unpack_from(frame, _START)
    first, total, fragment, protocol = header[0], header[2], header[4], header[6]
    length = (first & 0x0F) * 4
    port = _START + length + 2
    return (
        protocol == ipv4.UDP
        and fragment & _FRAGMENT_OFFSET == 0
        and length <= total <= len(frame) - _START
        and frame[port : port + 2] == ipv4.DHCP_CLIENT
    )


def _is_dhcp_request(frame: bytes) -> bool:
    """From the client's port to the server's, to everyone, whole, behind a header without options (RFC 2131, 4.1)."""
    header = ipv4.LAYOUT.unpack_from(frame, _START)
    first, fragment, protocol, destination = header[0], header[4], header[6], header[9]
    return (
        first & 0x0F == _MINIMUM_WORDS
        and fragment & _FRAGMENT_OFFSET == 0
        and protocol == ipv4.UDP
        and destination == _EVERYONE
        and frame[34:38] == ipv4.DHCP_PORTS
    )


def _not_allowed(sender: bytes, port: Port, forwarding: Forwarding) -> Verdict:
    if sender not in forwarding.havips:
        return _DROP[Reason.NOT_YOURS]
    return _DROP[Reason.NOT_OWNER if port.segment.has(sender) else Reason.WRONG_SUBNET]


def _arp_destination(frame: bytes, port: Port, forwarding: Forwarding) -> Verdict:
    """Who asks for a HAVIP, or answers it, reaches its owner and nobody else."""
    target = frame[38:42]
    if target not in forwarding.havips or not port.segment.has(target):
        return _PASS
    owner = forwarding.owners.get(target)
    if owner is None:
        is_probe = frame[20:22] == b"\0\1" and frame[28:32] == _UNSPECIFIED
        return _PASS if is_probe else _DROP[Reason.UNBOUND]
    if target in port.senders:
        return _DROP[Reason.OWN]
    return Verdict(Action.REDIRECT, None, owner)


def _ipv4_destination(frame: bytes, port: Port, forwarding: Forwarding) -> Verdict:
    """A packet for a HAVIP goes to its owner; one for an address of this subnet that nobody has goes nowhere."""
    target = frame[30:34]
    if not port.segment.has(target):
        next_hop = forwarding.next_hops.get(frame[:6])
        return _PASS if next_hop is None else Verdict(Action.REDIRECT, None, next_hop)
    if target == port.segment.broadcast:
        return _PASS
    if target not in forwarding.havips:
        return _PASS if target in forwarding.held else _DROP[Reason.UNBOUND]
    owner = forwarding.owners.get(target)
    if owner is None:
        return _DROP[Reason.UNBOUND]
    if target in port.senders:
        return _DROP[Reason.OWN]
    return Verdict(Action.REDIRECT, None, owner)
