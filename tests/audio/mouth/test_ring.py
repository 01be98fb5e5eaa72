"""The ring, beside all else that is played: on a loudspeaker in memory whose time passes when it is told to."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from device.audio.cues import FREQUENCIES_HZ, RING_PEAK, ring_pcm
from device.audio.mouth.ring import (
    BEGINS_DB,
    DUCKED_DB,
    GIVES_WAY_S,
    GOES_ON_S,
    GROWS_FOR_S,
    LEAST_VOLUME,
    Ringer,
)
from device.sim.devices.fakecard import FakeSpeaker
from device.units import Hz
from tests.audio.mouth.test_player import RATE, House, a_house, house, sound

__all__ = ["house"]

ROUND_S = len(ring_pcm(RATE)) / 2 / RATE
SINGS_S = ROUND_S - 1.0
BLOCK = 480


def rung(ringer: Ringer, seconds: float, over: bool = False) -> npt.NDArray[np.float64]:
    """Let the card pull silence with the ring in it; return it, 1.0 = full scale."""
    blocks = range(int(seconds * RATE) // BLOCK)
    mixed = [ringer.mix(bytes(2 * BLOCK), RATE, at * BLOCK / RATE, over) for at in blocks]
    return np.concatenate([np.zeros(BLOCK) if one is None else one for one in mixed]) / 32_768


def db(sound: npt.NDArray[np.float64]) -> float:
    """Return the peak in dB."""
    return float(20 * np.log10(np.abs(sound).max(initial=1e-9)))


def heard(speaker: FakeSpeaker, since_s: float = 0.0) -> npt.NDArray[np.float64]:
    """Return what has left the card from a moment on."""
    return np.frombuffer(speaker.heard, "<i2")[int(since_s * RATE) :] / 32_768


@pytest.mark.parametrize("rate", [Hz(16_000), Hz(24_000), Hz(48_000)])
def test_a_round_rises_and_pauses_and_can_follow_itself(rate: Hz) -> None:
    """Silence at both ends, and each note above the one before it; twice."""
    pcm = np.frombuffer(ring_pcm(rate), "<i2").astype(float)
    assert abs(pcm[0]) < 100
    assert not pcm[-rate // 2 :].any()
    notes = np.array([0.065, 0.195, 0.325, 0.47])
    for begins in (0.0, 0.55):
        pitches = [_pitch(pcm[int((begins + at - 0.04) * rate) :][: int(0.08 * rate)], rate) for at in notes]
        assert all(later > earlier * 1.1 for earlier, later in itertools.pairwise(pitches)), pitches


def _pitch(wave: npt.NDArray[np.float64], rate: Hz) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 8 * len(wave)))) * rate / 8 / len(wave))


def test_no_note_of_it_is_one_of_those_that_are_silenced_at_the_microphone() -> None:
    """A ring goes on for minutes, and who talks meanwhile must be heard."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(ring_pcm(RATE), "<i2").astype(float)))
    loudest = np.argmax(spectrum) * RATE / len(ring_pcm(RATE)) * 2
    assert min(abs(loudest - cue) for cue in FREQUENCIES_HZ) > 20


def test_it_grows_louder_from_round_to_round_up_to_the_volume() -> None:
    """18 dB in 20 s, and then no more."""
    ringer = Ringer(1.0)
    ringer.ring(ducked=False)
    ring = rung(ringer, GROWS_FOR_S + 3 * ROUND_S)
    rounds = [
        db(ring[int(n * ROUND_S * RATE) :][: int(SINGS_S * RATE)]) for n in range(int(len(ring) / RATE / ROUND_S))
    ]
    full = 20 * np.log10(RING_PEAK)
    assert rounds[0] == pytest.approx(full + BEGINS_DB, abs=1.5)
    assert rounds == sorted(rounds)
    assert rounds[-1] == rounds[-2] == pytest.approx(full, abs=1.2)


def test_it_is_heard_though_the_volume_is_set_to_nothing() -> None:
    """As loud as the least volume of a ring, and no louder than the volume where that is higher."""
    peaks = []
    for volume in (0.0, LEAST_VOLUME, 0.5):
        ringer = Ringer(volume)
        ringer.ring(ducked=False)
        peaks.append(np.abs(rung(ringer, GROWS_FOR_S + ROUND_S)).max())
    assert peaks[0] == peaks[1] == pytest.approx(RING_PEAK * LEAST_VOLUME, rel=0.15)
    assert peaks[2] == pytest.approx(RING_PEAK * 0.5, rel=0.15)


