"""Actions on VPCs."""

from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.parameters import (
    Given,
    filters,
    not_offered,
    number_as_text,
    optional,
    required,
    text,
    texts,
    unused,
)
from pytest_havip.network.api.selection import FilterTable, select, time_text
from pytest_havip.network.core import Vpc, parse_cidr
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()

_FILTERS: Final[FilterTable[Vpc]] = {
    "vpc-id": lambda vpc: (vpc.id,),
    "vpc-name": lambda vpc: (vpc.name,),
    "cidr-block": lambda vpc: (str(vpc.cidr),),
}


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
        "EnableDhcp": False,
        "Ipv6CidrBlock": "",
        "TagSet": [],
        "AssistantCidrSet": [],
    }


@ACTIONS.action(
    "CreateVpc",
    VpcName=required(text),
    CidrBlock=required(text),
    EnableMulticast=optional(unused),
    DnsServers=optional(not_offered),
    DomainName=optional(not_offered),
    Tags=optional(not_offered),
)
def create_vpc(service: Service, given: Given) -> Answer:
    """Make a VPC; equal ranges side by side are normal."""
    vpc = service.create_vpc(given["VpcName"], parse_cidr(given["CidrBlock"]))
    return {"Vpc": _view(vpc)}


@ACTIONS.action(
    "DescribeVpcs",
    VpcIds=optional(texts),
    Filters=optional(filters),
    Offset=optional(number_as_text),
    Limit=optional(number_as_text),
)
def describe_vpcs(service: Service, given: Given) -> Answer:
    """List VPCs."""
    total, page = select(service.network.vpcs, given, kind="vpc", ids="VpcIds", filters=_FILTERS)
    return {"TotalCount": total, "VpcSet": [_view(vpc) for vpc in page]}


@ACTIONS.action("DeleteVpc", VpcId=required(text))
def delete_vpc(service: Service, given: Given) -> Answer:
    """Delete an empty VPC."""
    service.network.delete_vpc(given["VpcId"])
    return {}
