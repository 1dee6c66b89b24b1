"""Tencent's own clients, unmodified: the Python SDK and the command line tool create, describe and release a HAVIP.

In between, a machine announces it on the wire.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.vpc.v20170312 import models
from tencentcloud.vpc.v20170312.vpc_client import VpcClient

if TYPE_CHECKING:
    from tests.network.conftest import Place, Rig

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
TCCLI = Path(sys.executable).with_name("tccli")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clients would send what is for loopback to a proxy."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def connect(rig: "Rig") -> Iterator[Callable[..., VpcClient]]:
    made: list[VpcClient] = []

    def make(*, method: str = "POST", secret_id: str = "", secret_key: str = "", region: str = "lab") -> VpcClient:
        http = HttpProfile(protocol="http", endpoint=f"{rig.endpoint[0]}:{rig.endpoint[1]}", reqMethod=method)
        credential = Credential(secret_id or rig.credentials.secret_id, secret_key or rig.credentials.secret_key)
        made.append(VpcClient(credential, region, ClientProfile(httpProfile=http)))
        return made[-1]

    yield make
    for client in made:
        client.request.conn._session.close()


def request(name: str, **parameters: object) -> Any:
    made = getattr(models, f"{name}Request")()
    made.from_json_string(json.dumps(parameters))
    return made


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_sdk_takes_a_havip_through_its_life(connect: Callable[..., VpcClient], place: "Place", method: str) -> None:
    client, machine = connect(method=method), place.machine()
    create = request(
        "CreateHaVip",
        VpcId=place.id,
        SubnetId=place.subnet,
        HaVipName="主 + 备 & co",
        CheckAssociate=True,
        HaVipAssociationSet=[{"InstanceId": machine.nic, "InstanceType": "ENI"}],
        Tags=[{"Key": "city", "Value": "上海"}],
        ClientToken=f"{method} {place.id}",
    )
    havip = client.CreateHaVip(create).HaVip
    assert client.CreateHaVip(create).HaVip.HaVipId == havip.HaVipId
    assert (havip.HaVipName, havip.State, havip.NetworkInterfaceId, havip.InstanceId) == (
        "主 + 备 & co",
        "UNBIND",
        "",
        "",
    )
    assert (havip.FlushedTime, havip.CheckAssociate, havip.TagSet[0].Value) == ("0000-00-00 00:00:00", True, "上海")
    machine.announce(havip.Vip)
    listed = client.DescribeHaVips(request("DescribeHaVips", HaVipIds=[havip.HaVipId]))
    (bound,) = listed.HaVipSet
    assert listed.TotalCount == 1
    attachment = client.DescribeNetworkInterfaces(
        request("DescribeNetworkInterfaces", NetworkInterfaceIds=[machine.nic])
    ).NetworkInterfaceSet[0]
    assert (bound.State, bound.NetworkInterfaceId) == ("AVAILABLE", machine.nic)
    assert bound.InstanceId == attachment.Attachment.InstanceId
    assert bound.FlushedTime != "0000-00-00 00:00:00"
    assert bound.HaVipAssociationSet[0].InstanceId == machine.nic
    client.ModifyHaVipAttribute(request("ModifyHaVipAttribute", HaVipId=havip.HaVipId, HaVipName="new"))
    filters = [{"Name": "havip-name", "Values": ["new"]}, {"Name": "vpc-id", "Values": [place.id]}]
    assert client.DescribeHaVips(request("DescribeHaVips", Filters=filters, Limit=1, Offset=0)).TotalCount == 1
    deleted = client.DeleteHaVip(request("DeleteHaVip", HaVipId=havip.HaVipId))
    task = client.DescribeVpcTaskResult(request("DescribeVpcTaskResult", TaskId=deleted.RequestId))
    assert (task.Status, task.Result[0].ResourceId) == ("SUCCESS", havip.HaVipId)
    assert client.DescribeHaVips(request("DescribeHaVips", HaVipIds=[havip.HaVipId])).TotalCount == 0
    machine.announce(havip.Vip)
    assert place.rig.rejected(machine, "NOT_YOURS") == {havip.Vip: 1}


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_sdk_gives_a_havip_an_elastic_ip(connect: Callable[..., VpcClient], place: "Place", method: str) -> None:
    client, havip = connect(method=method), place.havip()["HaVipId"]
    allocated = client.AllocateAddresses(request("AllocateAddresses", AddressCount=1, AddressName="公网"))
    task = request("DescribeTaskResult", TaskId=int(allocated.TaskId))
    assert client.DescribeTaskResult(task).Result == "SUCCESS"
    by_id = request("DescribeAddresses", AddressIds=allocated.AddressSet)
    (eip,) = client.DescribeAddresses(by_id).AddressSet
    assert (eip.AddressName, eip.AddressStatus, eip.AddressType, eip.InstanceId) == ("公网", "UNBIND", "EIP", "")
    associate = request("HaVipAssociateAddressIp", HaVipId=havip, AddressIp=eip.AddressIp)
    done = client.HaVipAssociateAddressIp(associate)
    assert client.DescribeVpcTaskResult(request("DescribeVpcTaskResult", TaskId=done.RequestId)).Status == "SUCCESS"
    (bound,) = client.DescribeAddresses(by_id).AddressSet
    assert (bound.AddressStatus, bound.InstanceId, bound.InstanceType) == ("BIND", havip, "HAVIP")
    (seen,) = client.DescribeHaVips(request("DescribeHaVips", HaVipIds=[havip])).HaVipSet
    assert seen.AddressIp == eip.AddressIp
    release = request("ReleaseAddresses", AddressIds=allocated.AddressSet)
    for refused, code in (
        (lambda: client.ReleaseAddresses(release), "UnsupportedOperation.AddressStatusNotPermit"),
        (lambda: client.HaVipAssociateAddressIp(associate), "UnsupportedOperation.BindEIP"),
        (lambda: client.DeleteHaVip(request("DeleteHaVip", HaVipId=havip)), "UnsupportedOperation"),
    ):
        with pytest.raises(TencentCloudSDKException) as raised:
            refused()
        assert raised.value.code == code
    client.HaVipDisassociateAddressIp(request("HaVipDisassociateAddressIp", HaVipId=havip))
    client.ReleaseAddresses(release)
    assert client.DescribeAddresses(by_id).TotalCount == 0


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_sdk_leads_a_route_to_a_havip(connect: Callable[..., VpcClient], place: "Place", method: str) -> None:
    client, havip = connect(method=method), place.havip()["HaVipId"]
    (subnet,) = client.DescribeSubnets(request("DescribeSubnets", SubnetIds=[place.subnet])).SubnetSet
    wish = {"DestinationCidrBlock": "192.0.2.0/24", "GatewayType": "HAVIP", "GatewayId": havip}
    made = client.CreateRoutes(request("CreateRoutes", RouteTableId=subnet.RouteTableId, Routes=[wish]))
    (route,) = made.RouteTableSet[0].RouteSet
    assert (route.DestinationCidrBlock, route.GatewayType, route.GatewayId) == ("192.0.2.0/24", "HAVIP", havip)
    (table,) = client.DescribeRouteTables(
        request("DescribeRouteTables", Filters=[{"Name": "vpc-id", "Values": [place.id]}])
    ).RouteTableSet
    assert (table.RouteTableId, [each.RouteItemId for each in table.RouteSet]) == (
        subnet.RouteTableId,
        [route.RouteItemId],
    )
    with pytest.raises(TencentCloudSDKException) as raised:
        client.DeleteHaVip(request("DeleteHaVip", HaVipId=havip))
    assert raised.value.code == "UnsupportedOperation"
    delete = request("DeleteRoutes", RouteTableId=subnet.RouteTableId, Routes=[{"RouteId": route.RouteId}])
    assert [gone.RouteItemId for gone in client.DeleteRoutes(delete).RouteSet] == [route.RouteItemId]
    client.DeleteHaVip(request("DeleteHaVip", HaVipId=havip))


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    ("who", "code"),
    [
        ({"secret_key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKIDnobody"}, "AuthFailure.SecretIdNotFound"),
        ({"region": "ap-guangzhou"}, "UnsupportedRegion"),
    ],
)
def test_the_sdk_raises_the_codes(
    connect: Callable[..., VpcClient], method: str, who: dict[str, str], code: str
) -> None:
    with pytest.raises(TencentCloudSDKException) as raised:
        connect(method=method, **who).DescribeHaVips(models.DescribeHaVipsRequest())
    assert (raised.value.code, bool(raised.value.requestId)) == (code, True)


def test_the_sdk_raises_refusals(connect: Callable[..., VpcClient], place: "Place") -> None:
    client = connect()
    for name, parameters, code in (
        ("CreateHaVip", {"VpcId": place.id, "HaVipName": "x" * 61}, "InvalidParameterValue.TooLong"),
        ("CreateHaVip", {"VpcId": place.id}, "MissingParameter"),
        ("DeleteHaVip", {"HaVipId": "havip-00000000"}, "ResourceNotFound"),
        ("AssociateHaVipInstance", {}, "MissingParameter"),
        ("CreateNatGateway", {}, "UnsupportedOperation.ActionNotFound"),
    ):
        with pytest.raises(TencentCloudSDKException) as raised:
            getattr(client, name)(request(name, **parameters))
        assert raised.value.code == code


@pytest.fixture
def tccli(rig: "Rig", tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the command line tool as a user does; it takes its three seconds, most of them to load itself."""
    environment = os.environ | {"HOME": str(tmp_path)}
    host, port = rig.endpoint

    def run(action: str, /, **parameters: object) -> dict[str, Any]:
        command = [str(TCCLI), "vpc", action, "--region", "lab", "--endpoint", f"http://{host}:{port}"]
        command += ["--secretId", rig.credentials.secret_id, "--secretKey", rig.credentials.secret_key]
        for name, value in parameters.items():
            command += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return run


