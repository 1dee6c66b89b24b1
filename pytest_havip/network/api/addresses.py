"""Actions that tell which addresses are used, and by whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.listing import FilterTable, check_page, matching, time_text
from pytest_havip.network.api.parameters import Given, filters, integer, optional, required, text, texts
from pytest_havip.network.core import Code, Network, Refused, Subnet, Vpc, check_id, parse_address
from pytest_havip.network.service import Service

__all__ = ["ACTIONS", "Use"]

ACTIONS: Final = Actions()

_MOST_ADDRESSES: Final = 100


@dataclass(frozen=True, slots=True)
class Use:
    """Who has an address."""

    address: IPv4Address
    subnet: Subnet
    kind: str
    holder: str
    since: float


_FILTERS: Final[FilterTable[Use]] = {
    "ip-addresses": lambda use: (str(use.address),),
    "resource-id": lambda use: (use.holder,),
}


def _uses(network: Network, vpc_id: str) -> Iterator[Use]:
    subnets = network.subnets
    for nic in network.nics.values():
        if nic.vpc_id == vpc_id:
            for address in nic.addresses:
                yield Use(address, subnets[nic.subnet_id], "ENI", nic.id, nic.created)
    for havip in network.havips.values():
        if havip.vpc_id == vpc_id:
            yield Use(havip.address, subnets[havip.subnet_id], "HAVIP", havip.id, havip.created)


def _vpc(network: Network, vpc_id: str) -> Vpc:
    check_id("vpc", vpc_id)
    vpc = network.vpcs.get(vpc_id)
    if vpc is None:
        raise Refused(Code.NOT_FOUND, f"there is no {vpc_id}")
    return vpc


def _wanted(texts_: list[str], name: str, within: IPv4Network) -> set[IPv4Address]:
    if len(texts_) > _MOST_ADDRESSES:
        raise ApiError(
            "InvalidParameterValue.LimitExceeded", f"{name} has {len(texts_)} entries; {_MOST_ADDRESSES} at most"
        )
    wanted = {parse_address(each) for each in texts_}
    for address in wanted:
        if address not in within:
            raise ApiError("InvalidParameterValue.Range", f"{address} is not in {within}")
    return wanted


@ACTIONS.action(
    "DescribeUsedIpAddress",
    VpcId=required(text),
    SubnetId=optional(text),
    IpAddresses=optional(texts),
    Filters=optional(filters),
    Offset=optional(integer),
    Limit=optional(integer),
)
def describe_used(service: Service, given: Given) -> Answer:
    """List the addresses of a VPC, or of one subnet, that somebody has."""
    if given.get("IpAddresses") and given.get("Filters"):
        raise ApiError("InvalidParameter.Coexist", "IpAddresses and Filters exclude each other; give one of them")
    page = check_page(given)
    network = service.network
    vpc = _vpc(network, given["VpcId"])
    uses = matching(_uses(network, vpc.id), given.get("Filters", {}), _FILTERS)
    within = vpc.cidr
    if subnet_id := given.get("SubnetId"):
        check_id("subnet", subnet_id)
        subnet = network.subnets.get(subnet_id)
        if subnet is None or subnet.vpc_id != vpc.id:
            raise Refused(Code.NOT_FOUND, f"there is no {subnet_id} in {vpc.id}")
        within = subnet.cidr
        uses = [use for use in uses if use.subnet is subnet]
    if given.get("IpAddresses"):
        wanted = _wanted(given["IpAddresses"], "IpAddresses", within)
        uses = [use for use in uses if use.address in wanted]
    states = [
        {
            "VpcId": vpc.id,
            "SubnetId": use.subnet.id,
            "IpAddress": str(use.address),
            "ResourceType": use.kind,
            "ResourceId": use.holder,
        }
        for use in uses[page]
    ]
    return {"TotalCount": len(uses), "IpAddressStates": states}


@ACTIONS.action("DescribeVpcPrivateIpAddresses", VpcId=required(text), PrivateIpAddresses=required(texts))
def describe_private(service: Service, given: Given) -> Answer:
    """Tell which of some addresses somebody has."""
    network = service.network
    vpc = _vpc(network, given["VpcId"])
    wanted = _wanted(given["PrivateIpAddresses"], "PrivateIpAddresses", vpc.cidr)
    found = [
        {
            "PrivateIpAddress": str(use.address),
            "CidrBlock": str(use.subnet.cidr),
            "PrivateIpAddressType": use.kind,
            "CreatedTime": time_text(use.since),
        }
        for use in _uses(network, vpc.id)
        if use.address in wanted
    ]
    return {"VpcPrivateIpAddressSet": found}
