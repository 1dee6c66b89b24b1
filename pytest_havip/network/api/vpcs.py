"""Actions on VPCs."""

from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.listing import FilterTable, Listing, time_text
from pytest_havip.network.api.parameters import (
    Given,
    not_offered,
    number_as_text,
    optional,
    required,
    text,
    unused,
)
from pytest_havip.network.core import Vpc, parse_cidr
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()

_FILTERS: Final[FilterTable[Vpc]] = {
    "vpc-id": lambda vpc: (vpc.id,),
    "vpc-name": lambda vpc: (vpc.name,),
    "cidr-block": lambda vpc: (str(vpc.cidr),),
}
_LISTING: Final = Listing("vpc", ids="VpcIds", found="VpcSet", filters=_FILTERS, number=number_as_text)


def _view(vpc: Vpc) -> Answer:
    return {
        "VpcId": vpc.id,
        "VpcName": vpc.name,
        "CidrBlock": str(vpc.cidr),
        "IsDefault": False,
        "EnableMulticast": True,
        "CreatedTime": time_text(vpc.created),
        "DnsServerSet": [],
        "DomainName": "",
        "DhcpOptionsId": "",
        "EnableDhcp": True,
        "Ipv6CidrBlock": "",
        "TagSet": [],
        "AssistantCidrSet": [],
        "EnableRouteVpcPublish": False,
        "Ipv6CidrBlockSet": [],
        "EnableRouteVpcPublishIpv6": False,
        "StackType": "IPv4",
    }


@ACTIONS.action(
    "CreateVpc",
    VpcName=required(text),
    CidrBlock=required(text),
    StackType=optional(not_offered),
    Ipv6CidrBlock=optional(not_offered),
    AddressType=optional(not_offered),
    EnableRouteVpcPublish=optional(not_offered),
    EnableRouteVpcPublishIpv6=optional(not_offered),
    EnableMulticast=optional(unused),
    DnsServers=optional(not_offered),
    DomainName=optional(not_offered),
    Tags=optional(not_offered),
)
def create_vpc(service: Service, given: Given) -> Answer:
    """Make a VPC; equal ranges side by side are normal."""
    vpc = service.create_vpc(given["VpcName"], parse_cidr(given["CidrBlock"]))
    return {"Vpc": _view(vpc)}


@ACTIONS.action("DescribeVpcs", **_LISTING.parameters)
def describe_vpcs(service: Service, given: Given) -> Answer:
    """List VPCs."""
    return _LISTING.answer(service.network.vpcs, given, _view)


@ACTIONS.action("DeleteVpc", VpcId=required(text))
def delete_vpc(service: Service, given: Given) -> Answer:
    """Delete an empty VPC."""
    service.network.delete_vpc(given["VpcId"])
    return {}
