"""What the guard of one VPC looks up, kept up to date by the changes of the records.

The kernel keeps the same sets under the same names; both follow from the records alone.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from pytest_havip.network.core.model import Havip, Nic, Record, Subnet
from pytest_havip.wire import mac_bytes

__all__ = ["Forwarding", "Port", "Segment", "next_hop_mac"]


def next_hop_mac(address: IPv4Address) -> str:
    """The MAC by which the gateway addresses the owner of a HAVIP that is the next hop of routes, whoever that is.

    No machine has it: NICs have 02 in front.
    """
    return f"0a:00:{address.packed.hex(':')}"


@dataclass(slots=True)
class Segment:
    """One subnet as the guard sees it: addresses as numbers and bytes, ready to compare."""

    network: int
    netmask: int
    broadcast: bytes
    gateway_mac: str

    @classmethod
    def of(cls, subnet: Subnet) -> "Segment":
        """The segment of a subnet's record."""
        cidr = subnet.cidr
        return cls(int(cidr.network_address), int(cidr.netmask), cidr.broadcast_address.packed, subnet.gateway_mac)

    def has(self, address: bytes) -> bool:
        """The address lies in the subnet's range."""
        return int.from_bytes(address, "big") & self.netmask == self.network


@dataclass(slots=True)
class Port:
    """The place of an attached NIC, or of the gateway, on a segment, and the addresses that a NIC may send from."""

    segment: Segment
    mac: bytes
    senders: set[bytes]
    nic_id: str = ""
    forwards: bool = False
    is_gateway: bool = False


@dataclass(slots=True)
class Forwarding:
    """One VPC: ports by NIC, gateways by subnet, HAVIPs (address -> id), owners (address -> MAC), addresses held.

    ``next_hops`` are owners by the MAC that stands for each HAVIP in the gateway's routes. ``ranged`` are the addresses
    that not every NIC of their subnet may announce, ``candidates`` the NICs that may.
    """

    gateways: dict[str, Port] = field(default_factory=dict)
    ports: dict[str, Port] = field(default_factory=dict)
    havips: dict[bytes, str] = field(default_factory=dict)
    owners: dict[bytes, str] = field(default_factory=dict)
    next_hops: dict[bytes, str] = field(default_factory=dict)
    held: set[bytes] = field(default_factory=set)
    ranged: set[bytes] = field(default_factory=set)
    candidates: set[tuple[str, bytes]] = field(default_factory=set)

    def apply(self, before: Record | None, after: Record | None) -> None:
        """Follow one change; a VPC's own record says nothing to the guard."""
        if isinstance(before, Nic) and isinstance(after, Nic) and before.instance_id == after.instance_id:
            self._change_nic(_packed(before.addresses), _packed(after.addresses), after)
            return
        if before is not None:
            self._remove(before)
        if after is not None:
            self._add(after)

    def _change_nic(self, before: set[bytes], after: set[bytes], nic: Nic) -> None:
        """Give a NIC other addresses of its own; the HAVIPs that it owns stay."""
        self.held = self.held - before | after
        if nic.id in self.ports:
            port = self.ports[nic.id]
            port.senders = port.senders - before | after
            port.forwards = nic.forwards

    def _add(self, record: Record) -> None:
        match record:
            case Subnet():
                self.gateways[record.id] = Port(
                    Segment.of(record), mac_bytes(record.gateway_mac), set(), is_gateway=True
                )
                self.held.add(record.gateway.packed)
            case Nic():
                addresses = _packed(record.addresses)
                self.held |= addresses
                if record.instance_id:
                    segment = self.gateways[record.subnet_id].segment
                    self.ports[record.id] = Port(segment, mac_bytes(record.mac), addresses, record.id, record.forwards)
            case Havip():
                address = record.address.packed
                self.havips[address] = record.id
                if record.drift_range.enforced:
                    self.ranged.add(address)
                    self.candidates |= {(nic_id, address) for nic_id in record.drift_range.nics}
                if record.binding is not None:
                    self.owners[address] = record.binding.mac
                    if record.is_next_hop:
                        self.next_hops[mac_bytes(next_hop_mac(record.address))] = record.binding.mac
                    self.ports[record.binding.nic_id].senders.add(address)

    def _remove(self, record: Record) -> None:
        match record:
            case Subnet():
                del self.gateways[record.id]
                self.held.discard(record.gateway.packed)
            case Nic():
                self.held -= _packed(record.addresses)
                self.ports.pop(record.id, None)
            case Havip():
                address = record.address.packed
                del self.havips[address]
                if record.drift_range.enforced:
                    self.ranged.remove(address)
                    self.candidates -= {(nic_id, address) for nic_id in record.drift_range.nics}
                if record.binding is not None:
                    del self.owners[address]
                    self.next_hops.pop(mac_bytes(next_hop_mac(record.address)), None)
                    self.ports[record.binding.nic_id].senders.discard(address)


def _packed(addresses: tuple[IPv4Address, ...]) -> set[bytes]:
    return {address.packed for address in addresses}
