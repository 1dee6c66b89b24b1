"""Requests about VPCs and subnets."""

from dataclasses import replace
from ipaddress import IPv4Network

from pytest_havip.network.core.arguments import check_name
from pytest_havip.network.core.effects import Change
from pytest_havip.network.core.identities import new_identity, new_identity_with_mac
from pytest_havip.network.core.model import Subnet, Vpc
from pytest_havip.network.core.refusal import Code, Refused
from pytest_havip.network.core.state import State

__all__ = ["Vpcs"]

_LONGEST_SUBNET_PREFIX = 29


class Vpcs(State):
    """The VPCs of a network, and their subnets."""

    def create_vpc(self, name: str, cidr: IPv4Network, *, now: float) -> Vpc:
        """A VPC; its range may be the same as another VPC's."""
        check_name(name, longest=self.profile.name_length)
        if cidr.is_multicast or cidr.is_loopback or cidr.is_link_local or cidr.is_unspecified:
            raise Refused(Code.RANGE, f"{cidr} is reserved for other uses; take a part of 10.0.0.0/8 or the like")
        if cidr.prefixlen > _LONGEST_SUBNET_PREFIX:
            raise Refused(Code.RANGE, f"{cidr} is too small; a prefix has at most {_LONGEST_SUBNET_PREFIX} bits")
        identity = new_identity("vpc", self._new_token, self.vpcs)
        return self._create(Vpc(identity, name, cidr, now, self.profile.havip_quota))

    def set_havip_quota(self, vpc_id: str, quota: int) -> Vpc:
        """How many HAVIPs the VPC may hold from now on; those beyond a lower number stay."""
        vpc = self._inventory.vpc(vpc_id)
        if quota < 0:
            raise Refused(Code.RANGE, f"a quota is not negative; {quota} is")
        after = replace(vpc, havip_quota=quota)
        self._commit(Change(vpc, after))
        return after

    def delete_vpc(self, vpc_id: str) -> Vpc:
        """Remove a VPC that has no subnet."""
        vpc = self._inventory.vpc(vpc_id)
        if any(subnet.vpc_id == vpc_id for subnet in self.subnets.values()):
            raise Refused(Code.IN_USE, f"{vpc_id} has subnets; delete them first")
        self._commit(Change(vpc, None))
        return vpc

    def create_subnet(self, vpc_id: str, name: str, cidr: IPv4Network, *, now: float) -> Subnet:
        """A subnet inside the VPC's range, overlapping no other; its first host address is the gateway's."""
        vpc = self._inventory.vpc(vpc_id)
        check_name(name, longest=self.profile.name_length)
        if not cidr.subnet_of(vpc.cidr):
            raise Refused(Code.RANGE, f"{cidr} is not inside {vpc.cidr}, the range of {vpc_id}")
        if cidr.prefixlen > _LONGEST_SUBNET_PREFIX:
            raise Refused(Code.RANGE, f"{cidr} is too small; a prefix has at most {_LONGEST_SUBNET_PREFIX} bits")
        for other in self.subnets.values():
            if other.vpc_id == vpc_id and other.cidr.overlaps(cidr):
                raise Refused(Code.CIDR_CONFLICT, f"{cidr} overlaps {other.cidr} of {other.id}; choose a free range")
        identity, mac = new_identity_with_mac("subnet", self._new_token, self.subnets, self._inventory.macs)
        return self._create(Subnet(identity, vpc_id, name, cidr, cidr.network_address + 1, mac, now))

    def delete_subnet(self, subnet_id: str) -> Subnet:
        """Remove a subnet that has no NIC and no HAVIP."""
        subnet = self._inventory.subnet(subnet_id)
        for records in (self.nics, self.havips):
            for record in records.values():
                if record.subnet_id == subnet_id:
                    raise Refused(Code.IN_USE, f"{subnet_id} still has {record.id}; delete it first")
        self._commit(Change(subnet, None))
        return subnet
