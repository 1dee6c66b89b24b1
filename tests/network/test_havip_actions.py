"""The actions on HAVIPs, field for field, and the code of each refusal."""

from typing import TYPE_CHECKING, Any

import pytest
from tencentcloud.vpc.v20170312 import models

from pytest_havip.targets.base import Refused

if TYPE_CHECKING:
    from tests.network.conftest import Place, Rig

TASK = "00000000-0000-4000-8000-000000000000"


def code(rig: "Rig", action: str, **parameters: object) -> str:
    with pytest.raises(Refused) as refused:
        rig.call(action, **parameters)
    assert len(refused.value.message) > 10
    return refused.value.code


def fields(model: str) -> set[str]:
    """The fields that the official SDK knows."""
    return {name.removeprefix("_") for name in vars(getattr(models, model)())}


def members(havip: dict[str, Any], *ids: str, kind: str | None = None) -> list[dict[str, str]]:
    with_kind = {"InstanceType": kind} if kind else {}
    return [{"HaVipId": havip["HaVipId"], "InstanceId": member, **with_kind} for member in ids]


def instance_of(rig: "Rig", nic: str) -> str:
    (view,) = rig.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[nic])["NetworkInterfaceSet"]
    instance: str = view["Attachment"]["InstanceId"]
    return instance


def test_every_field_of_the_sdks_models_is_answered(rig: "Rig", place: "Place") -> None:
    machine = place.machine(capture=False)
    havip = rig.call(
        "CreateHaVip",
        VpcId=place.id,
        SubnetId=place.subnet,
        HaVipName="full",
        Tags=[{"Key": "city", "Value": "上海"}],
        HaVipAssociationSet=[{"InstanceId": machine.nic}],
    )["HaVip"]
    assert fields("HaVip") <= havip.keys()
    assert None not in havip.values()
    assert fields("HaVipAssociation") == havip["HaVipAssociationSet"][0].keys()
    assert havip["TagSet"] == [{"Key": "city", "Value": "上海"}]
    for action, field, model in (
        ("DescribeVpcs", "VpcSet", "Vpc"),
        ("DescribeSubnets", "SubnetSet", "Subnet"),
        ("DescribeNetworkInterfaces", "NetworkInterfaceSet", "NetworkInterface"),
    ):
        view = rig.call(action, Filters=[{"Name": "vpc-id", "Values": [place.id]}])[field][0]
        assert fields(model) - view.keys() <= {"Ipv6Addresses", "Ipv6AddressCount"}, action
    address = view["PrivateIpAddressSet"][0]
    assert fields("PrivateIpAddressSpecification") == address.keys()


def test_a_client_token_creates_once(rig: "Rig", place: "Place") -> None:
    request = {"VpcId": place.id, "SubnetId": place.subnet, "HaVipName": "a", "ClientToken": f"token of {place.id}"}
    made = [rig.call("CreateHaVip", **request)["HaVip"] for _ in range(3)]
    assert made[0] == made[1] == made[2]
    assert rig.call("DescribeHaVips", Filters=[{"Name": "vpc-id", "Values": [place.id]}])["TotalCount"] == 1
    for other in ({"HaVipName": "b"}, {"Vip": "10.0.0.9"}, {"CheckAssociate": False}):
        assert code(rig, "CreateHaVip", **request | other) == "UnsupportedOperation.IdempotentParameterMismatch"
    assert rig.call("CreateHaVip", **request | {"ClientToken": "another"})["HaVip"]["HaVipId"] != made[0]["HaVipId"]


def test_a_refused_request_leaves_its_token_unused(rig: "Rig", place: "Place") -> None:
    request = {"VpcId": place.id, "SubnetId": place.subnet, "HaVipName": "a", "ClientToken": f"again {place.id}"}
    assert code(rig, "CreateHaVip", **request | {"Vip": "10.0.0.1"}) == "InvalidParameterValue.Reserved"
    assert rig.call("CreateHaVip", **request)["HaVip"]["HaVipId"]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("x" * 65, "InvalidParameterValue.TooLong"),
        ("é", "InvalidParameterValue.Malformed"),
        ("", "InvalidParameterValue.Malformed"),
        (7, "InvalidParameter"),
    ],
)
def test_a_token_that_is_none(rig: "Rig", place: "Place", token: object, expected: str) -> None:
    assert code(rig, "CreateHaVip", VpcId=place.id, HaVipName="a", ClientToken=token) == expected


