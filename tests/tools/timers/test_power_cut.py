"""The plug is pulled: what was reported as kept is there, whatever the disk had not got round to yet."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from device.tools.timers.store import Store, StoreError
from tests.tools.timers.powercut import Disk, traced
from tests.tools.timers.writer import kept_of

STATES = 8
CUTS_A_CALL = 6

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace writes down what the process asks for")


def lost(folder: Path, *modes: str, states: int = STATES, cuts_a_call: int = CUTS_A_CALL) -> tuple[int, list[str]]:
    """Cut the power after each call; return how often it was, and what was wrong then."""
    store_folder = folder / "state"
    store_folder.mkdir()
    disk, chance, said, problems, cuts = Disk(), random.Random(1), 0, [], 0
    for call in traced(store_folder, states, *modes):
        if call.kind == "said":
            said = int(call.data)
            continue
        disk.do(call)
        for _ in range(cuts_a_call):
            cuts += 1
            problem = judged(folder / "after", disk.after_a_cut(chance), said)
            if problem:
                problems.append(f"after state {said}: {problem}")
    assert said == states
    return cuts, problems


def judged(folder: Path, files: dict[str, bytes], said: int) -> str:
    """Read what is left; return what is wrong with it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    store = Store(folder)
    try:
        found = store.read()
    except StoreError as error:
        return str(error)
    finally:
        store.close()
    wanted = [kept_of(number) for number in (said, said + 1)]
    if said == 0:
        return "" if found in (wanted[1], type(found)()) else "something else"
    return "" if found in wanted else "what had been reported as kept is not there"


def test_no_cut_undoes_what_was_reported_as_kept(tmp_path: Path) -> None:
    """Nor leaves half of anything."""
    cuts, problems = lost(tmp_path)
    assert cuts > 20 * STATES
    assert problems == []


def test_the_usual_journal_would_have_been_undone(tmp_path: Path) -> None:
    """Else the test above would see nothing: SQLite deletes its journal, and does not sync the folder after that."""
    _, problems = lost(tmp_path, "DELETE", "NORMAL")
    assert any("what had been reported as kept is not there" in problem for problem in problems)
