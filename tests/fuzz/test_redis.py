"""Campaigns that share what they find by a real Redis server, of the test's own."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase

from pytest_havip.fuzz import Announce, Budget, Campaign, Finds, NoDatabase, Plan, Share, Trace
from pytest_havip.fuzz.core import CoreExecutor
from pytest_havip.lab.lab import PROGRAM_FOLDERS

FIND = Trace((Announce("a", "h1"),), requirement="HAVIP-BIND-001", target="core", seed="3:14")
PATIENCE = 20.0
HERE = Path()


class Server:
    """A Redis server on a free port of this machine, that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server", path=":".join(PROGRAM_FOLDERS))
        assert program, "redis-server is not installed; ./run test installs it"
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}/0"
        words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self.process = subprocess.Popen([program, *words], stdout=subprocess.PIPE, text=True)
        try:
            self._await()
        except BaseException:
            self.stop()
            raise

    def _await(self) -> None:
        deadline, trouble = time.monotonic() + PATIENCE, ""
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.open().close()
            except NoDatabase as error:
                trouble = str(error)
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"the server did not answer within {PATIENCE:.0f} s: {trouble}")

    def open(self) -> Finds:
        return Finds.open(self.url, "core", folder=HERE)

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.stop()


def test_what_one_machine_finds_the_other_plays_first(
    server: Server, core: CoreExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "_told", lambda _sender, _effects: ())
    with server.open() as one, server.open() as other:
        one.keep(FIND)
        found = Campaign(core, Plan(7, Budget(stories=50), Share(2, 2)), other).run()
        assert [finding.story for finding in found.findings] == ["3:14"]
        assert found.stories == 1
        other.forget(FIND)
    with server.open() as third:
        assert third.new() == []
        assert third.trouble == ""


def test_a_server_that_goes_away_does_not_end_a_campaign(server: Server, core: CoreExecutor) -> None:
    with server.open() as finds:
        server.stop()
        assert Campaign(core, Plan(7, Budget(stories=5)), finds).run().stories > 5
        assert "the example database failed" in finds.trouble


def test_a_server_that_is_not_there_is_named_without_its_password(server: Server) -> None:
    server.stop()
    with pytest.raises(NoDatabase, match=r"the Redis server redis://127.0.0.1:\d+/0 cannot be used: .*is it running"):
        Finds.open(server.url.replace("//", "//:secret@"), "core", folder=HERE)


def test_without_the_package_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(NoDatabase, match=r"pip install 'pytest-havip\[redis\]'"):
        Finds.open("redis://localhost", "core", folder=HERE)


def test_hypothesis_own_tests_share_it_too(server: Server) -> None:
    """As a vendor's state machine does: what one machine shrinks, another one tries first."""
    tried: list[int] = []

    def fails(database: ExampleDatabase) -> None:
        @settings(database=database, max_examples=500, deadline=None)
        @given(st.integers(0, 10**9))
        def no_large_number(number: int) -> None:
            tried.append(number)
            assert number < 123_456

        no_large_number()

    for _ in range(2):
        tried.clear()
        with server.open() as finds, pytest.raises(AssertionError):
            fails(finds.database)
    assert tried[0] == 123_456
