"""Actions on the table of routes that a VPC has. Every subnet of the VPC uses it; its next hops are HAVIPs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.listing import FilterTable, Listing, time_text
from pytest_havip.network.api.parameters import (
    Given,
    Schema,
    boolean,
    integer,
    not_offered,
    number_as_text,
    objects,
    optional,
    required,
    text,
    unused,
)
from pytest_havip.network.core import Code, Refused, Route, Vpc, parse_cidr, route_table_id
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()

_GATEWAY: Final = "HAVIP"
_NAME: Final = "default"
#: What answers say of a route, and requests may repeat.
_TOLD: Final = {
    "RouteId": optional(unused),
    "RouteType": optional(unused),
    "RouteTableId": optional(unused),
    "RouteItemId": optional(unused),
    "PublishedToVbc": optional(unused),
    "CreatedTime": optional(unused),
    "DestinationIpv6CidrBlock": optional(not_offered),
    "CdcId": optional(not_offered),
}
_NEW: Final = objects(
    Schema(
        {
            **_TOLD,
            "DestinationCidrBlock": required(text),
            "GatewayType": required(text),
            "GatewayId": required(text),
            "RouteDescription": optional(text),
            "Enabled": optional(boolean),
        }
    )
)
_OLD: Final = objects(
    Schema(
        {
            **_TOLD,
            "DestinationCidrBlock": optional(unused),
            "DestinationIpv6CidrBlock": optional(unused),
            "CdcId": optional(unused),
            "GatewayType": optional(unused),
            "GatewayId": optional(unused),
            "RouteDescription": optional(unused),
            "Enabled": optional(unused),
            "RouteItemId": optional(text),
            "RouteId": optional(integer),
        }
    )
)


@dataclass(frozen=True, slots=True)
class _Table:
    """A VPC's table, as lists are made of it."""

    id: str
    vpc: Vpc


_FILTERS: Final[FilterTable[_Table]] = {
    "route-table-id": lambda table: (table.id,),
    "route-table-name": lambda _: (_NAME,),
    "vpc-id": lambda table: (table.vpc.id,),
    "association.main": lambda _: ("true",),
    "next-hop-type": lambda table: (_GATEWAY,) if table.vpc.routes else (),
    "next-hop-id": lambda table: [route.havip_id for route in table.vpc.routes],
}
_LISTING: Final = Listing("rtb", ids="RouteTableIds", found="RouteTableSet", filters=_FILTERS, number=number_as_text)


def _number(route: Route) -> int:
    """Return a route's number, which its id tells."""
    return int(route.id.removeprefix("rti-"), 36)


def _view_route(table_id: str, route: Route) -> Answer:
    return {
        "DestinationCidrBlock": str(route.destination),
        "GatewayType": _GATEWAY,
        "GatewayId": route.havip_id,
        "RouteId": _number(route),
        "RouteDescription": route.description,
        "Enabled": True,
        "RouteType": "USER",
        "RouteTableId": table_id,
        "DestinationIpv6CidrBlock": "",
        "RouteItemId": route.id,
        "PublishedToVbc": False,
        "CreatedTime": time_text(route.created),
        "CdcId": "",
    }


def _view(service: Service, table: _Table) -> Answer:
    subnets = [subnet.id for subnet in service.network.subnets.values() if subnet.vpc_id == table.vpc.id]
    return {
        "VpcId": table.vpc.id,
        "RouteTableId": table.id,
        "RouteTableName": _NAME,
        "AssociationSet": [{"SubnetId": subnet_id, "RouteTableId": table.id} for subnet_id in subnets],
        "RouteSet": [_view_route(table.id, route) for route in table.vpc.routes],
        "Main": True,
        "CreatedTime": time_text(table.vpc.created),
        "TagSet": [],
        "LocalCidrForCcn": [],
    }


def _tables(service: Service) -> Mapping[str, _Table]:
    return {(table := route_table_id(vpc.id)): _Table(table, vpc) for vpc in service.network.vpcs.values()}


@ACTIONS.action("DescribeRouteTables", NeedRouterInfo=optional(boolean), **_LISTING.parameters)
def describe(service: Service, given: Given) -> Answer:
    """List the tables of routes, each VPC's one."""
    is_brief = given.get("NeedRouterInfo") is False

    def view(table: _Table) -> Answer:
        shown = _view(service, table)
        return {**shown, "RouteSet": []} if is_brief else shown

    return _LISTING.answer(_tables(service), given, view)


@ACTIONS.action("CreateRoutes", RouteTableId=required(text), Routes=required(_NEW))
def create(service: Service, given: Given) -> Answer:
    """Lead ranges outside of a VPC to the owners of HAVIPs, all or none."""
    if not given["Routes"]:
        raise ApiError("MissingParameter", "Routes is empty; name a route")
    wanted = []
    for route in given["Routes"]:
        if route["GatewayType"] != _GATEWAY:
            raise ApiError("UnsupportedOperation", f"this network offers next hops of the GatewayType {_GATEWAY} only")
        if route.get("Enabled") is False:
            raise ApiError("UnsupportedOperation", "this network offers no routes that are not enabled")
        destination = parse_cidr(route["DestinationCidrBlock"])
        wanted.append((destination, route["GatewayId"], route.get("RouteDescription", "")))
    vpc = service.network.create_routes(given["RouteTableId"], wanted, now=service.now())
    return {"TotalCount": len(wanted), "RouteTableSet": [_view(service, _Table(given["RouteTableId"], vpc))]}


@ACTIONS.action("DeleteRoutes", RouteTableId=required(text), Routes=required(_OLD))
def delete(service: Service, given: Given) -> Answer:
    """Remove routes, all or none; each is named by RouteItemId or by RouteId."""
    table_id = given["RouteTableId"]
    by_number = {_number(route): route.id for route in service.network.route_table(table_id).routes}
    identifiers = []
    for route in given["Routes"]:
        number = route.get("RouteId", 0)
        identifier = route.get("RouteItemId") or by_number.get(number)
        if identifier is None:
            raise Refused(Code.NOT_FOUND, f"{table_id} has no route {number}; list what it has")
        identifiers.append(identifier)
    if not identifiers:
        raise ApiError("MissingParameter", "Routes is empty; name a route by its RouteItemId, or its RouteId")
    deleted = service.network.delete_routes(table_id, identifiers)
    return {"RouteSet": [_view_route(table_id, route) for route in deleted]}
