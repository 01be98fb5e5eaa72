"""The short sounds of our own."""

from __future__ import annotations

import numpy as np
import pytest

from device.audio.cues import cue_pcm
from device.core.actions import Cue
from device.units import Hz

RATES = [Hz(16_000), Hz(24_000), Hz(44_100)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("cue", Cue)
def test_a_cue_is_short_and_soft(cue: Cue, rate: Hz) -> None:
    """80 to 250 ms, a peak near -18 dBFS, silence at both ends."""
    samples = np.frombuffer(cue_pcm(cue, rate), dtype="<i2").astype(int)
    assert 80 <= len(samples) * 1000 / rate <= 250
    assert -21 < 20 * np.log10(np.abs(samples).max() / 32_768) < -17
    assert abs(samples[0]) < 20
    assert abs(samples[-1]) < 20


@pytest.mark.parametrize("cue", Cue)
def test_a_cue_does_not_click(cue: Cue) -> None:
    """No step between samples is larger than its highest note makes."""
    samples = np.frombuffer(cue_pcm(cue, Hz(24_000)), dtype="<i2").astype(int)
    assert np.abs(np.diff(samples)).max() < 1600


def test_no_two_cues_are_alike() -> None:
    """A person must be able to tell them apart."""
    assert len({cue_pcm(cue, Hz(24_000)) for cue in Cue}) == len(Cue)


def test_a_cue_is_made_once() -> None:
    """The second time it comes from the cache."""
    assert cue_pcm(Cue.DONE, Hz(24_000)) is cue_pcm(Cue.DONE, Hz(24_000))
