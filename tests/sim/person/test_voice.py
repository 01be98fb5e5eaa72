"""A person who speaks into the virtual room."""

from __future__ import annotations

import numpy as np
import pytest

from device.sim.person.voice import Person, without_silence
from device.units import Hz


class Room:
    """Keeps what is played."""

    def __init__(self) -> None:
        self.played: list[tuple[bytes, Hz]] = []

    async def play(self, pcm: bytes, rate: Hz) -> None:
        """Hear it."""
        self.played.append((pcm, rate))


async def test_wake_word_and_command_are_one_breath() -> None:
    """60 ms between them, and it is known where the command begins."""
    room = Room()
    said = await Person(room.play).say("turn on the light", "hey jarvis")
    samples = np.frombuffer(said.pcm, "<i2")
    breath = samples[said.command_at - said.rate * 60 // 1000 : said.command_at]
    assert room.played == [(said.pcm, said.rate)]
    assert not breath.any()
    assert np.abs(samples[said.command_at : said.command_at + said.rate // 50].astype(int)).max() > 200
    assert 400 < said.command_at_ms < said.duration_ms - 500
    assert said.text == "hey jarvis turn on the light"


@pytest.mark.parametrize(("command", "wake"), [("hello", ""), ("", "hey jarvis")])
async def test_either_may_be_said_alone(command: str, wake: str) -> None:
    """Then the command begins at 0."""
    said = await Person(Room().play).render(command, wake)
    assert said.command_at == 0
    assert said.command == said.pcm != b""


@pytest.mark.parametrize("loudness", [0.1, 0.9])
async def test_loudness_is_the_peak(loudness: float) -> None:
    """Of full scale."""
    said = await Person(Room().play, loudness=loudness).render("hello")
    assert np.abs(np.frombuffer(said.pcm, "<i2").astype(int)).max() == pytest.approx(loudness * 32767, abs=2)


def test_silence_is_taken_off_both_ends() -> None:
    """To 5 ms; of silence alone nothing is left."""
    sound = np.concatenate([np.zeros(8000), np.full(1600, 5000), np.zeros(8000)]).astype("<i2").tobytes()
    assert len(without_silence(sound, Hz(16000))) == (1600 + 2 * 80) * 2
    assert without_silence(bytes(3200), Hz(16000)) == b""
