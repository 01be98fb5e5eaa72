"""The server's voice activity detector, which counts in samples, and G.711."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sim.realtime.codec import decode, encode, resample
from device.sim.realtime.listening import InputBuffer, Paused, Started, Stopped, VadSettings
from device.sim.realtime.script import tone
from device.units import Hz

RATE = Hz(24_000)
Heard = list[Started | Paused | Stopped]


def quiet(duration_ms: int) -> bytes:
    """Return silence."""
    return bytes(48 * duration_ms)


def hear(buffer: InputBuffer, *sounds: bytes) -> Heard:
    """Append each sound; return all that was detected."""
    return [fact for sound in sounds for fact in buffer.append(sound)]


@given(st.lists(st.integers(1, 9000), max_size=40), st.integers(200, 1500))
@settings(deadline=None, max_examples=40)
def test_how_the_audio_is_cut_does_not_matter(cuts: list[int], voice_ms: int) -> None:
    """The same positions for one burst and for any pieces."""
    sound = quiet(700) + tone(voice_ms) + quiet(700)
    whole = hear(InputBuffer(RATE, VadSettings()), sound)
    pieces, rest = [], sound
    for cut in cuts:
        pieces.append(rest[: cut * 2])
        rest = rest[cut * 2 :]
    assert hear(InputBuffer(RATE, VadSettings()), *pieces, rest) == whole
    assert whole == [Started(400), Stopped(pytest.approx(1200 + voice_ms, abs=20))]


def test_padding_never_reaches_before_the_beginning() -> None:
    """Nor into what was committed before."""
    buffer = InputBuffer(RATE, VadSettings(padding_ms=5000))
    assert hear(buffer, quiet(100), tone(300))[0] == Started(0)
    buffer.pop()
    assert hear(buffer, tone(300))[0] == Started(400)


def test_a_click_is_no_voice() -> None:
    """20 ms are not enough, 100 ms are."""
    assert hear(InputBuffer(RATE, VadSettings()), quiet(500), tone(20), quiet(500)) == []
    assert hear(InputBuffer(RATE, VadSettings()), quiet(500), tone(100))


@pytest.mark.parametrize(("threshold", "heard"), [(0.1, True), (0.5, True), (0.95, False)])
def test_the_threshold_decides_how_loud_a_voice_must_be(threshold: float, heard: bool) -> None:
    """A tone at -26 dBFS RMS."""
    facts = hear(InputBuffer(RATE, VadSettings(threshold)), quiet(500), tone(300, level=0.07))
    assert bool(facts) == heard


def test_a_steady_noise_becomes_background() -> None:
    """A fan does not hold the turn for ever, and a voice above it is heard."""
    noise = (np.random.default_rng(1).normal(0, 500, RATE * 20)).astype("<i2").tobytes()
    facts = hear(InputBuffer(RATE, VadSettings()), quiet(500), noise, tone(300))
    assert isinstance(facts[1], Stopped)
    assert isinstance(facts[-1], Started)


def test_a_pause_is_reported_once() -> None:
    """And again after the voice has gone on."""
    vad = VadSettings(silence_ms=2000, pause_ms=300)
    facts = hear(InputBuffer(RATE, vad), tone(300), quiet(1000), tone(300), quiet(2500))
    assert [type(fact) for fact in facts] == [Started, Paused, Paused, Stopped]


def test_a_quiet_room_does_not_fill_the_memory() -> None:
    """Only the last seconds before a voice are kept."""
    buffer = InputBuffer(RATE, VadSettings())
    assert hear(buffer, *[quiet(1000)] * 60) == []
    assert buffer.held_ms <= 4000
    assert buffer.written == 60 * RATE


def test_without_a_detector_everything_is_held() -> None:
    """Push-to-talk."""
    buffer = InputBuffer(RATE, None)
    assert hear(buffer, quiet(30_000), tone(1000)) == []
    assert buffer.held_ms == 31_000
    assert len(buffer.pop()) == 31_000 * 48


@pytest.mark.parametrize("name", ["audio/pcmu", "audio/pcma"])
def test_g711_comes_back_nearly_the_same(name: str) -> None:
    """Within a quantisation step (1/16 of the level at most); every code is decoded and encoded to itself."""
    samples = np.arange(-32000, 32000, 11).astype("<i2")
    back = np.frombuffer(decode(encode(samples.tobytes(), {"type": name}), {"type": name}), "<i2").astype(int)
    assert np.all(np.abs(back - samples) <= np.maximum(16, np.abs(samples.astype(int)) / 16))
    codes = decode(bytes(range(256)), {"type": name})
    assert decode(encode(codes, {"type": name}), {"type": name}) == codes


def test_resampling_keeps_the_length() -> None:
    """In seconds."""
    assert len(resample(tone(1000), Hz(24000), Hz(16000))) == 32000
    assert resample(b"", Hz(24000), Hz(16000)) == b""
