"""API: what Tencent's control plane accepts, what it refuses, and what it finds when asked."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Refused, Subnet, Target, Vpc

__all__: list[str] = []

#: Ids of the right shape that name nothing.
NOBODY = {"VpcId": "vpc-00000000", "SubnetId": "subnet-00000000", "HaVipId": "havip-00000000"}
#: A request that is granted, but for its place.
WISH = {"HaVipName": "wish"}
#: What a name may have: characters, of whatever script (product API, ModifyHaVipAttribute).
LONGEST = 60


@requirement("HAVIP-API-006")
def test_an_id_has_its_shape(target: Target, subnet: Subnet) -> None:
    prefix, _, token = target.create_havip(subnet).id.partition("-")
    assert prefix == "havip"
    assert len(token) == len("9o233uri")
    assert set(token) <= set("0123456789abcdefghijklmnopqrstuvwxyz")


@requirement("HAVIP-API-013")
@pytest.mark.parametrize("character", ["n", "名"], ids=["ASCII", "CJK"])
def test_a_name_may_have_sixty_characters(target: Target, vpc: Vpc, subnet: Subnet, character: str) -> None:
    longest = character * LONGEST
    havip = target.create_havip(subnet, name=longest)
    assert havip.name == longest
    target.rename_havip(havip, "short")
    target.rename_havip(havip, longest)
    with pytest.raises(Refused, match="TooLong"):
        target.rename_havip(havip, longest + character)
    with pytest.raises(Refused, match="TooLong"):
        target.create_havip(subnet, name=longest + character)
    assert target.havips(vpc) == [havip]


@requirement("HAVIP-API-016")
@pytest.mark.parametrize("missing", ["VpcId", "HaVipName"])
def test_a_request_without_what_it_needs_makes_nothing(target: Target, vpc: Vpc, subnet: Subnet, missing: str) -> None:
    whole: dict[str, str] = {"VpcId": vpc.id, "SubnetId": subnet.id, **WISH}
    with pytest.raises(Refused):
        target.call("CreateHaVip", **{name: value for name, value in whole.items() if name != missing})
    assert target.havips(vpc) == []
    target.call("CreateHaVip", **whole)
    assert len(target.havips(vpc)) == 1


@requirement("HAVIP-API-032")
@pytest.mark.parametrize("classic", ["", "0"], ids=["nothing", "zero"])
def test_there_is_none_in_the_classic_network(target: Target, vpc: Vpc, subnet: Subnet, classic: str) -> None:
    for place in ({}, {"SubnetId": subnet.id}):
        with pytest.raises(Refused):
            target.call("CreateHaVip", **WISH, VpcId=classic, **place)
    assert target.havips(vpc) == []


@requirement("HAVIP-API-033")
def test_an_account_has_to_be_admitted(target: Target, vpc: Vpc, subnet: Subnet) -> None:
    target.set_admitted(admitted=False)
    try:
        with pytest.raises(Refused):
            target.create_havip(subnet)
        assert target.havips(vpc) == []
    finally:
        target.set_admitted(admitted=True)
    target.create_havip(subnet)


@requirement("HAVIP-API-017")
@pytest.mark.parametrize("kind", ["VpcId", "SubnetId", "HaVipId"])
@pytest.mark.parametrize("malform", ["{0}-{1}!", "{0}-", "eni-{1}"], ids=["sign", "short", "kind"])
def test_a_malformed_id_is_called_so(target: Target, vpc: Vpc, subnet: Subnet, kind: str, malform: str) -> None:
    malformed = malform.format(*NOBODY[kind].split("-"))
    requests: list[tuple[str, dict[str, Any]]] = [
        ("CreateHaVip", {"VpcId": vpc.id, "SubnetId": subnet.id, **WISH, kind: malformed})
    ]
    if kind == "HaVipId":
        requests = [
            ("DeleteHaVip", {kind: malformed}),
            ("ModifyHaVipAttribute", {kind: malformed, "HaVipName": "renamed"}),
            ("DescribeHaVips", {"HaVipIds": [malformed]}),
        ]
    for action, parameters in requests:
        with pytest.raises(Refused, match="Malformed"):
            target.call(action, **parameters)
    assert target.havips(vpc) == []


@requirement("HAVIP-API-018")
@pytest.mark.parametrize("wrong", ["VPC of nobody", "subnet of nobody", "subnet of another VPC"])
def test_a_havip_needs_a_vpc_and_a_subnet_of_it(
    target: Target, vpc: Vpc, subnet: Subnet, twin: Subnet, wrong: str
) -> None:
    places = {
        "VPC of nobody": {"VpcId": NOBODY["VpcId"], "SubnetId": subnet.id},
        "subnet of nobody": {"VpcId": vpc.id, "SubnetId": NOBODY["SubnetId"]},
        "subnet of another VPC": {"VpcId": vpc.id, "SubnetId": twin.id},
    }
    with pytest.raises(Refused):
        target.call("CreateHaVip", **places[wrong], **WISH)
    assert target.havips(vpc) == target.havips(Vpc(twin.vpc_id, vpc.cidr)) == []
    target.call("CreateHaVip", VpcId=vpc.id, SubnetId=subnet.id, **WISH)


@requirement("HAVIP-API-019")
@pytest.mark.parametrize("who", ["released", "never made"])
def test_nothing_can_be_done_to_a_havip_that_is_not_there(target: Target, havip: Havip, who: str) -> None:
    target.delete_havip(havip)
    identifier = havip.id if who == "released" else NOBODY["HaVipId"]
    with pytest.raises(Refused, match="ResourceNotFound"):
        target.call("ModifyHaVipAttribute", HaVipId=identifier, HaVipName="renamed")
    with pytest.raises(Refused, match="ResourceNotFound"):
        target.call("DeleteHaVip", HaVipId=identifier)


# What is found


@dataclass(frozen=True)
class Estate:
    """Three VPCs of two subnets with four HAVIPs each: more than a page has unless told otherwise.

    Args:
        target: The network under test.
        vpcs: The VPCs.
        subnets: The subnets, those of the first VPC first.
        havips: All HAVIPs; the same eight addresses and names in each VPC.
    """

    target: Target
    vpcs: list[Vpc]
    subnets: list[Subnet]
    havips: list[Havip]

    def ask(self, *filters: tuple[str, *tuple[str, ...]], **more: Any) -> dict[str, Any]:  # noqa: ANN401
        """Ask for those HAVIPs of the three VPCs that pass the filters, each a name and its values."""
        given = (("vpc-id", *(vpc.id for vpc in self.vpcs)), *filters)
        listed = [{"Name": name, "Values": values} for name, *values in given]
        return self.target.call("DescribeHaVips", Filters=listed, **more)

    def find(self, *filters: tuple[str, *tuple[str, ...]]) -> set[str]:
        """Ids of the HAVIPs that pass the filters."""
        return set(ids(self.ask(*filters, Limit=100)))


def ids(answer: dict[str, Any]) -> list[str]:
    """Ids of the HAVIPs of an answer."""
    return [view["HaVipId"] for view in answer["HaVipSet"]]


@pytest.fixture(scope="module")
def estate(target: Target) -> Iterator[Estate]:
    """Three VPCs with HAVIPs, made once for all questions."""
    with ExitStack() as ends:
        vpcs = [target.create_vpc("10.0.0.0/16") for _ in range(3)]
        for vpc in vpcs:
            ends.callback(target.delete_vpc, vpc)
        subnets = [target.create_subnet(vpc, cidr) for vpc in vpcs for cidr in ("10.0.0.0/24", "10.0.1.0/24")]
        # One address is the beginning of another one.
        numbers = {2: "web", 20: "web", 200: "database", 22: "database"}
        havips = [
            target.create_havip(subnet, address=str(subnet.cidr.network_address + number), name=name)
            for subnet in subnets
            for number, name in numbers.items()
        ]
        yield Estate(target, vpcs, subnets, havips)


@requirement("HAVIP-API-024")
def test_asked_by_ids_it_finds_those(estate: Estate) -> None:
    wanted = [havip.id for havip in (estate.havips[9], estate.havips[2])]
    answer = estate.target.call("DescribeHaVips", HaVipIds=wanted)
    assert sorted(ids(answer)) == sorted(wanted)
    assert answer["TotalCount"] == len(wanted)


@requirement("HAVIP-API-024")
def test_an_unknown_id_finds_nothing(target: Target) -> None:
    answer = target.call("DescribeHaVips", HaVipIds=[NOBODY["HaVipId"]])
    assert (answer["TotalCount"], answer["HaVipSet"]) == (0, [])


@requirement("HAVIP-API-025")
def test_ids_and_filters_exclude_each_other(estate: Estate) -> None:
    with pytest.raises(Refused, match=r"InvalidParameter\.Coexist"):
        estate.ask(HaVipIds=[estate.havips[0].id])


#: More filters than a question may have; any network knows these names.
FILTERS: tuple[tuple[str, str], ...] = (
    ("havip-id", NOBODY["HaVipId"]),
    ("havip-name", "nobody"),
    ("subnet-id", NOBODY["SubnetId"]),
    ("vip", "10.0.0.9"),
    ("address-ip", "192.0.2.1"),
    ("havip-association.instance-id", "ins-00000000"),
    ("havip-association.instance-type", "CVM"),
    ("check-associate", "FALSE"),
    ("cdc-id", "cluster-00000000"),
)


@requirement("HAVIP-API-026")
def test_a_question_with_impossible_filters_is_refused(estate: Estate) -> None:
    with pytest.raises(Refused, match=r"InvalidParameter\.FilterInvalidKey"):
        estate.ask(("colour", "blue"))
    # Ten filters with the one by VPC, five values; one more is too many.
    assert estate.find(*FILTERS) == set()
    assert estate.find(("vip", *(f"10.0.0.{number}" for number in range(30, 35)))) == set()
    with pytest.raises(Refused):
        estate.ask(*FILTERS, ("havip-name", "nobody else"))
    with pytest.raises(Refused):
        estate.ask(("vip", *(f"10.0.0.{number}" for number in range(30, 36))))


@requirement("HAVIP-API-027")
def test_filters_narrow_and_their_values_widen(estate: Estate) -> None:
    subnets = estate.subnets[:2]
    for names in (["web"], ["web", "database"]):
        for chosen in (subnets[:1], subnets):
            expected = {
                havip.id
                for havip in estate.havips
                if havip.name in names and havip.subnet_id in {subnet.id for subnet in chosen}
            }
            assert estate.find(("havip-name", *names), ("subnet-id", *(subnet.id for subnet in chosen))) == expected
    assert estate.find(("havip-name", "database"), ("vip", "10.0.0.2")) == set()


@requirement("HAVIP-API-027")
def test_truth_is_written_in_capitals(estate: Estate) -> None:
    # The range of machines that may announce is off unless it is asked for.
    assert estate.find(("check-associate", "FALSE")) == {havip.id for havip in estate.havips}
    assert estate.find(("check-associate", "TRUE")) == set()


@requirement("HAVIP-API-028")
def test_an_address_is_found_whole(estate: Estate) -> None:
    for number in (2, 20, 200, 22):
        address = estate.subnets[0].cidr.network_address + number
        found = estate.find(("vip", str(address)))
        assert found == {havip.id for havip in estate.havips if havip.address == address}


@requirement("HAVIP-API-029")
def test_a_page_has_twenty_unless_told_otherwise(estate: Estate) -> None:
    assert len(estate.ask()["HaVipSet"]) == 20
    assert set(ids(estate.ask())) == set(ids(estate.ask(Offset=0, Limit=20)))
    assert len(estate.ask(Limit=100)["HaVipSet"]) == len(estate.havips)
    with pytest.raises(Refused):
        estate.ask(Limit=101)


@requirement("HAVIP-API-030")
@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_of_nothing_is_refused(estate: Estate, limit: int) -> None:
    with pytest.raises(Refused):
        estate.ask(Limit=limit)


@requirement("HAVIP-API-031")
def test_pages_hold_everything_once_and_the_total_is_that_of_all(estate: Estate) -> None:
    pages = [estate.ask(Offset=offset, Limit=10) for offset in (0, 10, 20, 30)]
    assert [len(page["HaVipSet"]) for page in pages] == [10, 10, 4, 0]
    assert sorted(chain.from_iterable(map(ids, pages))) == sorted(havip.id for havip in estate.havips)
    assert [page["TotalCount"] for page in pages] == [len(estate.havips)] * len(pages)


@requirement("HAVIP-API-034")
def test_available_is_free_and_in_use_is_bound(target: Target, havip: Havip, a: Instance, bind: Bind) -> None:
    def told() -> tuple[str, str, str]:
        (view,) = target.call("DescribeHaVips", HaVipIds=[havip.id])["HaVipSet"]
        return view["State"], view["NetworkInterfaceId"], view["InstanceId"]

    assert told() == ("Available", "", "")
    bind(a, havip)
    assert told() == ("InUse", a.nic.id, a.nic.instance_id)