def test_the_longest_token_is_one(rig: "Rig", place: "Place") -> None:
    assert rig.call("CreateHaVip", VpcId=place.id, HaVipName="a", ClientToken=place.id.ljust(64, "x"))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([{"Key": "", "Value": "a"}], "InvalidParameterValue.TagInvalidKeyLen"),
        ([{"Key": "k" * 128, "Value": "a"}], "InvalidParameterValue.TagInvalidKeyLen"),
        ([{"Key": "k", "Value": "a" * 256}], "InvalidParameterValue.TagInvalidVal"),
        ([{"Key": "k", "Value": "a"}, {"Key": "k", "Value": "b"}], "InvalidParameterValue.TagDuplicateKey"),
        ([{"Key": "k"}], "MissingParameter"),
        ({"k": "v"}, "InvalidParameter"),
    ],
)
def test_tags_that_are_none(rig: "Rig", place: "Place", tags: object, expected: str) -> None:
    assert code(rig, "CreateHaVip", VpcId=place.id, HaVipName="a", Tags=tags) == expected


def test_an_empty_address_is_no_wish_for_any(rig: "Rig", place: "Place") -> None:
    assert code(rig, "CreateHaVip", VpcId=place.id, HaVipName="a", Vip="") == "InvalidParameterValue.Malformed"


def test_a_deletion_is_a_task(rig: "Rig", place: "Place") -> None:
    havip = place.havip()
    task = rig.call("DeleteHaVip", HaVipId=havip["HaVipId"])["RequestId"]
    result = rig.call("DescribeVpcTaskResult", TaskId=task)
    assert (result["Status"], result["Result"]) == (
        "SUCCESS",
        [{"ResourceId": havip["HaVipId"], "Status": "SUCCESS"}],
    )
    assert fields("DescribeVpcTaskResultResponse") == result.keys()
    assert rig.call("DescribeHaVips", HaVipIds=[havip["HaVipId"]])["TotalCount"] == 0
    refused = rig.send(b'{"HaVipId": "havip-00000000"}', rig.sign(b'{"HaVipId": "havip-00000000"}') | DELETE)
    assert refused["Error"]["Code"] == "ResourceNotFound"
    assert code(rig, "DescribeVpcTaskResult", TaskId=refused["RequestId"]) == "ResourceNotFound"
    assert code(rig, "DescribeVpcTaskResult", TaskId=TASK) == "ResourceNotFound"
    assert code(rig, "DescribeVpcTaskResult", TaskId="7") == "InvalidParameterValue"


DELETE = {"X-TC-Action": "DeleteHaVip"}


def test_a_range_is_edited_and_shown(rig: "Rig", place: "Place") -> None:
    a, b = place.machine(capture=False), place.machine(capture=False)
    havip = place.havip()
    assert (havip["CheckAssociate"], havip["HaVipAssociationSet"]) == (False, [])
    rig.call("AssociateHaVipInstance", HaVipAssociationSet=members(havip, a.nic, b.nic))
    assert rig.state(havip)["HaVipAssociationSet"] == members(havip, a.nic, b.nic, kind="ENI")
    rig.call("DisassociateHaVipInstance", HaVipAssociationSet=members(havip, a.nic, kind="ENI"))
    assert rig.state(havip)["HaVipAssociationSet"] == members(havip, b.nic, kind="ENI")
    assert rig.state(havip) | {"HaVipAssociationSet": []} == havip
    other = place.havip()
    instance = instance_of(rig, a.nic)
    both = members(havip, a.nic) + members(other, instance, kind="CVM")
    rig.call("AssociateHaVipInstance", HaVipAssociationSet=both)
    assert rig.state(other)["HaVipAssociationSet"] == members(other, instance, kind="CVM")


