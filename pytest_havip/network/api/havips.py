"""Actions on HAVIPs. None of them binds: only announcements do."""

from ipaddress import IPv4Address
from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import (
    Given,
    filters,
    integer,
    not_offered,
    optional,
    required,
    text,
    texts,
)
from pytest_havip.network.api.selection import FilterTable, check_id, select, time_text
from pytest_havip.network.core import Havip, parse_address
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()

_FILTERS: Final[FilterTable[Havip]] = {
    "havip-id": lambda havip: (havip.id,),
    "havip-name": lambda havip: (havip.name,),
    "vpc-id": lambda havip: (havip.vpc_id,),
    "subnet-id": lambda havip: (havip.subnet_id,),
    "vip": lambda havip: (str(havip.address),),
    "address-ip": lambda _: ("",),
    "havip-association.instance-id": lambda _: (),
    "havip-association.instance-type": lambda _: (),
    "check-associate": lambda _: ("FALSE", "false"),
    "cdc-id": lambda _: ("",),
    "type": lambda _: ("NORMAL",),
}


def _view(service: Service, havip: Havip) -> Answer:
    owner = service.network.nics[havip.binding.nic_id] if havip.binding is not None else None
    return {
        "HaVipId": havip.id,
        "HaVipName": havip.name,
        "Vip": str(havip.address),
        "VpcId": havip.vpc_id,
        "SubnetId": havip.subnet_id,
        "NetworkInterfaceId": owner.id if owner is not None else "",
        "InstanceId": owner.instance_id if owner is not None else "",
        "AddressIp": "",
        "State": "AVAILABLE" if owner is not None else "UNBIND",
        "CreatedTime": time_text(havip.created),
        "Business": "",
        "HaVipAssociationSet": [],
        "CheckAssociate": False,
        "CdcId": "",
        "FlushedTime": time_text(havip.flushed),
        "TagSet": [],
    }


def _subnet_for(service: Service, vpc_id: str, address: IPv4Address | None) -> str:
    """Choose the subnet of a request that names none: the one of the wanted address, or the VPC's first."""
    network = service.network
    if check_id("vpc", vpc_id) not in network.vpcs:
        raise ApiError("ResourceNotFound", f"there is no VPC {vpc_id}")
    subnets = [subnet for subnet in network.subnets.values() if subnet.vpc_id == vpc_id]
    if not subnets:
        raise ApiError("UnsupportedOperation.SubnetNotExists", f"{vpc_id} has no subnet; create one first")
    if address is None:
        return subnets[0].id
    for subnet in subnets:
        if address in subnet.cidr:
            return subnet.id
    raise ApiError("InvalidParameterValue.Range", f"{address} is in no subnet of {vpc_id}")


@ACTIONS.action(
    "CreateHaVip",
    VpcId=required(text),
    HaVipName=required(text),
    SubnetId=optional(text),
    Vip=optional(text),
    NetworkInterfaceId=optional(not_offered),
    CheckAssociate=optional(not_offered),
    HaVipAssociationSet=optional(not_offered),
    Tags=optional(not_offered),
    ClientToken=optional(not_offered),
)
def create_havip(service: Service, given: Given) -> Answer:
    """Make a HAVIP, unbound."""
    address = parse_address(given["Vip"]) if given.get("Vip") else None
    subnet_id = given.get("SubnetId") or _subnet_for(service, given["VpcId"], address)
    havip = service.network.create_havip(
        given["VpcId"], subnet_id, given["HaVipName"], address=address, now=service.now()
    )
    return {"HaVip": _view(service, havip)}


@ACTIONS.action(
    "DescribeHaVips",
    HaVipIds=optional(texts),
    Filters=optional(filters),
    Offset=optional(integer),
    Limit=optional(integer),
)
def describe_havips(service: Service, given: Given) -> Answer:
    """List HAVIPs with their bindings."""
    total, page = select(service.network.havips, given, kind="havip", ids="HaVipIds", filters=_FILTERS)
    return {"TotalCount": total, "HaVipSet": [_view(service, havip) for havip in page]}


@ACTIONS.action("ModifyHaVipAttribute", HaVipId=required(text), HaVipName=optional(text))
def modify_havip(service: Service, given: Given) -> Answer:
    """Rename a HAVIP; nothing else of it can be changed."""
    if "HaVipName" not in given:
        raise ApiError("MissingParameter", "HaVipName is missing; it is the one attribute that can be changed")
    service.network.rename_havip(given["HaVipId"], given["HaVipName"])
    return {}


@ACTIONS.action("DeleteHaVip", HaVipId=required(text))
def delete_havip(service: Service, given: Given) -> Answer:
    """Release a HAVIP, bound or not."""
    service.network.delete_havip(given["HaVipId"], now=service.now())
    return {}
