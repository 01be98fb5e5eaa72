"""Echo cancellation: WebRTC's module in simulated rooms, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.echo import canceller as module
from device.audio.echo.canceller import LATENCY, PATIENCE, NullCanceller, WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.echo.loudness import Clearness
from device.errors import AudioError
from device.sim.room.acoustics import Echo, Sound, pcm_from_samples, samples_from_pcm
from device.units import CAPTURE_RATE, Hz
from tests.audio.echo.echo_stage import (
    ASKING,
    PLAYED_RATE,
    Device,
    answers,
    cancellation_db,
    room,
    spoken,
    spoken_s,
    upsampled,
)

RATE = CAPTURE_RATE
FRAME = 320


def hissing(seconds: float) -> Sound:
    """Noise at -40 dBFS."""
    return np.asarray(np.random.default_rng(2).normal(0.0, 0.01, int(seconds * RATE)), np.float32)


def play(far_end: FarEnd, since: float, until: float, level: float = 0.1) -> None:
    """Let noise leave the loudspeaker."""
    random = np.random.default_rng(3)
    for n in range(round((until - since) / 0.005)):
        block = np.asarray(random.normal(0.0, level, 120), np.float32)
        far_end.write(pcm_from_samples(block), PLAYED_RATE, since + n * 0.005)


def run(canceller: WebRtcCanceller, near: Sound, since: float = 0.0, frame: int = FRAME) -> Sound:
    """Feed captured frames to the canceller, from a time on."""
    pieces = [near[at : at + frame] for at in range(0, len(near) - frame + 1, frame)]
    left = [canceller.process(pcm_from_samples(piece), since + n * frame / RATE) for n, piece in enumerate(pieces)]
    return samples_from_pcm(b"".join(left))


@pytest.fixture
def far_end() -> FarEnd:
    """Nothing was played yet."""
    return FarEnd(PLAYED_RATE)


@pytest.fixture
def canceller(far_end: FarEnd) -> WebRtcCanceller:
    """Ready."""
    made = WebRtcCanceller(far_end)
    made.load()
    return made


class Broken:
    """A module that fails from the start."""

    def process(self, block: bytes, far_end: bytes, rate: Hz) -> bytes:
        """Fail."""
        raise AudioError("it is broken")


@pytest.mark.parametrize(("seed", "delay", "level"), [(3, 20, 0), (7, 60, -5), (11, 100, 0), (1, 150, -10)])
def test_after_three_seconds_30_db_of_the_echo_are_gone(seed: int, delay: int, level: int) -> None:
    """With short and long delays, loud and soft echoes, and a loudspeaker that distorts."""
    answer = answers(14, seed)
    heard = Device().hear(answer, np.zeros_like(answer), room(delay, level, seed=seed, noise_dbfs=-85.0))
    assert cancellation_db(heard.captured, heard.left, spoken_s(answer, 3.0), 14) >= 30


def test_a_person_is_left() -> None:
    """In double talk, a voice 5 dB above the echo loses less than 6 dB."""
    answer = answers(8, 1)
    near = np.zeros_like(answer)
    words = spoken("set the volume to fifty percent", ASKING)
    near[5 * RATE : 5 * RATE + len(words)] = words
    heard = Device().hear(answer, near, room(60, -5))
    assert cancellation_db(near, heard.left, 5.0, 5 + len(words) / RATE) < 6


@pytest.mark.parametrize("frame", [160, 320])
def test_while_nothing_is_played_the_sound_passes_later(canceller: WebRtcCanceller, frame: int) -> None:
    """To the bit, by LATENCY."""
    near = hissing(0.5)
    left = run(canceller, near, frame=frame)
    assert np.array_equal(pcm_from_samples(left[LATENCY:]), pcm_from_samples(near[:-LATENCY]))
    assert canceller.levels() == ()


def test_it_runs_while_something_is_played_and_half_a_second_longer(
    canceller: WebRtcCanceller, far_end: FarEnd
) -> None:
    """Then it does not run."""
    running = []
    for n in range(150):
        if n == 50:
            play(far_end, 1.0, 1.5)
        canceller.process(bytes(2 * FRAME), n * 0.02)
        running += [n * 0.02] if canceller.levels() else []
    assert running[0] == pytest.approx(1.0, abs=0.001)
    assert running[-1] == pytest.approx(2.0, abs=0.08)


def test_going_on_and_off_does_not_tear_the_sound(canceller: WebRtcCanceller, far_end: FarEnd) -> None:
    """A tone that is no echo passes without a jump (the module's high-pass shifts its phase a little)."""
    tone = np.asarray(0.3 * np.sin(2 * np.pi * 3000 * np.arange(3 * RATE) / RATE), np.float32)
    before = run(canceller, tone[:RATE])
    play(far_end, 1.0, 1.5, level=0.0003)
    left = np.concatenate((before, run(canceller, tone[RATE:], since=1.0)))
    assert np.abs(left[LATENCY:] - tone[: len(left) - LATENCY]).max() < 0.05


def test_levels_tell_what_became_of_the_newest_frames(canceller: WebRtcCanceller, far_end: FarEnd) -> None:
    """As played, as captured and what is left; and for how long it has adapted."""
    play(far_end, 0.0, 1.0)
    run(canceller, hissing(0.5))
    newest = canceller.levels()[-1]
    assert newest.played == pytest.approx(-20, abs=2)
    assert newest.captured == pytest.approx(-40, abs=3)
    assert newest.trained == pytest.approx(500, abs=20)


def test_when_told_to_distrust_itself_it_counts_its_training_anew(canceller: WebRtcCanceller, far_end: FarEnd) -> None:
    """Because the card's volume was changed."""
    play(far_end, 0.0, 1.0)
    run(canceller, hissing(0.4))
    canceller.distrust()
    run(canceller, hissing(0.2), since=0.4)
    assert canceller.levels()[-1].trained == pytest.approx(200, abs=20)


def heard_of_it(seconds: float) -> Sound:
    """The echo, without a room, of what `play` plays from 0.0 s on."""
    sound = np.random.default_rng(3).normal(0.0, 0.1, int(seconds * PLAYED_RATE))
    return np.asarray(soxr.resample(sound, PLAYED_RATE, RATE) * 0.3, np.float32)


@pytest.mark.parametrize("slips_far", [True, False])
def test_a_slip_of_either_stream_makes_it_doubtful(
    canceller: WebRtcCanceller, far_end: FarEnd, slips_far: bool
) -> None:
    """For a while, whether the loudspeaker's stream has slipped or the microphone's."""
    play(far_end, 0.0, 2.0)
    heard = heard_of_it(2.0)
    run(canceller, heard[: 3 * RATE // 2])
    assert not canceller.levels()[-1].doubtful
    if slips_far:
        play(far_end, 2.1, 2.6)
    run(canceller, heard[3 * RATE // 2 :][: RATE // 5], since=1.5 if slips_far else 1.6)
    assert canceller.levels()[-1].doubtful


def test_an_interruption_of_the_stream_makes_it_doubtful(canceller: WebRtcCanceller, far_end: FarEnd) -> None:
    """A single time says where the stream goes on; soon afterwards the echo is found again."""
    play(far_end, 0.0, 3.0)
    heard = heard_of_it(3.0)
    run(canceller, heard[: 3 * RATE // 2])
    canceller.interrupt()
    run(canceller, heard[3 * RATE // 2 :][: RATE // 5], since=1.501)
    assert canceller.levels()[-1].doubtful
    run(canceller, heard[17 * RATE // 10 :][:RATE], since=1.701)
    assert not canceller.levels()[-1].doubtful


def test_until_it_is_loaded_the_sound_passes(far_end: FarEnd) -> None:
    """It is loaded only when it is used."""
    play(far_end, 0.0, 1.0)
    near = hissing(0.5)
    left = run(WebRtcCanceller(far_end), near)
    assert np.array_equal(pcm_from_samples(left[LATENCY:]), pcm_from_samples(near[:-LATENCY]))


def test_a_module_that_keeps_failing_is_left_alone(
    far_end: FarEnd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The sound passes unchanged, and one line is logged."""
    monkeypatch.setattr(module, "AudioProcessing", Broken)
    told: list[None] = []
    canceller = WebRtcCanceller(far_end, lambda: told.append(None))
    canceller.load()
    play(far_end, 0.0, 2.0)
    near = hissing(1.0)
    left = run(canceller, near)
    assert np.array_equal(pcm_from_samples(left[LATENCY:]), pcm_from_samples(near[:-LATENCY]))
    assert len(told) == 1
    assert [record.message for record in caplog.records if "it is broken" in record.message] == [
        "echo cancellation is switched off until the next start: it is broken"
    ]


def test_a_module_that_fails_now_and_then_is_kept(far_end: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only failures in a row count."""

    class Shaky(Broken):
        calls = 0

        def process(self, block: bytes, far_end: bytes, rate: Hz) -> bytes:
            self.calls += 1
            return super().process(block, far_end, rate) if self.calls % PATIENCE else block

    monkeypatch.setattr(module, "AudioProcessing", Shaky)
    told: list[None] = []
    canceller = WebRtcCanceller(far_end, lambda: told.append(None))
    canceller.load()
    play(far_end, 0.0, 2.0)
    run(canceller, hissing(1.0))
    assert not told


@given(
    st.lists(st.tuples(st.sampled_from([160, 320]), st.floats(-0.1, 0.3)), max_size=40),
    st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_whatever_the_moments_as_much_comes_out_as_went_in(frames: list[tuple[int, float]], breaks: bool) -> None:
    """With frames that are late, early and interrupted, while it starts and stops."""
    far_end = FarEnd(PLAYED_RATE)
    canceller = WebRtcCanceller(far_end)
    canceller.load()
    moment = 0.0
    for samples, step in frames:
        play(far_end, moment, moment + 0.02)
        moment = max(0.0, moment + step)
        assert len(canceller.process(bytes(2 * samples), moment)) == 2 * samples
        if breaks:
            canceller.interrupt()


def test_the_null_canceller_leaves_everything_as_it_is() -> None:
    """And it has no levels."""
    null = NullCanceller()
    null.interrupt()
    assert null.process(b"\1\0" * FRAME, 1.0) == b"\1\0" * FRAME
    assert null.levels() == ()
    assert null.latency == 0


def learn(canceller: WebRtcCanceller, far_end: FarEnd, seconds: float) -> None:
    """Let the canceller adapt to a room during an answer."""
    answer = answers(seconds, 1)
    heard = Echo(room(60, -5)).process(answer)
    played = upsampled(answer)
    for at in range(0, len(played) - 119, 120):
        far_end.write(pcm_from_samples(played[at : at + 120]), PLAYED_RATE, at / PLAYED_RATE)
        if at % 480 == 360:
            captured = heard[(at - 360) * 2 // 3 :][:FRAME]
            canceller.process(pcm_from_samples(captured), (at - 360) / PLAYED_RATE - 0.02)


@pytest.mark.parametrize("loses", [WebRtcCanceller.interrupt, WebRtcCanceller.distrust])
def test_a_canceller_is_trusted_once_it_has_learned_the_room(
    canceller: WebRtcCanceller, far_end: FarEnd, loses: Callable[[WebRtcCanceller], None]
) -> None:
    """After 3 s of the loudspeaker's sound; not after a slip, or after the card's volume was changed."""
    assert not canceller.is_trusted
    learn(canceller, far_end, 2.5)
    assert not canceller.is_trusted
    learn(canceller, far_end, 6.0)
    assert canceller.is_trusted
    loses(canceller)
    assert not canceller.is_trusted
    assert not NullCanceller().is_trusted


def test_a_light_canceller_leaves_what_the_module_alone_leaves(
    canceller: WebRtcCanceller, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins to learn the room anew, and so does one that is whole again."""
    learn(canceller, far_end, 4.0)
    assert canceller.is_trusted
    for is_light in (True, False):
        canceller.be_light(is_light)
        assert not canceller.is_trusted
        learn(canceller, far_end, 4.0)
        assert canceller.is_trusted
    canceller.be_light(True)
    monkeypatch.setattr(canceller, "_module", Twice())
    play(far_end, 100.0, 101.0)
    near = hissing(0.5)
    left = run(canceller, near, since=100.0)
    assert np.abs(left - 2 * near[: len(left)]).max() < 1e-4


def test_what_is_clear_is_restored_as_it_was_captured(
    canceller: WebRtcCanceller, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, delayed as everything is, by a light canceller; what the others hear is what it was."""
    canceller.be_light(True)
    play(far_end, 100.0, 101.0)
    captured = pcm_from_samples(hissing(0.05))
    monkeypatch.setattr(Clearness, "judge", lambda *call: (0.0, 0.0))
    canceller.process(captured, 100.0)
    assert canceller.restored() is None
    monkeypatch.setattr(Clearness, "judge", lambda *call: (1.0, 1.0))
    left, restored = canceller.process(captured, 100.05), canceller.restored()
    assert restored is not None
    assert left != restored
    assert restored[2 * LATENCY :] == captured[: -2 * LATENCY]
    monkeypatch.setattr(Clearness, "judge", lambda *call: (1.0, 0.0))
    left, restored = canceller.process(captured, 100.1), canceller.restored()
    assert restored is not None
    assert restored[318:320] == left[318:320]
    canceller.be_light(False)
    canceller.process(captured, 100.15)
    assert canceller.restored() is None


@pytest.mark.parametrize(
    "forget", [lambda one: one.distrust(), lambda one: one.be_light(True), lambda one: one.rest(False)]
)
def test_what_was_learned_of_the_echo_s_loudness_is_void_with_the_rest(
    forget: Callable[[WebRtcCanceller], None], canceller: WebRtcCanceller, far_end: FarEnd
) -> None:
    """It may be another one from now on."""
    canceller.be_light(True)
    play(far_end, 100.0, 102.0)
    run(canceller, hissing(1.9), since=100.0)
    assert canceller._clearness._echo.seen > 80
    forget(canceller)
    run(canceller, hissing(0.1), since=101.9)
    assert canceller._clearness._echo.seen < 20


class Twice:
    """A module that makes everything louder."""

    def process(self, block: bytes, far_end: bytes, rate: Hz) -> bytes:
        """Return the block, doubled."""
        return pcm_from_samples(2 * samples_from_pcm(block))


def test_a_canceller_at_rest_lets_the_sound_pass(canceller: WebRtcCanceller, far_end: FarEnd) -> None:
    """To the bit, by LATENCY, from its next block on; it does not run, and trusts itself only after it has learned."""
    learn(canceller, far_end, 4.0)
    assert canceller.is_running
    canceller.rest(True)
    assert not canceller.is_running
    assert not canceller.is_trusted
    play(far_end, 100.0, 101.0)
    near = hissing(0.5)
    left = run(canceller, near, since=100.0)
    assert np.array_equal(pcm_from_samples(left[LATENCY:]), pcm_from_samples(near[:-LATENCY]))
    assert canceller.levels() == ()
    canceller.rest(False)
    learn(canceller, far_end, 2.0)
    assert canceller.is_running
    assert not canceller.is_trusted


def test_one_that_is_paused_lets_the_sound_pass_and_keeps_what_it_knows(
    canceller: WebRtcCanceller, far_end: FarEnd
) -> None:
    """To the bit, by LATENCY; it is trusted again as soon as it goes on."""
    learn(canceller, far_end, 4.0)
    canceller.pause(True)
    assert not canceller.is_trusted
    play(far_end, 100.0, 101.0)
    near = hissing(0.5)
    assert not canceller.has_work(100.5)
    left = run(canceller, near, since=100.0)
    assert np.array_equal(pcm_from_samples(left[LATENCY:]), pcm_from_samples(near[:-LATENCY]))
    assert not canceller.is_running
    canceller.pause(False)
    assert canceller.has_work(100.5)
    assert canceller.is_trusted