def test_ranges_are_filters(rig: "Rig", place: "Place") -> None:
    machine = place.machine(capture=False)
    of_vpc = {"Name": "vpc-id", "Values": [place.id]}
    plain = place.havip()
    ranged = rig.call(
        "CreateHaVip",
        VpcId=place.id,
        SubnetId=place.subnet,
        HaVipName="ranged",
        CheckAssociate=True,
        HaVipAssociationSet=[{"InstanceId": machine.nic, "InstanceType": "ENI"}],
    )["HaVip"]
    assert ranged["CheckAssociate"] is True
    for name, value, found in (
        ("havip-association.instance-id", machine.nic, ranged),
        ("havip-association.instance-type", "ENI", ranged),
        ("check-associate", "TRUE", ranged),
        ("check-associate", "FALSE", plain),
        ("havip-name", "ranged", ranged),
        ("vip", plain["Vip"], plain),
    ):
        answer = rig.call("DescribeHaVips", Filters=[of_vpc, {"Name": name, "Values": [value]}])
        assert [view["HaVipId"] for view in answer["HaVipSet"]] == [found["HaVipId"]], name
    for name, value, count in (
        ("havip-association.instance-type", "CVM", 0),
        ("type", "NORMAL", 2),
        ("type", "GWLB", 0),
        ("termination-protection", "false", 2),
        ("address-ip", "1.2.3.4", 0),
    ):
        assert rig.call("DescribeHaVips", Filters=[of_vpc, {"Name": name, "Values": [value]}])["TotalCount"] == count


def test_a_range_in_force_keeps_others_out(rig: "Rig", place: "Place") -> None:
    inside, outside, observer = place.machine(), place.machine(), place.machine()
    canary = place.havip()
    havip = rig.call(
        "CreateHaVip",
        VpcId=place.id,
        SubnetId=place.subnet,
        HaVipName="ranged",
        CheckAssociate=True,
        HaVipAssociationSet=[{"InstanceId": instance_of(rig, inside.nic)}],
    )["HaVip"]
    since = outside.announce(havip["Vip"])
    outside.announce(canary["Vip"])
    observer.saw(outside.announcement(canary["Vip"]), since=since)
    assert outside.announcement(havip["Vip"]) not in observer.frames(since=since)
    assert rig.owner(havip) == ""
    assert rig.rejected(outside, "NOT_IN_RANGE") == {havip["Vip"]: 1}
    inside.announce(havip["Vip"])
    assert rig.owner(havip) == inside.nic
    bound = rig.state(havip)
    rig.call("DisassociateHaVipInstance", HaVipAssociationSet=members(havip, instance_of(rig, inside.nic)))
    rig.call("AssociateHaVipInstance", HaVipAssociationSet=members(havip, instance_of(rig, outside.nic)))
    assert rig.state(havip) | {"HaVipAssociationSet": []} == bound | {"HaVipAssociationSet": []}
    inside.announce(havip["Vip"])
    assert rig.rejected(inside, "NOT_IN_RANGE") == {havip["Vip"]: 1}
    outside.announce(havip["Vip"])
    assert rig.owner(havip) == outside.nic


def test_edits_of_ranges_are_refused_with_their_codes(rig: "Rig", place: "Place") -> None:
    a, b = place.machine(capture=False), place.machine(capture=False)
    far = place.machine(subnet=place.add_subnet("10.0.9.0/24"), capture=False)
    havip = place.havip()
    rig.call("AssociateHaVipInstance", HaVipAssociationSet=members(havip, a.nic))
    stranger = {"HaVipId": "havip-00000000"}

    def associate(*items: dict[str, str]) -> str:
        return code(rig, "AssociateHaVipInstance", HaVipAssociationSet=list(items))

    assert associate() == "MissingParameter"
    assert code(rig, "AssociateHaVipInstance") == "MissingParameter"
    assert associate({"InstanceId": b.nic}) == "MissingParameter"
    assert associate({"HaVipId": havip["HaVipId"]}) == "MissingParameter"
    assert associate(*members(havip, "eni-1")) == "InvalidParameterValue.Malformed"
    assert associate(*members({"HaVipId": "havip-1"}, b.nic)) == "InvalidParameterValue.Malformed"
    assert associate(*members(stranger, b.nic)) == "ResourceNotFound"
    assert associate(*members(havip, "eni-00000000")) == "ResourceNotFound"
    assert associate(*members(place.havip(), "ins-zzzzzzzz")) == "ResourceNotFound"
    assert associate(*members(havip, b.nic, b.nic)) == "InvalidParameterValue.Duplicate"
    assert associate(*members(havip, b.nic, a.nic)) == "InvalidParameterValue.DuplicatedHaVipAssociations"
    assert associate(*members(havip, b.nic, kind="CVM")) == "InvalidParameterValue.ParameterMismatch"
    assert associate(*members(havip, b.nic, kind="TOASTER")) == "InvalidParameterValue"
    assert associate(*members(havip, instance_of(rig, b.nic))) == "InvalidParameterValue"
    assert associate(*members(havip, far.nic)) == "InvalidParameterValue"
    assert associate(*members(havip, *([b.nic] * 11))) == "LimitExceeded"
    assert rig.state(havip)["HaVipAssociationSet"] == members(havip, a.nic, kind="ENI")
    strangers = members(havip, b.nic)
    assert code(rig, "DisassociateHaVipInstance", HaVipAssociationSet=strangers) == "ResourceNotFound"
    with_id = [{"HaVipId": havip["HaVipId"], "InstanceId": a.nic}]
    assert code(rig, "CreateHaVip", VpcId=place.id, HaVipName="a", HaVipAssociationSet=with_id) == (
        "InvalidParameterValue"
    )
    detach = {"NetworkInterfaceId": a.nic, "InstanceId": instance_of(rig, a.nic)}
    assert code(rig, "DetachNetworkInterface", **detach) == "UnsupportedOperation.InstanceAssociateHavip"


