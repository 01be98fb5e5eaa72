"""A voice over the answer: a person, or what the canceller left of the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.ear.bargein import BargeInSettings, BargeInVad, ConfirmingVad, ResidualEcho, mean_dbfs
from device.audio.echo.canceller import EchoLevels
from device.audio.frames import AudioFrame
from device.units import Ms, Samples
from tests.audio.echo.echo_stage import ASKING, RATE, Device, after_running_dry, answers, room, spoken

FRAME = AudioFrame(bytes(640), Samples(0))
LOUD = AudioFrame(b"\x00\x10" * 320, Samples(0))
dbfs = st.floats(-90, 0)
LONG = Ms(60_000)


class FixedVad:
    """Says what it was told to."""

    def __init__(self, voiced: bool = True) -> None:
        self.voiced = voiced

    def is_voice(self, frame: AudioFrame) -> bool:
        """Answer."""
        return self.voiced


class Listening:
    """A BargeInVad that is told the levels of each frame."""

    def __init__(self, voiced: bool = True) -> None:
        self.vad = FixedVad(voiced)
        self._levels: Sequence[EchoLevels] = ()
        self._barge_in = BargeInVad(self.vad, lambda: self._levels)

    def hear(self, played: float, captured: float, left: float, trained: Ms = LONG, doubtful: bool = False) -> bool:
        """Take a frame of 20 ms."""
        self._levels = (EchoLevels(played, captured, left, trained, doubtful),) * 2
        return self._barge_in.is_voice(FRAME)

    def pass_by(self, frame: AudioFrame = FRAME) -> bool:
        """Take a frame during which nothing is played."""
        self._levels = ()
        return self._barge_in.is_voice(frame)

    def learn(self, frames: int = 300, trained: Ms = LONG) -> None:
        """Hear an answer at -20 dBFS, its echo at -30 and what is left of it at -65."""
        for _ in range(frames):
            assert not self.hear(-20, -30, -65, trained)


@pytest.mark.parametrize("voiced", [True, False])
def test_while_nothing_is_played_the_vad_decides(voiced: bool) -> None:
    """Whatever was learned."""
    listening = Listening(voiced)
    assert listening.pass_by() is voiced
    listening.learn()
    assert listening.pass_by(LOUD) is voiced
    assert [listening.pass_by() for _ in range(200)][-1] is voiced


def test_when_the_noise_of_the_room_comes_back_after_an_echo_it_is_nobody() -> None:
    """The canceller had taken it away, and the detector is surprised."""
    listening = Listening()
    listening.learn()
    assert not any(listening.pass_by() for _ in range(150))


@given(st.lists(st.tuples(dbfs, dbfs, dbfs), min_size=1, max_size=50))
def test_what_is_no_voice_to_the_vad_is_none(frames: list[tuple[float, float, float]]) -> None:
    """However loud."""
    listening = Listening(voiced=False)
    assert not any(listening.hear(*frame) for frame in frames)


def test_a_person_is_heard_over_the_answer() -> None:
    """At once, as loud as the echo came in, or 10 dB below."""
    listening = Listening()
    listening.learn()
    assert listening.hear(-20, -27, -30)
    assert listening.hear(-20, -29, -40)


def test_what_the_canceller_leaves_is_nobody() -> None:
    """Up to 20 dB under the echo."""
    listening = Listening()
    listening.learn()
    assert not listening.hear(-20, -30, -51)
    assert not listening.hear(-20, -30, -60)


def test_a_new_canceller_is_not_believed() -> None:
    """It may leave the whole echo; a person must be louder than that."""
    listening = Listening()
    listening.learn(trained=Ms(1_500))
    assert not listening.hear(-20, -30, -30, Ms(1_500))
    assert listening.hear(-20, -24, -24, Ms(1_500))


def test_a_doubtful_canceller_is_not_believed() -> None:
    """What it leaves meanwhile is not what it always leaves; once it is sure again all is as before."""
    listening = Listening()
    listening.learn()
    for _ in range(100):
        assert not listening.hear(-20, -30, -30, doubtful=True)
    assert listening.hear(-20, -24, -24, doubtful=True)
    assert listening.hear(-20, -29, -40)


def test_a_canceller_that_was_doubtful_from_the_start_is_not_believed_either() -> None:
    """A person who is louder than the echo is heard."""
    listening = Listening()
    for _ in range(100):
        assert not listening.hear(-20, -30, -30, doubtful=True)
    assert listening.hear(-20, -24, -24, doubtful=True)


def test_a_canceller_that_has_heard_nothing_yet_tells_nothing() -> None:
    """In its first half second of an answer nobody is noticed."""
    assert not Listening().hear(-20, -10, -10, Ms(400))


def test_where_much_is_left_more_is_asked_for() -> None:
    """A bad loudspeaker raises the threshold."""
    listening = Listening()
    for _ in range(600):
        listening.hear(-20, -30, -42)
    assert not listening.hear(-20, -30, -42)
    assert listening.hear(-20, -27, -29)


def test_a_quieter_answer_asks_for_less() -> None:
    """The threshold follows what is played, once its echo has died away."""
    listening = Listening()
    listening.learn()
    assert not listening.hear(-20, -45, -52)
    for _ in range(100):
        listening.hear(-40, -50, -66)
    assert listening.hear(-40, -45, -52)


def test_after_the_volume_was_turned_up_its_louder_echo_is_nobody() -> None:
    """The canceller trains anew, and until it has nobody is believed who is not louder than the echo as it is now."""
    listening = Listening()
    listening.learn()
    for tens in range(1, 25):
        assert not listening.hear(-20, -20, -22, Ms(40 * tens))
    assert not listening.hear(-20, -20, -20, Ms(1_000))
    assert listening.hear(-20, -12, -12, Ms(1_000))


@given(st.lists(st.tuples(dbfs, dbfs, dbfs), max_size=60), st.floats(0, 10_000))
def test_the_threshold_is_never_below_the_floor(frames: list[tuple[float, float, float]], trained: float) -> None:
    """And is infinite while nothing is known."""
    chosen = BargeInSettings()
    echo = ResidualEcho(chosen)
    assert echo.threshold(Ms(trained)) == math.inf
    for played, captured, left in frames:
        echo.hear(played)
        echo.learn(captured, left, Ms(trained))
        assert echo.threshold(Ms(trained)) >= chosen.floor_dbfs


@given(dbfs, st.floats(0, 15))
def test_the_threshold_rises_with_what_is_played(played: float, more: float) -> None:
    """Decibel for decibel above the floor."""
    thresholds = []
    for level in (played, played + more):
        echo = ResidualEcho(BargeInSettings(floor_dbfs=-math.inf))
        echo.hear(-20)
        echo.learn(-30, -60, LONG)
        for _ in range(400):
            echo.hear(level)
        thresholds.append(echo.threshold(LONG))
    assert thresholds[1] - thresholds[0] == pytest.approx(more, abs=0.01)


def test_levels_are_averaged_by_their_power() -> None:
    """Two equal parts, one of them silent: 3 dB less."""
    assert mean_dbfs([-20, -120]) == pytest.approx(-23.01, abs=0.01)


@pytest.mark.parametrize(("seed", "delay", "level"), [(0, 20, 0), (1, 150, 0), (2, 60, -5), (3, 100, -15)])
def test_it_does_not_interrupt_itself(seed: int, delay: int, level: int) -> None:
    """A minute of answers in each of several rooms, from the canceller's first second on."""
    answer = answers(60, seed)
    place = room(delay, level, seed=seed, rt60_s=0.2 + 0.1 * seed, distortion=1.0)
    assert Device().hear(answer, np.zeros_like(answer), place).noticed == []


