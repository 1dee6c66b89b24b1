"""What a test or a developer wants to see of the network and a cloud does not show. These actions are not Tencent's."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from pytest_havip.network.activity import Activity
from pytest_havip.network.api.actions import Actions, Answer, NotYet
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Given, Parameter, boolean, integer, optional, required, text
from pytest_havip.network.events import Event
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()

#: Seconds. A signature is good for 300, and what lies between caller and service may not keep an idle connection.
_LONGEST_WAIT: Final = 60
#: Seconds between two looks at the guard's counters while somebody waits: it counts silently, and a look takes 2 ms.
_LOOK: Final = 0.25
_FOLLOWED: Final[dict[str, Parameter]] = {
    "After": optional(integer),
    "Limit": optional(integer),
    "WaitSeconds": optional(integer),
}


@ACTIONS.action("HavipLabDescribeRejections")
def describe_rejections(service: Service, given: Given) -> Answer:
    """List what was turned away, by NIC, address and reason."""
    del given
    return {
        "RejectionSet": [
            {
                "NetworkInterfaceId": rejection.nic_id,
                "Address": str(rejection.address),
                "Reason": rejection.reason,
                "Count": rejection.count,
            }
            for rejection in sorted(service.rejections(), key=lambda rejection: rejection.key)
        ]
    }


@ACTIONS.action("HavipLabDescribeEvents", **_FOLLOWED)
def describe_events(service: Service, given: Given) -> Answer:
    """List changes of bindings (and losses of announcements) after a sequence number, oldest first."""
    found = (_event(number, event) for number, event in service.events.after(given.get("After", 0)))
    return _page("EventSet", found, given, service.events.last, again=_LONGEST_WAIT)


@ACTIONS.action("HavipLabDescribeActivity", **_FOLLOWED)
def describe_activity(service: Service, given: Given) -> Answer:
    """List what goes on after a sequence number, oldest first: refreshes and rejections too."""
    service.note_rejections()
    found = (_activity(number, activity) for number, activity in service.activity.after(given.get("After", 0)))
    return _page("ActivitySet", found, given, service.activity.last, again=_LOOK)


def _page(name: str, found: Iterator[Answer], given: Given, last: int, *, again: float) -> Answer:
    """Answer as many as the caller wants, and where to go on; or let the caller wait.

    Raises:
        ApiError: a parameter is out of range.
        NotYet: there is nothing, and the caller waits.
    """
    limit, seconds = given.get("Limit"), given.get("WaitSeconds", 0)
    if limit is not None and limit < 1:
        raise ApiError("InvalidParameterValue.Range", f"Limit is {limit}; it must be 1 or more")
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise ApiError("InvalidParameterValue.Range", f"WaitSeconds is {seconds}; it must be 0 to {_LONGEST_WAIT}")
    chosen = list(islice(found, limit))
    answer = {name: chosen, "Last": chosen[-1]["Sequence"] if chosen else last}
    if not chosen and seconds:
        raise NotYet(answer, seconds, again)
    return answer


def _event(number: int, event: Event) -> Answer:
    return {
        "Sequence": number,
        "VpcId": event.vpc_id,
        "HaVipId": event.havip_id,
        "Vip": event.address,
        "OldNetworkInterfaceId": event.old_nic_id,
        "NewNetworkInterfaceId": event.new_nic_id,
        "Cause": event.cause,
        "Time": event.at,
    }


def _activity(number: int, activity: Activity) -> Answer:
    return {
        "Sequence": number,
        "Time": activity.at,
        "Kind": activity.kind.value,
        "VpcId": activity.vpc_id,
        "HaVipId": activity.havip_id,
        "Address": activity.address,
        "NetworkInterfaceId": activity.nic_id,
        "OldNetworkInterfaceId": activity.old_nic_id,
        "Reason": activity.reason,
        "Frames": activity.frames,
    }


@ACTIONS.action("HavipLabModifySourceCheck", NetworkInterfaceId=required(text), SourceCheck=required(boolean))
def modify_source_check(service: Service, given: Given) -> Answer:
    """Say whether packets of a NIC may only come from its own addresses, as is the rule, or it forwards others'."""
    service.network.set_forwarding(given["NetworkInterfaceId"], forwards=not given["SourceCheck"])
    return {}


@ACTIONS.action("HavipLabUnbindHaVip", HaVipId=required(text))
def unbind(service: Service, given: Given) -> Answer:
    """Take a HAVIP from its owner: at Tencent the console can (FlushedTime), and the API cannot."""
    service.network.unbind_havip(given["HaVipId"], now=service.now())
    return {}
