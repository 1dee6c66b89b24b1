"""A network whose control plane speaks Tencent's API: what a driver asks of it by that alone."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from pytest_havip.targets.base import Eip, Havip, HavipState, Nic, Refused, Route, Subnet, Target, Vpc

__all__ = ["TencentNetwork"]

#: What a HAVIP is called that somebody owns. (Alibaba's Available is what Tencent calls UNBIND.)
_BOUND = frozenset({"AVAILABLE", "InUse"})
#: Profiles in which a HAVIP has a drift range in force unless its creation says that it has none.
_RANGED = frozenset({"alibaba", "ovn"})
#: Why a HAVIP is not released in profiles that keep one that is bound.
_IS_BOUND = "UnsupportedOperation.InvalidState"
#: How often a HAVIP is unbound that is to be released, where it has to be unbound and is announced meanwhile.
_ATTEMPTS = 100


class TencentNetwork(Target):
    """What does not depend on how machines are plugged in."""

    def create_vpc(self, cidr: str) -> Vpc:
        """See `Target.create_vpc`."""
        vpc = self.call("CreateVpc", VpcName="lab", CidrBlock=cidr)["Vpc"]
        return Vpc(vpc["VpcId"], IPv4Network(vpc["CidrBlock"]))

    def create_subnet(self, vpc: Vpc, cidr: str) -> Subnet:
        """See `Target.create_subnet`."""
        subnet = self.call("CreateSubnet", VpcId=vpc.id, SubnetName="lab", CidrBlock=cidr, Zone="lab-1")["Subnet"]
        network = IPv4Network(subnet["CidrBlock"])
        # Tencent's gateway is the subnet's first host address (clouds: product document, "reserved addresses").
        return Subnet(subnet["SubnetId"], vpc.id, network, network.network_address + 1)

    def delete_subnet(self, subnet: Subnet) -> None:
        """See `Target.delete_subnet`."""
        self.call("DeleteSubnet", SubnetId=subnet.id)

    def create_havip(self, subnet: Subnet, *, address: str | None = None, name: str = "havip") -> Havip:
        """See `Target.create_havip`."""
        wish: dict[str, object] = {"VpcId": subnet.vpc_id, "SubnetId": subnet.id, "HaVipName": name, "Vip": address}
        if self.profile in _RANGED:
            wish["CheckAssociate"] = False  # every machine of the subnet may announce it
        return _havip(self.call("CreateHaVip", **wish)["HaVip"])

    def rename_havip(self, havip: Havip, name: str) -> None:
        """See `Target.rename_havip`."""
        self.call("ModifyHaVipAttribute", HaVipId=havip.id, HaVipName=name)

    def delete_havip(self, havip: Havip) -> None:
        """See `Target.delete_havip`."""
        for _ in range(_ATTEMPTS):
            try:
                self.call("DeleteHaVip", HaVipId=havip.id)
            except Refused as refused:
                if refused.code != _IS_BOUND:
                    raise
                self.unbind(havip)
            else:
                return
        raise Refused(_IS_BOUND, f"{havip.id} is announced again and again, and cannot be released.")

    def unbind(self, havip: Havip) -> None:
        """See `Target.unbind`; Tencent's console can do it, its API cannot."""
        self.call("HavipLabUnbindHaVip", HaVipId=havip.id)

    def havip_state(self, havip: Havip) -> HavipState | None:
        """See `Target.havip_state`."""
        (state,) = self.havip_states([havip])
        return state

    def havip_states(self, havips: Sequence[Havip]) -> list[HavipState | None]:
        """See `Target.havip_states`; one request tells of a hundred."""
        views = self.call("DescribeHaVips", HaVipIds=[havip.id for havip in havips], Limit=100)["HaVipSet"]
        states = {view["HaVipId"]: _state(view) for view in views}
        return [states.get(havip.id) for havip in havips]

    def havips(self, vpc: Vpc) -> list[Havip]:
        """See `Target.havips`."""
        filters = [{"Name": "vpc-id", "Values": [vpc.id]}]
        found: list[Havip] = []
        while True:
            page = self.call("DescribeHaVips", Filters=filters, Offset=len(found), Limit=100)
            found += [_havip(view) for view in page["HaVipSet"]]
            if not page["HaVipSet"] or len(found) >= page["TotalCount"]:
                return found

    def havip_quota(self, vpc: Vpc) -> int:
        """See `Target.havip_quota`; Tencent's limit is the same for every VPC."""
        del vpc
        (limit,) = self.call("DescribeVpcLimits", LimitTypes=["vpc-max-havips"])["VpcLimitSet"]
        return int(limit["LimitValue"])

    def allocate_eip(self) -> Eip:
        """See `Target.allocate_eip`."""
        (identifier,) = self.call("AllocateAddresses", AddressCount=1)["AddressSet"]
        (view,) = self.call("DescribeAddresses", AddressIds=[identifier])["AddressSet"]
        return Eip(identifier, IPv4Address(view["AddressIp"]))

    def release_eip(self, eip: Eip) -> None:
        """See `Target.release_eip`."""
        self.call("ReleaseAddresses", AddressIds=[eip.id])

    def associate_eip(self, eip: Eip, havip: Havip) -> None:
        """See `Target.associate_eip`."""
        self.call("HaVipAssociateAddressIp", HaVipId=havip.id, AddressIp=str(eip.address))

    def dissociate_eip(self, havip: Havip) -> None:
        """See `Target.dissociate_eip`."""
        self.call("HaVipDisassociateAddressIp", HaVipId=havip.id)

    def eip_of(self, havip: Havip) -> IPv4Address | None:
        """See `Target.eip_of`."""
        (view,) = self.call("DescribeHaVips", HaVipIds=[havip.id])["HaVipSet"]
        return IPv4Address(view["AddressIp"]) if view["AddressIp"] else None

    def create_route(self, vpc: Vpc, destination: str, havip: Havip) -> Route:
        """See `Target.create_route`."""
        wanted = {"DestinationCidrBlock": destination, "GatewayType": "HAVIP", "GatewayId": havip.id}
        (table,) = self.call("CreateRoutes", RouteTableId=_route_table(vpc.id), Routes=[wanted])["RouteTableSet"]
        return Route(table["RouteSet"][-1]["RouteItemId"], vpc.id)

    def delete_route(self, route: Route) -> None:
        """See `Target.delete_route`."""
        self.call("DeleteRoutes", RouteTableId=_route_table(route.vpc_id), Routes=[{"RouteItemId": route.id}])

    def set_source_check(self, nic: Nic, *, on: bool) -> None:
        """See `Target.set_source_check`; Tencent's API has no such action."""
        self.call("HavipLabModifySourceCheck", NetworkInterfaceId=nic.id, SourceCheck=on)

    def set_admitted(self, *, admitted: bool) -> None:
        """See `Target.set_admitted`."""
        self.call("HavipLabModifyAdmission", Admitted=admitted)

    def set_havip_quota(self, vpc: Vpc, quota: int) -> None:
        """See `Target.set_havip_quota`; it is the same for every VPC."""
        del vpc
        self.call("HavipLabModifyQuota", LimitType="vpc-max-havips", LimitValue=quota)


def _route_table(vpc_id: str) -> str:
    """The id of a VPC's one table of routes."""
    return f"rtb-{vpc_id.removeprefix('vpc-')}"


def _state(view: dict[str, Any]) -> HavipState:
    return HavipState(
        havip=_havip(view),
        bound=view["State"] in _BOUND,
        nic_id=view["NetworkInterfaceId"],
        instance_id=view["InstanceId"],
        flushed=view["FlushedTime"],
    )


def _havip(view: dict[str, Any]) -> Havip:
    return Havip(view["HaVipId"], view["HaVipName"], IPv4Address(view["Vip"]), view["VpcId"], view["SubnetId"])
