"""What a test wants to see of the network and a cloud does not show: rejections and events."""

from typing import Final

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.parameters import Given, integer, optional
from pytest_havip.network.events import Event, Loss
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
    if isinstance(event, Loss):
        vpc_id, havip_id, address = event.vpc_id, "", ""
        old, new = event.nic_id, event.nic_id
    else:
        vpc_id, havip_id, address = event.havip.vpc_id, event.havip.id, str(event.havip.address)
        old, new = event.old_nic_id or "", event.new_nic_id or ""
    return {
        "Sequence": number,
        "VpcId": vpc_id,
        "HaVipId": havip_id,
        "Vip": address,
        "OldNetworkInterfaceId": old,
        "NewNetworkInterfaceId": new,
        "Cause": str(event.cause),
        "Time": event.at,
    }
