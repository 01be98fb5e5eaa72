"""What is played into the room: spread over the microphones, and as a file."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from device.sim.devices.roomsound import spread, wav_file
from device.units import Hz

PCM = b"\x01\x02\x03\x04"


@pytest.mark.parametrize(
    ("only", "expected"),
    [(None, b"\x01\x02\x01\x02\x03\x04\x03\x04"), (1, b"\x00\x00\x01\x02\x00\x00\x03\x04")],
    ids=["every microphone", "the second alone"],
)
def test_sound_is_spread_over_the_microphones(only: int | None, expected: bytes) -> None:
    """Sample by sample."""
    assert spread(PCM, 2, only) == expected


def test_the_file_holds_the_sound_and_is_gone_afterwards(tmp_path: Path) -> None:
    """With its rate and its channels."""
    with wav_file(tmp_path, PCM, Hz(22_050), 2) as file, wave.open(str(file)) as sound:
        assert sound.getparams()[:4] == (2, 2, 22_050, 1)
        assert sound.readframes(1) == PCM
    assert not list(tmp_path.iterdir())


def test_the_file_may_be_gone_before(tmp_path: Path) -> None:
    """As when the card is taken away while somebody speaks."""
    with wav_file(tmp_path, PCM, Hz(16_000), 1) as file:
        file.unlink()
