"""Actions on elastic IPs, and on their association with HAVIPs."""

from datetime import UTC, datetime
from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.listing import FilterTable, Listing
from pytest_havip.network.api.parameters import (
    Given,
    client_token,
    integer,
    not_offered,
    optional,
    required,
    text,
    texts,
    unused,
)
from pytest_havip.network.core import Eip, parse_address
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()

#: "Unnamed", the name of an elastic IP that was given none.
_UNNAMED: Final = "未命名"
_KIND: Final = "EIP"
_PROVIDER: Final = "BGP"


def _status(eip: Eip) -> str:
    return "BIND" if eip.havip_id else "UNBIND"


_FILTERS: Final[FilterTable[Eip]] = {
    "address-id": lambda eip: (eip.id,),
    "address-name": lambda eip: (eip.name,),
    "address-ip": lambda eip: (str(eip.address),),
    "address-status": lambda eip: (_status(eip),),
    "address-type": lambda _: (_KIND,),
    "instance-id": lambda eip: (eip.havip_id,),
    "instance-type": lambda eip: ("HAVIP",) if eip.havip_id else (),
}
_LISTING: Final = Listing("eip", ids="AddressIds", found="AddressSet", filters=_FILTERS)


def _view(service: Service, eip: Eip) -> Answer:
    havip = service.network.havips.get(eip.havip_id)
    return {
        "AddressId": eip.id,
        "AddressName": eip.name,
        "AddressStatus": _status(eip),
        "AddressIp": str(eip.address),
        "InstanceId": eip.havip_id,
        "CreatedTime": datetime.fromtimestamp(eip.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "NetworkInterfaceId": havip.binding.nic_id if havip is not None and havip.binding is not None else None,
        "PrivateAddressIp": str(havip.address) if havip is not None else None,
        "IsArrears": False,
        "IsBlocked": False,
        "IsEipDirectConnection": False,
        "AddressType": _KIND,
        "CascadeRelease": False,
        "EipAlgType": {"Ftp": False, "Sip": False},
        "InternetServiceProvider": _PROVIDER,
        "LocalBgp": False,
        "Bandwidth": None,
        "InternetChargeType": None,
        "TagSet": [],
        "DeadlineDate": None,
        "InstanceType": "HAVIP" if havip is not None else None,
        "Egress": None,
        "AntiDDoSPackageId": "",
        "RenewFlag": "",
        "BandwidthPackageId": None,
        "UnVpcId": "",
        "DedicatedClusterId": "",
        "EipVisibleOnEni": False,
    }


@ACTIONS.numbered_task(
    "AllocateAddresses",
    AddressCount=optional(integer),
    AddressName=optional(text),
    AddressType=optional(text),
    InternetServiceProvider=optional(text),
    InternetChargeType=optional(unused),
    InternetMaxBandwidthOut=optional(unused),
    IPChargeType=optional(not_offered),
    AddressChargePrepaid=optional(not_offered),
    AnycastZone=optional(not_offered),
    VipCluster=optional(not_offered),
    ApplicableForCLB=optional(not_offered),
    Tags=optional(not_offered),
    BandwidthPackageId=optional(not_offered),
    DedicatedClusterId=optional(not_offered),
    IsDedicatedAddressPool=optional(unused),
    Egress=optional(unused),
    AntiDDoSPackageId=optional(not_offered),
    ClientToken=optional(client_token),
)
def allocate(service: Service, given: Given) -> Answer:
    """Get elastic IPs; what they cost, and how fast they are, has no meaning here."""
    for name, only in (("AddressType", _KIND), ("InternetServiceProvider", _PROVIDER)):
        if given.get(name, only) != only:
            raise ApiError("InvalidParameterValue", f"{name} is {given[name][:60]!r}; this network offers {only}")
    name = given.get("AddressName") or _UNNAMED
    eips = service.network.allocate_eips(name, given.get("AddressCount", 1), now=service.now())
    return {"AddressSet": [eip.id for eip in eips]}


@ACTIONS.numbered_task("ReleaseAddresses", AddressIds=required(texts))
def release(service: Service, given: Given) -> Answer:
    """Give elastic IPs back that lead nowhere, all or none."""
    if not given["AddressIds"]:
        raise ApiError("MissingParameter", "AddressIds is empty; name an elastic IP")
    service.network.release_eips(given["AddressIds"])
    return {}


@ACTIONS.action("DescribeAddresses", **_LISTING.parameters)
def describe(service: Service, given: Given) -> Answer:
    """List elastic IPs, and where they lead."""
    return _LISTING.answer(service.network.eips, given, lambda eip: _view(service, eip))


@ACTIONS.task("HaVipAssociateAddressIp", "HaVipId", HaVipId=required(text), AddressIp=required(text))
def associate(service: Service, given: Given) -> Answer:
    """Let an elastic IP lead to a HAVIP."""
    service.network.associate_eip(given["HaVipId"], parse_address(given["AddressIp"]))
    return {}


@ACTIONS.task("HaVipDisassociateAddressIp", "HaVipId", HaVipId=required(text))
def dissociate(service: Service, given: Given) -> Answer:
    """Let the elastic IP of a HAVIP lead nowhere."""
    service.network.dissociate_eip(given["HaVipId"])
    return {}
