"""What campaigns have found, kept in an example database of Hypothesis': what one has found the next plays first.

The database is Hypothesis' own, a folder or a Redis server; what is kept in it is not. A choice sequence of Hypothesis
means something else with every change of a strategy; a trace means the same to every version, and to people.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, InMemoryExampleDatabase

from pytest_havip.fuzz.trace import BadTrace, Trace

__all__ = ["Finds", "NoDatabase", "shown_database"]

_SERVERS = ("redis://", "rediss://", "unix://")
#: Seconds to wait for a server that does not answer; a campaign goes on without it.
_PATIENCE = 5.0


class NoDatabase(Exception):
    """There is no such example database, or it cannot be used; the text says why and what to do."""


class Finds:
    """The traces that broke a requirement of one network, in whatever campaign found them.

    A database that fails in the middle of a campaign does not end it: `trouble` says what it missed.

    Args:
        database: Where they are.
        target: The network.
        failures: What the database raises when it cannot be reached.
        connection: Is closed at the end.

    Attributes:
        database: Where they are; of use to Hypothesis' own tests too.
        trouble: What went wrong with the database last, "" if nothing did.
    """

    def __init__(
        self,
        database: ExampleDatabase,
        target: str,
        *,
        failures: tuple[type[Exception], ...] = (OSError,),
        connection: Any = None,  # noqa: ANN401 - of the redis package, which may be absent
    ) -> None:
        self.database = database
        self.trouble = ""
        self._key = f"pytest-havip/finds/{target}".encode()
        self._failures = failures
        self._connection = connection
        self._known: set[bytes] = set()

    @classmethod
    def open(cls, where: str, target: str, *, folder: Path) -> "Finds":
        """Open a database.

        Args:
            where: A folder, the address of a Redis server such as ``redis://ci.example:6379/0``, or "" for none: then
                what was found is forgotten at the end.
            target: The network.
            folder: What a relative folder begins at.

        Raises:
            NoDatabase: It cannot be used.
        """
        if not where:
            return cls(InMemoryExampleDatabase(), target)
        if where.startswith(_SERVERS):
            return _on_server(where, target)
        if "://" in where:
            raise NoDatabase(f"{where!r} is no example database; it is a folder, or begins with {_SERVERS[0]}")
        path = folder / where
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NoDatabase(f"the folder {path} cannot be made: {error}; name another one, or none") from error
        return cls(DirectoryBasedExampleDatabase(path), target)

    def keep(self, trace: Trace) -> None:
        """Keep a trace."""
        data = trace.text().encode()
        self._known.add(data)
        with self._going_on():
            self.database.save(self._key, data)

    def forget(self, trace: Trace) -> None:
        """Forget a trace, such as the long one of which there is a shorter one."""
        with self._going_on():
            self.database.delete(self._key, trace.text().encode())

    def new(self) -> list[Trace]:
        """The traces that were neither returned nor kept here before; what this version cannot read is left alone."""
        fetched: list[bytes] = []
        with self._going_on():
            fetched = sorted(set(self.database.fetch(self._key)) - self._known)
        self._known.update(fetched)
        return [trace for data in fetched if (trace := _readable(data)) is not None]

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            self.trouble = f"the example database failed, what was found may not be shared: {error}"


def shown_database(where: str) -> str:
    """A database as people may see it, without a password.

    >>> shown_database("redis://:secret@ci.example:6379/0")
    'redis://ci.example:6379/0'
    """
    if not where.startswith(_SERVERS):
        return where or "nowhere"
    parts = urlsplit(where)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _on_server(where: str, target: str) -> Finds:
    shown = shown_database(where)
    try:
        redis, extra = import_module("redis"), import_module("hypothesis.extra.redis")
    except ImportError as error:
        raise NoDatabase(f"{shown} needs the redis package: python -m pip install 'pytest-havip[redis]'") from error
    try:
        server = redis.Redis.from_url(where, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
        try:
            server.ping()
        except redis.RedisError:
            server.close()
            raise
    except (redis.RedisError, OSError, ValueError) as error:
        raise NoDatabase(f"the Redis server {shown} cannot be used: {error}; is it running, and may we in?") from error
    return Finds(extra.RedisExampleDatabase(server), target, failures=(OSError, redis.RedisError), connection=server)


def _readable(data: bytes) -> Trace | None:
    try:
        return Trace.parse(data.decode())
    except (BadTrace, UnicodeDecodeError):
        return None
