"""Faults in what is taken for an announcement, by whom, and in which order."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import add_rules, change_rule, drop_rule, put
from pytest_havip.network.core import Action, Cause, Change, Decision, Havip, Moved, Network, Nic, Reason, Resend
from pytest_havip.network.core.announcements import announce, unbind
from pytest_havip.network.core.forwarding import Segment
from pytest_havip.network.dataplane import elements
from pytest_havip.network.service import Service, _Batch
from pytest_havip.wire import mac_bytes

__all__ = ["MUTANTS"]

#: How a frame is read by a network with a fault: what it takes it for.
_Reading = Callable[[bytes, Nic], bytes]

_SOURCE, _OPERATION, _SENDER_MAC = slice(6, 12), slice(20, 22), slice(22, 28)
_SENDER, _TARGET = slice(28, 32), slice(38, 42)
_REQUEST = b"\x00\x01"
_NOBODY = bytes(4)
#: Seconds that a claim waits to be decided, where refreshes do not: longer than a test takes to send a few frames.
_HELD = 0.02


def _with(frame: bytes, part: slice, value: bytes) -> bytes:
    return frame[: part.start] + value + frame[part.stop :]


def _read_as(reading: _Reading) -> None:
    """Let the network decide about another frame than it got; what it re-sends is the one that it got."""

    def misread(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        nic = self.nics.get(nic_id)
        decision = receive(self, reading(frame, nic) if nic else frame, nic_id, now=now)
        resent = (replace(effect, frame=frame) if isinstance(effect, Resend) else effect for effect in decision.effects)
        return Decision(decision.verdict, tuple(resent))

    receive = put(Network, "receive", misread)


def _probes_bind() -> None:
    add_rules(
        "arp-probe", "arp operation request arp saddr ip 0.0.0.0 arp daddr ip {cidr} arp daddr ip @havips goto announce"
    )
    _read_as(lambda frame, _: _with(frame, _SENDER, frame[_TARGET]) if frame[_SENDER] == _NOBODY else frame)


def _questions_bind() -> None:
    add_rules(
        "arp-sender",
        "arp operation request arp daddr ip {cidr} arp daddr ip @havips iifname . arp saddr ip @senders goto announce",
    )
    _read_as(lambda frame, _: _with(frame, _SENDER, frame[_TARGET]) if frame[_OPERATION] == _REQUEST else frame)


def _any_arp_binds() -> None:
    add_rules("arp-sender", "arp saddr ip {cidr} arp saddr ip @havips goto announce")
    _read_as(lambda frame, _: _with(frame, _TARGET, frame[_SENDER]))


def _any_sender_mac() -> None:
    drop_rule("arp-sender-mac")
    _read_as(lambda frame, nic: _with(frame, _SENDER_MAC, mac_bytes(nic.mac)))


def _any_ethernet_source() -> None:
    drop_rule("ethernet-source")
    _read_as(lambda frame, nic: _with(frame, _SOURCE, mac_bytes(nic.mac)))


def _any_subnet() -> None:
    change_rule("announcement", "arp saddr ip . arp daddr ip @announcements goto announce")
    put(Segment, "has", lambda _segment, _address: True)


def _any_vpc() -> None:
    """Take a HAVIP from its owner when its address is announced in another VPC, a HAVIP there or not."""
    add_rules("arp-not-owner", "arp saddr ip {cidr} arp saddr ip != @held arp saddr ip != @havips goto announce")

    def decide_for_all(self: Service, frame: bytes, nic_id: str, batch: _Batch) -> None:
        decide(self, frame, nic_id, batch)
        network = self.network
        for havip in tuple(network.havips.values()):
            if havip.vpc_id != batch.vpc_id and havip.address.packed == frame[_SENDER]:
                network._commit(*unbind(havip, Cause.ANNOUNCED, self.now()))  # noqa: SLF001 - a mutant's door
        self._flush(batch)
        self.apply()

    decide = put(Service, "_decide", decide_for_all)


def _refreshes_overtake() -> None:
    """Decide a claim a little later than it came, a refresh at once."""
    held: deque[tuple[Service, bytes, str, str]] = deque()

    def decide_claim() -> None:
        service, frame, nic_id, vpc_id = held.popleft()
        batch = _Batch(vpc_id)
        decide(service, frame, nic_id, batch)
        service._flush(batch)  # noqa: SLF001 - a mutant's door

    def decide_refresh(self: Service, frame: bytes, nic_id: str, batch: _Batch) -> None:
        owners = (havip.binding for havip in self.network.havips.values() if havip.address.packed == frame[_SENDER])
        if any(binding and binding.nic_id == nic_id for binding in owners):
            decide(self, frame, nic_id, batch)
        else:
            held.append((self, frame, nic_id, batch.vpc_id))
            self._loop.call_later(_HELD, decide_claim)

    decide = put(Service, "_decide", decide_refresh)


def _forms_dispute() -> None:
    """Give a HAVIP back to its former owner when the new one announces it by a request and by a reply."""
    last: dict[str, tuple[str, bytes]] = {}
    former: dict[str, str] = {}

    def receive_disputing(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        for moved in (effect for effect in decision.effects if isinstance(effect, Moved)):
            former[moved.havip.id] = moved.old_nic_id or ""
        for change in (effect for effect in decision.effects if isinstance(effect, Change)):
            assert isinstance(change.after, Havip)
            seen = last.get(change.after.id, (nic_id, frame[_OPERATION]))
            last[change.after.id] = nic_id, frame[_OPERATION]
            loser = self.nics.get(former.get(change.after.id, ""))
            if seen[0] == nic_id and seen[1] != frame[_OPERATION] and loser is not None:
                back = announce(change.after, loser, now)
                self._apply(back)
                return Decision(decision.verdict, (*decision.effects, *back))
        return decision

    receive = put(Network, "receive", receive_disputing)


def _early_birds() -> None:
    """Bind a new HAVIP to whoever announced its address before there was one."""
    add_rules("arp-not-owner", "arp saddr ip {cidr} arp saddr ip != @held arp saddr ip != @havips goto announce")
    early: dict[tuple[str, bytes], str] = {}

    def receive_early(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        if decision.verdict.reason is Reason.NOT_YOURS and frame[_SENDER] == frame[_TARGET]:
            early[self.nics[nic_id].subnet_id, frame[_SENDER]] = nic_id
        return decision

    def create_havip(self: Network, *arguments: str, **more: Any) -> Havip:  # noqa: ANN401
        havip: Havip = create(self, *arguments, **more)
        nic = self.nics.get(early.get((havip.subnet_id, havip.address.packed), ""))
        if nic is not None:
            self._commit(*announce(havip, nic, more["now"]))
        return self.havips[havip.id]

    receive = put(Network, "receive", receive_early)
    create = put(Network, "create_havip", create_havip)


def _answers_are_changes() -> None:
    """Stamp a HAVIP when its owner speaks ARP from it about another address; pass the frame on as always."""
    add_rules("arp-sender", "arp saddr ip {cidr} arp saddr ip @havips iifname . arp saddr ip @senders goto announce")

    def receive_answers(self: Network, frame: bytes, nic_id: str, *, now: float) -> Decision:
        decision: Decision = receive(self, frame, nic_id, now=now)
        if decision.effects or decision.verdict.action not in {Action.PASS, Action.REDIRECT}:
            return decision
        nic = self.nics[nic_id]
        for havip in self.havips.values():
            if havip.vpc_id == nic.vpc_id and havip.address.packed == frame[_SENDER]:
                change = Change(havip, replace(havip, flushed=now))
                self._apply((change,))
                return Decision(decision.verdict, (change, Resend(nic.subnet_id, frame, nic_id)))
        return decision

    receive = put(Network, "receive", receive_answers)


def _fixed_addresses_are_lost() -> None:
    """Take a gratuitous ARP for a machine's own address for a HAVIP's, and drop it when there is no such HAVIP."""

    def with_announcements(nic: Nic) -> frozenset[elements.Element]:
        own = {("announcements", f"{address} . {address}") for address in nic.addresses if nic.instance_id}
        found: frozenset[elements.Element] = of_nic(nic) | own
        return found

    of_nic = put(elements, "_of_nic", with_announcements)


MUTANTS = (
    Mutant(
        "forms-dispute",
        "An owner that announces by requests and by replies loses the HAVIP to the former owner.",
        frozenset({"HAVIP-BIND-017", "HAVIP-BIND-018"}),
        _forms_dispute,
    ),
    Mutant(
        "early-birds",
        "A new HAVIP is bound to whoever announced its address before there was one.",
        frozenset({"HAVIP-BIND-021"}),
        _early_birds,
    ),
    Mutant(
        "answers-are-changes",
        "What the owner answers or asks as the HAVIP counts as a binding change.",
        frozenset({"HAVIP-BIND-025"}),
        _answers_are_changes,
    ),
    Mutant(
        "fixed-addresses-are-lost",
        "A machine's announcement of its own fixed address reaches nobody.",
        frozenset({"HAVIP-BIND-026"}),
        _fixed_addresses_are_lost,
    ),
    Mutant(
        "probes-bind",
        "An ARP probe for a HAVIP binds it.",
        frozenset({"HAVIP-BIND-005", "HAVIP-PATH-005", "HAVIP-SPOOF-026"}),
        _probes_bind,
    ),
    Mutant(
        "questions-bind",
        "Asking for a HAVIP binds it to the asker.",
        frozenset(
            {
                "HAVIP-BIND-006",
                "HAVIP-BIND-008",
                "HAVIP-BIND-009",
                "HAVIP-DUR-002",
                "HAVIP-DUR-003",
                "HAVIP-MOVE-006",
                "HAVIP-PATH-001",
                "HAVIP-PATH-002",
                "HAVIP-PATH-012",
                "HAVIP-PATH-013",
                "HAVIP-PATH-016",
                "HAVIP-PATH-018",
                "HAVIP-PATH-020",
                "HAVIP-PATH-022",
                "HAVIP-PATH-080",
                "HAVIP-SPOOF-007",
                "HAVIP-SPOOF-017",
                "HAVIP-SPOOF-026",
            }
        ),
        _questions_bind,
    ),
    Mutant(
        "any-arp-binds",
        "Any ARP with a HAVIP as its sender is an announcement.",
        frozenset(
            {
                "HAVIP-BIND-007",
                "HAVIP-BIND-014",
                "HAVIP-SPOOF-006",
                "HAVIP-SPOOF-009",
                "HAVIP-SPOOF-020",
                "HAVIP-SPOOF-021",
                "HAVIP-SPOOF-024",
            }
        ),
        _any_arp_binds,
    ),
    Mutant(
        "any-sender-mac",
        "Nobody looks at the sender MAC of an ARP message.",
        frozenset({"HAVIP-SPOOF-004", "HAVIP-SPOOF-009", "HAVIP-SPOOF-014", "HAVIP-SPOOF-025"}),
        _any_sender_mac,
    ),
    Mutant(
        "any-ethernet-source",
        "Nobody looks at the Ethernet source.",
        frozenset({"HAVIP-SPOOF-005", "HAVIP-SPOOF-009", "HAVIP-SPOOF-014", "HAVIP-SPOOF-025"}),
        _any_ethernet_source,
    ),
    Mutant(
        "any-subnet-announces",
        "Any NIC of the VPC may announce a HAVIP.",
        frozenset({"HAVIP-NIC-002", "HAVIP-SCOPE-001", "HAVIP-SCOPE-004", "HAVIP-SCOPE-005"}),
        _any_subnet,
    ),
    Mutant(
        "any-vpc-announces",
        "A HAVIP is lost by its owner when its address is announced in another VPC.",
        frozenset({"HAVIP-SCOPE-002", "HAVIP-SCOPE-003"}),
        _any_vpc,
    ),
    Mutant(
        "refreshes-overtake",
        "An owner's refresh overtakes a claim that is being decided.",
        frozenset(
            {
                "HAVIP-API-003",
                "HAVIP-BIND-017",
                "HAVIP-BIND-018",
                "HAVIP-BIND-024",
                "HAVIP-ORDER-002",
                "HAVIP-ORDER-050",
                "HAVIP-ORDER-051",
            }
        ),
        _refreshes_overtake,
    ),
)
