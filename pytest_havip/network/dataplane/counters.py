"""What the guard has turned away, read from its counter sets."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, TypeAlias

from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.dataplane.nft import Nft

__all__ = ["Rejection", "RejectionKey", "read_rejections"]

RejectionKey: TypeAlias = tuple[str, IPv4Address, str]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Frames of one NIC that named one address and were turned away for one reason.

    Attributes:
        nic_id: the sender's NIC.
        address: the sender's address in the frame, for UNBOUND and OWN its destination; 0.0.0.0 where it has none.
        reason: as the core names it.
        count: how many frames.
    """

    nic_id: str
    address: IPv4Address
    reason: str
    count: int

    @property
    def key(self) -> RejectionKey:
        """NIC, address and reason."""
        return self.nic_id, self.address, self.reason


def read_rejections(nft: Nft) -> dict[RejectionKey, int]:
    """Read one VPC's counter sets."""
    found: dict[RejectionKey, int] = {}
    for reason in ruleset.REASONS:
        for item in nft.query(f"list set {ruleset.FAMILY} {ruleset.TABLE} {ruleset.counter_set(reason)}"):
            for nic_id, address, packets in _elements(item.get("set", {})):
                found[nic_id, IPv4Address(address), reason.value] = packets
    return found


def _elements(listed: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    for element in listed.get("elem", ()):
        nic_id, address = element["elem"]["val"]["concat"]
        yield nic_id, address, element["elem"]["counter"]["packets"]
