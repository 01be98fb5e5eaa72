"""What the broker remembers, also when it is killed, and when others write at the same time."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.broker.limits import DAY_S
from device.broker.store import FILE, GIVEN, MOST_STRANGERS, SECRET, Entry, Store, StoreError

NOON = 20_000 * DAY_S + 43_200


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    store = Store(tmp_path)
    yield store
    store.close()


def enrolled(store: Store, name: str = "kitchen") -> bytes:
    """Enrol a device; return its token's hash."""
    store.add_enrolment(b"for " + name.encode(), "", NOON, NOON + 60)
    assert store.enrol(b"for " + name.encode(), name, b"of " + name.encode(), NOON, "10.0.0.7") == name
    return b"of " + name.encode()


def test_an_enrolment_token_is_good_once_and_for_its_time(store: Store) -> None:
    """Then it is as unknown as any other."""
    store.add_enrolment(b"t", "", NOON, NOON + 60)
    store.add_enrolment(b"late", "", NOON, NOON + 60)
    assert store.enrol(b"t", "kitchen", b"d", NOON + 60, "") == "kitchen"
    assert store.enrol(b"t", "bath", b"e", NOON + 60, "") is None
    assert store.enrol(b"late", "bath", b"e", NOON + 61, "") is None
    assert store.enrol(b"never made", "bath", b"e", NOON, "") is None
    assert [device.name for device in store.devices(NOON)] == ["kitchen"]


def test_only_a_token_for_its_name_replaces_a_device(store: Store) -> None:
    """And only then is the other token used up."""
    old = enrolled(store)
    store.add_enrolment(b"any", "", NOON, NOON + 60)
    with pytest.raises(KeyError):
        store.enrol(b"any", "kitchen", b"thief", NOON, "")
    store.add_enrolment(b"bound", "kitchen", NOON, NOON + 60)
    assert store.enrol(b"bound", "whatever-it-says", b"new", NOON, "") == "kitchen"
    assert store.device_of(old) is None
    assert store.enrol(b"any", "bath", b"x", NOON, "") == "bath"


def test_a_revoked_device_is_known_as_that_and_can_come_back(store: Store) -> None:
    """By a token for it; one that waited is worth nothing."""
    token = enrolled(store)
    store.add_enrolment(b"waits", "kitchen", NOON, NOON + 60)
    assert store.revoke("kitchen", NOON + 1)
    assert not store.revoke("cellar", NOON + 1)
    device = store.device_of(token)
    assert device is not None
    assert device.revoked == NOON + 1
    assert store.enrol(b"waits", "kitchen", b"x", NOON, "") is None
    store.add_enrolment(b"again", "kitchen", NOON, NOON + 60)
    store.enrol(b"again", "kitchen", b"y", NOON, "")
    back = store.device_of(b"y")
    assert back is not None
    assert back.revoked is None


def test_a_day_has_so_many_secrets_and_failures_cost_none(store: Store) -> None:
    """What nobody knows the end of counts; after midnight there are new ones, and others have their own."""
    enrolled(store)
    first = store.reserve("kitchen", NOON, "", 2)
    assert first is not None
    store.settle(first, "provider_busy")
    second = store.reserve("kitchen", NOON, "", 2)
    assert second is not None
    store.settle(second, GIVEN)
    assert store.reserve("kitchen", NOON, "", 2) is not None
    assert store.reserve("kitchen", NOON + 3600, "", 2) is None
    assert store.reserve("bath", NOON, "", 2) is not None
    assert store.devices(NOON)[0].secrets_today == 2
    assert store.reserve("kitchen", NOON + DAY_S, "", 2) is not None
    assert store.devices(NOON + DAY_S)[0].secrets_today == 1


def test_the_audit_log_forgets_what_is_old_and_most_of_strangers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What devices did stays as long as was set."""
    monkeypatch.setattr("device.broker.store.MOST_STRANGERS", 3)
    assert MOST_STRANGERS > 1000
    store.note(Entry(NOON - 100, "kitchen", "", SECRET, "old"))
    store.note(Entry(NOON, "kitchen", "", SECRET, "new"))
    for number in range(9):
        store.note(Entry(NOON, "", "10.0.0.9", "enrol", f"{number}"))
    store.forget(NOON - 50)
    assert [entry.outcome for entry in store.audit(100)] == ["new", "6", "7", "8"]
    assert [entry.outcome for entry in store.audit(100, "kitchen")] == ["new"]
    assert [entry.outcome for entry in store.audit(2)] == ["7", "8"]


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Also when the umask is of another opinion."""
    before = os.umask(0)
    try:
        Store(tmp_path / "new").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "data", [b"not a database, but long enough to be looked at" * 100, b"SQLite format 3\0" + b"x" * 500]
)
def test_a_file_that_is_no_database_is_named(tmp_path: Path, data: bytes) -> None:
    """And stays as it is."""
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(StoreError, match=FILE):
        Store(tmp_path)
    assert (tmp_path / FILE).read_bytes() == data


def test_one_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """After a rollback of the program."""
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="newer"):
        Store(tmp_path)


def test_a_full_disk_is_told_and_writes_nothing_half(store: Store) -> None:
    """SQLite says so; the next call is a new beginning."""
    enrolled(store)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError, match="full"):
        store.note(Entry(NOON, "kitchen", "", SECRET, "x" * 10_000))
    store._connection.execute("PRAGMA max_page_count=100000")
    assert store.reserve("kitchen", NOON, "", 2) is not None


def test_two_at_once_do_not_both_get_the_last_one(tmp_path: Path) -> None:
    """Nor enrol with the same token: the service and a command share the file."""
    Store(tmp_path).close()
    got: list[object] = []

    def ask(name: str) -> None:
        store = Store(tmp_path)
        got.extend(store.reserve("kitchen", NOON, "", 7) for _ in range(10))
        got.append(store.enrol(b"t", name, name.encode(), NOON, ""))
        store.close()

    store = Store(tmp_path)
    store.add_enrolment(b"t", "", NOON, NOON + 60)
    threads = [threading.Thread(target=ask, args=[f"n{n}"]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(one, int) for one in got) == 7
    assert len([one for one in got if isinstance(one, str)]) == 1
    store.close()


WRITER = """
import sys
from pathlib import Path
from device.broker.store import Store, GIVEN
store = Store(Path(sys.argv[1]))
for n in range(10**9):
    store.add_enrolment(b"%d" % n, "", 0, 10**9)
    store.enrol(b"%d" % n, f"d{n}", b"of %d" % n, 1, "")
    store.settle(store.reserve(f"d{n}", 1, "", 5), GIVEN)
    print(n, flush=True)
"""


def test_killed_in_the_middle_of_writing_it_is_whole(tmp_path: Path) -> None:
    """What was answered is there; of what was not, either all or nothing."""
    random.seed(8)
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        last = -1
        for _ in range(random.randrange(1, 8)):
            last = int(process.stdout.readline())
        # A random moment of the next round.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(random.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        store = Store(tmp_path)
        assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        names = {device.name for device in store.devices(1)}
        assert f"d{last}" in names
        used = store._connection.execute("SELECT COUNT(*) FROM enrolment WHERE used IS NOT NULL").fetchone()[0]
        assert used == len(names) == sum(entry.what == "enrol" for entry in store.audit(10**6))
        store._connection.executescript("DELETE FROM device; DELETE FROM enrolment; DELETE FROM audit")
        store.close()
