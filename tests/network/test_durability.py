"""The service is killed at any moment: nothing is lost that was answered or announced."""

import signal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_havip.lab import Lab
from pytest_havip.targets.base import Refused, TargetError
from tests.network.conftest import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.network.conftest import Rig


#: The service, which kills itself at a point of its way, the time that it comes there for.
_KILLED = """
import os, signal, sys
from pytest_havip.network.command import main
from pytest_havip.network.dataplane.commit import DataPlane
from pytest_havip.network.dataplane.punt import PuntSocket
from pytest_havip.network.service import Service
from pytest_havip.network.store import Store

point, times = sys.argv.pop(1), int(sys.argv.pop(1))
owner, name, after = {
    "punted": (PuntSocket, "next", True),
    "decided": (DataPlane, "commit_moves", False),
    "committed": (DataPlane, "commit_moves", True),
    "re-sent": (Service, "_resend", True),
    "unwritten": (Store, "write", False),
    "journalled": (Store, "write", True),
    "done": (DataPlane, "commit", True),
}[point]
step = getattr(owner, name)

def die():
    global times
    times -= 1
    if times == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def planted(*arguments):
    if not after:
        die()
    result = step(*arguments)
    if after and (point != "punted" or result is not None):
        die()
    return result

setattr(owner, name, planted)
sys.exit(main())
"""

#: The service, on a disk that is full when it has begun.
_FULL = """
import sys
from pytest_havip.network.command import main
from pytest_havip.network.store import Store, StoreError

def write(store, entry):
    raise StoreError("the disk is full")

Store.write = write
sys.exit(main())
"""

#: The service, which tells what it repairs when it begins.
_TELLING = """
import sys
from pytest_havip.network.command import main
from pytest_havip.network.dataplane import ruleset
repair = ruleset.repair

def tell(*arguments):
    commands = repair(*arguments)
    print(*commands, "repaired", flush=True)
    return commands

ruleset.repair = tell
sys.exit(main())
"""


@pytest.fixture(scope="module")
def durable(rig_class: "type[Rig]") -> "Iterator[Rig]":
    with Lab.open() as lab:
        rig = rig_class(lab, store="/run/havip.sqlite")
        yield rig
        alive, log = rig.process.alive, rig.process.log()
        rig.close()
    assert alive, f"the service ended by itself:\n{log}"


@pytest.fixture
def place(durable: "Rig") -> "Iterator[Place]":
    made = durable.place()
    yield made
    durable.remove(made)


def everything(rig: "Rig") -> dict[str, Any]:
    asked = {
        "DescribeVpcs": "VpcSet",
        "DescribeSubnets": "SubnetSet",
        "DescribeNetworkInterfaces": "NetworkInterfaceSet",
        "DescribeHaVips": "HaVipSet",
        "DescribeVpcLimits": "VpcLimitSet",
        "HavipLabDescribeEvents": "EventSet",
        "HavipLabDescribeRejections": "RejectionSet",
    }
    options: dict[str, dict[str, Any]] = {
        "DescribeVpcLimits": {"LimitTypes": ["vpc-max-havips"]},
        "HavipLabDescribeEvents": {"After": 0},
    }
    return {action: rig.call(action, **options.get(action, {}))[answer] for action, answer in asked.items()}


def test_all_is_as_it_was(durable: "Rig", place: "Place") -> None:
    a, b, havip = place.machine(), place.machine(), place.havip(name="名字")
    place.havip(address="10.0.0.200")
    a.announce(havip["Vip"])
    b.announce(havip["Vip"])
    a.announce(b.address)
    before = everything(durable)
    durable.end()
    durable.start()
    assert everything(durable) == before


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("point", ["punted", "decided", "committed", "re-sent", "unwritten", "journalled"])
def test_each_announcement_is_carried_out_once(durable: "Rig", place: "Place", point: str, times: int) -> None:
    a, b, observer, havip = place.machine(), place.machine(), place.machine(), place.havip()
    durable.end()
    durable.start(("-c", _KILLED, point, str(times)))
    durable.state(havip)
    for turn in range(6):
        (a, b)[turn % 2].announce(havip["Vip"])
    durable.gone()
    for turn in range(2):
        since = (a, b)[turn % 2].announce(havip["Vip"])
    durable.start()
    observer.saw(b.announcement(havip["Vip"]), since=since)
    assert durable.owner(havip) == b.nic
    events = place.events()
    assert [event["Cause"] for event in events].count("recovered") == (point in {"committed", "re-sent", "unwritten"})
    moves = [(event["OldNetworkInterfaceId"], event["NewNetworkInterfaceId"]) for event in events]
    assert moves == [("", a.nic), *[(a.nic, b.nic), (b.nic, a.nic)] * 3, (a.nic, b.nic)]


