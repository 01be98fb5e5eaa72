"""What is far louder than any echo: on levels alone, and in simulated rooms."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.echo.loudness import Clearness, PlayedLevel, Quantile
from device.sim.room.acoustics import Room, Sound
from device.units import CAPTURE_RATE, Ms
from tests.audio.echo.echo_stage import ASKING, Device, answers, room, spoken

RATE = CAPTURE_RATE
ECHOLESS = room(20, -120)
"""Headphones, or a loudspeaker in another room; there is only the noise of this one."""
SILENT = replace(ECHOLESS, noise_dbfs=None)
"""What a card brings that nothing is connected to, and a virtual one."""


def judge(clearness: Clearness, played: float, captured: float, blocks: int, since: int = 0) -> float:
    """Let so many blocks sound, after `since` others; return the last one's share."""
    share = 0.0
    for n in range(blocks):
        _, share = clearness.judge(played, captured, Ms(10.0 * (since + n + 1)))
    return share


@given(st.floats(0.5, 0.95))
@settings(max_examples=10)
def test_a_quantile_finds_its_share(share: float) -> None:
    """Of levels that come in no order."""
    quantile = Quantile(share)
    for level in np.random.default_rng(1).uniform(-60, -20, 20_000):
        quantile.see(float(level))
    assert quantile.level == pytest.approx(-60 + 40 * share, abs=3)


def test_a_second_of_other_sound_hardly_moves_a_quantile() -> None:
    """By 4 dB at most."""
    quantile = Quantile(0.8)
    for _ in range(2_000):
        quantile.see(-30.0)
    for _ in range(100):
        quantile.see(0.0)
    assert quantile.level is not None
    assert quantile.level < -26


@given(st.integers(1, 50), st.floats(-40, 0))
def test_what_is_played_counts_until_its_echo_has_faded(blocks: int, played: float) -> None:
    """It is held first, and then falls by 60 dB a second."""
    level = PlayedLevel(Ms(250))
    level.hear(played)
    for _ in range(blocks):
        level.hear(-100.0)
    assert level.dbfs == pytest.approx(played - 0.6 * max(0, blocks - 24))


@given(st.lists(st.tuples(st.floats(-120, 0), st.floats(-120, 0)), max_size=700))
@settings(max_examples=25)
def test_shares_follow_each_other_without_a_step(levels: list[tuple[float, float]]) -> None:
    """Each block begins with the share that the one before it ended with, from 0 to 1; also where it grows old."""
    clearness, last = Clearness(), 0.0
    for n, (played, captured) in enumerate(levels):
        since, until = clearness.judge(played, captured, Ms(10.0 * n))
        assert since == last
        assert 0 <= until <= 1
        last = until


@given(st.floats(-39, 0), st.floats(-60, 20), st.lists(st.floats(-4, 4), min_size=1, max_size=300))
@settings(max_examples=25)
def test_an_echo_is_never_clear(played: float, echo: float, varied: list[float]) -> None:
    """Whatever its level relative to what is played, and though that varies by 8 dB."""
    clearness = Clearness()
    for n, more in enumerate(itertools.islice(itertools.cycle(varied), 600)):
        assert clearness.judge(played, played + echo + more, Ms(10.0 * (n + 1))) == (0.0, 0.0)


def test_a_person_is_clear_once_the_echo_is_known_and_while_the_module_is_young() -> None:
    """15 dB above it; from 80 blocks on of which something was learned, and for six seconds."""
    clearness = Clearness()
    assert judge(clearness, -20.0, -26.0, 99) == 0.0
    clearness = Clearness()
    assert judge(clearness, -45.0, -60.0, 300) == 0.0
    assert judge(clearness, -20.0, -30.0, 50, since=300) == 0.0
    clearness = Clearness()
    judge(clearness, -20.0, -60.0, 110)
    assert judge(clearness, -20.0, -30.0, 10, since=110) > 0.99
    assert judge(clearness, -20.0, -60.0, 40, since=120) == 0.0
    assert judge(clearness, -20.0, -50.0, 10, since=160) == 0.0
    assert judge(clearness, -20.0, -30.0, 10, since=590) > 0.99
    assert 0.5 < judge(clearness, -20.0, -30.0, 2, since=600) < 0.9
    assert judge(clearness, -20.0, -30.0, 40, since=602) == 0.0


