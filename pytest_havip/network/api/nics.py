"""Actions on network interfaces."""

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import (
    Given,
    Schema,
    boolean,
    filters,
    integer,
    not_offered,
    objects,
    optional,
    required,
    text,
    texts,
    unused,
)
from pytest_havip.network.api.place import ZONE
from pytest_havip.network.api.selection import FilterTable, check_id, select, time_text
from pytest_havip.network.core import Nic, parse_address
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()

_FILTERS: Final[FilterTable[Nic]] = {
    "network-interface-id": lambda nic: (nic.id,),
    "network-interface-name": lambda nic: (nic.name,),
    "vpc-id": lambda nic: (nic.vpc_id,),
    "subnet-id": lambda nic: (nic.subnet_id,),
    "attachment.instance-id": lambda nic: (nic.instance_id,),
    "address-ip": lambda nic: tuple(map(str, nic.addresses)),
    "mac-address": lambda nic: (nic.mac,),
}

_ADDRESSES: Final = objects(
    Schema(
        {
            "PrivateIpAddress": required(text),
            "Primary": optional(boolean),
            "Description": optional(unused),
            "QosLevel": optional(unused),
        }
    )
)


def _view(nic: Nic) -> Answer:
    attachment = {"InstanceId": nic.instance_id, "DeviceIndex": 0, "InstanceAccountId": "", "AttachTime": ""}
    return {
        "NetworkInterfaceId": nic.id,
        "NetworkInterfaceName": nic.name,
        "NetworkInterfaceDescription": "",
        "SubnetId": nic.subnet_id,
        "VpcId": nic.vpc_id,
        "GroupSet": [],
        "Primary": False,
        "MacAddress": nic.mac,
        "State": "AVAILABLE",
        "PrivateIpAddressSet": [
            {
                "PrivateIpAddress": str(address),
                "Primary": number == 0,
                "PublicIpAddress": "",
                "AddressId": "",
                "Description": "",
                "IsWanIpBlocked": False,
                "State": "AVAILABLE",
            }
            for number, address in enumerate(nic.addresses)
        ],
        "Attachment": attachment if nic.instance_id else None,
        "Zone": ZONE,
        "CreatedTime": time_text(nic.created),
        "Ipv6AddressSet": [],
        "TagSet": [],
    }


def _addresses(entries: Sequence[Given]) -> tuple[IPv4Address, ...]:
    """Read the wanted addresses, the primary one first."""
    primaries = [entry for entry in entries if entry.get("Primary")]
    if len(primaries) > 1:
        raise ApiError("InvalidParameterValue", "PrivateIpAddresses has several primary addresses; name one")
    if entries and not primaries:
        # The first address of a NIC is its primary one, whether the request says so or not.
        primaries = [entries[0]]
    ordered = [*primaries, *(entry for entry in entries if entry not in primaries)]
    if len(ordered) != len(entries):
        raise ApiError("InvalidParameterValue.Duplicate", "PrivateIpAddresses names an address twice")
    return tuple(parse_address(entry["PrivateIpAddress"]) for entry in ordered)


@ACTIONS.action(
    "CreateNetworkInterface",
    VpcId=required(text),
    SubnetId=required(text),
    NetworkInterfaceName=required(text),
    NetworkInterfaceDescription=optional(not_offered),
    PrivateIpAddresses=optional(_ADDRESSES),
    SecondaryPrivateIpAddressCount=optional(integer),
    SecurityGroupIds=optional(not_offered),
    Tags=optional(not_offered),
)
def create_nic(service: Service, given: Given) -> Answer:
    """Make a NIC with a primary address and, if wanted, secondary ones."""
    vpc_id = check_id("vpc", given["VpcId"])
    subnet = service.network.subnets.get(check_id("subnet", given["SubnetId"]))
    if vpc_id not in service.network.vpcs or subnet is None:
        raise ApiError("ResourceNotFound", f"there is no {vpc_id} with a {given['SubnetId']}")
    if subnet.vpc_id != vpc_id:
        raise ApiError("UnsupportedOperation.VpcMismatch", f"{subnet.id} is in {subnet.vpc_id}, not in {vpc_id}")
    nic = service.network.create_nic(
        subnet.id,
        given["NetworkInterfaceName"],
        addresses=_addresses(given.get("PrivateIpAddresses", ())),
        secondary_count=given.get("SecondaryPrivateIpAddressCount", 0),
        now=service.now(),
    )
    return {"NetworkInterface": _view(nic)}


@ACTIONS.action(
    "DescribeNetworkInterfaces",
    NetworkInterfaceIds=optional(texts),
    Filters=optional(filters),
    Offset=optional(integer),
    Limit=optional(integer),
)
def describe_nics(service: Service, given: Given) -> Answer:
    """List NICs."""
    total, page = select(service.network.nics, given, kind="eni", ids="NetworkInterfaceIds", filters=_FILTERS)
    return {"TotalCount": total, "NetworkInterfaceSet": [_view(nic) for nic in page]}


@ACTIONS.action("AttachNetworkInterface", NetworkInterfaceId=required(text), InstanceId=required(text))
def attach_nic(service: Service, given: Given) -> Answer:
    """Make a NIC part of an instance; the cable is laid at the patch panel."""
    service.network.attach_nic(given["NetworkInterfaceId"], given["InstanceId"])
    return {}


@ACTIONS.action("DetachNetworkInterface", NetworkInterfaceId=required(text), InstanceId=required(text))
def detach_nic(service: Service, given: Given) -> Answer:
    """Take a NIC out of its instance; its cable goes, and the HAVIPs bound to it are unbound."""
    nic = service.network.nics.get(check_id("eni", given["NetworkInterfaceId"]))
    if nic is not None and nic.instance_id and nic.instance_id != given["InstanceId"]:
        raise ApiError("InvalidParameterValue", f"{nic.id} is attached to {nic.instance_id}, not to what you named")
    service.network.detach_nic(given["NetworkInterfaceId"], now=service.now())
    return {}


@ACTIONS.action("DeleteNetworkInterface", NetworkInterfaceId=required(text))
def delete_nic(service: Service, given: Given) -> Answer:
    """Delete a NIC; its addresses are free again."""
    service.network.delete_nic(given["NetworkInterfaceId"], now=service.now())
    return {}