@pytest.mark.parametrize("point", ["unwritten", "journalled", "done"])
def test_a_request_is_carried_out_once(durable: "Rig", place: "Place", point: str) -> None:
    """It is asked once more with its ClientToken, as a client does that got no answer."""
    owner, other = place.machine(), place.machine()
    asked = {"VpcId": place.id, "SubnetId": place.subnet, "HaVipName": "once", "ClientToken": f"token-{point}"}
    durable.end()
    durable.start(("-c", _KILLED, point, "1"))
    with pytest.raises(TargetError):
        durable.call("CreateHaVip", **asked)
    durable.gone()
    durable.start()
    havip = durable.call("CreateHaVip", **asked)["HaVip"]
    assert durable.call("CreateHaVip", **asked)["HaVip"] == havip
    of_vpc = [{"Name": "vpc-id", "Values": [place.id]}]
    assert durable.call("DescribeHaVips", Filters=of_vpc)["HaVipSet"] == [havip]
    since = owner.announce(havip["Vip"])
    other.saw(owner.announcement(havip["Vip"]), since=since)


@pytest.mark.parametrize("point", ["journalled", "done"])
def test_a_release_holds_in_the_kernel(durable: "Rig", place: "Place", point: str) -> None:
    owner, other, havip, canary = place.machine(), place.machine(), place.havip(), place.havip()
    owner.announce(havip["Vip"])
    assert durable.owner(havip) == owner.nic
    durable.end()
    durable.start(("-c", _KILLED, point, "1"))
    with pytest.raises(TargetError):
        durable.call("DeleteHaVip", HaVipId=havip["HaVipId"])
    durable.gone()
    durable.start()
    since = owner.announce(havip["Vip"])
    owner.announce(canary["Vip"])
    other.saw(owner.announcement(canary["Vip"]), since=since)
    assert owner.announcement(havip["Vip"]) not in other.frames(since=since)
    assert [event["Cause"] for event in place.events()] == ["announced", "released", "announced"]


def test_subnets_and_vpcs_begun_and_not_finished(durable: "Rig") -> None:
    """Killed between store and kernel, at a VPC and at a subnet; then both work as any other."""
    for times in (1, 2):
        durable.end()
        durable.start(("-c", _KILLED, "journalled", str(times)))
        with pytest.raises(TargetError):
            durable.place()
        durable.gone()
        durable.start()
        (vpc,) = durable.call("DescribeVpcs")["VpcSet"]
        found = durable.call("DescribeSubnets")["SubnetSet"]
        assert len(found) == times - 1
        if found:
            begun = Place(durable, vpc["VpcId"], found[0]["SubnetId"], found[0]["CidrBlock"])
            owner, other, havip = begun.machine(), begun.machine(), begun.havip()
            since = owner.announce(havip["Vip"])
            other.saw(owner.announcement(havip["Vip"]), since=since)
            assert other.host.run(["ping", "-c", "1", "-W", "2", "10.0.0.1"]).returncode == 0
            durable.remove(begun)
        else:
            durable.call("DeleteVpc", VpcId=vpc["VpcId"])


def test_tasks_tokens_and_the_quota_last(durable: "Rig", place: "Place") -> None:
    asked = {"VpcId": place.id, "SubnetId": place.subnet, "HaVipName": "once", "ClientToken": "lasting"}
    havip = durable.call("CreateHaVip", **asked)["HaVip"]
    gone = durable.call("DeleteHaVip", HaVipId=havip["HaVipId"])["RequestId"]
    durable.call("HavipLabModifyQuota", LimitType="vpc-max-havips", LimitValue=12)
    durable.end()
    durable.start()
    assert durable.call("CreateHaVip", **asked)["HaVip"] == havip
    result = durable.call("DescribeVpcTaskResult", TaskId=gone)
    assert (result["Status"], result["Result"][0]["ResourceId"]) == ("SUCCESS", havip["HaVipId"])
    limits = durable.call("DescribeVpcLimits", LimitTypes=["vpc-max-havips"])["VpcLimitSet"]
    assert limits == [{"LimitType": "vpc-max-havips", "LimitValue": 12}]


def test_meanwhile_the_kernel_forwards_and_rejects(durable: "Rig", place: "Place") -> None:
    owner, other, havip = place.machine(), place.machine(), place.havip()
    owner.host.add_address(f"{havip['Vip']}/32")
    owner.announce(havip["Vip"])
    other.announce(owner.address)
    assert durable.rejected(other, "NOT_YOURS") == {owner.address: 1}
    durable.end()
    assert other.host.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", havip["Vip"]]).returncode == 0
    since = other.announce(owner.address)
    owner.host.run(["ping", "-c", "1", "-W", "2", other.address])
    assert other.announcement(owner.address) not in owner.frames(since=since)
    durable.start()
    assert durable.rejected(other, "NOT_YOURS") == {owner.address: 2}
    assert durable.owner(havip) == owner.nic