@pytest.mark.parametrize(("seed", "delay", "level"), [(0, 20, 0), (1, 150, 0), (2, 60, -5)])
def test_a_card_that_runs_dry_does_not_make_it_interrupt_itself(seed: int, delay: int, level: int) -> None:
    """Its moments are wrong, and drift for seconds: five slips each time, and never a voice that goes on."""
    answer = answers(60, seed)
    place = room(delay, level, seed=seed, rt60_s=0.2 + 0.1 * seed)
    device = Device(reacts=True, moments_off=after_running_dry)
    assert device.hear(answer, np.zeros_like(answer), place).silenced == []


@pytest.mark.parametrize("level", [-15, -5, 0])
def test_a_person_interrupts_it(level: int) -> None:
    """Every time, within 300 ms."""
    answer = answers(30, 1)
    near, onsets = np.zeros_like(answer), range(5 * RATE, 28 * RATE, 3 * RATE)
    words = spoken("turn on the lamp", ASKING)
    for onset in onsets:
        near[onset : onset + len(words)] += words
    noticed = Device().hear(answer, near, room(70, level, seed=5)).noticed
    late = [min(at - onset for at in noticed if at > onset) for onset in onsets]
    assert max(late) < 0.3 * RATE
    assert all(any(onset < at < onset + len(words) + RATE // 5 for onset in onsets) for at in noticed)


class Confirming:
    """A ConfirmingVad that is told which frames are voiced."""

    def __init__(self) -> None:
        self.confirmed = 0
        self._vad = FixedVad()
        self._confirming = ConfirmingVad(self._vad, self._count)

    def _count(self) -> None:
        self.confirmed += 1

    def hear(self, pattern: str) -> None:
        """Take frames of 20 ms: "x" is a voice."""
        for sign in pattern:
            self._vad.voiced = sign == "x"
            assert self._confirming.is_voice(FRAME) is self._vad.voiced


@pytest.mark.parametrize(
    "noise",
    [
        "x" * 14,
        "xxxxxxx..xxxxx",
        "xxxx....xxxx....xxxx....xxxx",
        "x" * 12 + "." * 20 + "x" * 12,
        "xxxxxxxxxxxxx..x.x.x.",
    ],
)
def test_a_short_noise_is_not_confirmed(noise: str) -> None:
    """A cough, knocks, one after the other."""
    confirming = Confirming()
    confirming.hear("." * 30 + noise + "." * 30)
    assert confirming.confirmed == 0


@pytest.mark.parametrize("voice", ["x" * 15, "xxxxxx..xxxxx.xxxxxx", "." * 5 + "x" * 40])
def test_a_voice_that_goes_on_is_confirmed_once(voice: str) -> None:
    """Through the stops between its sounds."""
    confirming = Confirming()
    confirming.hear("." * 30 + voice)
    assert confirming.confirmed == 1


def test_the_next_voice_is_confirmed_anew() -> None:
    """After a pause."""
    confirming = Confirming()
    confirming.hear("x" * 30 + "." * 20 + "x" * 30)
    assert confirming.confirmed == 2
