"""The shape of the API: every answer is HTTP 200 and Tencent's JSON, whatever the request is."""

import json
import re
from typing import TYPE_CHECKING

import pytest

from pytest_havip.targets.base import Refused

if TYPE_CHECKING:
    from tests.network.conftest import Place, Rig


def _code(rig: "Rig", action: str, **parameters: object) -> str:
    with pytest.raises(Refused) as refused:
        rig.call(action, **parameters)
    assert refused.value.message
    return refused.value.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "InvalidParameter"),
        (b"\xff\xfe", "InvalidParameter"),
        (b"[]", "InvalidParameter"),
        (b"null", "InvalidParameter"),
        (b"[" * 100_000, "InvalidParameter"),
        (b'{"Limit": 1e999}', "InvalidParameter"),
        (b'{"Limit": true}', "InvalidParameter"),
        (b'{"Limit": "20"}', "InvalidParameter"),
        (b'{"Limit": ' + b"9" * 5000 + b"}", "InvalidParameter"),
        (b'{"Limit": ' + b"9" * 50 + b"}", "InvalidParameterValue.Range"),
        (b'{"Limit": 0}', "InvalidParameterValue.Range"),
        (b'{"Limit": 101}', "InvalidParameterValue.Range"),
        (b'{"Offset": -1}', "InvalidParameterValue.Range"),
        (b'{"HaVipIds": "havip-00000000"}', "InvalidParameter"),
        (b'{"HaVipIds": [1]}', "InvalidParameter"),
        (b'{"HaVipIds": ["havip-1"]}', "InvalidParameterValue.Malformed"),
        (b'{"HaVipIds": ["havip-\\ud800aaaaaaa"]}', "InvalidParameterValue.Malformed"),
        (b'{"Filters": {}}', "InvalidParameter"),
        (b'{"Filters": [[]]}', "InvalidParameter"),
        (b'{"Filters": [{"Name": "vip"}]}', "MissingParameter"),
        (b'{"Filters": [{"Name": "vip", "Values": "a"}]}', "InvalidParameter"),
        (b'{"Filters": [{"Name": "nothing", "Values": ["a"]}]}', "InvalidParameter.FilterInvalidKey"),
        (b'{"Filters": [{"Name": "vip", "Values": ["1","2","3","4","5","6"]}]}', "InvalidParameterValue.LimitExceeded"),
        (
            json.dumps({"Filters": [{"Name": "vip", "Values": ["a"]}] * 11}).encode(),
            "InvalidParameterValue.LimitExceeded",
        ),
        (
            b'{"HaVipIds": ["havip-00000000"], "Filters": [{"Name": "vip", "Values": ["a"]}]}',
            "InvalidParameter.Coexist",
        ),
        (b'{"\\ud800": 1}', "UnknownParameter"),
        (b'{"a": "' + b"x" * (1 << 20) + b'"}', "RequestSizeLimitExceeded"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_a_bad_body_is_an_error_answer(rig: "Rig", body: bytes, code: str) -> None:
    assert rig.send(body, rig.sign(body))["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-TC-Action": ""}, "MissingParameter"),
        ({"X-TC-Version": ""}, "MissingParameter"),
        ({"X-TC-Version": "2099-01-01"}, "NoSuchVersion"),
        ({"X-TC-Region": ""}, "MissingParameter"),
        ({"X-TC-Region": "ap-guangzhou"}, "UnsupportedRegion"),
        ({"X-TC-Action": "BindHaVip"}, "UnsupportedOperation.ActionNotFound"),
        ({"X-TC-Action": "\xff"}, "UnsupportedOperation.ActionNotFound"),
    ],
)
def test_a_bad_header_is_an_error_answer(rig: "Rig", headers: dict[str, str], code: str) -> None:
    assert rig.send(b"{}", rig.sign(b"{}") | headers)["Error"]["Code"] == code


@pytest.mark.parametrize(("method", "target"), [("POST", "/x"), ("BREW", "/"), ("PUT", "/")])
def test_another_path_or_method_is_an_error_answer(rig: "Rig", method: str, target: str) -> None:
    answer = rig.send(b"{}", rig.sign(b"{}", method=method), method=method, target=target)
    assert answer["Error"]["Code"] == "UnsupportedProtocol"


