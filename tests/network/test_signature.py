"""Signatures: the documented example, what the official SDK signs, and everything that does not fit."""

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.http.request import RequestInternal
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.vpc.v20170312.vpc_client import VpcClient

from pytest_havip.network.api import signature
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.api.query import read_query
from pytest_havip.network.api.signature import SignedRequest, verify

if TYPE_CHECKING:
    from tests.network.conftest import Rig

SECRETS = {"AKIDme": "my secret", "AKIDother": "another secret"}


def signed_by_the_sdk(
    *, method: str = "POST", endpoint: str = "127.0.0.1:80", unsigned_payload: bool = False
) -> SignedRequest:
    """What the SDK would send."""
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=endpoint, reqMethod=method))
    profile.unsignedPayload = unsigned_payload
    client = VpcClient(Credential("AKIDme", "my secret"), "lab", profile)
    request = RequestInternal(endpoint, method, "/", {})
    parameters = {"HaVipIds": ["havip-00000000"], "Filters": [{"Name": "havip-name", "Values": ["漢 字", "a+b&c=d"]}]}
    client._build_req_inter("DescribeHaVips", parameters, request)
    headers = {name.lower(): value for name, value in request.header.items()}
    is_get = method == "GET"
    return SignedRequest(method, request.data if is_get else "", headers, b"" if is_get else request.data.encode())


def time_of(request: SignedRequest) -> int:
    return int(request.headers["x-tc-timestamp"])


def changed(request: SignedRequest, **headers: str) -> SignedRequest:
    return replace(request, headers={**request.headers, **{k.replace("_", "-"): v for k, v in headers.items()}})


def refusal(request: SignedRequest, *, now: float | None = None) -> str:
    with pytest.raises(ApiError) as refused:
        verify(request, SECRETS, now=time_of(request) if now is None else now)
    assert len(refused.value.message) > 20
    assert "secret" not in refused.value.message
    return refused.value.code


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> SignedRequest:
    """The example of the document "Signature v3", which asks another service."""
    monkeypatch.setattr(signature, "SERVICE", "cvm")
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    assert hashlib.sha256(body).hexdigest().startswith("35e9c5b0")
    headers = {
        "authorization": "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        "content-type": "application/json; charset=utf-8",
        "host": "cvm.tencentcloudapi.com",
        "x-tc-action": "DescribeInstances",
        "x-tc-timestamp": "1551113065",
    }
    return SignedRequest("POST", "", headers, body)


def test_the_documented_example_is_right(documented: SignedRequest) -> None:
    secrets = {"AKIDEXAMPLE": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"}
    assert verify(documented, secrets, now=1551113065) == "AKIDEXAMPLE"
    with pytest.raises(ApiError, match="SignatureFailure"):
        verify(replace(documented, body=documented.body + b" "), secrets, now=1551113065)


def test_a_value_signed_in_small_letters_is_right(documented: SignedRequest) -> None:
    """The document's other example signs the action, in small letters."""
    authorization = documented.headers["authorization"].replace("content-type;host", "content-type;host;x-tc-action")
    authorization = (
        authorization.rpartition("=")[0] + "=644be983de9a8a3f00db8eadaba61467c3b429e2215758ba897b738ca469fd26"
    )
    request = changed(documented, authorization=authorization)
    assert verify(request, {"AKIDEXAMPLE": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"}, now=1551113065)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("endpoint", ["127.0.0.1:8080", "localhost:1", "http://127.0.0.1:8080"])
@pytest.mark.parametrize("unsigned_payload", [False, True])
def test_what_the_sdk_signs_is_right(method: str, endpoint: str, unsigned_payload: bool) -> None:  # noqa: FBT001
    request = signed_by_the_sdk(method=method, endpoint=endpoint, unsigned_payload=unsigned_payload)
    assert verify(request, SECRETS, now=time_of(request)) == "AKIDme"
    parameters = read_query(request.query) if method == "GET" else json.loads(request.body)
    assert parameters["HaVipIds"] == ["havip-00000000"]
    assert parameters["Filters"] == [{"Name": "havip-name", "Values": ["漢 字", "a+b&c=d"]}]


@pytest.mark.parametrize("skew", [-300, 300])
def test_five_minutes_are_allowed(skew: int) -> None:
    request = signed_by_the_sdk()
    assert verify(request, SECRETS, now=time_of(request) + skew)


@pytest.mark.parametrize("skew", [-301, 301, 10**9])
def test_more_is_expired(skew: int) -> None:
    request = signed_by_the_sdk()
    assert refusal(request, now=time_of(request) + skew) == "AuthFailure.SignatureExpire"


@pytest.mark.parametrize(
    "change",
    [
        lambda r: replace(r, body=r.body.replace(b"havip-0", b"havip-1")),
        lambda r: replace(r, body=b""),
        lambda r: replace(r, query="Limit=1"),
        lambda r: replace(r, method="GET"),
        lambda r: changed(r, host="127.0.0.1:81"),
        lambda r: changed(r, host="http://127.0.0.1:80"),
        lambda r: changed(r, content_type="application/json; charset=utf-8"),
        lambda r: changed(r, x_tc_timestamp=str(time_of(r) + 1)),
        lambda r: changed(r, x_tc_content_sha256="UNSIGNED-PAYLOAD"),
        lambda r: changed(r, authorization=r.headers["authorization"].replace("AKIDme", "AKIDother")),
        lambda r: changed(r, authorization=r.headers["authorization"].replace("/vpc/", "/cvm/")),
        lambda r: changed(r, authorization=r.headers["authorization"][:-64] + "0" * 64),
        lambda r: changed(r, authorization=r.headers["authorization"].replace("-type;host", "-type;host;x-none")),
        lambda r: changed(r, authorization=r.headers["authorization"].replace("/20", "/19")),
    ],
)
def test_what_was_changed_fails(change: Any) -> None:
    assert refusal(change(signed_by_the_sdk())) == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"authorization": ""}, "MissingParameter"),
        ({"x_tc_timestamp": ""}, "MissingParameter"),
        ({"x_tc_timestamp": "now"}, "InvalidParameterValue"),
        ({"x_tc_timestamp": "9" * 5000}, "InvalidParameterValue"),
        ({"x_tc_timestamp": "9" * 11}, "AuthFailure.SignatureExpire"),
        ({"x_tc_token": "temporary"}, "AuthFailure.TokenFailure"),
        ({"authorization": "SKIP"}, "AuthFailure.InvalidAuthorization"),
        ({"authorization": "TC3-HMAC-SHA256"}, "AuthFailure.InvalidAuthorization"),
        ({"authorization": "Basic bWU6c2VjcmV0"}, "AuthFailure.InvalidAuthorization"),
    ],
)
def test_headers_that_say_nothing(headers: dict[str, str], code: str) -> None:
    now = float(time_of(signed_by_the_sdk()))
    assert refusal(changed(signed_by_the_sdk(), **headers), now=now) == code


