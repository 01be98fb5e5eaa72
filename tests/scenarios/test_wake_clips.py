"""Recordings of wake words by a whole house: of those it heard, where that was asked for, and never while muted."""

from __future__ import annotations

import contextlib
import wave
from pathlib import Path

import pytest

from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.scenarios.house import PATIENCE, WAKE_WORD
from tests.waiting import until

pytestmark = pytest.mark.patient

BEEP = Script(answer=lambda _: Reply("Beep.", audio=tone(300)))


def clips(folder: Path) -> list[Path]:
    """Return the recordings."""
    return sorted(folder.rglob("*.wav")) if folder.exists() else []


async def test_a_house_that_was_asked_to_records_its_wake_words(
    open_house: Open, server: SimulatedRealtime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What it heard, in a file; it says at the start that it does. Muted, it records nothing."""
    server.script = BEEP
    folder = tmp_path / "clips"
    caplog.set_level("INFO")
    async with open_house(f'wake.save_clips="{folder}"', "conversation.follow_up_s=0") as house:
        assert str(folder) in caplog.text
        await house.converse()
        await until(lambda: clips(folder), "a clip")
        await house.phase(Phase.IDLE)
        await house.long_press()
        before = clips(folder)
        await house.person.say("turn on the light", WAKE_WORD)
    assert clips(folder) == before
    heard = next(clip for clip in before if "-heard-" in clip.name)
    assert "-hey_jarvis-" in heard.name
    with wave.open(str(heard)) as file:
        assert 0.7 < file.getnframes() / file.getframerate() <= 2.7


async def test_what_nearly_was_a_wake_word_is_logged_and_recorded(
    open_house: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Here for want of patience: no word has so much. No session is opened."""
    folder = tmp_path / "clips"
    caplog.set_level("INFO")
    async with open_house(f'wake.save_clips="{folder}"', "wake.patience=25") as house:
        for _ in range(PATIENCE):
            await house.person.say("", WAKE_WORD)
            with contextlib.suppress(AssertionError):
                await until(lambda: clips(folder), "a clip", 2.0)
                break
        assert house.status.phase is Phase.IDLE
    assert "-hey_jarvis-near-" in clips(folder)[0].name
    assert "near miss: hey_jarvis" in caplog.text


async def test_a_house_that_was_not_asked_to_records_nothing(
    open_house: Open, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """Nowhere in the folder that it may write to."""
    server.script = BEEP
    async with open_house() as house:
        await house.converse()
    assert clips(tmp_path) == []
