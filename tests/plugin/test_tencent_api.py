"""What the driver makes of the answers of an API in Tencent's shape."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_havip.targets.base import Refused, TargetError
from pytest_havip.targets.tencent_api import Credentials, TencentApi

#: Callers at the same time.
CALLERS = 8


class Server(ThreadingHTTPServer):
    """Counts the connections that it accepts, and knows when all callers are there."""

    daemon_threads = False
    connections = 0
    meeting = threading.Barrier(CALLERS, timeout=20)

    def get_request(self) -> tuple[socket.socket, str]:
        self.connections += 1
        return super().get_request()


class Answer(BaseHTTPRequestHandler):
    """Answers each action with an error of that code; ``Meeting`` when all callers have asked for it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["X-TC-Action"] == "Meeting":
            self.server.meeting.wait()
        error = {"Code": self.headers["X-TC-Action"], "Message": "because"}
        body = json.dumps({"Response": {"Error": error, "RequestId": "1"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    # Leaving waits for the threads of all connections: it would hang if the caller left one open.
    with Server(("127.0.0.1", 0), Answer) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def api(server: Server) -> Iterator[TencentApi]:
    with closing(TencentApi("127.0.0.1", server.server_port, credentials=Credentials.new())) as caller:
        yield caller


@pytest.mark.parametrize("code", ["LimitExceeded", "ResourceNotFound", "InvalidParameterValue.Range"])
def test_a_refusal_is_the_networks_right(api: TencentApi, code: str) -> None:
    with pytest.raises(Refused, match=f"^{code}: because$") as caught:
        api.call(code)
    assert caught.value.code == code


@pytest.mark.parametrize("code", ["InternalError", "InternalError.ModuleError"])
def test_a_network_that_breaks_refuses_nothing(api: TencentApi, code: str) -> None:
    with pytest.raises(TargetError, match=f"says that it is broken: {code}: because"):
        api.call(code)


def test_a_connection_is_kept(api: TencentApi, server: Server) -> None:
    for _ in range(3):
        with pytest.raises(Refused):
            api.call("LimitExceeded")
    assert server.connections == 1


def test_many_may_call_at_once(api: TencentApi, server: Server) -> None:
    def call() -> None:
        with pytest.raises(Refused, match="Meeting"):
            api.call("Meeting")

    for _ in range(2):
        with ThreadPoolExecutor(CALLERS) as threads:
            for answer in [threads.submit(call) for _ in range(CALLERS)]:
                answer.result()
    assert server.connections == CALLERS
