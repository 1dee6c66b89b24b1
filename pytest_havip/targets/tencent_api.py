"""A caller of an API in the shape of Tencent API 3.0: one action per request, one kept connection."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any

from pytest_havip.targets.base import Refused, TargetError

__all__ = ["TencentApi"]

_VERSION = "2017-03-12"
#: Seconds; an answer later than this means that the network's service hangs.
_TIMEOUT = 20.0
#: How error codes begin by which the network says that it is broken itself (Tencent API 3.0: common error codes).
_BROKEN = "InternalError"


class TencentApi:
    """Calls actions of the ``vpc`` service at a plain HTTP endpoint.

    Args:
        host: Where the service listens.
        port: Its TCP port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._endpoint = f"{host}:{port}"
        # http.client knows no proxy variables, so that a proxy cannot come between us and loopback.
        self._connection = HTTPConnection(host, port, timeout=_TIMEOUT)

    def call(self, action: str, /, **parameters: object) -> dict[str, Any]:
        """Call an action and return its ``Response``; parameters that are `None` are left out.

        Raises:
            Refused: The service answered with an error.
            TargetError: There was no answer, none in the documented shape, or one that says that the service is broken.
        """
        body = json.dumps({name: value for name, value in parameters.items() if value is not None})
        headers = {"Content-Type": "application/json", "X-TC-Action": action, "X-TC-Version": _VERSION}
        try:
            self._connection.request("POST", "/", body, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (HTTPException, OSError) as error:
            self._connection.close()
            raise TargetError(
                f"{action} got no answer from the network's API at {self._endpoint}: {error!r}. Its service has "
                "probably ended; the end of its log says why."
            ) from error
        try:
            response: dict[str, Any] = json.loads(text)["Response"]
        except (ValueError, KeyError, TypeError) as error:
            raise TargetError(
                f"{action}: HTTP {answer.status}, not a Tencent API 3.0 answer: {text[:200]!r}"
            ) from error
        if "Error" in response:
            code, message = response["Error"]["Code"], response["Error"]["Message"]
            if code.startswith(_BROKEN):
                raise TargetError(f"{action}: the network's service says that it is broken: {code}: {message}")
            raise Refused(code, message)
        return response

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