def test_the_inventory_names_the_holders(rig: "Rig", place: "Place") -> None:
    machine, havip = place.machine(capture=False), place.havip()
    states = rig.call("DescribeUsedIpAddress", VpcId=place.id)
    assert {(each["IpAddress"], each["ResourceType"], each["ResourceId"]) for each in states["IpAddressStates"]} == {
        (machine.address, "ENI", machine.nic),
        (havip["Vip"], "HAVIP", havip["HaVipId"]),
    }
    assert fields("IpAddressStates") == states["IpAddressStates"][0].keys()
    free = rig.call("DescribeUsedIpAddress", VpcId=place.id, SubnetId=place.subnet, IpAddresses=["10.0.0.99"])
    assert (free["TotalCount"], free["IpAddressStates"]) == (0, [])
    by_holder = [{"Name": "resource-id", "Values": [havip["HaVipId"]]}]
    assert rig.call("DescribeUsedIpAddress", VpcId=place.id, Filters=by_holder)["TotalCount"] == 1
    page = rig.call("DescribeUsedIpAddress", VpcId=place.id, Offset=1, Limit=1)
    assert (page["TotalCount"], len(page["IpAddressStates"])) == (2, 1)
    empty = place.add_subnet("10.0.9.0/24")
    assert rig.call("DescribeUsedIpAddress", VpcId=place.id, SubnetId=empty)["TotalCount"] == 0
    wanted = [machine.address, havip["Vip"], "10.0.0.99"]
    found = rig.call("DescribeVpcPrivateIpAddresses", VpcId=place.id, PrivateIpAddresses=wanted)
    kinds = {each["PrivateIpAddress"]: each["PrivateIpAddressType"] for each in found["VpcPrivateIpAddressSet"]}
    assert kinds == {machine.address: "ENI", havip["Vip"]: "HAVIP"}
    rig.call("DeleteHaVip", HaVipId=havip["HaVipId"])
    assert rig.call("DescribeUsedIpAddress", VpcId=place.id, Filters=by_holder)["TotalCount"] == 0


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"VpcId": "vpc-00000000"}, "ResourceNotFound"),
        ({"VpcId": "vpc"}, "InvalidParameterValue.Malformed"),
        ({"SubnetId": "subnet-00000000"}, "ResourceNotFound"),
        ({"IpAddresses": ["10.0"]}, "InvalidParameterValue.Malformed"),
        ({"IpAddresses": ["192.0.2.1"]}, "InvalidParameterValue.Range"),
        ({"IpAddresses": ["10.0.0.9"] * 101}, "InvalidParameterValue.LimitExceeded"),
        ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameter.FilterInvalidKey"),
        (
            {"IpAddresses": ["10.0.0.9"], "Filters": [{"Name": "resource-id", "Values": ["a"]}]},
            "InvalidParameter.Coexist",
        ),
        ({"Limit": 101}, "InvalidParameterValue.Range"),
    ],
)
def test_the_inventory_refuses(rig: "Rig", place: "Place", parameters: dict[str, object], expected: str) -> None:
    assert code(rig, "DescribeUsedIpAddress", **{"VpcId": place.id} | parameters) == expected


