"""What was promised, in an SQLite file: it outlives the process, at whatever moment that is killed.

It need not outlive the machine, whose kernel holds the data path; so nothing waits for the disk.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from operator import attrgetter
from pathlib import Path
from typing import Final

from pytest_havip.network import events, requests
from pytest_havip.network.codec import CodecError, decode, encode
from pytest_havip.network.core import Eip, Havip, Nic, Record, Subnet, Vpc
from pytest_havip.network.dataplane.counters import RejectionKey
from pytest_havip.network.events import Event
from pytest_havip.network.requests import Earlier, Note, Task
from pytest_havip.network.terms import Terms

__all__ = ["Entry", "Store", "StoreError", "Stored"]

#: "HAVI", in SQLite's header, tells our files from others.
_APPLICATION: Final = 0x48415649
_VERSION: Final = 2
_SCHEMA: Final = """
CREATE TABLE record (id TEXT PRIMARY KEY, kind TEXT NOT NULL, content TEXT NOT NULL);
CREATE TABLE event (
    number INTEGER PRIMARY KEY, vpc TEXT, havip TEXT, address TEXT, old_nic TEXT, new_nic TEXT, cause TEXT, at REAL
);
CREATE TABLE note (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, content TEXT NOT NULL);
CREATE TABLE rejection (
    nic TEXT, address TEXT, reason TEXT, frames INTEGER NOT NULL, PRIMARY KEY (nic, address, reason)
) WITHOUT ROWID;
CREATE TABLE setting (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
"""
# A record keeps its place: lists show records in the order in which they were made.
_UPSERT: Final = "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET content = excluded.content"
_RECORDS: Final[Mapping[str, type[Record]]] = {kind.__name__: kind for kind in (Vpc, Subnet, Nic, Havip, Eip)}
_NOTES: Final[Mapping[str, type[Note]]] = {kind.__name__: kind for kind in (Earlier, Task)}
_TERMS: Final = "terms"
_fields: Final = attrgetter("vpc_id", "havip_id", "address", "old_nic_id", "new_nic_id", "cause", "at")


class StoreError(RuntimeError):
    """The store cannot be read or written; the text says which file, why, and what to do."""


@dataclass(slots=True)
class Entry:
    """What is written in one transaction.

    Attributes:
        records: by id, as they are now; `None` for one that exists no more.
        events: in order; they take the next numbers.
        notes: of requests, in order.
        rejections: how often the core turned away, in all.
        terms: of the account, if they changed.
    """

    records: dict[str, Record | None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    rejections: dict[RejectionKey, int] = field(default_factory=dict)
    terms: Terms | None = None

    def __bool__(self) -> bool:
        """Say whether there is anything to write."""
        return bool(self.records or self.events or self.notes or self.rejections or self.terms is not None)

    def add(self, later: "Entry") -> None:
        """Take in what happened after this."""
        self.records |= later.records
        self.events += later.events
        self.notes += later.notes
        self.rejections |= later.rejections
        if later.terms is not None:
            self.terms = later.terms


@dataclass(frozen=True, slots=True)
class Stored:
    """All that a store holds.

    Attributes:
        records: oldest first.
        events: the latest ones, oldest first.
        last_event: the number of the latest event, 0 if there is none.
        notes: of requests, oldest first.
        rejections: how often the core turned away.
        terms: of the account, if they were ever changed.
    """

    records: list[Record]
    events: list[Event]
    last_event: int
    notes: list[Note]
    rejections: dict[RejectionKey, int]
    terms: Terms | None


class Store:
    """An open file, locked against any other service.

    Args:
        path: the file, made if there is none; `None` keeps everything in memory, for this process only.

    Raises:
        StoreError: it is not ours, damaged, of another version, or in use.
    """

    __slots__ = ("_connection", "_event", "_name", "_note")

    def __init__(self, path: Path | None) -> None:
        self._name = str(path or "the store in memory")
        self._event = self._note = 0
        with self._explained("opened"):
            self._connection = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None)
        try:
            with self._explained("opened"):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        ask = self._connection.execute
        ask("PRAGMA locking_mode = EXCLUSIVE")
        (application,) = ask("PRAGMA application_id").fetchone()
        (version,) = ask("PRAGMA user_version").fetchone()
        (tables,) = ask("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and application != _APPLICATION:
            raise StoreError(f"{self._name} belongs to another program; name a file of the network's own, or a new one")
        if tables and version != _VERSION:
            raise StoreError(
                f"{self._name} is of version {version}, this program writes version {_VERSION};"
                " use the program that wrote it, or name a new file"
            )
        ask("PRAGMA journal_mode = WAL")
        ask("PRAGMA synchronous = OFF")
        ask("BEGIN EXCLUSIVE")
        if not tables:
            for statement in (*_SCHEMA.split(";\n"), f"PRAGMA application_id = {_APPLICATION}"):
                ask(statement)
            ask(f"PRAGMA user_version = {_VERSION}")
        ask("COMMIT")

    def load(self) -> Stored:
        """Read everything.

        Raises:
            StoreError: something in it cannot be read.
        """
        with self._explained("read"):
            return self._load()

    def _load(self) -> Stored:
        ask = self._connection.execute
        (damage,) = ask("PRAGMA quick_check(1)").fetchone()
        if damage != "ok":
            raise sqlite3.DatabaseError(damage)
        (self._event,) = ask("SELECT coalesce(max(number), 0) FROM event").fetchone()
        (self._note,) = ask("SELECT coalesce(max(number), 0) FROM note").fetchone()
        terms = ask("SELECT content FROM setting WHERE name = ?", (_TERMS,)).fetchone()
        return Stored(
            [decode(_RECORDS[kind], text) for kind, text in ask("SELECT kind, content FROM record ORDER BY rowid")],
            [Event(*fields) for _, *fields in ask("SELECT * FROM event ORDER BY number")],
            self._event,
            [decode(_NOTES[kind], text) for kind, text in ask("SELECT kind, content FROM note ORDER BY number")],
            {(nic, IPv4Address(text), reason): frames for nic, text, reason, frames in ask("SELECT * FROM rejection")},
            decode(Terms, terms[0]) if terms else None,
        )

    def write(self, entry: Entry) -> None:
        """Write an entry, all of it or nothing.

        Raises:
            StoreError: it could not be written; it may be tried again.
        """
        with self._explained("written"):
            self._connection.execute("BEGIN")
            try:
                self._insert(entry)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self._event += len(entry.events)
        self._note += len(entry.notes)

    def _insert(self, entry: Entry) -> None:
        ask = self._connection.execute
        for identity, record in entry.records.items():
            if record is None:
                ask("DELETE FROM record WHERE id = ?", (identity,))
            else:
                ask(_UPSERT, (identity, type(record).__name__, encode(record)))
        for number, event in enumerate(entry.events, self._event + 1):
            ask("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (number, *_fields(event)))
            ask("DELETE FROM event WHERE number = ?", (number - events.KEPT,))
        for number, note in enumerate(entry.notes, self._note + 1):
            ask("INSERT INTO note VALUES (?, ?, ?)", (number, type(note).__name__, encode(note)))
            ask("DELETE FROM note WHERE number = ?", (number - 2 * requests.KEPT,))
        for (nic, address, reason), frames in entry.rejections.items():
            ask("INSERT OR REPLACE INTO rejection VALUES (?, ?, ?, ?)", (nic, str(address), reason, frames))
        if entry.terms is not None:
            ask("INSERT OR REPLACE INTO setting VALUES (?, ?)", (_TERMS, encode(entry.terms)))

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            remedy = (
                "another service is at work with it; end that one, or name another file"
                if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
                else "see that its folder exists, may be written to, and has room"
            )
            raise StoreError(f"{self._name} cannot be {done} ({error}); {remedy}") from error
        except (sqlite3.Error, CodecError, KeyError, ValueError) as error:
            raise StoreError(
                f"{self._name} cannot be {done} ({error}): it is damaged, or no store of this network;"
                " put a copy in its place, or name a new file"
            ) from error

    def close(self) -> None:
        """Close the file, and let others use it."""
        self._connection.close()
