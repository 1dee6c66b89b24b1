"""Whatever is sent to the API gets an answer of the API's shape, and the service goes on."""

import socket
from random import Random
from typing import TYPE_CHECKING

import pytest

from pytest_havip.fuzz.hostile import Bombardment, Hostile, Request, complaint
from pytest_havip.lab import Lab
from pytest_havip.network.api.server import ACTIONS
from pytest_havip.targets.tencent_api import Credentials

if TYPE_CHECKING:
    from tests.network.conftest import Rig

POST = Request("plausible", "POST", "/", {}, b"{}")


def test_hostile_requests_are_answered(rig_class: "type[Rig]") -> None:
    with Lab.open() as lab:
        rig = rig_class(lab, store="/run/hostile.sqlite")
        actions = {name: {**ACTIONS.parameters(name)} for name in ACTIONS.names}
        for parameters in actions.values():
            parameters.pop("WaitSeconds", None)  # a right one waits as long as it says
        endpoint = f"{rig.endpoint[0]}:{rig.endpoint[1]}"
        bombardment = Bombardment(Hostile(Random(7), actions, rig.credentials, endpoint, "lab"))
        bombardment.send(1500)
        assert bombardment.complaints == []
        assert rig.process.alive, rig.process.log()
        done = sum(number for (_, code), number in bombardment.answers.items() if not code)
        assert done > 50, bombardment.answers
        assert len({code for _, code in bombardment.answers}) > 15, bombardment.answers
        rig.close()


@pytest.mark.parametrize(
    ("status", "content", "wrong"),
    [
        (200, b'{"Response": {"RequestId": "a"}}', ""),
        (200, b'{"Response": {"RequestId": "a", "Error": {"Code": "InvalidParameter", "Message": "m"}}}', ""),
        (400, b"Invalid HTTP request received.", ""),
        (500, b"Internal Server Error", "status 500"),
        (200, b'{"Response": {}}', "no answer of this API"),
        (200, b"{", "no answer of this API"),
        (200, b'{"Response": {"RequestId": "a", "Error": {"Code": "InternalError", "Message": "m"}}}', "broke"),
    ],
)
def test_an_answer_is_judged(status: int, content: bytes, wrong: str) -> None:
    found = complaint(POST, status, content)
    assert wrong in found if wrong else not found


def test_a_request_without_an_answer_is_a_complaint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
    nobody = Hostile(Random(7), {"DescribeVpcs": {}}, Credentials.new(), f"{host}:{port}", "lab")
    bombardment = Bombardment(nobody)
    bombardment.send(2)
    assert [wrong[:9] for wrong, _ in bombardment.complaints] == ["no answer"] * 2
