"""Actions that ask for the end of others: those are carried out before they are answered, so they have ended."""

from typing import Final
from uuid import UUID

from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.parameters import Given, integer, not_offered, optional, required, text
from pytest_havip.network.service import Service

__all__ = ["ACTIONS"]

ACTIONS: Final = Actions()
_DONE: Final = "SUCCESS"


@ACTIONS.action("DescribeVpcTaskResult", TaskId=required(text))
def describe_task(service: Service, given: Given) -> Answer:
    """Tell how a task ended; its id is the RequestId of the request that began it."""
    task_id = given["TaskId"]
    try:
        UUID(task_id)
    except ValueError:
        raise ApiError("InvalidParameterValue", f"{task_id[:60]!r} is no id of a task; it is a RequestId") from None
    resource_id = service.requests.resource_of(task_id)
    if resource_id is None:
        raise ApiError("ResourceNotFound", f"no request {task_id} began a task, or it was too long ago")
    return {"Status": _DONE, "Output": _DONE, "Result": [{"ResourceId": resource_id, "Status": _DONE}]}


@ACTIONS.action("DescribeTaskResult", TaskId=optional(integer), DealName=optional(not_offered))
def describe_numbered_task(service: Service, given: Given) -> Answer:
    """Tell how a task ended that has a number of its own, as those about elastic IPs have."""
    if "TaskId" not in given:
        raise ApiError("MissingParameter", "TaskId is missing; it stands in the answer of the request that began it")
    if service.requests.resource_of(str(given["TaskId"])) is None:
        raise ApiError("ResourceNotFound", f"no request began a task {given['TaskId']}, or it was too long ago")
    return {"TaskId": given["TaskId"], "Output": "", "Result": _DONE}
