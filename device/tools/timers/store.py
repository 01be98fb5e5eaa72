"""What must outlive the process, in SQLite. It blocks: all of it belongs to one thread.

A write is one transaction that is on the disk when it returns, or did not happen. The file is there from the first
timer on; until then SQLite is not even loaded. How the journal is kept was decided by cutting the power after every
call to a simulated disk (tests/tools/timers/powercut.py): with `synchronous=FULL` and the rollback journal that is
usual, deleted at the end of a transaction, a transaction that had been reported as done came undone (the folder's entry
of the journal was back); with a journal that is truncated instead, and with WAL, none ever did. WAL would be a third
file for nothing: timers change a few times an hour.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.core.events import AlarmKind
from device.errors import HearthsideError
from device.tools.timers.entry import Countdown, Entry, TimeOfDay

if TYPE_CHECKING:
    import sqlite3

FILE = "timers.sqlite"
JOURNAL, LOCKING = "TRUNCATE", "EXCLUSIVE"
_VERSION = 1
_SCHEMA = """
CREATE TABLE timer (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, label TEXT NOT NULL, missed REAL,
    length REAL, boot REAL, boot_id TEXT, wall REAL,
    time TEXT, date TEXT, weekdays TEXT
);
CREATE TABLE number (next INTEGER NOT NULL);
INSERT INTO number VALUES (1);
"""
_COLUMNS = "id, kind, label, missed, length, boot, boot_id, wall, time, date, weekdays"


class StoreError(HearthsideError):
    """The timers cannot be read or kept. `lost`: there is nothing in the file that could be read another time."""

    def __init__(self, message: str, lost: bool = False) -> None:
        super().__init__(message)
        self.lost = lost


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is kept."""

    entries: Mapping[int, Entry] = field(default_factory=dict)
    next_id: int = 1
    """No number is given twice."""


class Store:
    """The database in a folder, which is made when something is to be kept."""

    def __init__(self, folder: Path, journal: str = JOURNAL, locking: str = LOCKING) -> None:
        """`journal`, `locking`: modes of SQLite, for tests of what they are worth."""
        self._path = folder / FILE
        self._journal = journal
        self._locking = locking
        self._connection: sqlite3.Connection | None = None
        self._written = Kept()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def read(self) -> Kept:
        """Return what is kept; nothing where there is no file. Raise StoreError."""
        if not self._path.exists():
            return self._written
        with self._told():
            self._written = self._read(self._open())
        return self._written

    def write(self, wanted: Kept) -> None:
        """Keep exactly this; when it returns, it is on the disk. Raise StoreError: then all is as it was."""
        if wanted == self._written:
            return
        with self._told():
            db = self._open()
            db.execute("BEGIN IMMEDIATE")
            try:
                self._replace(db, wanted)
                db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(self._errors()):
                    db.execute("ROLLBACK")
                raise
        self._written = wanted

    def set_aside(self) -> Path:
        """Put a file that cannot be read out of the way, for somebody to look at; return where it is. Raise OSError."""
        self.close()
        aside = self._path.with_suffix(".unreadable")
        self._path.replace(aside)
        for journal in (f"{self._path}-journal", f"{self._path}-wal", f"{self._path}-shm"):
            Path(journal).unlink(missing_ok=True)
        return aside

    def close(self) -> None:
        """Let the file go. Harmless when it is closed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(self._errors()):
                connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # Late: without a timer nothing of it is loaded.
            import sqlite3

            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Before SQLite makes it with everybody's permissions; its journal gets the same ones as this.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute(f"PRAGMA locking_mode={self._locking}")
        db.execute(f"PRAGMA journal_mode={self._journal}")
        db.execute("PRAGMA synchronous=FULL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise StoreError(f"{self._path} was written by a newer hearthside; install that again")
        if version == 0:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")

    def _read(self, db: sqlite3.Connection) -> Kept:
        entries = map(_entry, db.execute(f"SELECT {_COLUMNS} FROM timer ORDER BY id"))
        (next_id,) = db.execute("SELECT next FROM number").fetchone()
        return Kept({entry.id: entry for entry in entries}, next_id)

    def _replace(self, db: sqlite3.Connection, wanted: Kept) -> None:
        before = self._written.entries
        gone = [(number,) for number in before if number not in wanted.entries]
        new = [_row(entry) for number, entry in wanted.entries.items() if entry != before.get(number)]
        db.executemany("DELETE FROM timer WHERE id = ?", gone)
        db.executemany(f"INSERT OR REPLACE INTO timer ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", new)
        db.execute("UPDATE number SET next = ?", (wanted.next_id,))

    def _errors(self) -> type[Exception]:
        import sqlite3

        return sqlite3.Error

    def _is_lost(self, error: Exception) -> bool:
        """Tell a file that is no database from a disk that may answer the next time, which is an OperationalError."""
        import sqlite3

        return not isinstance(error, sqlite3.OperationalError)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Let what SQLite and the disk raise be a StoreError."""
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise StoreError(f"{self._path} holds what no timer is", lost=True) from error
        except self._errors() as error:
            raise StoreError(f"{self._path}: {error}", lost=self._is_lost(error)) from error


def _row(entry: Entry) -> tuple[Any, ...]:
    countdown, alarm = entry.countdown, entry.time_of_day
    counted: tuple[Any, ...] = (None,) * 4
    shown: tuple[Any, ...] = (None,) * 3
    if countdown is not None:
        counted = (countdown.length, countdown.boot, countdown.boot_id, countdown.wall)
    if alarm is not None:
        shown = (alarm.time.isoformat(), alarm.date.isoformat(), "".join(map(str, sorted(alarm.weekdays))))
    return (entry.id, entry.kind.value, entry.label, entry.missed, *counted, *shown)


def _entry(row: tuple[Any, ...]) -> Entry:
    number, kind, label, missed, length, boot, boot_id, wall, at, day, weekdays = row
    return Entry(
        number,
        AlarmKind(kind),
        label,
        None if length is None else Countdown(length, boot, boot_id, wall),
        None
        if at is None
        else TimeOfDay(time.fromisoformat(at), date.fromisoformat(day), frozenset(map(int, weekdays))),
        missed,
    )
