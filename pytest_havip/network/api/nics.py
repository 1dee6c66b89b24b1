"""Actions on network interfaces."""

from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.listing import FilterTable, Listing, time_text
from pytest_havip.network.api.nic_addresses import view_address, wanted_addresses
from pytest_havip.network.api.parameters import (
    Given,
    client_token,
    integer,
    not_offered,
    optional,
    required,
    text,
    unused,
)
from pytest_havip.network.api.place import ZONE
from pytest_havip.network.core import Nic, check_id
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
_LISTING: Final = Listing("eni", ids="NetworkInterfaceIds", found="NetworkInterfaceSet", filters=_FILTERS)


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
        "NetworkInterfaceState": "AVAILABLE",
        "PrivateIpAddressSet": [
            view_address(address, is_primary=number == 0) for number, address in enumerate(nic.addresses)
        ],
        "Attachment": attachment if nic.instance_id else None,
        "Zone": ZONE,
        "CreatedTime": time_text(nic.created),
        "Ipv6AddressSet": [],
        "TagSet": [],
        "EniType": 0,
        "Business": "",
        "CdcId": "",
        "AttachType": 0,
        "ResourceId": "",
        "QosLevel": "DEFAULT",
    }


@ACTIONS.action(
    "CreateNetworkInterface",
    VpcId=required(text),
    SubnetId=required(text),
    NetworkInterfaceName=required(text),
    NetworkInterfaceDescription=optional(not_offered),
    QosLevel=optional(unused),
    PrivateIpAddresses=optional(wanted_addresses),
    SecondaryPrivateIpAddressCount=optional(integer),
    SecurityGroupIds=optional(not_offered),
    Ipv6Addresses=optional(not_offered),
    Ipv6AddressCount=optional(not_offered),
    Tags=optional(not_offered),
    TrunkingFlag=optional(not_offered),
    IsRdma=optional(not_offered),
    TerminationProtection=optional(not_offered),
    TrafficProtection=optional(not_offered),
    ClientToken=optional(client_token),
)
def create_nic(service: Service, given: Given) -> Answer:
    """Make a NIC with a primary address and, if wanted, secondary ones."""
    vpc_id = given["VpcId"]
    check_id("vpc", vpc_id)
    check_id("subnet", given["SubnetId"])
    subnet = service.network.subnets.get(given["SubnetId"])
    if vpc_id not in service.network.vpcs or subnet is None:
        raise ApiError("ResourceNotFound", f"there is no {vpc_id} with a {given['SubnetId']}")
    if subnet.vpc_id != vpc_id:
        raise ApiError("UnsupportedOperation.VpcMismatch", f"{subnet.id} is in {subnet.vpc_id}, not in {vpc_id}")
    nic = service.network.create_nic(
        subnet.id,
        given["NetworkInterfaceName"],
        addresses=given.get("PrivateIpAddresses", ()),
        secondary_count=given.get("SecondaryPrivateIpAddressCount", 0),
        now=service.now(),
    )
    return {"NetworkInterface": _view(nic)}


@ACTIONS.action("DescribeNetworkInterfaces", **_LISTING.parameters)
def describe_nics(service: Service, given: Given) -> Answer:
    """List NICs."""
    return _LISTING.answer(service.network.nics, given, _view)


@ACTIONS.task(
    "AttachNetworkInterface",
    "NetworkInterfaceId",
    NetworkInterfaceId=required(text),
    InstanceId=required(text),
    AttachType=optional(unused),
    ClientToken=optional(client_token),
)
def attach_nic(service: Service, given: Given) -> Answer:
    """Make a NIC part of an instance; the cable is laid at the patch panel."""
    service.network.attach_nic(given["NetworkInterfaceId"], given["InstanceId"])
    return {}


def _check_attached(service: Service, nic_id: str, instance_id: str) -> None:
    """See that a NIC, if there is such a one, is attached to nothing but the instance that a request names."""
    nic = service.network.nics.get(nic_id)
    if nic is not None and nic.instance_id and nic.instance_id != instance_id:
        raise ApiError("InvalidParameterValue", f"{nic.id} is attached to {nic.instance_id}, not to what you named")


@ACTIONS.task(
    "DetachNetworkInterface",
    "NetworkInterfaceId",
    NetworkInterfaceId=required(text),
    InstanceId=required(text),
    ClientToken=optional(client_token),
)
def detach_nic(service: Service, given: Given) -> Answer:
    """Take a NIC out of its instance; its cable goes, and the HAVIPs bound to it are unbound."""
    _check_attached(service, given["NetworkInterfaceId"], given["InstanceId"])
    service.network.detach_nic(given["NetworkInterfaceId"], now=service.now())
    return {}


@ACTIONS.task(
    "MigrateNetworkInterface",
    "NetworkInterfaceId",
    NetworkInterfaceId=required(text),
    SourceInstanceId=required(text),
    DestinationInstanceId=required(text),
    AttachType=optional(unused),
)
def migrate_nic(service: Service, given: Given) -> Answer:
    """Move a NIC from one instance to another: as if detached and attached; the cable is laid anew."""
    _check_attached(service, given["NetworkInterfaceId"], given["SourceInstanceId"])
    service.network.migrate_nic(given["NetworkInterfaceId"], given["DestinationInstanceId"], now=service.now())
    return {}


@ACTIONS.action("DeleteNetworkInterface", NetworkInterfaceId=required(text))
def delete_nic(service: Service, given: Given) -> Answer:
    """Delete a NIC; its addresses are free again."""
    service.network.delete_nic(given["NetworkInterfaceId"], now=service.now())
    return {}
