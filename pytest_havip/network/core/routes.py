"""Requests about routes whose next hop is a HAVIP: they lead to its owner, and nowhere while there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Network

from pytest_havip.network.core.arguments import check_id
from pytest_havip.network.core.effects import Change
from pytest_havip.network.core.identities import new_identity
from pytest_havip.network.core.model import Havip, Route, Vpc
from pytest_havip.network.core.refusal import Code, Refused
from pytest_havip.network.core.state import State

__all__ = ["Routes", "route_table_id"]

_LONGEST_DESCRIPTION = 60


def route_table_id(vpc_id: str) -> str:
    """The id of a VPC's table of routes."""
    return f"rtb-{vpc_id.removeprefix('vpc-')}"


class Routes(State):
    """The routes of VPCs."""

    def route_table(self, table_id: str) -> Vpc:
        """The VPC whose table of routes this is, or Refused: Malformed, ResourceNotFound."""
        check_id("rtb", table_id)
        vpc = self.vpcs.get(f"vpc-{table_id.removeprefix('rtb-')}")
        if vpc is None:
            raise Refused(Code.NOT_FOUND, f"there is no {table_id}; a VPC's table has the eight characters of its id")
        return vpc

    def create_routes(self, table_id: str, wanted: Sequence[tuple[IPv4Network, str, str]], *, now: float) -> Vpc:
        """Add routes to a VPC's table, all or none.

        Args:
            table_id: the table.
            wanted: of each its destination, the HAVIP that is its next hop, and a description.
            now: epoch seconds.

        Raises:
            Refused: InvalidParameterValue (a destination inside the VPC), Duplicate, RouteNextHopInvalid (a HAVIP of
                another VPC), ResourceNotFound, TooLong, LimitExceeded.
        """
        vpc = self.route_table(table_id)
        routes = list(vpc.routes)
        most = self.profile.route_quota
        if len(routes) + len(wanted) > most:
            raise Refused(
                Code.LIMIT_EXCEEDED,
                f"{table_id} has {len(routes)} routes, {len(wanted)} more are wanted, the quota is {most}; delete some",
            )
        for destination, havip_id, description in wanted:
            havip = self._inventory.havip(havip_id)
            _check(vpc, routes, destination, havip, description)
            identity = new_identity("rti", self._new_token, {route.id for route in routes})
            routes.append(Route(identity, destination, havip_id, havip.address, havip.subnet_id, description, now))
        return self._set_routes(vpc, routes)

    def delete_routes(self, table_id: str, identifiers: Sequence[str]) -> tuple[Route, ...]:
        """Remove routes from a VPC's table, all or none, and return them.

        Raises:
            Refused: Duplicate, ResourceNotFound.
        """
        vpc = self.route_table(table_id)
        there = {route.id: route for route in vpc.routes}
        if len(set(identifiers)) < len(identifiers):
            raise Refused(Code.DUPLICATE, "a route is named twice; name each once")
        for identifier in identifiers:
            if identifier not in there:
                raise Refused(Code.NOT_FOUND, f"{table_id} has no route {identifier[:60]}; list what it has")
        self._set_routes(vpc, [route for route in vpc.routes if route.id not in identifiers])
        return tuple(there[identifier] for identifier in identifiers)

    def _set_routes(self, vpc: Vpc, routes: Iterable[Route]) -> Vpc:
        """Change a VPC's table, and what its HAVIPs know of it."""
        after = replace(vpc, routes=tuple(routes))
        hops = {route.havip_id for route in after.routes}
        self._commit(
            *(
                Change(havip, replace(havip, is_next_hop=havip.id in hops))
                for havip in self.havips.values()
                if havip.vpc_id == vpc.id and havip.is_next_hop != (havip.id in hops)
            ),
            Change(vpc, after),
        )
        return after


def _check(vpc: Vpc, routes: Iterable[Route], destination: IPv4Network, havip: Havip, description: str) -> None:
    if destination.subnet_of(vpc.cidr):
        raise Refused(Code.INVALID, f"{destination} is inside {vpc.cidr}, the range of {vpc.id}; it needs no route")
    if any(route.destination == destination for route in routes):
        raise Refused(Code.DUPLICATE, f"there is a route to {destination} already; delete it first")
    if havip.vpc_id != vpc.id:
        raise Refused(Code.NEXT_HOP, f"{havip.id} is in {havip.vpc_id}, not in {vpc.id}")
    if len(description) > _LONGEST_DESCRIPTION:
        raise Refused(Code.TOO_LONG, f"a description has {_LONGEST_DESCRIPTION} characters at most")
