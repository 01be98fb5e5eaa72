"""After a slip the echo is found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.echo.slip import SlipSearch
from device.sim.room.acoustics import Sound
from tests.audio.echo.echo_stage import ASKING, RATE, answers, spoken

BLOCK = 160
SPEECH = answers(6, 1)[RATE:]


def search(captured: Sound, expected: Sound) -> int | None:
    """Return the shift that is found."""
    looking = SlipSearch()
    for at in range(0, min(len(captured), len(expected)) - BLOCK + 1, BLOCK):
        if (found := looking.update(captured[at : at + BLOCK], expected[at : at + BLOCK])) is not None:
            return found
        if looking.is_over:
            break
    return None


@given(st.integers(-640, 640))
@settings(deadline=None, max_examples=30)
def test_speech_is_found_to_the_sample(samples: int) -> None:
    """Earlier or later, up to 40 ms."""
    assert search(SPEECH[1_000 - samples : 40_000], SPEECH[1_000:40_000]) == samples


def test_it_is_found_while_a_person_speaks() -> None:
    """As loud as the echo."""
    person = np.resize(spoken("set the volume to fifty percent", ASKING), 39_000)
    captured = SPEECH[900:39_900] * float(np.std(person) / np.std(SPEECH)) + person
    assert search(captured, SPEECH[1_000:40_000]) == 100


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_what_is_not_there_is_not_found(level: float) -> None:
    """It gives up."""
    noise = np.asarray(np.random.default_rng(1).normal(0.0, level, len(SPEECH)), np.float32)
    assert search(noise, SPEECH) is None
    assert search(SPEECH, noise * np.float32(1e-3)) is None
