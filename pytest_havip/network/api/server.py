"""The HTTP front: every request gets an answer in the shape of Tencent API 3.0, with status 200."""

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_havip.network.api import havips, laboratory, limits, nics, subnets, vpcs
from pytest_havip.network.api.actions import Actions
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.core import Refused
from pytest_havip.network.service import Service

__all__ = ["ACTIONS", "application"]

ACTIONS: Final = Actions(
    vpcs.ACTIONS, subnets.ACTIONS, nics.ACTIONS, havips.ACTIONS, limits.ACTIONS, laboratory.ACTIONS
)

_VERSION: Final = "2017-03-12"
_MOST_BYTES: Final = 1 << 20


def application(service: Service) -> ASGIApp:
    """Make the ASGI application that serves a network's API; there is one path, so there are no routes."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = _response(_carry_out(service, request, await _read(request)))
        except ApiError as error:
            response = _response(_error(error.code, error.message))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    return serve


async def _read(request: Request) -> bytes:
    """Read a request's body, as far as it may be long."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise ApiError("RequestSizeLimitExceeded", f"the body is longer than {_MOST_BYTES} bytes")
    return bytes(content)


def _carry_out(service: Service, request: Request, content: bytes) -> dict[str, Any]:
    try:
        action = _action(request)
        return ACTIONS.call(service, action, _parse(content))
    except (ApiError, Refused) as error:
        return _error(str(error.code), error.message)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer and the service ends
        service.fail(error)
        return _error("InternalError", f"the network has failed and ends now: {error!r}; its log has the details")


def _action(request: Request) -> str:
    """Return the action that a request's headers name."""
    if request.method != "POST" or request.url.path != "/":
        raise ApiError("UnsupportedProtocol", f"{request.method} {request.url.path[:60]} is not served; use POST /")
    for header in ("X-TC-Action", "X-TC-Version"):
        if not request.headers.get(header):
            raise ApiError("MissingParameter", f"the header {header} is missing")
    version = request.headers["X-TC-Version"]
    if version != _VERSION:
        raise ApiError("NoSuchVersion", f"there is no version {version[:60]!r}; use {_VERSION}")
    return request.headers["X-TC-Action"]


def _parse(content: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ApiError("InvalidParameter", f"the body is not JSON: {str(error)[:200]}") from error
    if not isinstance(body, dict):
        raise ApiError("InvalidParameter", "the body is no JSON object")
    return body


def _error(code: str, message: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}}


def _response(answer: Mapping[str, Any]) -> Response:
    # Tencent's SDK takes an error for a success when a charset stands behind the media type.
    content = json.dumps({"Response": {**answer, "RequestId": str(uuid4())}})
    return Response(content, headers={"Content-Type": "application/json"})