def test_tccli_takes_a_havip_through_its_life(tccli: Callable[..., dict[str, Any]], place: "Place") -> None:
    machine = place.machine()
    havip = tccli("CreateHaVip", VpcId=place.id, SubnetId=place.subnet, HaVipName="浮动")["HaVip"]
    assert (havip["State"], havip["HaVipName"]) == ("UNBIND", "浮动")
    machine.announce(havip["Vip"])
    (bound,) = tccli("DescribeHaVips", HaVipIds=[havip["HaVipId"]])["HaVipSet"]
    assert (bound["State"], bound["NetworkInterfaceId"]) == ("AVAILABLE", machine.nic)
    assert bound["InstanceId"].startswith("ins-")
    task = tccli("DeleteHaVip", HaVipId=havip["HaVipId"])["RequestId"]
    assert tccli("DescribeVpcTaskResult", TaskId=task)["Status"] == "SUCCESS"
    assert place.rig.call("DescribeHaVips", HaVipIds=[havip["HaVipId"]])["TotalCount"] == 0


def test_tccli_shows_a_refusal(rig: "Rig", tccli: Callable[..., dict[str, Any]]) -> None:
    del rig
    with pytest.raises(AssertionError, match="ResourceNotFound"):
        tccli("DeleteHaVip", HaVipId="havip-00000000")