def test_addresses_of_a_nic_come_and_go(rig: "Rig", place: "Place") -> None:
    owner, other, havip = place.machine(), place.machine(), place.havip()
    owner.announce(havip["Vip"])
    assigned = rig.call(
        "AssignPrivateIpAddresses",
        NetworkInterfaceId=owner.nic,
        PrivateIpAddresses=[{"PrivateIpAddress": "10.0.0.70"}],
        SecondaryPrivateIpAddressCount=1,
    )["PrivateIpAddressSet"]
    assert assigned[0]["PrivateIpAddress"] == "10.0.0.70"
    assert [each["Primary"] for each in assigned] == [False, False]
    since = owner.announce("10.0.0.70")
    other.saw(owner.announcement("10.0.0.70"), since=since)
    assert rig.owner(havip) == owner.nic
    move = {"SourceNetworkInterfaceId": owner.nic, "DestinationNetworkInterfaceId": other.nic}
    rig.call("MigratePrivateIpAddress", **move, PrivateIpAddress="10.0.0.70")
    since = other.announce("10.0.0.70")
    owner.saw(other.announcement("10.0.0.70"), since=since)
    owner.announce("10.0.0.70")
    assert rig.rejected(owner, "NOT_YOURS") == {"10.0.0.70": 1}
    taken = [{"PrivateIpAddress": "10.0.0.70"}]
    rig.call("UnassignPrivateIpAddresses", NetworkInterfaceId=other.nic, PrivateIpAddresses=taken)
    other.announce("10.0.0.70")
    assert rig.rejected(other, "NOT_YOURS") == {"10.0.0.70": 1}
    assert rig.owner(havip) == owner.nic
    primary = [{"PrivateIpAddress": owner.address}]
    assert code(rig, "UnassignPrivateIpAddresses", NetworkInterfaceId=owner.nic, PrivateIpAddresses=primary) == (
        "UnsupportedOperation.PrimaryIp"
    )
    occupied = [{"PrivateIpAddress": havip["Vip"]}]
    assert code(rig, "AssignPrivateIpAddresses", NetworkInterfaceId=owner.nic, PrivateIpAddresses=occupied) == (
        "ResourceInUse"
    )


def test_a_loose_nic_gets_an_address_too(rig: "Rig", place: "Place") -> None:
    loose = rig.call("CreateNetworkInterface", VpcId=place.id, SubnetId=place.subnet, NetworkInterfaceName="loose")
    nic = loose["NetworkInterface"]["NetworkInterfaceId"]
    assigned = rig.call("AssignPrivateIpAddresses", NetworkInterfaceId=nic, SecondaryPrivateIpAddressCount=2)
    addresses = [each["PrivateIpAddress"] for each in assigned["PrivateIpAddressSet"]]
    assert len(addresses) == 2
    back = [{"PrivateIpAddress": address} for address in addresses]
    rig.call("UnassignPrivateIpAddresses", NetworkInterfaceId=nic, PrivateIpAddresses=back)
    assert place.havip(address=addresses[0])["Vip"] == addresses[0]


def test_a_nic_that_migrates_loses_its_cable_and_its_havips(rig: "Rig", place: "Place") -> None:
    owner, havip = place.machine(), place.havip()
    owner.announce(havip["Vip"])
    source = instance_of(rig, owner.nic)
    request = {"NetworkInterfaceId": owner.nic, "SourceInstanceId": source, "DestinationInstanceId": "ins-0000000z"}
    wrong = request | {"SourceInstanceId": "ins-0000000y"}
    assert code(rig, "MigrateNetworkInterface", **wrong) == "InvalidParameterValue"
    task = rig.call("MigrateNetworkInterface", **request)["RequestId"]
    assert rig.call("DescribeVpcTaskResult", TaskId=task)["Result"][0]["ResourceId"] == owner.nic
    assert instance_of(rig, owner.nic) == "ins-0000000z"
    assert rig.state(havip)["State"] == "UNBIND"
    assert "not plugged in" in rig.patch({"do": "cut", "nic": owner.nic})["error"]
    assert rig.patch({"do": "plug", "nic": owner.nic}, rig.lab.host("new home").namespace()) == {"ok": True}
