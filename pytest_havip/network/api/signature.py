"""Signatures of requests by TC3-HMAC-SHA256: whether a request comes, whole and lately, from who it says.

Pure: the secrets, the request and the time are arguments. The rules are those of Tencent API 3.0, "Signature v3": the
signature covers the method, the query, the headers that it names (the host among them, as it was sent) and the body.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from pytest_havip.network.api.errors import ApiError

__all__ = ["SERVICE", "SignedRequest", "verify"]

#: The service that a signature must be made for.
SERVICE: Final = "vpc"

_ALGORITHM: Final = "TC3-HMAC-SHA256"
_AUTHORIZATION: Final = re.compile(
    rf"{_ALGORITHM} Credential=(?P<id>[^/, ]+)/(?P<date>[^/, ]+)/(?P<service>[^/, ]+)/tc3_request,"
    r" ?SignedHeaders=(?P<headers>[!-+\--~]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_TIMESTAMP: Final = re.compile("[0-9]{1,11}")
#: Headers that a signature must cover.
_ALWAYS_SIGNED: Final = frozenset({"content-type", "host"})
_UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
#: Seconds by which the caller's clock may differ from ours.
_MOST_SKEW: Final = 300


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it was received.

    Attributes:
        method: of HTTP.
        query: what stands behind the question mark, undecoded.
        headers: by name in small letters; the values as sent, each byte one character (ISO 8859-1).
        body: the bytes of the body.
    """

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the header Authorization says."""

    secret_id: str
    date: str
    service: str
    signed_headers: str
    signature: str


def verify(request: SignedRequest, secrets: Mapping[str, str], *, now: float) -> str:
    """Check who sent a request, when, and that it is what was sent.

    Args:
        request: as it was received.
        secrets: the secret key of each SecretId.
        now: epoch seconds.

    Returns:
        The SecretId of the sender.

    Raises:
        ApiError: MissingParameter (a header is not there), InvalidParameterValue (a time that is none),
            AuthFailure.InvalidAuthorization (of another form), AuthFailure.SignatureExpire,
            AuthFailure.SecretIdNotFound, AuthFailure.TokenFailure, AuthFailure.SignatureFailure.
    """
    claim = _read_authorization(_header(request, "Authorization"))
    timestamp = _read_timestamp(_header(request, "X-TC-Timestamp"))
    if abs(now - timestamp) > _MOST_SKEW:
        raise ApiError(
            "AuthFailure.SignatureExpire",
            f"X-TC-Timestamp is {timestamp}, the time is {int(now)}; they may differ by {_MOST_SKEW} seconds",
        )
    secret = secrets.get(claim.secret_id)
    if secret is None:
        raise ApiError("AuthFailure.SecretIdNotFound", f"there is no SecretId {claim.secret_id[:60]!r}")
    if request.headers.get("x-tc-token"):
        raise ApiError("AuthFailure.TokenFailure", "this network has no temporary credentials; leave X-TC-Token out")
    scope = (datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d"), SERVICE)
    if (claim.date, claim.service) != scope:
        raise _failure(f"it was made for {claim.date}/{claim.service}; this is {'/'.join(scope)}")
    key = _signing_key(secret, *scope)
    if not any(
        hmac.compare_digest(_signature(key, canonical, timestamp, scope), claim.signature)
        for canonical in _canonical_requests(request, claim.signed_headers)
    ):
        raise _failure("it does not fit this request; check the SecretKey, and that nothing was changed on the way")
    return claim.secret_id


def _failure(cause: str) -> ApiError:
    return ApiError("AuthFailure.SignatureFailure", f"the signature is not right: {cause}")


def _header(request: SignedRequest, name: str) -> str:
    value = request.headers.get(name.lower())
    if not value:
        raise ApiError("MissingParameter", f"the header {name} is missing; sign the request with {_ALGORITHM}")
    return value


def _read_authorization(text: str) -> _Claim:
    found = _AUTHORIZATION.fullmatch(text)
    if found is None:
        raise ApiError(
            "AuthFailure.InvalidAuthorization",
            f"Authorization must be: {_ALGORITHM} Credential=ID/DATE/{SERVICE}/tc3_request,"
            " SignedHeaders=NAME;NAME, Signature=HEX",
        )
    claim = _Claim(*found.group("id", "date", "service", "headers", "signature"))
    if not _ALWAYS_SIGNED.issubset(claim.signed_headers.split(";")):
        raise ApiError(
            "AuthFailure.InvalidAuthorization", f"SignedHeaders lacks one of {', '.join(sorted(_ALWAYS_SIGNED))}"
        )
    return claim


def _read_timestamp(text: str) -> int:
    if _TIMESTAMP.fullmatch(text) is None:
        raise ApiError("InvalidParameterValue", f"X-TC-Timestamp is {text[:60]!r}; it must be seconds since 1970")
    return int(text)


def _canonical_requests(request: SignedRequest, signed_headers: str) -> Iterator[str]:
    """Yield the forms in which a caller may have signed the request.

    The document says that values of headers are signed in small letters; the official SDK signs them as it sends them.
    """
    values = []
    for name in signed_headers.split(";"):
        value = request.headers.get(name)
        if value is None:
            raise _failure(f"it covers the header {name[:60]}, which is not there")
        values.append((name, value.strip()))
    is_covered = request.headers.get("x-tc-content-sha256") != _UNSIGNED_PAYLOAD
    payload = request.body if is_covered else _UNSIGNED_PAYLOAD.encode()
    lines = (signed_headers, hashlib.sha256(payload).hexdigest())
    as_sent = "".join(f"{name}:{value}\n" for name, value in values)
    lowered = "".join(f"{name}:{value.lower()}\n" for name, value in values)
    for headers in dict.fromkeys((as_sent, lowered)):
        yield "\n".join((request.method, "/", request.query, headers, *lines))


@lru_cache(maxsize=64)
def _signing_key(secret: str, date: str, service: str) -> bytes:
    key = f"TC3{secret}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _signature(key: bytes, canonical: str, timestamp: int, scope: tuple[str, str]) -> str:
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    text = f"{_ALGORITHM}\n{timestamp}\n{'/'.join(scope)}/tc3_request\n{digest}"
    return hmac.digest(key, text.encode(), "sha256").hex()
