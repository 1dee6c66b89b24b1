"""What the driver makes of the answers of an API in Tencent's shape."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pytest_havip.targets.base import Refused, TargetError
from pytest_havip.targets.tencent_api import Credentials, TencentApi


class Answer(BaseHTTPRequestHandler):
    """Answers each action with an error of that code."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        error = {"Code": self.headers["X-TC-Action"], "Message": "because"}
        body = json.dumps({"Response": {"Error": error, "RequestId": "1"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[TencentApi]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with closing(TencentApi("127.0.0.1", server.server_port, credentials=Credentials.new())) as caller:
            yield caller
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("code", ["LimitExceeded", "ResourceNotFound", "InvalidParameterValue.Range"])
def test_a_refusal_is_the_networks_right(api: TencentApi, code: str) -> None:
    with pytest.raises(Refused, match=f"^{code}: because$") as caught:
        api.call(code)
    assert caught.value.code == code


@pytest.mark.parametrize("code", ["InternalError", "InternalError.ModuleError"])
def test_a_network_that_breaks_refuses_nothing(api: TencentApi, code: str) -> None:
    with pytest.raises(TargetError, match=f"says that it is broken: {code}: because"):
        api.call(code)