@pytest.mark.parametrize("how", ["told", "over sound"])
def test_it_is_ducked_when_told_and_under_what_is_played(how: str) -> None:
    """20 dB, without a click; and is loud again afterwards."""
    ringer = Ringer(1.0)
    ringer.ring(ducked=False)
    rung(ringer, GROWS_FOR_S + ROUND_S)
    loud = db(rung(ringer, 3 * ROUND_S))
    ringer.ring(ducked=how == "told")
    quiet = rung(ringer, 3 * ROUND_S, over=how != "told")
    assert db(quiet[RATE // 10 :]) == pytest.approx(loud + DUCKED_DB, abs=0.5)
    ringer.ring(ducked=False)
    assert db(rung(ringer, 3 * ROUND_S)) == pytest.approx(loud, abs=0.1)


def test_it_gives_way_to_a_voice_for_a_moment_and_rings_on_though_the_voice_comes_back() -> None:
    """A television that talks without end takes a fifth of its time."""
    ringer = Ringer(1.0)
    ringer.ring(ducked=False)
    rung(ringer, GROWS_FOR_S + ROUND_S)
    rings = np.zeros(0)
    for _ in range(100):
        ringer.give_way()
        rings = np.concatenate([rings, rung(ringer, 0.25)])
    gave_way = rings[: int(GIVES_WAY_S * RATE)]
    assert db(gave_way[RATE // 50 :]) < 20 * np.log10(RING_PEAK) + DUCKED_DB + 0.5
    rang_on = rings[int((GIVES_WAY_S + 0.02) * RATE) : int((GIVES_WAY_S + GOES_ON_S) * RATE)]
    assert db(rang_on) == pytest.approx(20 * np.log10(RING_PEAK), abs=1.2)
    assert all(db(rings[at : at + 5 * RATE]) > -8 for at in range(0, len(rings), 5 * RATE))


def test_the_next_ring_gives_way_at_once() -> None:
    """And a voice of before is no reason to."""
    ringer = Ringer(1.0)
    for _ in range(2):
        ringer.ring(ducked=False)
        loud = db(rung(ringer, ROUND_S))
        ringer.give_way()
        assert db(rung(ringer, GIVES_WAY_S)[RATE // 50 :]) < loud - 10
        ringer.give_way()
        ringer.stop()
        rung(ringer, 0.1)


async def test_it_rings_until_it_is_told_to_stop_and_stopping_what_is_played_does_not_end_it(house: House) -> None:
    """The loudspeaker is opened for it, kept open, and closed some time afterwards."""
    house.player.ring(ducked=False)
    await house.pass_time(60_000)
    house.player.stop()
    await house.pass_time(ROUND_S * 1000)
    assert db(heard(house.speaker, 60.0)) > -10
    assert not house.player.is_idle
    house.player.stop_ringing()
    await house.pass_time(50)
    ended_s = len(heard(house.speaker)) / RATE
    await house.pass_time(ROUND_S * 1000)
    assert not heard(house.speaker, ended_s).any()
    assert house.player.is_idle


async def test_an_answer_is_heard_over_it(house: House) -> None:
    """The ring is behind the answer while it lasts, and comes back."""
    house.player.ring(ducked=False)
    await house.pass_time(30_000)
    house.player.play_answer(1, "item", sound(4_000, level=8_000))
    house.player.end_answer(1)
    await house.pass_time(4_000)
    answered = heard(house.speaker, 30.1)[: int(3.5 * RATE)] - 8_000 / 32_768
    assert db(answered) == pytest.approx(20 * np.log10(RING_PEAK) + DUCKED_DB, abs=1.2)
    await house.pass_time(3_000)
    assert db(heard(house.speaker, 34.5)) > -8


async def test_what_is_too_loud_together_is_limited_and_does_not_turn_over(house: House) -> None:
    """A full-scale answer over a ring."""
    house.player.ring(ducked=False)
    await house.pass_time(30_000)
    house.player.play_answer(1, "item", sound(3_000, level=32_767))
    await house.pass_time(3_000)
    assert heard(house.speaker, 30.2)[: int(2.5 * RATE)].min() > 0.5


async def test_it_rings_on_when_a_card_that_went_away_comes_back(house: House) -> None:
    """Nobody has stopped it."""
    house.player.ring(ducked=False)
    await house.pass_time(5_000)
    house.speaker.unplug()
    await house.pass_time(1_000)
    house.speaker.replug()
    since_s = len(heard(house.speaker)) / RATE
    await house.pass_time(5_000)
    assert db(heard(house.speaker, since_s)) > -30


async def test_a_card_that_holds_much_falls_silent_at_once() -> None:
    """What it would still play is dropped."""
    async with a_house(FakeSpeaker(RATE, delay_ms=500)) as house:
        house.player.ring(ducked=False)
        await house.pass_time(20_000 + ROUND_S * 1000)
        house.player.stop_ringing()
        await house.settle()
        since_s = len(heard(house.speaker)) / RATE
        await house.pass_time(2_000)
        assert not heard(house.speaker, since_s).any()
