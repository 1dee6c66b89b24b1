"""A real PostgreSQL on a host: the database that a floating address stands for, primary or standby."""

import re
import time
from glob import glob
from pathlib import Path

from pytest_havip.clients.base import Node
from pytest_havip.clients.program import find_program
from pytest_havip.clients.service import ServiceNotStarted
from pytest_havip.lab import Process

__all__ = ["PIDFILE", "Database", "Statement", "find_postgres"]

_FOLDER = "/run/postgresql"
_DATA = f"{_FOLDER}/data"
PIDFILE = f"{_FOLDER}/pid"
#: Where distributions put the programs that users do not call themselves; several versions may be installed.
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
#: PostgreSQL refuses to run as root. In a user namespace of its own the lab's root is nobody, and owns its files there.
_AS_NOBODY = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
_ACCESS = "local all all trust\nhost all all all trust\nhost replication all all trust\n"
_SETTINGS = {
    "listen_addresses": "*",
    "unix_socket_directories": _FOLDER,
    "external_pid_file": PIDFILE,
    "shared_buffers": "16MB",
    "max_connections": "40",
    "wal_keep_size": "64MB",
    "max_wal_size": "64MB",
}
_START_SECONDS, _PREPARE_SECONDS, _STATEMENT_SECONDS = 20.0, 60.0, 20.0
_POLL = 0.02


class Statement(RuntimeError):
    """A statement, or a program of PostgreSQL's, failed; the text holds what it said."""


def find_postgres(name: str) -> str:
    """Return the path of a program of PostgreSQL's, of the newest version that is installed.

    Args:
        name: The program, such as `postgres` or `psql`; Debian's own `psql` is a script that takes longer.

    Raises:
        ProgramMissing: PostgreSQL's server is not installed.
    """
    folders = sorted((folder for pattern in _FOLDERS for folder in glob(pattern)), key=_version, reverse=True)  # noqa: PTH207
    return find_program(name, "postgresql", folders)


def _version(folder: str) -> float:
    found = re.search(r"\d+(\.\d+)?", Path(folder).parent.name)  # 15, or 9.6 as they were counted once
    return float(found[0]) if found else 0.0


class Running:
    """A server that was started; see `Service`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.alive

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._process.log()

    def crash(self) -> int:
        """Kill the server with all its processes, and return the time just before, CLOCK_REALTIME in ns."""
        at = time.time_ns()
        self._process.kill()
        return at


class Database:
    """One machine's PostgreSQL; its files lie in memory, in the host's own /run.

    What commands say is read from them: this object remembers nothing, and any two of one node are as good as one.

    Args:
        node: The machine; the server bears its host's name.

    Raises:
        ProgramMissing: PostgreSQL is not installed.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.psql = [find_postgres("psql"), "-XAtq", "-h", _FOLDER, "-U", "postgres", "-d", "postgres"]

    @property
    def name(self) -> str:
        """What the server calls itself: its host's name."""
        return self.node.host.name

    @property
    def promotion(self) -> list[str]:
        """The command that makes a standby the primary, and leaves a primary one."""
        return [*self.psql, "-c", "SELECT pg_promote(wait => true) WHERE pg_is_in_recovery()"]

    def initialise(self) -> None:
        """Make a new, empty database; nothing runs yet."""
        self._prepare(
            "initdb", "-D", _DATA, "-U", "postgres", "--no-locale", "-E", "UTF8", "--wal-segsize=1", "--no-sync"
        )
        self.node.host.write_file(f"{_DATA}/pg_hba.conf", _ACCESS)

    def clone(self, primary: Node) -> None:
        """Make this the copy of a running primary, to be started as its standby; what was there before is gone.

        Args:
            primary: The machine of the primary.
        """
        self.node.host.run(["rm", "-rf", _DATA])
        source = ("-d", f"host={primary.address} user=postgres")
        self._prepare("pg_basebackup", *source, "-D", _DATA, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def start(self) -> Running:
        """Start the server and wait until it takes connections: a primary, or the standby of what it was cloned from.

        Raises:
            ServiceNotStarted: it ended, or took none in time.
        """
        settings = {**_SETTINGS, "cluster_name": self.name}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        host = self.node.host
        process = host.spawn([*_AS_NOBODY, find_postgres("postgres"), "-D", _DATA, *words])
        deadline = time.monotonic() + _START_SECONDS
        while host.run([find_postgres("pg_isready"), "-q", "-h", _FOLDER]).returncode:
            if not process.alive or time.monotonic() > deadline:
                process.kill()
                raise ServiceNotStarted(f"PostgreSQL on {self.name} takes no connections: {process.log()[-2000:]}")
            time.sleep(_POLL)
        return Running(process)

    def ask(self, statement: str) -> str:
        """Have the server carry out a statement, by its own host's socket, and return what it shows.

        Raises:
            Statement: it refused, or does not run.
        """
        ended = self.node.host.run([*self.psql, "-c", statement], _STATEMENT_SECONDS)
        if ended.returncode:
            raise Statement(f"PostgreSQL on {self.name} refused `{statement}`: {ended.stderr.strip()}")
        return ended.stdout.strip()

    def is_primary(self) -> bool:
        """Whether it takes writes."""
        return self.ask("SELECT pg_is_in_recovery()") == "f"

    def synchronise(self, standby: "Database", *, timeout: float = _START_SECONDS) -> None:
        """Acknowledge from now on only what the standby has too, and wait until it has all that there is.

        Raises:
            Statement: it has not, in so many seconds.
        """
        self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '\"{standby.name}\"'")
        self.ask("SELECT pg_reload_conf()")
        written = self.ask("SELECT pg_current_wal_lsn()")
        state = f"SELECT CASE WHEN flush_lsn >= '{written}' THEN sync_state END FROM pg_stat_replication"  # noqa: S608 (ours)
        deadline = time.monotonic() + timeout
        while (seen := self.ask(state)) != "sync":
            if time.monotonic() > deadline:
                raise Statement(f"{standby.name} is no synchronous standby of {self.name}, but {seen or 'behind'}")
            time.sleep(_POLL)

    def _prepare(self, program: str, *arguments: str) -> None:
        command = [*_AS_NOBODY, find_postgres(program), *arguments]
        ended = self.node.host.run(command, _PREPARE_SECONDS)
        if ended.returncode:
            raise Statement(f"{program} on {self.name} ended with {ended.returncode}: {ended.stderr[-2000:]}")
