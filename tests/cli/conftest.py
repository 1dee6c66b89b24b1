"""`havip` as a user runs it: a program, in a shell."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

HAVIP = Path(sys.executable).with_name("havip")
#: Seconds until a command must have ended, or a network be up, on a busy machine.
PATIENCE = 60


class Shell:
    """Commands of one user, and the networks that they started; all of their processes carry a mark."""

    def __init__(self, folder: Path, user: int | None = None) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        path = f"{HAVIP.parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self.environment = {**kept, "PATH": path, "HAVIP_TEST_MARK": self.mark, "SHELL": "/bin/sh", "HOME": str(folder)}
        self._identity: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.networks: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(HAVIP), *words],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.STDOUT),
            **self._identity,
            **options,
        )

    def run(self, *words: str, **options: Any) -> tuple[int, str]:
        with self.start(*words, **options) as process:
            said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def serve(self, *words: str) -> subprocess.Popen[str]:
        """Start a network, and return when it says that it is ready."""
        process = self.start("serve", *words)
        self.networks.append(process)
        assert process.stdout is not None
        said = self.read_until(process.stdout, "ready; ")
        assert "ready; " in said, said
        return process

    @staticmethod
    def read_until(stream: IO[str], wanted: str) -> str:
        """Read lines until one has a text, or until the end."""
        said = ""
        for line in stream:
            said += line
            if wanted in line:
                break
        return said

    def processes(self) -> dict[int, str]:
        """All processes on this machine that descend from our commands, with their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and self.mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has just ended
                continue
        return found

    def see_that_nothing_is_left(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while left := self.processes():
            assert time.monotonic() < deadline, f"still there: {left}"
            time.sleep(0.02)

    def close(self) -> None:
        for process in self.networks:
            process.kill()
            process.communicate()
        self.see_that_nothing_is_left()


@pytest.fixture
def make_shell(tmp_path: Path) -> Iterator[Callable[..., Shell]]:
    made: list[Shell] = []

    def make(user: int | None = None) -> Shell:
        made.append(Shell(tmp_path if user is None else Path("/"), user))
        return made[-1]

    yield make
    for shell in made:
        shell.close()


@pytest.fixture
def shell(make_shell: Callable[..., Shell]) -> Shell:
    return make_shell()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shell, str]]:
    """A shell, and the name of a network with the bundled topology that runs in it."""
    shell = Shell(tmp_path_factory.mktemp("served"))
    name = f"served-{shell.mark[:8]}"
    shell.serve("--network", name)
    yield shell, name
    shell.close()
