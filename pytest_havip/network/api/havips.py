"""Actions on HAVIPs. None of them binds: only announcements do."""

from ipaddress import IPv4Address
from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.listing import FilterTable, Listing, time_text
from pytest_havip.network.api.parameters import (
    Given,
    boolean,
    client_token,
    not_offered,
    optional,
    required,
    text,
)
from pytest_havip.network.api.ranges import members, view_range
from pytest_havip.network.api.tags import tag_set, tags
from pytest_havip.network.core import Havip, check_id, kind_of, parse_address
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()


def _eip(havip: Havip) -> str:
    return "" if havip.eip is None else str(havip.eip)


_FILTERS: Final[FilterTable[Havip]] = {
    "havip-id": lambda havip: (havip.id,),
    "havip-name": lambda havip: (havip.name,),
    "vpc-id": lambda havip: (havip.vpc_id,),
    "subnet-id": lambda havip: (havip.subnet_id,),
    "vip": lambda havip: (str(havip.address),),
    "address-ip": lambda havip: (_eip(havip),),
    "havip-association.instance-id": lambda havip: havip.drift_range.members,
    "havip-association.instance-type": lambda havip: map(kind_of, havip.drift_range.members),
    "check-associate": lambda havip: ("TRUE", "true") if havip.drift_range.enforced else ("FALSE", "false"),
    "cdc-id": lambda _: ("",),
    "type": lambda _: ("NORMAL",),
    "termination-protection": lambda _: ("FALSE", "false"),
    "traffic-protection": lambda _: ("FALSE", "false"),
}
_LISTING: Final = Listing("havip", ids="HaVipIds", found="HaVipSet", filters=_FILTERS)


def _view(service: Service, havip: Havip) -> Answer:
    profile = service.network.profile
    owner = service.network.nics[havip.binding.nic_id] if havip.binding is not None else None
    return {
        "HaVipId": havip.id,
        "HaVipName": havip.name,
        "Vip": str(havip.address),
        "VpcId": havip.vpc_id,
        "SubnetId": havip.subnet_id,
        "NetworkInterfaceId": owner.id if owner is not None else "",
        "InstanceId": owner.instance_id if owner is not None else "",
        "AddressIp": _eip(havip),
        "State": profile.unbound_state if owner is None else profile.bound_state,
        "CreatedTime": time_text(havip.created),
        "Business": "",
        "HaVipAssociationSet": view_range(havip.id, havip.drift_range.members),
        "CheckAssociate": havip.drift_range.enforced,
        "CdcId": "",
        "FlushedTime": time_text(havip.flushed),
        "TagSet": tag_set(havip.tags),
    }


def _subnet_for(service: Service, vpc_id: str, address: IPv4Address | None) -> str:
    """Choose the subnet of a request that names none: the one of the wanted address, or the VPC's first."""
    network = service.network
    check_id("vpc", vpc_id)
    if vpc_id not in network.vpcs:
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
    CheckAssociate=optional(boolean),
    HaVipAssociationSet=optional(members),
    Tags=optional(tags),
    ClientToken=optional(client_token),
)
def create_havip(service: Service, given: Given) -> Answer:
    """Make a HAVIP, unbound."""
    address = parse_address(given["Vip"]) if "Vip" in given else None
    subnet_id = given.get("SubnetId") or _subnet_for(service, given["VpcId"], address)
    havip = service.network.create_havip(
        given["VpcId"],
        subnet_id,
        given["HaVipName"],
        address=address,
        check_associate=given.get("CheckAssociate"),
        members=given.get("HaVipAssociationSet", ()),
        tags=given.get("Tags", ()),
        now=service.now(),
    )
    return {"HaVip": _view(service, havip)}


@ACTIONS.action("DescribeHaVips", **_LISTING.parameters)
def describe_havips(service: Service, given: Given) -> Answer:
    """List HAVIPs with their bindings."""
    return _LISTING.answer(service.network.havips, given, lambda havip: _view(service, havip))


@ACTIONS.action("ModifyHaVipAttribute", HaVipId=required(text), HaVipName=optional(text))
def modify_havip(service: Service, given: Given) -> Answer:
    """Rename a HAVIP; nothing else of it can be changed."""
    if "HaVipName" not in given:
        raise ApiError("MissingParameter", "HaVipName is missing; it is the one attribute that can be changed")
    service.network.rename_havip(given["HaVipId"], given["HaVipName"])
    return {}


@ACTIONS.task("DeleteHaVip", "HaVipId", HaVipId=required(text))
def delete_havip(service: Service, given: Given) -> Answer:
    """Release a HAVIP, bound or not; the request's id is that of a task."""
    service.network.delete_havip(given["HaVipId"], now=service.now())
    return {}
