"""Hostile requests to an API in the shape of Tencent API 3.0, and what its answers owe to whoever sends them.

Most requests are wrong in one place: the JSON, a type, a value, a header. Some are right, so that there is a state to
spoil; what the answers name is used in later requests.
"""

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from random import Random
from time import perf_counter, time
from typing import Final
from urllib.parse import quote

from pytest_havip.targets.tencent_api import Credentials

__all__ = ["Bombardment", "Hostile", "Request", "complaint"]

_VERSION: Final = "2017-03-12"
_IDENTITY: Final = re.compile(r'"([a-z]{2,9}-[0-9a-z]{8})"')
#: So many ids of a kind are remembered; older ones go.
_MOST_KNOWN: Final = 30
#: How ids begin, by the end of the names of the parameters that want them.
_KINDS: Final = {
    "VpcId": "vpc",
    "SubnetId": "subnet",
    "HaVipId": "havip",
    "NetworkInterfaceId": "eni",
    "InstanceId": "ins",
}
#: How many of the parameters that need not be there are there.
_OPTIONAL: Final = 0.15
_LEFT_OUT: Final = 0.03
_OK: Final = 200
#: HTTP statuses of requests that are no HTTP, which no action ever sees.
_NO_HTTP: Final = range(400, 500)

_TEXTS: Final = (
    "",
    " ",
    "0",
    "-1",
    "null",
    "a" * 60,
    "名" * 60,
    "名" * 61,
    "a" * 70_000,
    "\x00",
    "\ud800",
    "\u202e",
    "é\u0301",
    "'; DROP TABLE havips; --",
    "{{7*7}}",
    "%s%n%x",
    "../../etc/passwd",
    "${jndi:ldap://a}",
    "\r\nX-Injected: 1",
    "\u0663.\u0664.\u0665.\u0666",
    "TRUE",
    "NORMAL",
)
_ADDRESSES: Final = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "10.0.0.0/24",
    "10.0.1.0/24",
    "10.0.0.5",
    "10.0.0.255",
    "10.0.0.0",
    "10.0.0.1",
    "0.0.0.0/0",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "256.0.0.1",
    "010.0.0.1",
    "0x0a000001",
    "167772161",
    "10.0.0.1/24",
    "::1",
    "::ffff:10.0.0.1",
    "127.0.0.1",
    "224.0.0.1",
    "255.255.255.255",
)
#: Values that a parameter might have, by the end of its name.
_LIKELY: Final[Mapping[str, tuple[object, ...]]] = {
    "CidrBlock": _ADDRESSES[:5],
    "Vip": _ADDRESSES[5:8],
    "IpAddress": _ADDRESSES[5:8],
    "Name": ("a", "名字", "bench"),
    "LimitType": ("vpc-max-havips",),
    "LimitValue": (0, 1, 10, 20),
    "Offset": (0, 1, 10, "0", "5"),
    "Limit": (1, 10, 20, "5"),
    "Count": (0, 1, 10),
}
_NUMBERS: Final = (0, 1, -1, 20, 100, 101, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308)
_LITERALS: Final = ("NaN", "Infinity", "-Infinity", "1e999", "[" * 20_000, '{"a":' * 5_000, '"\\ud800"', "truefalse")
_SHAPES: Final[tuple[object, ...]] = (
    None,
    True,
    False,
    [],
    {},
    [[]],
    [{}],
    [None],
    [True, 1, "a"],
    {"Name": "vpc-id"},
    [{"Name": "vpc-id", "Values": []}],
    [{"Name": "vpc-id", "Values": ["vpc-00000000"] * 6}],
    [{"Name": "no-such-filter", "Values": ["a"]}],
    [{"Name": "havip-id", "Values": "havip-00000000"}],
    [{"Key": "k", "Value": "v"}] * 60,
    ["a"] * 2000,
)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, and which kind of wrong it is."""

    kind: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Hostile:
    """Draws requests.

    Args:
        random: Where chance comes from.
        actions: The names of each action's parameters, and whether they must be there.
        credentials: With which right requests are signed.
        endpoint: ``host:port``, as it is signed.
        region: Of the network.
    """

    random: Random
    actions: Mapping[str, Mapping[str, bool]]
    credentials: Credentials
    endpoint: str
    region: str
    _known: dict[str, deque[str]] = field(default_factory=dict)

    def learn(self, answer: bytes) -> None:
        """Remember the ids that an answer names."""
        for identity in _IDENTITY.findall(answer.decode("utf-8", "replace")):
            self._known.setdefault(identity.partition("-")[0], deque(maxlen=_MOST_KNOWN)).append(identity)

    def request(self) -> Request:
        """Draw the next request."""
        kinds: tuple[Callable[[], Request], ...] = (
            self._plausible,
            self._plausible,
            self._plausible,
            self._wrong_value,
            self._wrong_value,
            self._wrong_value,
            self._no_json,
            self._wrong_header,
            self._by_query,
            self._no_api,
        )
        return self.random.choice(kinds)()

    def _plausible(self) -> Request:
        action, body = self._drawn()
        return self._signed("plausible", action, json.dumps(body))

    def _wrong_value(self) -> Request:
        action, body = self._drawn()
        name = self.random.choice([*self.actions.get(action, ()), "NoSuchParameter"])
        body[name] = self._unlikely()
        return self._signed("wrong value", action, json.dumps(body))

    def _no_json(self) -> Request:
        action, body = self._drawn()
        text = json.dumps(body)
        cut = self.random.randrange(len(text) + 1)
        literal = self.random.choice((*_LITERALS, *map(str, _NUMBERS[:3]), '"', "[]", "null", ""))
        broken = self.random.choice((text[:cut], text[:cut] + literal + text[cut:], literal, text + text))
        return self._signed("no JSON", action, broken)

    def _wrong_header(self) -> Request:
        action, body = self._drawn()
        right = self._signed("wrong header", action, json.dumps(body))
        name = self.random.choice([*right.headers, "X-TC-Token", "X-TC-Language", "Expect"])
        headers = dict(right.headers)
        if self.random.random() < 0.3:  # noqa: PLR2004 - a share
            headers.pop(name, None)
        else:
            headers[name] = self.random.choice(
                ("", "0", "-1", "9" * 30, "é", "a" * 5000, "TC3-HMAC-SHA256", "TC3-HMAC-SHA256 Credential=/, =", "NaN")
            )
        return Request(right.kind, right.method, right.path, headers, right.body)

    def _by_query(self) -> Request:
        action, body = self._drawn()
        pieces = [f"{name}{self._suffix()}={quote(str(value)[:500], errors='replace')}" for name, value in body.items()]
        pieces += self.random.choices(("a=b", "&&", "=", "%", "%zz", "Filters.0.Name=a", "a.a.a.a.a.a.a.a.a=1"), k=1)
        right = self._signed("by query", action, "")
        return Request(right.kind, "GET", "/?" + "&".join(pieces), right.headers, b"")

    def _no_api(self) -> Request:
        action, body = self._drawn()
        right = self._signed("no API", action, json.dumps(body))
        method = self.random.choice(("PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "POST", "BREW"))
        path = self.random.choice(("/", "//", "/v2", "/?" + "a" * 3000, "/%00", "*", "http://elsewhere/"))
        content = self.random.choice((right.body, self.random.randbytes(100), b"\xff" * 10, b"a" * 70_000))
        return Request(right.kind, method, path, right.headers, content)

    def _drawn(self) -> tuple[str, dict[str, object]]:
        """An action, and parameters that it might be given."""
        draw = self.random.random
        action = self.random.choice((*self.actions, "NoSuchAction"))
        names = [
            name
            for name, required in self.actions.get(action, {}).items()
            if draw() < (1 - _LEFT_OUT if required else _OPTIONAL)
        ]
        return action, {name: self._likely(name) for name in names}

    def _likely(self, name: str) -> object:
        """A value that this parameter might have, mostly."""
        draw = self.random
        kind = next((kind for end, kind in _KINDS.items() if name.endswith((end, f"{end}s"))), "")
        identity = draw.choice(self._known.get(kind) or (f"{kind}-00000000",))
        if name.endswith("Ids"):
            return [identity]
        if name.endswith("Id"):
            return identity
        if name == "Filters":
            kind = draw.choice(("vpc", "subnet", "havip"))
            return [{"Name": f"{kind}-id", "Values": list(self._known.get(kind, ()))[:5]}]
        of_its_kind = next((values for end, values in _LIKELY.items() if name.endswith(end)), None)
        return draw.choice(of_its_kind or (True, False, identity, "a", 1, [identity], *_SHAPES))

    def _unlikely(self) -> object:
        return self.random.choice((*_TEXTS, *_ADDRESSES, *_NUMBERS, *_SHAPES))

    def _suffix(self) -> str:
        return self.random.choice(("", "", ".0", ".0.Name", ".-1", ".99999", "..", ".0.0"))

    def _signed(self, kind: str, action: str, body: str) -> Request:
        now = int(time())
        content = body.encode("utf-8", "surrogatepass")
        text = body if body.isascii() else content.decode("utf-8", "replace")
        headers = {
            "Host": self.endpoint,
            "Content-Type": "application/json",
            "X-TC-Action": action,
            "X-TC-Version": _VERSION,
            "X-TC-Region": self.region,
            "X-TC-Timestamp": str(now),
            "Authorization": self.credentials.authorization(self.endpoint, text, now),
        }
        return Request(kind, "POST", "/", headers, content)


def complaint(request: Request, status: int, content: bytes) -> str:
    """What is wrong with an answer; empty if nothing is.

    It has status 200 and a ``Response`` with a ``RequestId`` (Tencent API 3.0, "Response"), and does not blame the
    service. What is no HTTP, or no method that has a body, may get HTTP's own refusal.
    """
    if status in _NO_HTTP or request.method == "HEAD":
        return ""
    if status != _OK:
        return f"status {status}"
    try:
        response = json.loads(content)["Response"]
        response["RequestId"]
    except (ValueError, KeyError, TypeError) as error:
        return f"no answer of this API: {error!r} in {content[:200]!r}"
    code = response.get("Error", {}).get("Code", "")
    return f"the service broke: {response['Error']}" if code.startswith("InternalError") else ""


@dataclass(slots=True)
class Bombardment:
    """Sends requests one after another, and counts what became of them.

    Attributes:
        answers: How many requests of a kind got an answer, by kind and code; the code is empty without an error.
        complaints: What was wrong, each with its request.
        slowest: The longest time that a request took, in seconds, and the request.
    """

    hostile: Hostile
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    complaints: list[tuple[str, Request]] = field(default_factory=list)
    slowest: tuple[float, Request | None] = 0.0, None

    def send(self, number: int) -> None:
        """Send so many requests; one that gets no answer is a complaint."""
        connection = HTTPConnection(self.hostile.endpoint, timeout=20)
        for _ in range(number):
            request = self.hostile.request()
            began = perf_counter()
            try:
                status, content = self._exchange(connection, request)
            except (HTTPException, OSError) as error:
                self.complaints.append((f"no answer: {error!r}", request))
                connection.close()
                continue
            if wrong := complaint(request, status, content):
                self.complaints.append((wrong, request))
            self.slowest = max(self.slowest, (perf_counter() - began, request), key=lambda pair: pair[0])
            self.answers[request.kind, _code(status, content)] += 1
            self.hostile.learn(content)
        connection.close()

    @staticmethod
    def _exchange(connection: HTTPConnection, request: Request) -> tuple[int, bytes]:
        connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value.encode())
        connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        return answer.status, answer.read()


def _code(status: int, content: bytes) -> str:
    if status != _OK or not content:
        return f"HTTP {status}"
    try:
        return str(json.loads(content)["Response"].get("Error", {}).get("Code", ""))
    except (ValueError, KeyError, TypeError):
        return "?"
