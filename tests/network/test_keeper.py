"""The keeper: descriptors outlive who opened them, for one service at a time."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_havip.network.keeper import Keeper, KeeperError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keeper"


@pytest.fixture
def keeper(path: Path) -> Iterator[Keeper]:
    keeper = Keeper(path)
    yield keeper
    keeper.end()
    assert not path.exists()


def pipe_with(content: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def test_what_is_kept_is_handed_over(path: Path, keeper: Keeper) -> None:
    assert keeper.kept == {}
    one, two = pipe_with(b"one"), pipe_with(b"two")
    keeper.keep("first", [one, two])
    keeper.keep("second", [one])
    keeper.forget("second")
    os.close(one)
    os.close(two)
    keeper.close()
    successor = Keeper(path)
    assert list(successor.kept) == ["first"]
    assert [os.read(descriptor, 10) for descriptor in successor.kept["first"]] == [b"one", b"two"]
    for descriptor in successor.kept["first"]:
        os.close(descriptor)
    successor.close()
    keeper.__init__(path)  # type: ignore[misc] # so that the fixture ends it
    for descriptor in keeper.kept["first"]:
        os.close(descriptor)


def test_it_outlives_who_started_it(path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from pytest_havip.network.keeper import Keeper
keeper = Keeper(Path(sys.argv[1]))
reading, writing = os.pipe()
os.write(writing, b"last words")
keeper.keep("pipe", [reading])
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code, str(path)) == -9
    keeper = Keeper(path)
    (descriptor,) = keeper.kept["pipe"]
    assert os.read(descriptor, 20) == b"last words"
    os.close(descriptor)
    keeper.end()


def test_it_serves_one_at_a_time(path: Path, keeper: Keeper) -> None:
    with pytest.raises(KeeperError, match="another service uses the keeper"):
        Keeper(path)
    keeper.forget("nothing")


def test_a_dead_one_is_replaced(path: Path) -> None:
    keeper = Keeper(path)
    assert keeper._process is not None
    keeper._process.kill()
    keeper._process.wait()
    with pytest.raises(KeeperError, match="has ended"):
        keeper.forget("nothing")
    keeper.close()
    successor = Keeper(path)
    assert successor.kept == {}
    successor.end()


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeeperError, match="less than 108 bytes"):
        Keeper(tmp_path / ("k" * 120))