def test_no_action_binds(rig: "Rig") -> None:
    message = rig.send(b"{}", rig.sign(b"{}") | {"X-TC-Action": "Nothing"})["Error"]["Message"]
    actions = set(re.findall(r"[A-Z]\w+", message))
    assert {"CreateHaVip", "DescribeHaVips", "ModifyHaVipAttribute", "DeleteHaVip"} <= actions
    # These edit the drift range, which is not the drift, and this one gives a HAVIP a public address.
    others = {"AssociateHaVipInstance", "DisassociateHaVipInstance", "HaVipAssociateAddressIp"}
    assert not {action for action in actions - others if "Bind" in action or "Associate" in action}


def test_missing_wrong_and_unknown_parameters(rig: "Rig", place: "Place") -> None:
    assert _code(rig, "CreateHaVip", VpcId=place.id) == "MissingParameter"
    assert _code(rig, "CreateHaVip", VpcId=place.id, HaVipName=7) == "InvalidParameter"
    assert _code(rig, "CreateHaVip", VpcId=place.id, HaVipName="a", Colour="red") == "UnknownParameter"
    assert _code(rig, "CreateHaVip", VpcId=place.id, HaVipName="a", NetworkInterfaceId="eni-00000000") == (
        "UnsupportedOperation"
    )
    assert _code(rig, "CreateHaVip", VpcId="vpc-1", HaVipName="a", SubnetId=place.subnet) == (
        "InvalidParameterValue.Malformed"
    )
    assert _code(rig, "CreateHaVip", VpcId="vpc-00000000", HaVipName="a") == "ResourceNotFound"
    assert _code(rig, "DeleteHaVip", HaVipId="havip-00000000") == "ResourceNotFound"
    assert rig.call("DescribeHaVips", HaVipIds=["havip-00000000"])["TotalCount"] == 0


def test_addresses_are_checked(rig: "Rig", place: "Place") -> None:
    def wanted(address: str) -> str:
        return _code(rig, "CreateHaVip", VpcId=place.id, SubnetId=place.subnet, HaVipName="a", Vip=address)

    assert wanted("10.0.0.300") == "InvalidParameterValue.Malformed"
    assert wanted("10.0.1.5") == "InvalidParameterValue.Range"
    assert wanted("10.0.0.0") == "InvalidParameterValue.Reserved"
    assert wanted("10.0.0.1") == "InvalidParameterValue.Reserved"
    assert wanted("10.0.0.255") == "InvalidParameterValue.Reserved"
    place.havip(address="10.0.0.9")
    assert wanted("10.0.0.9").startswith("ResourceInUse")
    assert _code(
        rig,
        "CreateNetworkInterface",
        VpcId=place.id,
        SubnetId=place.subnet,
        NetworkInterfaceName="a",
        PrivateIpAddresses=[{"PrivateIpAddress": "10.0.0.9"}],
    ).startswith("ResourceInUse")


def test_a_havip_lives_its_life(rig: "Rig", place: "Place") -> None:
    havip = place.havip(name="漢" * 60)
    assert re.fullmatch("havip-[0-9a-z]{8}", havip["HaVipId"])
    assert havip["HaVipName"] == "漢" * 60
    assert _code(rig, "ModifyHaVipAttribute", HaVipId=havip["HaVipId"], HaVipName="x" * 61) == (
        "InvalidParameterValue.TooLong"
    )
    rig.call("ModifyHaVipAttribute", HaVipId=havip["HaVipId"], HaVipName="new")
    assert rig.state(havip) == havip | {"HaVipName": "new"}
    rig.call("DeleteHaVip", HaVipId=havip["HaVipId"])
    assert rig.call("DescribeHaVips", HaVipIds=[havip["HaVipId"]])["HaVipSet"] == []


def test_the_subnet_may_be_left_out(rig: "Rig", place: "Place") -> None:
    other = place.add_subnet("10.0.7.0/24")
    placed = rig.call("CreateHaVip", VpcId=place.id, HaVipName="a")["HaVip"]
    chosen = rig.call("CreateHaVip", VpcId=place.id, HaVipName="a", Vip="10.0.7.9")["HaVip"]
    assert (placed["SubnetId"], chosen["SubnetId"]) == (place.subnet, other)
    assert _code(rig, "CreateHaVip", VpcId=place.id, HaVipName="a", Vip="10.0.8.9") == "InvalidParameterValue.Range"


