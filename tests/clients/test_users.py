"""Users of the web know a right answer from a wrong one, and from none."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address
from time import time_ns

import pytest

from pytest_havip.lab import Host
from pytest_havip.observe.attempts import Outcome
from pytest_havip.observe.users import NotServed, Users
from pytest_havip.observe.web_agent import page
from pytest_havip.observe.web_server import WebServer

ADDRESS = IPv4Address("172.17.16.61")
PATIENCE = 20.0


@pytest.fixture(scope="module")
def web(new_host: Callable[[str, str], Host]) -> Host:
    return new_host("web", str(ADDRESS))


@contextmanager
def answering(host: Host, answer: Callable[[str], bytes]) -> Iterator[None]:
    """Answer every request for a path with these bytes, and close."""
    listening = host.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((str(ADDRESS), 80))
    listening.listen()

    def serve() -> None:
        while True:
            try:
                asking, _ = listening.accept()
            except OSError:
                return
            with asking:
                path = asking.recv(4096).split(b" ")[1].decode()
                asking.sendall(answer(path))

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        server.join()
        listening.close()


def response(body: bytes, *, length: int = 0, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {length or len(body)}\r\n\r\n".encode() + body


ANSWERS: dict[str, tuple[Callable[[str], bytes], Outcome]] = {
    "right": (lambda path: response(page("web", path)), Outcome.DONE),
    "of another path": (lambda path: response(page("web", path + "0")), Outcome.WRONG),
    "changed": (lambda path: response(page("web", path).replace(b"a", b"b", 1)), Outcome.WRONG),
    "shortened": (lambda path: response(page("web", path)[:-1]), Outcome.WRONG),
    "a balancer's own": (lambda path: response(page("web", path), status="503 Service Unavailable"), Outcome.WRONG),
    "cut off": (lambda path: response(page("web", path), length=20000), Outcome.UNKNOWN),
    "none": (lambda _: b"", Outcome.UNKNOWN),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_users_judge_an_answer(web: Host, observer: Host, name: str) -> None:
    answer, outcome = ANSWERS[name]
    with answering(web, answer), Users.of_the_web(observer, ADDRESS, new=2, kept=0) as users:
        wait_for(users, 4)
        record = users.stop()
    # One that was under way when the server ended is another matter.
    assert {each.outcome for each in record.attempts[:4]} == {outcome}
    assert record.servers().keys() <= {"web"}


def test_who_is_not_there_refuses(web: Host, observer: Host) -> None:
    del web
    with Users.of_the_web(observer, ADDRESS, new=1, kept=0) as users:
        wait_for(users, 3)
        record = users.stop()
    assert {each.outcome for each in record.attempts} == {Outcome.REFUSED}


def test_a_web_server_serves_both_kinds_of_users(web: Host, observer: Host) -> None:
    with closing(WebServer.start(web)), Users.of_the_web(observer, ADDRESS) as users:
        began = time_ns()
        users.wait_served(30, since=began, timeout=PATIENCE, by="web")
        with pytest.raises(NotServed, match=r"users were served 0 times by nobody, and not 1 times, within 0\.1 s"):
            users.wait_served(1, since=began, timeout=0.1, by="nobody")
        record = users.stop()
    assert {each.outcome for each in record.attempts} == {Outcome.DONE}
    assert {each.user for each in record.attempts} == {0, 1, 2, 3}


def wait_for(users: Users, attempts: int) -> None:
    """Wait until so many attempts have ended."""
    deadline = time_ns() + PATIENCE * 1e9
    while sum(each.ended is not None for each in users.record().attempts) < attempts:
        assert time_ns() < deadline
