"""The simulated room, and its live echo path on the virtual sound card."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sim.devices.soundcard import Recording, SimulationError, VirtualSoundCard
from device.sim.room.acoustics import Echo, Room, Sound, distort, impulse_response, pcm_from_samples, samples_from_pcm
from device.sim.room.echopath import EchoPath
from device.units import CAPTURE_RATE, Hz, Ms
from tests.waiting import until

RATE = CAPTURE_RATE
BARE = Room(delay_ms=Ms(60), distortion=0.0)


def noise(seconds: float, level: float = 0.1) -> Sound:
    """White noise."""
    return np.asarray(np.random.default_rng(1).normal(0.0, level, int(seconds * RATE)), np.float32)


def click(seconds: float) -> Sound:
    """A single loud sample at the start."""
    sound = np.zeros(int(seconds * RATE), np.float32)
    sound[0] = 0.9
    return sound


def rms_db(sound: Sound) -> float:
    """The level of all of it."""
    return float(10 * np.log10(np.mean(sound**2)))


@given(st.lists(st.integers(1, 900), min_size=1, max_size=20))
@settings(deadline=None, max_examples=25)
def test_a_stream_in_chunks_gives_what_the_whole_gives(sizes: list[int]) -> None:
    """However it is cut."""
    sound = noise(sum(sizes) / RATE)[: sum(sizes)]
    stream = Echo(BARE)
    pieces = [stream.process(piece) for piece in np.split(sound, np.cumsum(sizes)[:-1])]
    np.testing.assert_allclose(np.concatenate(pieces), Echo(BARE).process(sound), atol=1e-6)


@pytest.mark.parametrize("delay", [20, 60, 150])
def test_nothing_is_heard_before_the_delay(delay: int) -> None:
    """And the direct sound comes right then, the loudest of all."""
    heard = Echo(Room(delay_ms=Ms(delay), distortion=0.0)).process(click(0.5))
    assert np.abs(heard[: delay * RATE // 1000]).max() < 1e-6
    assert np.argmax(np.abs(heard)) == delay * RATE // 1000


@pytest.mark.parametrize("level", [-15, -5, 0])
def test_the_echo_has_its_level(level: int) -> None:
    """White noise comes back as loud as was asked for."""
    sound = noise(4)
    heard = Echo(Room(echo_db=level, distortion=0.0)).process(sound)
    assert rms_db(heard[RATE:]) - rms_db(sound) == pytest.approx(level, abs=0.5)


@pytest.mark.parametrize("rt60_s", [0.2, 0.5])
def test_the_reverberation_falls_by_60_db_in_its_time(rt60_s: float) -> None:
    """From the first tenth of it to half of it: 24 dB."""
    response = impulse_response(Room(delay_ms=Ms(0), rt60_s=rt60_s, seed=3))

    def power(share: float) -> float:
        middle, half = int(share * rt60_s * RATE), int(0.05 * rt60_s * RATE)
        return float(np.mean(response[middle - half : middle + half] ** 2))

    assert 10 * np.log10(power(0.9) / power(0.5)) == pytest.approx(-24, abs=4)


def test_rooms_differ_by_their_seed_only() -> None:
    """The same seed is the same room."""
    first, again, other = (impulse_response(Room(seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_a_loudspeaker_driven_hard_adds_harmonics() -> None:
    """A sine comes out with its second and third, a little; without distortion as it was."""
    sine = np.asarray(0.7 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE), np.float32)
    spectrum = np.abs(np.fft.rfft(distort(sine, 1.0)))
    for harmonic in (1000, 1500):
        assert -50 < 20 * np.log10(spectrum[harmonic] / spectrum[500]) < -15
    assert distort(sine, 0.0) is sine


def test_a_quiet_room_still_has_its_noise() -> None:
    """At its level, when nothing is played."""
    heard = Echo(Room(noise_dbfs=-60)).process(np.zeros(RATE, np.float32))
    assert rms_db(heard) == pytest.approx(-60, abs=0.5)


@given(st.lists(st.integers(-32_768, 32_767), max_size=50))
def test_pcm_survives_the_way_to_floats_and_back(samples: list[int]) -> None:
    """To the bit."""
    pcm = np.array(samples, "<i2").tobytes()
    assert pcm_from_samples(samples_from_pcm(pcm)) == pcm


def onsets_s(recording: Recording) -> list[float]:
    """When clicks were heard, 0.3 s apart at least."""
    found: list[float] = []
    for at in np.flatnonzero(np.abs(np.frombuffer(recording.pcm, "<i2").astype(int)) > 3000):
        moment = recording.start + at / recording.rate
        if not found or moment - found[-1] > 0.3:
            found.append(moment)
    return found


async def test_the_live_path_takes_what_is_played_into_the_room(virtual_card: VirtualSoundCard) -> None:
    """A click is heard the room's delay later, the way's own share included."""
    clicks = np.concatenate([np.roll(click(0.5), RATE // 4)] * 4)
    room = Room(delay_ms=Ms(80), echo_db=0.0, rt60_s=0.2, distortion=0.0)
    async with EchoPath(virtual_card, room):
        with virtual_card.record_speaker() as speaker, virtual_card.record_room() as heard:
            await play(virtual_card, pcm_from_samples(clicks))
            await until(lambda: len(onsets_s(heard)) >= 3, "three clicks in the room")
    played = onsets_s(speaker)
    delays = [1000 * min(at - click for click in played if click < at) for at in onsets_s(heard)]
    # Later only where the machine was too busy.
    assert 70 < np.median(delays) < 200


@pytest.mark.card
async def test_without_a_card_the_live_path_says_so() -> None:
    """Instead of waiting for ever."""
    card = VirtualSoundCard()
    async with card:
        card.unplug()
        with pytest.raises(SimulationError, match="plugged in"):
            async with EchoPath(card, BARE):
                pass


async def play(card: VirtualSoundCard, pcm: bytes, rate: Hz = RATE) -> None:
    """Play to the loudspeaker as another program would."""
    command = ["pacat", "--playback", "--device=speaker", "--raw", "--format=s16le", f"--rate={rate}", "--channels=1"]
    pipe = asyncio.subprocess.PIPE
    player = await asyncio.create_subprocess_exec(*command, stdin=pipe, env={"PATH": "/usr/bin:/bin", **card.env()})
    await player.communicate(pcm)
