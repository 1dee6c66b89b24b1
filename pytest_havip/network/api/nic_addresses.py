"""Actions on the addresses of network interfaces."""

from ipaddress import IPv4Address
from typing import Any, Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import (
    Given,
    Schema,
    boolean,
    client_token,
    integer,
    objects,
    optional,
    required,
    text,
    unused,
)
from pytest_havip.network.core import parse_address
from pytest_havip.network.service import Service

__all__ = ["ACTIONS", "view_address", "wanted_addresses"]

ACTIONS: Final = Actions()

_ENTRIES: Final = objects(
    Schema(
        {
            "PrivateIpAddress": required(text),
            "Primary": optional(boolean),
            "PublicIpAddress": optional(unused),
            "AddressId": optional(unused),
            "Description": optional(unused),
            "IsWanIpBlocked": optional(unused),
            "State": optional(unused),
            "QosLevel": optional(unused),
        }
    )
)


def wanted_addresses(name: str, value: object) -> tuple[IPv4Address, ...]:
    """Accept the wanted addresses of a NIC; the primary one comes first, as it does if none is called so."""
    entries: Any = _ENTRIES(name, value)
    primaries = [parse_address(entry["PrivateIpAddress"]) for entry in entries if entry.get("Primary")]
    if len(primaries) > 1:
        raise ApiError("InvalidParameterValue", f"{name} has several primary addresses; name one")
    others = [parse_address(entry["PrivateIpAddress"]) for entry in entries if not entry.get("Primary")]
    return (*primaries, *others)


def _secondary_addresses(name: str, value: object) -> tuple[IPv4Address, ...]:
    entries: Any = _ENTRIES(name, value)
    if any(entry.get("Primary") for entry in entries):
        raise ApiError("InvalidParameterValue", f"{name} has a primary address; a NIC keeps the one that it has")
    return tuple(parse_address(entry["PrivateIpAddress"]) for entry in entries)


def view_address(address: IPv4Address, *, is_primary: bool) -> Answer:
    """Show an address of a NIC."""
    return {
        "PrivateIpAddress": str(address),
        "Primary": is_primary,
        "PublicIpAddress": "",
        "AddressId": "",
        "Description": "",
        "IsWanIpBlocked": False,
        "State": "AVAILABLE",
        "QosLevel": "DEFAULT",
    }


@ACTIONS.task(
    "AssignPrivateIpAddresses",
    "NetworkInterfaceId",
    NetworkInterfaceId=required(text),
    PrivateIpAddresses=optional(_secondary_addresses),
    SecondaryPrivateIpAddressCount=optional(integer),
    QosLevel=optional(unused),
    ClientToken=optional(client_token),
)
def assign(service: Service, given: Given) -> Answer:
    """Give a NIC more addresses."""
    chosen = service.network.assign_addresses(
        given["NetworkInterfaceId"],
        addresses=given.get("PrivateIpAddresses", ()),
        count=given.get("SecondaryPrivateIpAddressCount", 0),
    )
    return {"PrivateIpAddressSet": [view_address(address, is_primary=False) for address in chosen]}


@ACTIONS.task(
    "UnassignPrivateIpAddresses",
    "NetworkInterfaceId",
    NetworkInterfaceId=required(text),
    PrivateIpAddresses=required(_secondary_addresses),
    InstanceId=optional(unused),
)
def unassign(service: Service, given: Given) -> Answer:
    """Take addresses from a NIC."""
    service.network.unassign_addresses(given["NetworkInterfaceId"], given["PrivateIpAddresses"])
    return {}


@ACTIONS.task(
    "MigratePrivateIpAddress",
    "DestinationNetworkInterfaceId",
    SourceNetworkInterfaceId=required(text),
    DestinationNetworkInterfaceId=required(text),
    PrivateIpAddress=required(text),
)
def migrate(service: Service, given: Given) -> Answer:
    """Move an address to another NIC of the subnet: what a cloud without HAVIPs offers for a takeover."""
    service.network.migrate_address(
        given["SourceNetworkInterfaceId"],
        given["DestinationNetworkInterfaceId"],
        parse_address(given["PrivateIpAddress"]),
    )
    return {}
