"""When an engine may doze, and that nothing is missed by it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.wake.doze import Doze, Unscored
from device.wake.openwakeword.engine import OpenWakeWord

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from bench_doze import compare
from wake_set import scenes

CHUNK = 1280
SECOND = 16_000
# 2 s until the level counts as usual, and 1 s more awake, in steps of 3 chunks.
FALLS_ASLEEP = 40
KEPT = 20
Sound = np.ndarray


def _chunks(sound: Sound) -> list[bytes]:
    whole = sound[: len(sound) // CHUNK * CHUNK].clip(-32768, 32767).astype("<i2")
    return [chunk.tobytes() for chunk in whole.reshape(-1, CHUNK)]


def _noise(seconds: float, level: float, colour: float = 0.0, seed: int = 1) -> Sound:
    """Return noise whose amplitude falls as frequency to the power of `colour`, from 40 Hz on."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(int(seconds * SECOND)))
    hertz = np.maximum(np.linspace(0, SECOND / 2, len(spectrum)), 40)
    sound = np.fft.irfft(spectrum / hertz**colour)
    return np.round(sound / sound.std() * level)


def _asleep(doze: Doze, sound: Sound) -> list[bool]:
    return [not doze.is_awake for chunk in _chunks(sound) if doze.feed(chunk) or True]


@pytest.mark.parametrize("level", [0.4, 5, 300, 3000])
@pytest.mark.parametrize("colour", [0.0, 0.5, 1.0])
def test_steady_noise_of_any_level_and_colour_is_slept_through(level: float, colour: float) -> None:
    """From a microphone's own noise to a fan beside it: within 10 s, for minutes on end."""
    asleep = _asleep(Doze(), _noise(120, level, colour))
    assert asleep.index(True) <= 125
    assert all(asleep[asleep.index(True) :])


def test_digital_silence_and_hum_are_slept_through() -> None:
    """Digital silence; and mains hum with a whistle over a little noise."""
    at = np.arange(30 * SECOND) / SECOND
    hum = sum(level * np.sin(2 * np.pi * hertz * at) for hertz, level in ((50, 500), (150, 200), (3150, 40)))
    for sound in (np.zeros(30 * SECOND), hum + _noise(30, 5)):
        asleep = _asleep(Doze(), sound)
        assert all(asleep[FALLS_ASLEEP + 12 :])


@pytest.mark.parametrize("gain", [0.01, 0.1, 1.0])
def test_speech_wakes_within_half_a_second(gain: float, say: Callable[..., Sound]) -> None:
    """Also when it is as soft as the noise."""
    doze, word = Doze(), say("hey jarvis") * gain
    word = np.concatenate([word, np.zeros(-len(word) % CHUNK)])
    assert _asleep(doze, _noise(10, 4))[-1]
    assert not all(_asleep(doze, word + _noise(len(word) / SECOND, 4, seed=2))[:6])


@pytest.mark.parametrize(("before", "after"), [(300, 5), (5, 300), (30, 60), (60, 30)])
def test_another_noise_wakes_and_is_slept_through_in_its_turn(before: float, after: float) -> None:
    """A fan is switched on or off: from then on words must rise above another noise."""
    doze = Doze()
    assert _asleep(doze, _noise(10, before))[-1]
    asleep = _asleep(doze, _noise(12, after, seed=2))
    assert not any(asleep[4:13])
    assert asleep[-1]


def test_a_voice_that_goes_on_is_never_slept_through(say: Callable[..., Sound]) -> None:
    """Half a minute without a long pause."""
    doze, speech = Doze(), say("the kettle is on the stove and the cat sleeps in the sun while it rains")
    _asleep(doze, _noise(10, 5))
    assert not any(_asleep(doze, np.resize(speech, 30 * SECOND))[4:])


