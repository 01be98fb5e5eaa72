"""What the broker remembers, in SQLite: devices, enrolment tokens (hashes of both) and the audit log. It blocks.

Each method is one transaction that is on the disk when it returns, or did not happen: a broker that is killed in the
middle of it finds the database as it was. The commands and the service use the same file at the same time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from device.broker.limits import DAY_S, day_of
from device.errors import HearthsideError

_P = ParamSpec("_P")
_T = TypeVar("_T")

FILE = "broker.sqlite"
_VERSION = 1
# How long one process waits for another that writes.
_PATIENCE_S = 5.0
# Of requests without a device, which anybody can make: the log keeps the newest.
MOST_STRANGERS = 20_000

_SCHEMA = """
CREATE TABLE device (name TEXT PRIMARY KEY, token BLOB NOT NULL UNIQUE, enrolled INTEGER NOT NULL, revoked INTEGER);
CREATE TABLE enrolment (token BLOB PRIMARY KEY, name TEXT NOT NULL, until INTEGER NOT NULL, used INTEGER);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, address TEXT NOT NULL,
    what TEXT NOT NULL, outcome TEXT NOT NULL
);
CREATE INDEX audit_of_device ON audit (who, what, at);
"""

ASKED, GIVEN = "asked", "given"
"""The outcomes of a wish for a secret that count against the budget; of the first it is not known what came of it."""
SECRET, CHECK = "secret", "check"


class StoreError(HearthsideError):
    """The broker's database cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Device:
    """One that was enrolled; times are seconds of the Unix clock."""

    name: str
    enrolled: int
    revoked: int | None = None
    last_secret: int | None = None
    secrets_today: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the audit log: who did what from where, and what came of it. Never a secret."""

    at: int
    who: str
    address: str
    what: str
    outcome: str


def _told(
    method: Callable[Concatenate[Store, _P], _T],
) -> Callable[Concatenate[Store, _P], _T]:
    """Let what SQLite raises be a StoreError."""

    @wraps(method)
    def wrapped(self: Store, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(self, *args, **kwargs)
        except sqlite3.Error as error:
            raise self.error(error) from error

    return wrapped


class Store:
    """The database in a folder, which is made when it is not there."""

    def __init__(self, folder: Path) -> None:
        """Raise StoreError."""
        self._path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Before SQLite makes it with everybody's permissions; its other files get the same ones as this.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreError(
                f"cannot write {self._path}: {error.strerror}; run this as root or as the broker's user"
            ) from error
        try:
            self._connection = sqlite3.connect(self._path, timeout=_PATIENCE_S, isolation_level=None)
            self._connection.execute("PRAGMA synchronous=FULL")
            self._prepare()
        except sqlite3.Error as error:
            raise self.error(error) from error

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def error(self, error: sqlite3.Error) -> StoreError:
        """Return what is told of an error of SQLite."""
        return StoreError(f"the broker's database {self._path}: {error}")

    def _prepare(self) -> None:
        with self._transaction() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise StoreError(f"{self._path} was written by a newer hearthside; install that again")
            if version == 0:
                for statement in _SCHEMA.strip().rstrip(";").split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the right to write from the beginning, so that what was read is still so when it is written."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            # On some errors (a full disk) SQLite has done so itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    # -- enrolment

    @_told
    def add_enrolment(self, token: bytes, name: str, now: float, until: float) -> None:
        """Take note of an enrolment token; a `name` other than "" is that of the one device that it is for."""
        with self._transaction() as db:
            db.execute("DELETE FROM enrolment WHERE until < ?", (now - DAY_S,))
            db.execute("INSERT INTO enrolment VALUES (?, ?, ?, NULL)", (token, name, int(until)))
            self._write(db, Entry(int(now), name, "", "enrolment token", "made"))

    @_told
    def enrol(self, token: bytes, name: str, device: bytes, now: float, address: str) -> str | None:
        """Use up an enrolment token for a device; return its name, None when the token is not good.

        Raise KeyError when the name is taken: only a token that was made for that name replaces the device.
        """
        with self._transaction() as db:
            found = db.execute(
                "SELECT name FROM enrolment WHERE token = ? AND used IS NULL AND until >= ?", (token, now)
            ).fetchone()
            if found is None:
                return None
            bound = str(found[0])
            name = bound or name
            if not bound and db.execute("SELECT 1 FROM device WHERE name = ?", (name,)).fetchone():
                raise KeyError(name)
            db.execute("UPDATE enrolment SET used = ? WHERE token = ?", (int(now), token))
            db.execute("INSERT OR REPLACE INTO device VALUES (?, ?, ?, NULL)", (name, device, int(now)))
            self._write(db, Entry(int(now), name, address, "enrol", "ok"))
        return name

    # -- devices

    @_told
    def device_of(self, token: bytes) -> Device | None:
        """Return the device that has a token."""
        query = "SELECT name, enrolled, revoked FROM device WHERE token = ?"
        row = self._connection.execute(query, (token,)).fetchone()
        return Device(*row) if row else None

    @_told
    def devices(self, now: float) -> list[Device]:
        """Return all of them, by name."""
        counted = "SELECT {} FROM audit WHERE who = name AND what = 'secret' AND outcome IN ('asked', 'given')"
        query = (
            f"SELECT name, enrolled, revoked, ({counted.format('MAX(at)')}), ({counted.format('COUNT(*)')} AND at >= ?)"
            " FROM device ORDER BY name"
        )
        return [Device(*row) for row in self._connection.execute(query, (day_of(now),))]

    @_told
    def revoke(self, name: str, now: float) -> bool:
        """Give a device no more secrets; return whether there is one of this name. Its unused tokens end, too."""
        with self._transaction() as db:
            db.execute("UPDATE enrolment SET used = ? WHERE name = ? AND used IS NULL", (int(now), name))
            query = "UPDATE device SET revoked = COALESCE(revoked, ?) WHERE name = ?"
            found = db.execute(query, (int(now), name)).rowcount > 0
            if found:
                self._write(db, Entry(int(now), name, "", "revoke", "ok"))
        return found

    # -- secrets

    @_told
    def reserve(self, name: str, now: float, address: str, per_day: int) -> int | None:
        """Write down that a device asks for a secret; return the entry's number, None when its day's share is used up.

        It counts until `settle` says otherwise, also when nobody comes to say it.
        """
        with self._transaction() as db:
            query = "SELECT COUNT(*) FROM audit WHERE who = ? AND what = ? AND at >= ? AND outcome IN (?, ?)"
            (used,) = db.execute(query, (name, SECRET, day_of(now), ASKED, GIVEN)).fetchone()
            if used >= per_day:
                return None
            return self._write(db, Entry(int(now), name, address, SECRET, ASKED))

    @_told
    def settle(self, number: int, outcome: str) -> None:
        """Write down what came of it: GIVEN, or why not."""
        with self._transaction() as db:
            db.execute("UPDATE audit SET outcome = ? WHERE id = ?", (outcome, number))

    # -- audit

    @_told
    def note(self, entry: Entry) -> None:
        """Write an entry."""
        with self._transaction() as db:
            self._write(db, entry)

    @_told
    def audit(self, newest: int, who: str = "") -> list[Entry]:
        """Return the newest entries, the oldest of them first; with `who`, only those of one device."""
        query = "SELECT at, who, address, what, outcome FROM audit WHERE ? IN ('', who) ORDER BY id DESC LIMIT ?"
        return [Entry(*row) for row in self._connection.execute(query, (who, newest))][::-1]

    @_told
    def forget(self, before: float) -> None:
        """Leave out of the audit log what is older, and of strangers all but the newest."""
        with self._transaction() as db:
            db.execute("DELETE FROM audit WHERE at < ?", (int(before),))
            kept = "SELECT id FROM audit WHERE who = '' ORDER BY id DESC LIMIT ?"
            db.execute(f"DELETE FROM audit WHERE who = '' AND id NOT IN ({kept})", (MOST_STRANGERS,))

    @staticmethod
    def _write(db: sqlite3.Connection, entry: Entry) -> int | None:
        query = "INSERT INTO audit (at, who, address, what, outcome) VALUES (?, ?, ?, ?, ?)"
        return db.execute(query, (entry.at, entry.who, entry.address, entry.what, entry.outcome)).lastrowid