def test_what_is_not_kept_is_made_from_the_store(
    durable: "Rig", place: "Place", until: "Callable[[Callable[[], object], str], None]"
) -> None:
    """The keeper was killed with the service: the hosts have lost their cables, the bindings stay."""
    owner, havip = place.machine(), place.havip()
    owner.announce(havip["Vip"])
    assert durable.owner(havip) == owner.nic
    durable.end()
    for process in durable.ended:  # the first of them started it
        process.kill()
    durable.start()
    assert durable.owner(havip) == owner.nic
    until(lambda: owner.host.run(["ip", "link", "show", "eth0"]).returncode != 0, "the end of the cable")
    answer = durable.patch({"do": "plug", "nic": owner.nic, "interface": "eth0"}, owner.host.namespace())
    assert answer == {"ok": True}
    owner.host.add_address(f"{owner.address}/24")
    other = place.machine()
    since = owner.announce(havip["Vip"])
    other.saw(owner.announcement(havip["Vip"]), since=since)
    assert other.host.run(["ping", "-c", "1", "-W", "2", owner.address]).returncode == 0
    assert [event["Cause"] for event in place.events()] == ["announced"]


def test_a_second_service_is_refused(durable: "Rig") -> None:
    process, cable = durable.process, durable.cable
    durable.start()
    assert durable.process.wait(10) == 1
    assert "another service is at work with it" in durable.process.log()
    durable.cable.close()
    durable.process, durable.cable = process, cable


def test_after_sigterm_nothing_is_left(rig_class: "type[Rig]") -> None:
    with Lab.open() as lab:
        rig = rig_class(lab, store="/run/havip.sqlite")
        rig.place().machine()
        rig.process.signal(signal.SIGTERM)
        assert rig.process.wait(10) == 0, rig.process.log()
        assert rig.process.members() == []
        assert rig.process.log() == ""
        rig.close()


def test_a_store_that_fails_loses_no_announcement(durable: "Rig", place: "Place") -> None:
    a, b, observer, havip = place.machine(), place.machine(), place.machine(), place.havip()
    a.announce(havip["Vip"])
    assert durable.owner(havip) == a.nic
    durable.end()
    durable.start(("-c", _FULL))
    for machine in (b, a, b):
        since = machine.announce(havip["Vip"])
    observer.saw(b.announcement(havip["Vip"]), since=since)
    assert durable.owner(havip) == b.nic
    assert len(place.events()) == 4
    with pytest.raises(Refused, match="nothing has changed, for it would not last: the disk is full"):
        durable.call("DeleteHaVip", HaVipId=havip["HaVipId"])
    assert durable.owner(havip) == b.nic
    durable.end()
    durable.start()
    assert durable.owner(havip) == b.nic
    assert [(event["NewNetworkInterfaceId"], event["Cause"]) for event in place.events()] == [
        (a.nic, "announced"),
        (b.nic, "recovered"),
    ]


def test_a_guard_that_is_whole_is_left_alone(durable: "Rig", place: "Place") -> None:
    """What is found is understood: elements of every kind are there, and none of them is made anew."""
    a, b, free = place.machine(), place.machine(), place.havip()
    far = place.machine(subnet=place.add_subnet("10.0.1.0/24"))
    ranged = durable.call(
        "CreateHaVip", VpcId=place.id, SubnetId=place.subnet, HaVipName="ranged", CheckAssociate=True
    )["HaVip"]
    association = {"HaVipId": ranged["HaVipId"], "InstanceId": a.nic, "InstanceType": "ENI"}
    durable.call("AssociateHaVipInstance", HaVipAssociationSet=[association])
    durable.call("AssignPrivateIpAddresses", NetworkInterfaceId=b.nic, SecondaryPrivateIpAddressCount=2)
    a.announce(ranged["Vip"])
    b.announce(free["Vip"])
    b.announce(ranged["Vip"])
    assert (durable.owner(ranged), durable.owner(free)) == (a.nic, b.nic)
    refused = durable.call("HavipLabDescribeRejections")
    durable.end()
    assert far.host.run(["ping", "-c", "1", "-W", "2", a.address]).returncode == 0
    durable.start(("-c", _TELLING))
    assert (durable.owner(ranged), durable.owner(free)) == (a.nic, b.nic)
    assert durable.process.log() == "repaired\n"
    assert durable.call("HavipLabDescribeRejections")["RejectionSet"] == refused["RejectionSet"]
    assert far.host.run(["ping", "-c", "1", "-W", "2", a.address]).returncode == 0
    durable.end()
    durable.start()


def test_a_guard_that_was_harmed_is_repaired(durable: "Rig", place: "Place") -> None:
    """Of an address that a request gave or took away, when that did not reach the kernel."""
    a, b = place.machine(), place.machine()
    call = {"NetworkInterfaceId": a.nic, "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.50"}]}
    for action, reason in (("AssignPrivateIpAddresses", {}), ("UnassignPrivateIpAddresses", {"10.0.0.50": 1})):
        durable.end()
        durable.start(("-c", _KILLED, "journalled", "1"))
        with pytest.raises(TargetError):
            durable.call(action, **call)
        durable.gone()
        durable.start()
        durable.call("DescribeVpcs")
        since = a.host.port("eth0").send(a.arp("10.0.0.50", b.address))
        a.host.port("eth0").send(a.arp(a.address, b.address))
        b.saw(a.arp(a.address, b.address), since=since)
        assert (a.arp("10.0.0.50", b.address) in b.frames(since=since)) == (not reason)
        assert durable.rejected(a, "NOT_YOURS") == reason
