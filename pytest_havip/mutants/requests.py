"""Faults in what the API accepts: names, ids, places, and requests about what is not there."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import Request, Rightly, change_action, put
from pytest_havip.network.api import havips
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.core import Change, Havip, Network, Refused, arguments
from pytest_havip.network.core import havips as resources
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

_LONGEST = 60
_NOT_FOUND = "ResourceNotFound"


def _action(changed: Callable[[Rightly, Service, Request], Answer], *names: str) -> Callable[[], None]:
    """Plant another way to carry out actions."""
    return lambda: change_action(changed, *names)


def _names_in_bytes() -> None:
    def check_name(name: str, *, longest: int) -> None:
        check(name.encode().decode("latin-1"), longest=longest)

    check = put(resources, "check_name", check_name)


def _cut_name(rightly: Rightly, _: Service, request: Request) -> Answer:
    return rightly({**request, "HaVipName": request.get("HaVipName", "")[:_LONGEST] or None})


def _number_name(rightly: Rightly, service: Service, request: Request) -> Answer:
    names = {havip.name for havip in service.network.havips.values() if havip.vpc_id == request.get("VpcId")}
    name = request.get("HaVipName")
    return rightly({**request, "HaVipName": f"{name} 2"} if name in names else request)


def _find_equal(rightly: Rightly, service: Service, request: Request) -> Answer:
    """Answer a request for any address with the HAVIP of that name, if there is one."""
    for havip in service.network.havips.values():
        if "Vip" not in request and (havip.subnet_id, havip.name) == (
            request.get("SubnetId"),
            request.get("HaVipName"),
        ):
            return {"HaVip": havips._view(service, havip)}  # noqa: SLF001 - a mutant's
    return rightly(request)


def _ids_come_back() -> None:
    def delete_havip(self: Network, havip_id: str, *, now: float) -> Havip:
        havip: Havip = delete(self, havip_id, now=now)
        free.append(havip_id)
        return havip

    def new_identity(kind: str, *rest: Any) -> str:  # noqa: ANN401
        identity: str = free.pop() if kind == "havip" and free else new(kind, *rest)
        return identity

    free: list[str] = []
    delete = put(Network, "delete_havip", delete_havip)
    new = put(resources, "new_identity", new_identity)


def _long_ids() -> None:
    def new_identity(kind: str, *rest: Any) -> str:  # noqa: ANN401
        identity: str = new(kind, *rest)
        return f"{identity}00" if kind == "havip" else identity

    new = put(resources, "new_identity", new_identity)
    put(arguments, "_IDENTIFIER", re.compile(r"(vpc|subnet|eni|ins|havip)-[0-9a-z]{8,10}"))


def _malformed_is_unknown(rightly: Rightly, _: Service, request: Request) -> Answer:
    try:
        return rightly(request)
    except (ApiError, Refused) as error:
        if error.code.endswith("Malformed"):
            raise ApiError(_NOT_FOUND, "there is no such HAVIP") from error
        raise


def _name_it(rightly: Rightly, _: Service, request: Request) -> Answer:
    return rightly({"HaVipName": "unnamed", **request})


def _follow_the_subnet(rightly: Rightly, service: Service, request: Request) -> Answer:
    subnet = service.network.subnets.get(request.get("SubnetId", ""))
    if subnet is None or request.get("VpcId") not in service.network.vpcs:
        return rightly(request)
    return rightly({**request, "VpcId": subnet.vpc_id})


def _gone_is_done(rightly: Rightly, _: Service, request: Request) -> Answer:
    try:
        return rightly(request)
    except Refused as error:
        if error.code == _NOT_FOUND:
            return {}
        raise


def _stamp(rightly: Rightly, service: Service, request: Request) -> Answer:
    answer = rightly(request)
    havip = service.network.havips[request["HaVipId"]]
    service.network._commit(Change(havip, replace(havip, flushed=service.now())))  # noqa: SLF001 - a mutant's
    service.apply()
    return answer


def _take_along(rightly: Rightly, service: Service, request: Request) -> Answer:
    """Release the HAVIPs of a subnet that is to be deleted."""
    for havip in tuple(service.network.havips.values()):
        if havip.subnet_id == request["SubnetId"]:
            service.network.delete_havip(havip.id, now=service.now())
    return rightly(request)


MUTANTS = (
    Mutant(
        "names-in-bytes",
        "The length of a name is counted in bytes.",
        frozenset({"HAVIP-API-013"}),
        _names_in_bytes,
    ),
    Mutant(
        "long-names-are-cut",
        "A name that is too long is cut, and taken.",
        frozenset({"HAVIP-API-013"}),
        _action(_cut_name, "CreateHaVip", "ModifyHaVipAttribute"),
    ),
    Mutant(
        "equal-names-are-numbered",
        "A name that another HAVIP of the VPC has is given with a number behind it.",
        frozenset({"HAVIP-API-014"}),
        _action(_number_name, "CreateHaVip"),
    ),
    Mutant(
        "equal-requests-are-one",
        "A request for any address is answered with the HAVIP of that name, if there is one.",
        frozenset(
            {
                "HAVIP-ADDR-001",
                "HAVIP-ADDR-009",
                "HAVIP-ADDR-010",
                "HAVIP-ADDR-011",
                "HAVIP-ADDR-012",
                "HAVIP-API-005",
                "HAVIP-API-015",
                "HAVIP-QUOTA-002",
                "HAVIP-QUOTA-003",
                "HAVIP-QUOTA-005",
                "HAVIP-QUOTA-006",
                "HAVIP-QUOTA-007",
                "HAVIP-QUOTA-008",
            }
        ),
        _action(_find_equal, "CreateHaVip"),
    ),
    Mutant(
        "ids-come-back",
        "A new HAVIP gets the id of a released one.",
        frozenset({"HAVIP-API-003", "HAVIP-API-005", "HAVIP-RELEASE-002"}),
        _ids_come_back,
    ),
    Mutant("long-ids", "The ids of HAVIPs are two characters longer.", frozenset({"HAVIP-API-006"}), _long_ids),
    Mutant(
        "malformed-is-unknown",
        "A malformed id of a HAVIP is called unknown.",
        frozenset({"HAVIP-API-017"}),
        _action(_malformed_is_unknown, "DescribeHaVips", "ModifyHaVipAttribute", "DeleteHaVip"),
    ),
    Mutant(
        "nameless-requests-are-named",
        "A request that names no name gets one.",
        frozenset({"HAVIP-API-016"}),
        _action(_name_it, "CreateHaVip"),
    ),
    Mutant(
        "vpcs-are-not-compared",
        "A HAVIP is made in the VPC of its subnet, whatever VPC was asked for.",
        frozenset({"HAVIP-API-018"}),
        _action(_follow_the_subnet, "CreateHaVip"),
    ),
    Mutant(
        "gone-is-done",
        "The release of a HAVIP that is not there succeeds.",
        frozenset({"HAVIP-API-019", "HAVIP-API-020", "HAVIP-RELEASE-004"}),
        _action(_gone_is_done, "DeleteHaVip"),
    ),
    Mutant(
        "renaming-is-stamped",
        "Renaming counts as a change of the binding: it is stamped.",
        frozenset({"HAVIP-API-010", "HAVIP-API-012"}),
        _action(_stamp, "ModifyHaVipAttribute"),
    ),
    Mutant(
        "subnets-take-their-havips-along",
        "A subnet is deleted together with its HAVIPs.",
        frozenset({"HAVIP-API-022"}),
        _action(_take_along, "DeleteSubnet"),
    ),
)
