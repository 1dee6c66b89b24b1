"""Actions on what the account may have: its quotas, and whether it is admitted to HAVIPs."""

from dataclasses import replace
from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Given, boolean, integer, required, text, texts
from pytest_havip.network.service import Service

__all__ = ["ACTIONS", "HAVIPS_PER_VPC"]

ACTIONS: Final = Actions()
HAVIPS_PER_VPC: Final = "vpc-max-havips"

_MOST_TYPES: Final = 100


def _check_type(limit_type: str) -> None:
    if limit_type != HAVIPS_PER_VPC:
        raise ApiError("InvalidParameterValue", f"there is no limit {limit_type[:60]!r}; there is: {HAVIPS_PER_VPC}")


@ACTIONS.action("DescribeVpcLimits", LimitTypes=required(texts))
def describe_limits(service: Service, given: Given) -> Answer:
    """Tell the limits in force."""
    types = given["LimitTypes"]
    if len(types) > _MOST_TYPES:
        raise ApiError(
            "InvalidParameterValue.LimitExceeded", f"LimitTypes has {len(types)} entries; {_MOST_TYPES} at most"
        )
    for limit_type in types:
        _check_type(limit_type)
    return {"VpcLimitSet": [{"LimitType": limit_type, "LimitValue": service.terms.havip_quota} for limit_type in types]}


@ACTIONS.action("HavipLabModifyQuota", LimitType=required(text), LimitValue=required(integer))
def modify_quota(service: Service, given: Given) -> Answer:
    """Change a limit for every VPC (an action of this network, not Tencent's: there it takes a ticket)."""
    _check_type(given["LimitType"])
    if given["LimitValue"] < 0:
        raise ApiError("InvalidParameterValue.Range", f"LimitValue is {given['LimitValue']}; it must be 0 or more")
    service.set_terms(replace(service.terms, havip_quota=given["LimitValue"]))
    return {}


@ACTIONS.action("HavipLabModifyAdmission", Admitted=required(boolean))
def modify_admission(service: Service, given: Given) -> Answer:
    """Admit the account to HAVIPs, or end that (an action of this network: Tencent's operators do it by a ticket)."""
    service.set_terms(replace(service.terms, admitted=given["Admitted"]))
    return {}
