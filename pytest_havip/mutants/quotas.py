"""Faults in the count of HAVIPs that a quota is held against."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.core import TENCENT, Code, Havip, Network, Refused

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
    defaults = Network.__init__.__kwdefaults__
    assert defaults is not None
    defaults["profile"] = replace(TENCENT, havip_quota=TENCENT.havip_quota + 1)


def _quota_for_each_subnet() -> None:
    create = Network.create_havip

    def create_havip(self: Network, vpc_id: str, subnet_id: str, name: str, **rest: Any) -> Havip:  # noqa: ANN401
        inventory, whole = self._inventory, self._inventory.havips
        counted = {key: havip for key, havip in whole.items() if havip.subnet_id == subnet_id}
        inventory.havips = MappingProxyType(counted)
        try:
            return create(self, vpc_id, subnet_id, name, **rest)
        finally:
            inventory.havips = whole

    put(Network, "create_havip", create_havip)


MUTANTS = (
    Mutant(
        "eleven-havips", "A VPC has room for one HAVIP too many.", frozenset({"HAVIP-QUOTA-001"}), _one_havip_too_many
    ),
    Mutant(
        "quota-for-each-subnet",
        "The quota counts the HAVIPs of a subnet.",
        frozenset({"HAVIP-QUOTA-004"}),
        _quota_for_each_subnet,
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
        frozenset({"HAVIP-QUOTA-003"}),
        _count(_ever),
    ),
    Mutant(
        "refusals-take-a-place",
        "A refused creation takes a place in the quota.",
        frozenset({"HAVIP-QUOTA-005"}),
        _count(_with_refused),
    ),
)
