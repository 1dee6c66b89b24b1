"""Actions on subnets."""

from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.listing import FilterTable, Listing, time_text
from pytest_havip.network.api.parameters import (
    Given,
    not_offered,
    number_as_text,
    optional,
    required,
    text,
)
from pytest_havip.network.api.place import ZONE
from pytest_havip.network.core import Subnet, parse_cidr, route_table_id
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()

_FILTERS: Final[FilterTable[Subnet]] = {
    "subnet-id": lambda subnet: (subnet.id,),
    "subnet-name": lambda subnet: (subnet.name,),
    "vpc-id": lambda subnet: (subnet.vpc_id,),
    "cidr-block": lambda subnet: (str(subnet.cidr),),
    "zone": lambda _: (ZONE,),
}
_LISTING: Final = Listing("subnet", ids="SubnetIds", found="SubnetSet", filters=_FILTERS, number=number_as_text)


def _view(service: Service, subnet: Subnet) -> Answer:
    # Network, gateway and broadcast address are nobody's to have.
    total = subnet.cidr.num_addresses - 3
    used = sum(len(nic.addresses) for nic in service.network.nics.values() if nic.subnet_id == subnet.id)
    used += sum(havip.subnet_id == subnet.id for havip in service.network.havips.values())
    return {
        "VpcId": subnet.vpc_id,
        "SubnetId": subnet.id,
        "SubnetName": subnet.name,
        "CidrBlock": str(subnet.cidr),
        "IsDefault": False,
        "EnableBroadcast": True,
        "Zone": ZONE,
        "RouteTableId": route_table_id(subnet.vpc_id),
        "NetworkAclId": "",
        "CreatedTime": time_text(subnet.created),
        "TotalIpAddressCount": total,
        "AvailableIpAddressCount": total - used,
        "Ipv6CidrBlock": "",
        "TagSet": [],
        "IsRemoteVpcSnat": False,
        "CdcId": "",
        "IsCdcSubnet": 0,
        "StackType": "IPv4",
    }


@ACTIONS.action(
    "CreateSubnet",
    VpcId=required(text),
    SubnetName=required(text),
    CidrBlock=required(text),
    Zone=optional(text),
    StackType=optional(not_offered),
    Ipv6CidrBlock=optional(not_offered),
    CdcId=optional(not_offered),
    Tags=optional(not_offered),
)
def create_subnet(service: Service, given: Given) -> Answer:
    """Make a subnet with its gateway."""
    zone = given.get("Zone", ZONE)
    if zone != ZONE:
        raise ApiError("InvalidParameterValue", f"there is no zone {zone[:60]!r}; this network has one: {ZONE}")
    cidr = parse_cidr(given["CidrBlock"])
    subnet = service.network.create_subnet(given["VpcId"], given["SubnetName"], cidr, now=service.now())
    return {"Subnet": _view(service, subnet)}


@ACTIONS.action("DescribeSubnets", **_LISTING.parameters)
def describe_subnets(service: Service, given: Given) -> Answer:
    """List subnets."""
    return _LISTING.answer(service.network.subnets, given, lambda subnet: _view(service, subnet))


@ACTIONS.action("DeleteSubnet", SubnetId=required(text))
def delete_subnet(service: Service, given: Given) -> Answer:
    """Delete an empty subnet."""
    service.network.delete_subnet(given["SubnetId"])
    return {}
