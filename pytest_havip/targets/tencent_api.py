"""A caller of an API in the shape of Tencent API 3.0: one action per request, signed; connections are kept.

The official SDK does the same, and takes 0.15 s to load: too long for a plugin.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import IO, Any

from pytest_havip.targets.base import Refused, TargetError

__all__ = ["Credentials", "TencentApi"]

_VERSION = "2017-03-12"
#: Seconds; an answer later than this means that the network's service hangs.
_TIMEOUT = 20.0
#: How error codes begin by which the network says that it is broken itself (Tencent API 3.0: common error codes).
_BROKEN = "InternalError"
_CONTENT_TYPE = "application/json"
_SERVICE = "vpc"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who calls, and by which secret that is shown.

    Args:
        secret_id: The public half.
        secret_key: The half that only the caller and the network know.
    """

    secret_id: str
    secret_key: str = field(repr=False)

    @classmethod
    def new(cls) -> "Credentials":
        """Make up credentials for a network that is told them when it starts."""
        return cls(f"AKID{secrets.token_hex(16)}", secrets.token_hex(16))

    def file(self) -> IO[str]:
        """Open a file in memory with the credentials, as the network's service reads them from a descriptor."""
        file = os.fdopen(os.memfd_create("credentials"), "w+", encoding="utf-8")
        json.dump({self.secret_id: self.secret_key}, file)
        file.flush()
        file.seek(0)
        return file

    def authorization(self, host: str, body: str, at: int) -> str:
        """Sign a POST request by TC3-HMAC-SHA256 (Tencent API 3.0, "Signature v3"): the value of Authorization.

        Args:
            host: The header Host, as it is sent.
            body: Of the request.
            at: The header X-TC-Timestamp, epoch seconds.
        """
        scope = (time.strftime("%Y-%m-%d", time.gmtime(at)), _SERVICE, "tc3_request")
        covered = f"content-type:{_CONTENT_TYPE}\nhost:{host}\n\ncontent-type;host"
        request = f"POST\n/\n\n{covered}\n{hashlib.sha256(body.encode()).hexdigest()}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = f"TC3{self.secret_key}".encode()
        for part in scope:
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"TC3-HMAC-SHA256\n{at}\n{'/'.join(scope)}\n{digest}"
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = "/".join((self.secret_id, *scope))
        return f"TC3-HMAC-SHA256 Credential={credential}, SignedHeaders=content-type;host, Signature={signature}"


class TencentApi:
    """Calls actions of the ``vpc`` service at a plain HTTP endpoint; several threads may call at once.

    Args:
        host: Where the service listens.
        port: Its TCP port.
        credentials: Who calls.
        region: Where the network is.
    """

    def __init__(self, host: str, port: int, *, credentials: Credentials, region: str = "lab") -> None:
        self._credentials = credentials
        self._region = region
        self._endpoint = f"{host}:{port}"
        # Connections that nobody uses now, the last one used at the end. One call takes one; lists are thread-safe.
        self._idle: list[HTTPConnection] = []

    def call(self, action: str, /, **parameters: object) -> dict[str, Any]:
        """Call an action and return its ``Response``; parameters that are `None` are left out.

        Raises:
            Refused: The service answered with an error.
            TargetError: There was no answer, none in the documented shape, or one that says that the service is broken.
        """
        body = json.dumps({name: value for name, value in parameters.items() if value is not None})
        now = int(time.time())
        headers = {
            "Host": self._endpoint,
            "Content-Type": _CONTENT_TYPE,
            "X-TC-Action": action,
            "X-TC-Version": _VERSION,
            "X-TC-Region": self._region,
            "X-TC-Timestamp": str(now),
            "Authorization": self._credentials.authorization(self._endpoint, body, now),
        }
        connection = self._connection()
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (HTTPException, OSError) as error:
            connection.close()
            raise TargetError(
                f"{action} got no answer from the network's API at {self._endpoint}: {error!r}. Its service has "
                "probably ended; the end of its log says why."
            ) from error
        self._idle.append(connection)
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
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> HTTPConnection:
        try:
            return self._idle.pop()
        except IndexError:
            # http.client knows no proxy variables, so that a proxy cannot come between us and loopback.
            return HTTPConnection(self._endpoint, timeout=_TIMEOUT)