def test_what_was_kept_comes_with_the_first_sound() -> None:
    """All of it after a short doze; after a longer one the newest second, marked as skipped."""
    quiet, loud = bytes(2 * CHUNK), _chunks(_noise(0.08, 1000))[0]
    for naps in (1, 5, KEPT - 4, KEPT, 500):
        doze, louder = Doze(), 1
        while doze.is_awake:
            doze.feed(quiet)
        while not doze.feed(quiet):
            pass
        doze.feed(quiet)
        assert [doze.feed(quiet) for _ in range(naps - 1)] == [None] * (naps - 1)
        while (heard := doze.feed(loud)) is None:
            louder += 1
        assert louder <= 4
        assert heard.pcm == (quiet * naps + loud * louder)[-2 * CHUNK * KEPT :]
        assert heard.skipped == (naps + louder > KEPT)
        assert doze.feed(quiet) == Unscored(quiet, False)


def _awake_after(sound: Sound, is_word_expected: bool = False) -> list[Unscored | None]:
    """Return what comes of each chunk of a quiet room, after a sound in it."""
    doze, quiet = Doze(), _noise(8.0, 5.0)
    for chunk in _chunks(np.concatenate([quiet, sound])):
        doze.feed(chunk)
    return [doze.feed(chunk, is_word_expected) for chunk in _chunks(quiet)]