@pytest.mark.parametrize("unsigned", ["host", "content-type"])
def test_host_and_type_must_be_covered(unsigned: str) -> None:
    request = signed_by_the_sdk()
    names = ";".join({"content-type", "host"} - {unsigned})
    authorization = request.headers["authorization"].replace("content-type;host", names)
    assert refusal(changed(request, authorization=authorization)) == "AuthFailure.InvalidAuthorization"


def test_an_unknown_sender_is_told_so() -> None:
    request = signed_by_the_sdk()
    with pytest.raises(ApiError, match=r"AuthFailure\.SecretIdNotFound"):
        verify(request, {"AKIDother": "another secret"}, now=time_of(request))


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", {}),
        ("Limit=3&Vip=", {"Limit": "3", "Vip": ""}),
        ("Set.1.Key=b&Set.0.Key=a", {"Set": [{"Key": "a"}, {"Key": "b"}]}),
        ("Name=a+b%20c%2B", {"Name": "a b c+"}),
    ],
)
def test_a_query_is_unflattened(query: str, value: object) -> None:
    assert read_query(query) == value


@pytest.mark.parametrize(
    "query",
    [
        "A=1&A=2",
        "A=1&A.0=2",
        "A.0=1&A=2",
        "A.1=1",
        "A.0=1&A.2=2",
        "A=%ff",
        "A.b.c.d.e.f.g.h.i=1",
        "&".join(["A=1"] * 3000),
    ],
)
def test_a_query_of_no_request_is_refused(query: str) -> None:
    with pytest.raises(ApiError, match="InvalidParameter"):
        read_query(query)


def test_the_service_lets_in_who_has_signed(rig: "Rig") -> None:
    assert rig.send(b"{}", rig.sign(b"{}"))["TotalCount"] >= 0
    old = rig.sign(b"{}", at=0)
    for headers, code in (
        ({"Authorization": ""}, "MissingParameter"),
        ({"Authorization": "SKIP"}, "AuthFailure.InvalidAuthorization"),
        (old, "AuthFailure.SignatureExpire"),
        ({"X-TC-Token": "a"}, "AuthFailure.TokenFailure"),
    ):
        assert rig.send(b"{}", rig.sign(b"{}") | headers)["Error"]["Code"] == code
    # The signature of one body does not carry another: what is replayed is what was signed.
    headers = rig.sign(b"{}")
    assert rig.send(b'{"Limit": 1}', headers)["Error"]["Code"] == "AuthFailure.SignatureFailure"
    stranger = {"Authorization": rig.sign(b"{}")["Authorization"].replace("Credential=AKID", "Credential=AKIX")}
    assert rig.send(b"{}", rig.sign(b"{}") | stranger)["Error"]["Code"] == "AuthFailure.SecretIdNotFound"


def test_the_host_counts_as_it_was_sent(rig: "Rig") -> None:
    port = rig.endpoint[1]
    for host in (f"http://127.0.0.1:{port}", f"localhost:{port}", "vpc.tencentcloudapi.com"):
        assert "Error" not in rig.send(b"{}", rig.sign(b"{}", host=host))
        moved = rig.sign(b"{}", host=host) | {"Host": f"127.0.0.1:{port}"}
        assert rig.send(b"{}", moved)["Error"]["Code"] == "AuthFailure.SignatureFailure"


def test_get_is_served_like_post(rig: "Rig") -> None:
    query = "Limit=1&Offset=0&Filters.0.Name=check-associate&Filters.0.Values.0=TRUE"
    assert rig.send(b"", rig.sign(method="GET", query=query), method="GET", target=f"/?{query}")["HaVipSet"] == []
    for query, code in (
        ("Limit=0", "InvalidParameterValue.Range"),
        ("Limit=1x", "InvalidParameter"),
        ("Colour=red", "UnknownParameter"),
        ("HaVipIds=havip-00000000", "InvalidParameter"),
    ):
        answer = rig.send(b"", rig.sign(method="GET", query=query), method="GET", target=f"/?{query}")
        assert answer["Error"]["Code"] == code
