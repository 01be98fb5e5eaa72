"""What outlives the process: written whole or not at all, whatever becomes of the process and the disk."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.events import AlarmKind
from device.tools.timers.entry import Countdown, Entry, TimeOfDay
from device.tools.timers.store import FILE, Kept, Store, StoreError
from tests.tools.timers.writer import kept_of

numbers = st.floats(0, 4e9)
countdowns = st.builds(Countdown, numbers, numbers, st.text(max_size=36), numbers)
times_of_day = st.builds(
    TimeOfDay, st.times(), st.dates(date(2000, 1, 1)), st.frozensets(st.integers(0, 6), max_size=7)
)
entries = st.builds(
    Entry,
    st.integers(1, 1_000_000),
    st.sampled_from(AlarmKind),
    st.text(st.characters(codec="utf-8"), max_size=100),
    st.none() | countdowns,
    st.none() | times_of_day,
    st.none() | numbers,
)
kept = st.builds(
    Kept,
    st.lists(entries, max_size=5).map(lambda found: {entry.id: entry for entry in sorted(found, key=lambda e: e.id)}),
    st.integers(1, 2_000_000),
)
SEVEN = Entry(1, AlarmKind.ALARM, "work", time_of_day=TimeOfDay(time(7), date(2026, 12, 2), frozenset({0, 4})))


@given(st.lists(kept, min_size=1, max_size=4))
def test_what_was_written_last_is_what_is_read(states: list[Kept]) -> None:
    """Every field of it, and nothing of before."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for state in states:
            store.write(state)
        store.close()
        other = Store(Path(folder))
        assert other.read() == states[-1]
        other.close()


def test_without_a_timer_there_is_no_file(tmp_path: Path) -> None:
    """And nothing of SQLite is loaded: reading what is not there is nothing."""
    store = Store(tmp_path / "state")
    assert store.read() == Kept()
    store.write(Kept())
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """It says when somebody gets up."""
    store = Store(tmp_path)
    store.write(Kept({1: SEVEN}, 2))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    store.close()


def test_a_disk_that_is_full_leaves_what_was(tmp_path: Path) -> None:
    """The kernel refuses to let the file grow; afterwards it is written as if nothing had been."""
    store = Store(tmp_path)
    store.write(Kept({1: SEVEN}, 2))
    long = Kept({number: Entry(number, AlarmKind.TIMER, "x" * 100) for number in range(1, 400)}, 400)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"timers\.sqlite: ") as failure:
            store.write(long)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not failure.value.lost
    store.close()
    again = Store(tmp_path)
    assert again.read() == Kept({1: SEVEN}, 2)
    again.write(long)
    again.close()
    assert Store(tmp_path).read() == long


@pytest.mark.parametrize("damage", ["garbage", "a wrong value", "an empty table", "cut short"])
def test_a_file_that_holds_nothing_readable_is_told_from_one_that_cannot_be_read_now(
    tmp_path: Path, damage: str
) -> None:
    """The first is lost, the second may be there again the next time."""
    store = Store(tmp_path)
    store.write(Kept({1: SEVEN}, 2))
    store.close()
    file = tmp_path / FILE
    if damage == "garbage":
        file.write_bytes(os.urandom(8192))
    elif damage == "cut short":
        file.write_bytes(file.read_bytes()[:5000])
    else:
        with sqlite3.connect(file) as db:
            db.execute("UPDATE timer SET time = 'seven'" if damage == "a wrong value" else "DELETE FROM number")
    with pytest.raises(StoreError) as failure:
        Store(tmp_path).read()
    assert failure.value.lost


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """And the message says what to do."""
    store = Store(tmp_path)
    store.write(Kept({1: SEVEN}, 2))
    store.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="written by a newer hearthside; install that again") as failure:
        Store(tmp_path).read()
    assert not failure.value.lost


@pytest.mark.parametrize("after", range(5))
def test_a_process_that_is_killed_at_any_moment_leaves_one_state_or_the_next(tmp_path: Path, after: int) -> None:
    """kill -9 in the middle of writing one after the other; what had been reported as written is there."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.tools.timers.writer", str(tmp_path), "100000"], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    for _ in range(1 + 7 * after):
        writer.stdout.readline()
    writer.kill()
    reported = int((writer.stdout.read().split() or [str(7 * after)])[-1])
    writer.wait()
    store = Store(tmp_path)
    found = store.read()
    store.close()
    assert found in (kept_of(reported), kept_of(reported + 1))
