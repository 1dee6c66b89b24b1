"""Drift ranges of HAVIPs, by Tencent's API (``HaVipAssociation``), with NICs as their members."""

from ipaddress import IPv4Address

from pytest_havip.targets.base import Havip, Nic, Subnet, Target

__all__ = ["confined", "edit_range"]


def confined(target: Target, subnet: Subnet, address: IPv4Address, name: str, member: Nic) -> Havip:
    """Create a HAVIP whose drift range is in force and has one member; errors as of `Target.call`."""
    answer = target.call(
        "CreateHaVip",
        VpcId=subnet.vpc_id,
        SubnetId=subnet.id,
        HaVipName=name,
        Vip=str(address),
        CheckAssociate=True,
        HaVipAssociationSet=[{"InstanceId": member.id}],
    )
    return Havip(answer["HaVip"]["HaVipId"], name, address, subnet.vpc_id, subnet.id)


def edit_range(target: Target, havip: Havip, member: Nic, *, admits: bool) -> None:
    """Add a NIC to a HAVIP's drift range, or take it out; errors as of `Target.call`."""
    pairs = [{"HaVipId": havip.id, "InstanceId": member.id}]
    target.call("AssociateHaVipInstance" if admits else "DisassociateHaVipInstance", HaVipAssociationSet=pairs)
