"""Programs are run for what they print, and never waited for too long."""

from __future__ import annotations

import time

import pytest

from device.kit.programs import Ran, run


async def test_what_it_prints_and_how_it_ends_is_told() -> None:
    """Both of its outputs; in English, whatever the person speaks."""
    assert await run("sh", "-c", "echo $LC_ALL; echo no >&2; exit 3") == Ran(3, "C.UTF-8\n", "no\n")


@pytest.mark.parametrize("command", ["no-such-program", "null"])
async def test_what_cannot_be_run_is_none(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, or no program at all."""
    # Found on PATH: of a path that cannot be run, an emulator of other processors (qemu-user) tells Python nothing.
    monkeypatch.setenv("PATH", "/dev")
    assert await run(command) is None


async def test_one_that_hangs_is_killed() -> None:
    """Within its limit, though it takes no notice of being asked."""
    began = time.monotonic()
    assert await run("sh", "-c", "trap '' TERM; exec sleep 1000", limit_s=0.05) is None
    assert time.monotonic() - began < 5
