"""The HTTP front: every request gets an answer in the shape of Tencent API 3.0, with status 200."""

import asyncio
import json
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_havip.network.api import (
    addresses,
    eips,
    havips,
    laboratory,
    limits,
    nic_addresses,
    nics,
    ranges,
    routes,
    subnets,
    tasks,
    vpcs,
)
from pytest_havip.network.api.actions import Actions, Answer, NotYet
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.place import REGION
from pytest_havip.network.api.query import read_query
from pytest_havip.network.api.signature import SignedRequest, verify
from pytest_havip.network.core import Refused
from pytest_havip.network.log import tell
from pytest_havip.network.service import Service
from pytest_havip.network.store import StoreError

__all__ = ["ACTIONS", "application"]

ACTIONS: Final = Actions(
    vpcs.ACTIONS,
    subnets.ACTIONS,
    nics.ACTIONS,
    nic_addresses.ACTIONS,
    addresses.ACTIONS,
    havips.ACTIONS,
    ranges.ACTIONS,
    eips.ACTIONS,
    routes.ACTIONS,
    tasks.ACTIONS,
    limits.ACTIONS,
    laboratory.ACTIONS,
)

_VERSION: Final = "2017-03-12"
_MOST_BYTES: Final = 1 << 20


def application(service: Service, secrets: Mapping[str, str] | None) -> ASGIApp:
    """Make the ASGI application that serves a network's API; there is one path, so there are no routes.

    Args:
        service: the network.
        secrets: SecretId -> SecretKey of those who may call; `None` lets everyone in, with or without a signature.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request_id = str(uuid4())
        try:
            received = SignedRequest(
                request.method,
                scope["query_string"].decode("latin-1"),
                dict(request.headers),
                await _read(request),
            )
            answer = await _carry_out_in_time(service, secrets, received, scope["path"], request_id)
        except ApiError as error:
            answer = _error(error.code, error.message)
        except ClientDisconnect:
            return
        _log(request.headers.get("x-tc-action", ""), answer, request_id)
        await _response(answer, request_id)(scope, receive, send)

    return serve


def _log(action: str, answer: Answer, request_id: str) -> None:
    error = answer.get("Error", {})
    tell("request", action=action, request_id=request_id, code=error.get("Code", ""), message=error.get("Message", ""))


async def _read(request: Request) -> bytes:
    """Read a request's body, as far as it may be long."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise ApiError("RequestSizeLimitExceeded", f"the body is longer than {_MOST_BYTES} bytes")
    return bytes(content)


async def _carry_out_in_time(
    service: Service, secrets: Mapping[str, str] | None, request: SignedRequest, path: str, request_id: str
) -> Answer:
    """Carry a request out, again and again while it waits for something to tell."""
    time = asyncio.get_running_loop().time
    begun = time()
    while True:
        try:
            return _carry_out(service, secrets, request, path, request_id)
        except NotYet as pending:
            left = begun + pending.seconds - time()
            if left <= 0 or service.activity.closed:
                return pending.answer
            await service.activity.wait(min(left, pending.again))


def _carry_out(
    service: Service, secrets: Mapping[str, str] | None, request: SignedRequest, path: str, request_id: str
) -> Answer:
    try:
        action = _action(request, path)
        if secrets is not None:
            verify(request, secrets, now=service.now())
        _check_place(request)
        body = read_query(request.query) if request.method == "GET" else _parse(request.body)
        return ACTIONS.call(service, action, body, request_id=request_id)
    except NotYet:
        raise
    except (ApiError, Refused) as error:
        return _error(str(error.code), error.message)
    except StoreError as error:
        return _error("FailedOperation", f"nothing has changed, for it would not last: {error}; then try again")
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer and the service ends
        service.fail(error)
        return _error("InternalError", f"the network has failed and ends now: {error!r}; its log has the details")


def _action(request: SignedRequest, path: str) -> str:
    """Return the action that a request's headers name."""
    if request.method not in {"GET", "POST"} or path != "/":
        raise ApiError(
            "UnsupportedProtocol", f"{request.method[:20]} {path[:60]} is not served; use POST / or GET /?..."
        )
    for header in ("X-TC-Action", "X-TC-Version"):
        if not request.headers.get(header.lower()):
            raise ApiError("MissingParameter", f"the header {header} is missing")
    return request.headers["x-tc-action"]


def _check_place(request: SignedRequest) -> None:
    """See that the request is for this version of the API, and for this region."""
    version = request.headers["x-tc-version"]
    if version != _VERSION:
        raise ApiError("NoSuchVersion", f"there is no version {version[:60]!r}; use {_VERSION}")
    region = request.headers.get("x-tc-region")
    if not region:
        raise ApiError("MissingParameter", f"the header X-TC-Region is missing; this network has one region: {REGION}")
    if region != REGION:
        raise ApiError("UnsupportedRegion", f"there is no region {region[:60]!r}; this network has one: {REGION}")


def _parse(content: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ApiError("InvalidParameter", f"the body is not JSON: {str(error)[:200]}") from error
    if not isinstance(body, dict):
        raise ApiError("InvalidParameter", "the body is no JSON object")
    return body


def _error(code: str, message: str) -> Answer:
    return {"Error": {"Code": code, "Message": message}}


def _response(answer: Answer, request_id: str) -> Response:
    # Tencent's SDK takes an error for a success when a charset stands behind the media type.
    content = json.dumps({"Response": {**answer, "RequestId": request_id}})
    return Response(content, headers={"Content-Type": "application/json"})
