"""Actions on drift ranges. A range says who may announce a HAVIP; no action says who does."""

from collections.abc import Sequence
from typing import Any, Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Given, Schema, objects, optional, required, text
from pytest_havip.network.core import MemberKind, kind_of
from pytest_havip.network.service import Service

__all__ = ["ACTIONS", "members", "view_range"]

ACTIONS: Final = Actions()

#: In one request.
_MOST_ITEMS: Final = 10

_KIND: Final = {"InstanceType": optional(text)}
_MEMBERS: Final = objects(Schema({"HaVipId": optional(text), "InstanceId": required(text), **_KIND}))
_PAIRS: Final = objects(Schema({"HaVipId": required(text), "InstanceId": required(text), **_KIND}))


def members(name: str, value: object) -> list[str]:
    """Accept the members of a HAVIP that is to be made, and has no id yet."""
    read: Any = _MEMBERS(name, value)
    if any(item.get("HaVipId") for item in read):
        raise ApiError("InvalidParameterValue", f"{name} names a HaVipId; the HAVIP gets its id only now")
    return [_member(item) for item in read]


def _pairs(name: str, value: object) -> dict[str, list[str]]:
    """Accept members of HAVIPs, one at least; return them by HAVIP."""
    read: Any = _PAIRS(name, value)
    if not read:
        raise ApiError("MissingParameter", f"{name} is empty; name a HAVIP and a member")
    if len(read) > _MOST_ITEMS:
        raise ApiError("LimitExceeded", f"{name} has {len(read)} entries; {_MOST_ITEMS} at most")
    found: dict[str, list[str]] = {}
    for item in read:
        found.setdefault(item["HaVipId"], []).append(_member(item))
    return found


def _member(item: Given) -> str:
    """Return a member's id, which must be of the kind that the request says it is."""
    identifier: str = item["InstanceId"]
    kind = item.get("InstanceType")
    if kind is None:
        return identifier
    if kind not in tuple(MemberKind):
        raise ApiError("InvalidParameterValue", f"InstanceType is {kind[:60]!r}; it must be {' or '.join(MemberKind)}")
    if kind_of(identifier) != kind:
        raise ApiError("InvalidParameterValue.ParameterMismatch", f"{identifier} is no {kind}")
    return identifier


def view_range(havip_id: str, found: Sequence[str]) -> list[Answer]:
    """Show the members of a HAVIP's range."""
    return [{"HaVipId": havip_id, "InstanceId": member, "InstanceType": kind_of(member).value} for member in found]


@ACTIONS.action("AssociateHaVipInstance", HaVipAssociationSet=required(_pairs))
def associate(service: Service, given: Given) -> Answer:
    """Add members to drift ranges, all or none."""
    service.network.associate(given["HaVipAssociationSet"])
    return {}


@ACTIONS.action("DisassociateHaVipInstance", HaVipAssociationSet=required(_pairs))
def dissociate(service: Service, given: Given) -> Answer:
    """Take members out of drift ranges, all or none."""
    service.network.dissociate(given["HaVipAssociationSet"], now=service.now())
    return {}