def test_the_quota_is_told_enforced_and_changed(rig: "Rig", place: "Place") -> None:
    made = [place.havip() for _ in range(10)]
    assert _code(rig, "CreateHaVip", VpcId=place.id, SubnetId=place.subnet, HaVipName="a") == "LimitExceeded"
    limits = rig.call("DescribeVpcLimits", LimitTypes=["vpc-max-havips"])["VpcLimitSet"]
    assert limits == [{"LimitType": "vpc-max-havips", "LimitValue": 10}]
    assert _code(rig, "DescribeVpcLimits", LimitTypes=["moons"]) == "InvalidParameterValue"
    assert _code(rig, "HavipLabModifyQuota", LimitType="vpc-max-havips", LimitValue=-1) == "InvalidParameterValue.Range"
    try:
        rig.call("HavipLabModifyQuota", LimitType="vpc-max-havips", LimitValue=11)
        made.append(place.havip())
        assert _code(rig, "CreateHaVip", VpcId=place.id, SubnetId=place.subnet, HaVipName="a") == "LimitExceeded"
        fresh = rig.place()
        for _ in range(11):
            fresh.havip()
        rig.remove(fresh)
    finally:
        rig.call("HavipLabModifyQuota", LimitType="vpc-max-havips", LimitValue=10)
    assert len({havip["Vip"] for havip in made}) == 11


def test_pages_and_filters(rig: "Rig", place: "Place") -> None:
    havips = [place.havip(address=f"10.0.0.{number}") for number in (10, 100, 11)]
    of_vpc = {"Name": "vpc-id", "Values": [place.id]}
    pages = [rig.call("DescribeHaVips", Filters=[of_vpc], Offset=offset, Limit=2) for offset in (0, 2, 4)]
    assert [page["TotalCount"] for page in pages] == [3, 3, 3]
    seen = [view["HaVipId"] for page in pages for view in page["HaVipSet"]]
    assert sorted(seen) == sorted(havip["HaVipId"] for havip in havips)
    exact = rig.call("DescribeHaVips", Filters=[of_vpc, {"Name": "vip", "Values": ["10.0.0.10", "10.0.0.11"]}])
    assert {view["Vip"] for view in exact["HaVipSet"]} == {"10.0.0.10", "10.0.0.11"}
    assert rig.call("DescribeHaVips", Filters=[{"Name": "vip", "Values": ["10.0.0.1"]}])["TotalCount"] == 0


def test_nics_have_addresses_and_an_instance(rig: "Rig", place: "Place") -> None:
    nic = rig.call(
        "CreateNetworkInterface",
        VpcId=place.id,
        SubnetId=place.subnet,
        NetworkInterfaceName="a",
        PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.0.50", "Primary": False},
            {"PrivateIpAddress": "10.0.0.40", "Primary": True},
        ],
        SecondaryPrivateIpAddressCount=1,
    )["NetworkInterface"]
    addresses = [(entry["PrivateIpAddress"], entry["Primary"]) for entry in nic["PrivateIpAddressSet"]]
    assert addresses[:2] == [("10.0.0.40", True), ("10.0.0.50", False)]
    assert len(addresses) == 3
    assert nic["Attachment"] is None
    assert re.fullmatch("02(:[0-9a-f]{2}){5}", nic["MacAddress"])
    identity = nic["NetworkInterfaceId"]
    rig.call("AttachNetworkInterface", NetworkInterfaceId=identity, InstanceId="ins-00000001")
    (view,) = rig.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[identity])["NetworkInterfaceSet"]
    assert view["Attachment"]["InstanceId"] == "ins-00000001"
    assert _code(rig, "DetachNetworkInterface", NetworkInterfaceId=identity, InstanceId="ins-00000002") == (
        "InvalidParameterValue"
    )
    (subnet,) = rig.call("DescribeSubnets", SubnetIds=[place.subnet])["SubnetSet"]
    assert (subnet["TotalIpAddressCount"], subnet["AvailableIpAddressCount"]) == (253, 250)


def test_what_is_in_use_is_not_deleted(rig: "Rig", place: "Place") -> None:
    havip = place.havip()
    assert _code(rig, "DeleteSubnet", SubnetId=place.subnet).startswith(("ResourceInUse", "UnsupportedOperation"))
    assert _code(rig, "DeleteVpc", VpcId=place.id).startswith(("ResourceInUse", "UnsupportedOperation"))
    assert rig.state(havip) == havip
