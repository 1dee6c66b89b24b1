"""What a test wants to see of the network and a cloud does not show: rejections and events."""

from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.parameters import Given, integer, optional
from pytest_havip.network.events import Event
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()


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


@ACTIONS.action("HavipLabDescribeEvents", After=optional(integer))
def describe_events(service: Service, given: Given) -> Answer:
    """List changes of bindings (and losses of announcements) after a sequence number, oldest first."""
    return {"EventSet": [_event(number, event) for number, event in service.events.after(given.get("After", 0))]}


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
