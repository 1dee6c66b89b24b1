"""The service's side of the keeper, a process that outlives it: see `keeper_process.py`."""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from pytest_havip.network import keeper_process

__all__ = ["Keeper", "KeeperError", "Keeping", "NoKeeper"]

_ORDER_BYTES: Final = 4096
_DESCRIPTORS: Final = 16
#: Seconds; it answers at once, or hangs.
_PATIENCE: Final = 10.0


class KeeperError(RuntimeError):
    """The keeper cannot be had; the text says why and what to do."""


class Keeping(Protocol):
    """Where descriptors are kept beyond the life of the process, or not.

    Attributes:
        kept: what an earlier service left behind, by name; the descriptors belong to who takes them.
    """

    kept: Mapping[str, list[int]]

    def keep(self, name: str, descriptors: Sequence[int]) -> None:
        """Have descriptors kept under a name."""

    def forget(self, name: str) -> None:
        """Have what is kept under a name closed."""

    def end(self) -> None:
        """Have everything closed."""

    def close(self) -> None:
        """Leave what is kept to the next service."""


class NoKeeper:
    """Keeps nothing: what the service has in the kernel ends with it."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: Mapping[str, list[int]] = {}

    def keep(self, name: str, descriptors: Sequence[int]) -> None:
        """Do nothing."""

    def forget(self, name: str) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Keeper:
    """The keeper of one store; it is started if there is none.

    Args:
        path: where it listens, in the file system.

    Raises:
        KeeperError: another service is using it, or it cannot be started.
    """

    __slots__ = ("_path", "_process", "_socket", "kept")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_PATIENCE)
        try:
            try:
                self._socket.connect(str(path))
            except (FileNotFoundError, ConnectionRefusedError):
                self._start()
                self._socket.connect(str(path))
            self.kept: Mapping[str, list[int]] = self._fetch()
        except OSError as error:
            self._socket.close()
            raise KeeperError(
                f"no keeper of descriptors can be reached at {path} ({error});"
                " see that its folder may be written to, and that the path has less than 108 bytes"
            ) from error

    def _start(self) -> None:
        self._path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(self._path))
            listener.listen()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper_process.__file__, str(listener.fileno())],
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # what is typed to the service must not end it
                cwd="/",
            )

    def _fetch(self) -> dict[str, list[int]]:
        kept: dict[str, list[int]] = {}
        while True:
            text, descriptors, _flags, _sender = socket.recv_fds(self._socket, _ORDER_BYTES, _DESCRIPTORS)
            if not text:
                self._socket.close()
                raise KeeperError(
                    f"another service uses the keeper at {self._path}; end that one, or name another store"
                )
            name = json.loads(text).get("name")
            if name is None:
                return kept
            kept[name] = descriptors

    def keep(self, name: str, descriptors: Sequence[int]) -> None:
        """Have descriptors kept under a name.

        Raises:
            KeeperError: the keeper has ended.
        """
        self._order({"do": "keep", "name": name}, descriptors)

    def forget(self, name: str) -> None:
        """Have what is kept under a name closed.

        Raises:
            KeeperError: the keeper has ended.
        """
        self._order({"do": "forget", "name": name})

    def _order(self, order: dict[str, str], descriptors: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._socket, [json.dumps(order).encode()], list(descriptors))
        except OSError as error:
            raise KeeperError(f"the keeper at {self._path} has ended ({error}); start the service again") from error

    def end(self) -> None:
        """Have everything closed, and end the keeper."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(KeeperError):  # then there is nothing to end
            self._order({"do": "end"})
        if self._process is not None:
            self._process.wait(_PATIENCE)
        self.close()

    def close(self) -> None:
        """Leave the keeper to the next service, unless it was told to end."""
        self._socket.close()
        if self._process is not None and self._process.returncode is None:
            self._process.returncode = 0  # it goes on without us, and nobody is to be warned of it
