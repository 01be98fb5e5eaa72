"""The files of a memory cgroup, read as both versions write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench import memory_group
from tests.bench.memory_group import GroupError, MemoryGroup, limited

FIRST = {
    "memory.max_usage_in_bytes": "104857600\n",
    "memory.stat": "cache 4096\nrss 8192\ntotal_cache 4096\ntotal_rss 12288\ntotal_rss_huge 0\n",
    "memory.failcnt": "7\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
}
SECOND = {
    "memory.peak": "104857600\n",
    "memory.stat": "anon 12288\nfile 4096\nanon_thp 0\n",
    "memory.events": "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n",
}


@pytest.mark.parametrize(("names", "files"), [(memory_group._FIRST, FIRST), (memory_group._SECOND, SECOND)])
def test_what_became_of_a_group_is_read(names: memory_group.Names, files: dict[str, str], tmp_path: Path) -> None:
    """In bytes, and counted."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    group = MemoryGroup(tmp_path, names)
    assert (group.peak, group.anonymous, group.reached, group.killed) == (104_857_600, 12_288, 7, 2)


def test_where_there_is_no_controller_it_says_so(tmp_path: Path) -> None:
    """As on Raspberry Pi OS, which starts its kernel without one."""
    (tmp_path / "cgroup.subtree_control").write_text("cpu io pids\n")
    with pytest.raises(GroupError, match="no memory controller"), limited(1_000_000, tmp_path):
        pass


@pytest.mark.parametrize("version", [1, 2])
def test_where_no_group_can_be_made_it_says_so(version: int, tmp_path: Path) -> None:
    """As in most containers."""
    place = tmp_path / "memory" if version == 1 else tmp_path
    place.mkdir(exist_ok=True)
    name, text = ("memory.limit_in_bytes", "") if version == 1 else ("cgroup.subtree_control", "cpu memory\n")
    (place / name).write_text(text)
    # It is there already.
    (place / f"hearthside-{os.getpid()}").mkdir()
    with pytest.raises(GroupError, match="be root"), limited(1_000_000, tmp_path):
        pass