def test_a_second_after_a_sound_it_rests_and_another_second_later_all_is_scored() -> None:
    """The engine gets what it has not heard in one piece, without a gap, and nothing more."""
    heard = _awake_after(_noise(0.48, 8_000.0, seed=2))
    rests = heard.index(None)
    assert 11 <= rests <= 13
    [(at, rest)] = [(index, found) for index, found in enumerate(heard) if found and index > rests]
    assert 22 <= at <= 25
    assert (len(rest.pcm) // 2 // CHUNK, rest.skipped) == (at - rests + 1, False)


def test_while_a_word_is_expected_it_rests_later() -> None:
    """But not never: there are models whose scores are never quite 0."""
    heard = _awake_after(_noise(0.48, 8_000.0, seed=2), is_word_expected=True)
    rests = heard.index(None)
    assert 22 <= rests <= 27
    assert not any(heard[rests:])


def test_while_a_word_is_awaited_all_that_is_heard_is_scored_soon() -> None:
    """Also where nothing has changed for long, and in a hurry: nothing is kept but what has not been examined."""
    doze, quiet = Doze(), _chunks(_noise(7.2, 5.0))
    doze.hurry(True)
    assert _asleep(doze, _noise(7.2, 5.0))[-1]
    heard = [doze.feed(chunk, is_awaited=True) for chunk in quiet]
    first, *rest = [found for found in heard if found]
    assert (len(first.pcm) // 2 // CHUNK, first.skipped) == (KEPT, True)
    assert {(len(found.pcm) // 2 // CHUNK, found.skipped) for found in rest} == {(3, False)}
    assert b"".join(found.pcm for found in (first, *rest)).endswith(b"".join(quiet))
    assert not any(doze.feed(chunk) for chunk in quiet)


def test_in_a_hurry_it_sleeps_sooner_after_a_sound() -> None:
    """After half of the time, be it told before the sound or behind it; and after the usual time again later."""
    steady, loud = _chunks(_noise(6.0, 100.0)), _chunks(_noise(0.24, 8_000.0, seed=2))

    def awake_after_a_sound(doze: Doze, hurried_after: bool = False) -> int:
        for chunk in (*steady, *loud):
            doze.feed(chunk)
        doze.hurry(hurried_after)
        assert doze.is_awake
        count = sum(doze.is_awake for chunk in steady if doze.feed(chunk) or True)
        assert not doze.is_awake
        return count

    usual = awake_after_a_sound(Doze())
    assert awake_after_a_sound(Doze(), hurried_after=True) <= usual / 2 + 3
    doze = Doze()
    doze.hurry(True)
    assert awake_after_a_sound(doze, hurried_after=True) <= usual / 2 + 3
    doze.hurry(False)
    assert awake_after_a_sound(doze) == pytest.approx(usual, abs=3)


def test_a_reset_forgets_what_was_kept_and_wakes() -> None:
    """The stream was interrupted, so the sound before does not belong to what follows."""
    doze, quiet = Doze(), bytes(2 * CHUNK)
    assert _asleep(doze, np.zeros(8 * SECOND))[-1]
    doze.reset()
    assert doze.feed(quiet) == Unscored(quiet, False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 120), st.sampled_from((0, 3, 1000))), max_size=8))
def test_every_chunk_is_heard_once_and_in_order_or_told_to_be_skipped(stretches: list[tuple[int, int]]) -> None:
    """Whatever the sound does."""
    doze, next_one = Doze(), 0
    levels = [level for count, level in stretches for _ in range(count)]
    noise = np.random.default_rng(1)
    for index, level in enumerate(levels):
        sound = noise.standard_normal(CHUNK) * level
        # The first two samples number the chunk, where the window is almost zero.
        sound[:2] = index // 1000, index % 1000
        if heard := doze.feed(_chunks(sound)[0]):
            numbers = np.frombuffer(heard.pcm, "<i2").reshape(-1, CHUNK)[:, :2] @ (1000, 1)
            assert list(numbers) == list(range(numbers[0], index + 1))
            assert heard.skipped == (numbers[0] > next_one)
            assert numbers[0] >= next_one
            next_one = index + 1


def test_after_a_sleep_a_word_is_detected_as_by_an_engine_that_was_awake(say: Callable[..., Sound]) -> None:
    """At the same position in the stream, with nearly the same score, though most of the quiet was never scored."""
    always, dozing = OpenWakeWord(["hey_jarvis", "timer"]), OpenWakeWord(["hey_jarvis", "timer"])
    doze, position, skips, detected = Doze(), 0, 0, 0
    sound = np.concatenate([say("good morning"), np.zeros(20 * SECOND), say("hey jarvis"), np.zeros(SECOND)])
    for chunk in _chunks(sound + _noise(len(sound) / SECOND + 0.0001, 4)[: len(sound)]):
        position += CHUNK
        expected = always.process(chunk)
        if heard := doze.feed(chunk):
            if heard.skipped:
                skips += 1
                dozing.skip(position - len(heard.pcm) // 2 - dozing._position)
            found = dozing.process(heard.pcm)
            assert [one.word for one in found] == [one.word for one in expected]
            assert [one.end for one in found] == pytest.approx([one.end for one in expected], abs=1)
            assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=0.01)
            detected += len(found)
    assert (skips, detected) == (1, 1)
    assert dozing._position == position


def test_steady_sound_that_is_skipped_changes_nothing_but_the_position() -> None:
    """The engine goes on from what it heard last; what it would have heard sounds the same."""
    always, skipping = OpenWakeWord(["hey_jarvis", "timer"]), OpenWakeWord(["hey_jarvis", "timer"])
    period = b"".join(_chunks(_noise(0.4, 300)))
    always.process(period * 20)
    skipping.process(period * 12)
    skipping.skip(7 * len(period) // 2)
    skipping.process(period)
    np.testing.assert_allclose(skipping._features.embeddings, always._features.embeddings, atol=1e-4)
    assert skipping.scores == pytest.approx(always.scores, abs=1e-5)
    assert skipping._position == always._position


@pytest.mark.long
def test_no_detection_differs_from_those_of_an_engine_that_is_always_on() -> None:
    """More than 200 scenes: near, far, faint, in five noises; 13 voices in many speeds and pitches."""
    counts = compare(scenes(207))
    assert sum(count.scenes for count in counts.values()) == 207
    assert sum(count.slept for count in counts.values()) >= 175
    assert sum(count.detected for count in counts.values()) >= 60
    for room, count in counts.items():
        assert (count.missed, count.added, count.moved) == (0, 0, 0), room
        assert max(count.delays_ms, default=0) <= 150, room
