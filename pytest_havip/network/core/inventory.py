"""All records of the network, and what is derived from them; every change goes through one door."""

from types import MappingProxyType
from typing import Any, TypeVar

from pytest_havip.network.core.addresses import AddressPool
from pytest_havip.network.core.arguments import check_id
from pytest_havip.network.core.forwarding import Forwarding
from pytest_havip.network.core.model import Eip, Havip, Nic, Record, Subnet, Vpc
from pytest_havip.network.core.refusal import Code, Refused

__all__ = ["Inventory"]

_Kept = TypeVar("_Kept", Vpc, Subnet, Nic, Havip, Eip)

_MISSING = {"eip": Code.EIP_NOT_FOUND}


class Inventory:
    """Records by id; address pools by subnet; what the guard looks up by VPC; the MAC addresses in use."""

    def __init__(self) -> None:
        self._vpcs: dict[str, Vpc] = {}
        self._subnets: dict[str, Subnet] = {}
        self._nics: dict[str, Nic] = {}
        self._havips: dict[str, Havip] = {}
        self._eips: dict[str, Eip] = {}
        self._records: dict[type, dict[str, Any]] = {
            Vpc: self._vpcs,
            Subnet: self._subnets,
            Nic: self._nics,
            Havip: self._havips,
            Eip: self._eips,
        }
        self.vpcs = MappingProxyType(self._vpcs)
        self.subnets = MappingProxyType(self._subnets)
        self.nics = MappingProxyType(self._nics)
        self.havips = MappingProxyType(self._havips)
        self.eips = MappingProxyType(self._eips)
        self.pools: dict[str, AddressPool] = {}
        self.forwarding: dict[str, Forwarding] = {}
        self.macs: set[str] = set()

    def vpc(self, identifier: str) -> Vpc:
        """The VPC of this id, or Refused: Malformed, ResourceNotFound. The same for the others."""
        return _found("vpc", identifier, self._vpcs)

    def subnet(self, identifier: str) -> Subnet:
        """The subnet of this id."""
        return _found("subnet", identifier, self._subnets)

    def nic(self, identifier: str) -> Nic:
        """The NIC of this id."""
        return _found("eni", identifier, self._nics)

    def havip(self, identifier: str) -> Havip:
        """The HAVIP of this id."""
        return _found("havip", identifier, self._havips)

    def eip(self, identifier: str) -> Eip:
        """The elastic IP of this id."""
        return _found("eip", identifier, self._eips)

    def apply(self, before: Record | None, after: Record | None) -> None:
        """Replace one record by another (None: there is none), and follow in everything derived from it."""
        record = after or before
        assert record is not None
        records = self._records[type(record)]
        if after is None:
            del records[record.id]
        else:
            records[record.id] = after
        if isinstance(before, Havip) and isinstance(after, Havip) and _is_same_to_all(before, after):
            return  # a refresh, the hot path: nothing that is derived changes
        if before is not None:
            self._forget(before, for_good=after is None)
        if after is not None:
            self._learn(after)
        if not isinstance(record, Vpc | Eip):
            self.forwarding[record.vpc_id].apply(before, after)

    def _learn(self, record: Record) -> None:
        match record:
            case Vpc():
                self.forwarding.setdefault(record.id, Forwarding())
            case Subnet():
                self.pools[record.id] = AddressPool(record.cidr)
                self.macs.add(record.gateway_mac)
            case Nic():
                self.pools[record.subnet_id].take(record.addresses)
                self.macs.add(record.mac)
            case Havip():
                self.pools[record.subnet_id].take((record.address,))

    def _forget(self, record: Record, *, for_good: bool) -> None:
        match record:
            case Vpc() if for_good:
                del self.forwarding[record.id]
            case Subnet():
                del self.pools[record.id]
                self.macs.discard(record.gateway_mac)
            case Nic():
                self.pools[record.subnet_id].give_back(record.addresses)
                self.macs.discard(record.mac)
            case Havip():
                self.pools[record.subnet_id].give_back((record.address,))


def _is_same_to_all(before: Havip, after: Havip) -> bool:
    is_led_to_alike = before.is_next_hop == after.is_next_hop
    return is_led_to_alike and before.binding is after.binding and before.drift_range is after.drift_range


def _found(kind: str, identifier: str, records: dict[str, _Kept]) -> _Kept:
    check_id(kind, identifier)
    record = records.get(identifier)
    if record is None:
        raise Refused(
            _MISSING.get(kind, Code.NOT_FOUND), f"{identifier} does not exist, or exists no more; list what there is"
        )
    return record