def test_a_person_who_spoke_last_is_not_clear_when_the_next_answer_begins() -> None:
    """Nobody listens for an echo in between."""
    clearness = Clearness()
    judge(clearness, -20.0, -60.0, 110)
    assert judge(clearness, -20.0, -30.0, 10, since=110) > 0.99
    clearness.begin_again()
    assert judge(clearness, -20.0, -60.0, 1, since=120) == 0.0


def test_noise_in_a_pause_of_the_answer_is_not_clear() -> None:
    """Though it is far louder than the faint sound that is played then."""
    clearness = Clearness()
    judge(clearness, -20.0, -45.0, 150)
    for n in range(300):
        assert clearness.judge(-75.0, -45.0, Ms(1_500.0 + n / 10)) == (0.0, 0.0)


def test_an_echo_that_becomes_much_louder_is_clear_for_some_seconds_at_most() -> None:
    """Somebody turns a knob that the program knows nothing of."""
    clearness = Clearness()
    judge(clearness, -20.0, -50.0, 200)
    assert judge(clearness, -20.0, -30.0, 5, since=200) > 0.9
    assert judge(clearness, -20.0, -30.0, 200, since=205) == 0.0


@pytest.mark.parametrize("silence_s", [1.0, 1.5])
def test_digital_silence_at_first_says_little_of_the_echo(silence_s: float) -> None:
    """What a card brings that is not ready yet: the echo that comes after it is not clear for six seconds."""
    clearness = Clearness()
    blocks = int(100 * silence_s)
    judge(clearness, -20.0, -120.0, blocks)
    assert judge(clearness, -20.0, -40.0, 100, since=blocks) == 0.0


@pytest.mark.parametrize("seed", [0, 2, 4])
@pytest.mark.parametrize("place", [ECHOLESS, SILENT], ids=["noise", "silence"])
def test_where_there_is_no_echo_a_new_light_canceller_keeps_nothing_from_the_wake_word(place: Room, seed: int) -> None:
    """Said 2.5 s after it has begun. Before, it took up to 36 dB away for 4.5 s."""
    answer, word, at = answers(5.0, seed), spoken("hey jarvis", ASKING), 5 * RATE // 2
    near: Sound = np.zeros_like(answer)
    span = slice(at, at + len(word))
    near[span] = word
    heard = Device(light=True).hear(answer, near, place)
    lost_db = 10 * np.log10(np.mean(heard.captured[span] ** 2) / np.mean(heard.restored[span] ** 2))
    assert lost_db < 1.0


@pytest.mark.parametrize("light", [False, True], ids=["whole", "light"])
@pytest.mark.parametrize(("delay", "level"), [(20, -15), (60, 0), (100, -5), (150, -10)])
def test_of_an_echo_nothing_is_restored(delay: int, level: int, light: bool) -> None:
    """To the bit, in the first seconds of a new canceller, with nobody there."""
    answer = answers(8.0, delay)
    heard = Device(light=light).hear(answer, np.zeros_like(answer), room(delay, level, seed=delay))
    assert np.array_equal(heard.restored, heard.left)


def test_what_is_restored_makes_no_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """An amplifier that wakes up in the midst of an answer must not stop it."""
    answer = answers(6.0, 1)
    loud = spoken("the amplifier has just woken up, and says what is played", ASKING, -10.0)[: 2 * RATE]
    near: Sound = np.zeros_like(answer)
    near[3 * RATE : 3 * RATE + len(loud)] = loud
    heard = Device(light=True).hear(answer, near, ECHOLESS)
    assert not np.array_equal(heard.restored, heard.left)
    monkeypatch.setattr(Clearness, "judge", lambda *call: (0.0, 0.0))
    without = Device(light=True).hear(answer, near, ECHOLESS)
    assert np.array_equal(without.left, heard.left)
    assert without.noticed == heard.noticed
