"""Faults in the count of HAVIPs that a quota is held against."""

from collections import Counter
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import Request, Rightly, change_action, change_profile, put
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.core import TENCENT, Code, Havip, Network, Refused
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]


def _count(
    counted: Callable[[Network, str, Counter[str], Counter[str]], int],
) -> Callable[[], None]:
    """Hold the quota against another number: by the network, the VPC, and how often it granted and refused one."""

    def plant() -> None:
        granted: Counter[str] = Counter()
        refused: Counter[str] = Counter()

        def create_havip(self: Network, vpc_id: str, *rest: str, **more: Any) -> Havip:  # noqa: ANN401
            vpc = self.vpcs.get(vpc_id)
            number = counted(self, vpc_id, granted, refused)
            if vpc is not None and number >= vpc.havip_quota:
                raise Refused(Code.LIMIT_EXCEEDED, f"{number} HAVIPs are counted; the quota is {vpc.havip_quota}")
            try:
                havip: Havip = create(self, vpc_id, *rest, **more)
            except Refused:
                refused[vpc_id] += 1
                raise
            granted[vpc_id] += 1
            return havip

        create = put(Network, "create_havip", create_havip)

    return plant


def _in_all(network: Network, _vpc_id: str, _granted: Counter[str], _refused: Counter[str]) -> int:
    return len(network.havips)


def _ever(_network: Network, vpc_id: str, granted: Counter[str], _refused: Counter[str]) -> int:
    return granted[vpc_id]


def _with_refused(network: Network, vpc_id: str, _granted: Counter[str], refused: Counter[str]) -> int:
    return refused[vpc_id] + sum(havip.vpc_id == vpc_id for havip in network.havips.values())


def _one_havip_too_many() -> None:
    change_profile(havip_quota=TENCENT.havip_quota + 1)


def _count_only(is_counted: Callable[[Havip, str], bool]) -> Callable[[], None]:
    """Hold the quota against some HAVIPs only: chosen by the HAVIP, and the subnet of the one that is wanted."""

    def plant() -> None:
        def create_havip(self: Network, vpc_id: str, subnet_id: str, name: str, **rest: Any) -> Havip:  # noqa: ANN401
            inventory, whole = self._inventory, self._inventory.havips
            counted = {key: havip for key, havip in whole.items() if is_counted(havip, subnet_id)}
            inventory.havips = MappingProxyType(counted)
            try:
                havip: Havip = create(self, vpc_id, subnet_id, name, **rest)
            finally:
                inventory.havips = whole
            return havip

        create = put(Network, "create_havip", create_havip)

    return plant


def _refused_wishes_keep_their_address() -> None:
    def create_havip(self: Network, vpc_id: str, subnet_id: str, name: str, **rest: Any) -> Havip:  # noqa: ANN401
        try:
            havip: Havip = create(self, vpc_id, subnet_id, name, **rest)
        except Refused as refused:
            if refused.code is Code.LIMIT_EXCEEDED and rest["address"] is not None:
                self._inventory.pools[subnet_id].take((rest["address"],))
            raise
        return havip

    create = put(Network, "create_havip", create_havip)


def _limits(told: Callable[[int], object]) -> Callable[[], None]:
    """Tell limits in another way."""

    def tell(rightly: Rightly, _: Service, request: Request) -> Answer:
        limits = rightly(request)["VpcLimitSet"]
        return {"VpcLimitSet": [{**limit, "LimitValue": told(limit["LimitValue"])} for limit in limits]}

    return lambda: change_action(tell, "DescribeVpcLimits")


def _any_limit(rightly: Rightly, _: Service, request: Request) -> Answer:
    try:
        return rightly(request)
    except ApiError:
        return {"VpcLimitSet": [{"LimitType": name, "LimitValue": 0} for name in request["LimitTypes"]]}


MUTANTS = (
    Mutant(
        "eleven-havips", "A VPC has room for one HAVIP too many.", frozenset({"HAVIP-QUOTA-001"}), _one_havip_too_many
    ),
    Mutant(
        "quota-for-each-subnet",
        "The quota counts the HAVIPs of a subnet.",
        frozenset({"HAVIP-QUOTA-004"}),
        _count_only(lambda havip, subnet_id: havip.subnet_id == subnet_id),
    ),
    Mutant(
        "quota-for-all-vpcs",
        "The quota counts the HAVIPs of all VPCs.",
        frozenset({"HAVIP-QUOTA-002"}),
        _count(_in_all),
    ),
    Mutant(
        "release-frees-no-place",
        "A released HAVIP keeps its place in the quota.",
        frozenset({"HAVIP-QUOTA-003", "HAVIP-QUOTA-007", "HAVIP-QUOTA-010"}),
        _count(_ever),
    ),
    Mutant(
        "refusals-take-a-place",
        "A refused creation takes a place in the quota.",
        frozenset({"HAVIP-QUOTA-005"}),
        _count(_with_refused),
    ),
    Mutant(
        "bound-havips-do-not-count",
        "The quota counts unbound HAVIPs.",
        frozenset({"HAVIP-QUOTA-007"}),
        _count_only(lambda havip, _: havip.binding is None),
    ),
    Mutant(
        "limits-as-text",
        "A limit is told as a text.",
        frozenset({"HAVIP-QUOTA-008"}),
        _limits(str),
    ),
    Mutant(
        "limits-of-another-contract",
        "Twice the limit is told that is in force.",
        frozenset({"HAVIP-ADDR-012", "HAVIP-QUOTA-005", "HAVIP-QUOTA-006", "HAVIP-QUOTA-008"}),
        _limits(lambda limit: 2 * limit),
    ),
    Mutant(
        "unknown-limits-are-told",
        "A limit that there is not is told as zero.",
        frozenset({"HAVIP-QUOTA-009"}),
        lambda: change_action(_any_limit, "DescribeVpcLimits"),
    ),
    Mutant(
        "refused-wishes-keep-their-address",
        "The address of a wish that the quota refused is occupied.",
        frozenset({"HAVIP-QUOTA-010"}),
        _refused_wishes_keep_their_address,
    ),
)
