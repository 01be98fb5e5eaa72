"""The capture side as one stream."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.ear.frontend import Frontend
from device.audio.ear.gate import Gate
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter
from device.audio.ear.traffic import Traffic
from device.audio.ear.vad import Vad, WebRtcVad
from device.audio.echo.canceller import EchoRemover, HandOn, NullCanceller
from device.audio.echo.cuemask import CueMask
from device.audio.echo.farend import CueSpan
from device.audio.frames import DIGITAL_SILENCE_DBFS, AudioFrame, Rechunker
from device.audio.resample import StreamResampler
from device.core.events import VoiceStarted, VoiceStopped
from device.foreign.espeak import RATE, EspeakVoice
from device.units import CAPTURE_RATE, Hz, Samples

VOICE = b"\x00\x10" * 320
QUIET = b"\x01\x00" * 320
SECRET = b"\x77\x77" * 320


class LoudnessVad:
    """Takes every loud frame for a voice."""

    def is_voice(self, frame: AudioFrame) -> bool:
        """Return whether a sample is far from zero."""
        return max(frame.pcm[1::2]) > 0


class House:
    """A frontend with everything around it in plain lists."""

    def __init__(
        self,
        target_rate: int = 16_000,
        vad: Vad | None = None,
        cue_mask: CueMask | None = None,
        detector: Vad | None = None,
        canceller: EchoRemover | None = None,
        sent_mask: CueMask | None = None,
    ) -> None:
        self.sent: list[bytes] = []
        self.woken: list[bytes] = []
        self.stopped: list[bytes] = []
        self.resets = 0
        self.posted: list[VoiceStarted | VoiceStopped] = []
        self.now = 100.0
        self.idle = False
        ring = PrerollRing()
        self.gate = Gate(ring, Hz(target_rate), self.sent.append)
        self.frontend = Frontend(
            ring=ring,
            gate=self.gate,
            vad=vad or LoudnessVad(),
            segmenter=Segmenter(),
            feed_wake=self.woken.append,
            feed_stop=self.stopped.append,
            reset_wake=self.reset_wake,
            post=self.posted.append,
            cue_mask=cue_mask,
            detector=detector,
            canceller=canceller,
            sent_mask=sent_mask,
            is_idle=lambda: self.idle,
        )

    def reset_wake(self) -> None:
        """Count the resets."""
        self.resets += 1

    def hear(self, pcm: bytes, times: int = 1) -> None:
        """Let the microphone hear a frame."""
        for _ in range(times):
            self.frontend.on_frame(pcm, self.now)
            self.now += len(pcm) / 32_000


def test_an_idle_microphone_feeds_the_wake_word_and_sends_nothing() -> None:
    """Only the wake word hears it."""
    house = House()
    house.hear(VOICE, times=100)
    assert b"".join(house.woken) == VOICE * 100
    assert house.sent == []


def test_one_breath_is_sent_whole_after_the_wake_word() -> None:
    """What was said since the wake word's end goes out when the gate opens, then what follows."""
    house = House()
    house.hear(QUIET, times=3)
    house.hear(VOICE, times=50)
    house.frontend.open_gate(Samples(3 * 320))
    house.hear(QUIET)
    house.frontend.close_gate()
    house.hear(SECRET)
    assert b"".join(house.sent) == VOICE * 50 + QUIET


def test_a_gate_opened_without_position_sends_from_now_on() -> None:
    """As after an answer, when nothing said before matters."""
    house = House()
    house.hear(SECRET)
    house.frontend.open_gate(None)
    house.hear(VOICE)
    assert b"".join(house.sent) == VOICE


def test_a_span_is_sent_exactly() -> None:
    """Push-to-talk that ended before the session was ready."""
    house = House()
    house.hear(QUIET)
    house.hear(VOICE, times=10)
    house.hear(SECRET)
    house.frontend.open_gate(Samples(320), Samples(11 * 320))
    house.hear(SECRET)
    assert b"".join(house.sent) == VOICE * 10


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_muted_microphone_sends_nothing_of_before(rate: int) -> None:
    """Neither from the ring, nor from the resampler, nor when a later order asks for it."""
    house = House(rate)
    house.frontend.open_gate(None)
    house.hear(SECRET, times=20)
    sent_before = list(house.sent)
    house.frontend.clear()
    house.frontend.close_gate()
    assert house.sent == sent_before
    house.frontend.open_gate(Samples(0))
    house.hear(bytes(640), times=20)
    house.frontend.close_gate()
    assert not any(b"".join(house.sent[len(sent_before) :]))


def test_muting_shuts_the_gate() -> None:
    """It does not open by itself when frames come again."""
    house = House()
    house.frontend.open_gate(None)
    house.frontend.clear()
    house.hear(VOICE)
    assert house.sent == []


def test_positions_go_on_counting_after_an_interruption() -> None:
    """The wake word is reset and fed the same samples that are counted."""
    house = House()
    house.hear(QUIET, times=5)
    house.frontend.interrupt()
    house.hear(QUIET, times=5)
    assert house.resets == 1
    assert house.frontend.position == 10 * 320 == sum(map(len, house.woken)) // 2


def test_an_interrupted_stream_keeps_an_open_gate_open() -> None:
    """A sound card that comes back in the middle of a turn is heard on."""
    house = House()
    house.frontend.open_gate(None)
    house.hear(VOICE)
    house.frontend.interrupt()
    house.hear(QUIET)
    assert b"".join(house.sent) == VOICE + QUIET


def test_nothing_from_before_an_interruption_is_sent_after_it() -> None:
    """The card may have been gone for an hour."""
    house = House()
    house.hear(SECRET, times=5)
    house.frontend.interrupt()
    house.hear(VOICE)
    house.frontend.open_gate(house.frontend.position_at(house.now - 1))
    assert b"".join(house.sent) == VOICE


def test_a_button_press_is_dated_back_but_never_before_the_stream_began() -> None:
    """The first frame, and the first one after an interruption, are the limits."""
    house = House()
    assert house.frontend.position_at(house.now - 0.4) == 0
    house.hear(QUIET, times=50)
    assert house.frontend.position_at(house.now - 0.4) == 16_000 - 6400
    assert house.frontend.position_at(house.now - 5) == 0
    house.frontend.interrupt()
    assert house.frontend.position_at(house.now - 0.4) == 16_000
    assert house.frontend.position_at(house.now + 3600) == 16_000


def test_nothing_from_before_a_press_leaves_though_it_comes_later() -> None:
    """In a quiet room sound is brought in batches: what was said before the press may still be under way."""
    house = House()
    house.hear(QUIET, times=50)
    pressed = house.now + 0.2
    house.frontend.open_gate(house.frontend.position_at(pressed))
    house.hear(SECRET, times=10)
    assert house.sent == []
    house.hear(VOICE)
    assert b"".join(house.sent) == VOICE


def test_a_stream_that_stands_still_holds_back_no_more_than_a_second() -> None:
    """Whatever it brings afterwards was captured afterwards."""
    house = House()
    house.hear(QUIET, times=50)
    assert house.frontend.position_at(house.now + 60) == 32_000


def test_a_span_ends_with_what_has_arrived() -> None:
    """The order that follows it, to commit the turn, must not be overtaken."""
    house = House()
    house.hear(VOICE, times=10)
    house.frontend.open_gate(Samples(0), Samples(10 * 320 + 160))
    assert not house.gate.is_open
    house.hear(SECRET)
    assert b"".join(house.sent) == VOICE * 10


def test_noise_that_rises_while_nobody_listens_is_no_voice_afterwards() -> None:
    """Rain begins slowly: the wake word sleeps through it, and the detector must not wake up to it."""
    house = House(vad=WebRtcVad())
    chance = np.random.default_rng(3)
    house.idle = True
    for level in 50 * 10 ** (np.arange(0, 16, 0.07) / 20):
        house.hear((chance.standard_normal(280 * 16) * level).astype("<i2").tobytes())
    house.idle = False
    for _ in range(150):
        house.hear((chance.standard_normal(320) * level).astype("<i2").tobytes())
    assert house.posted == []


class CountingVad(LoudnessVad):
    """Notes what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[AudioFrame] = []

    def is_voice(self, frame: AudioFrame) -> bool:
        """Note the frame."""
        self.asked.append(frame)
        return super().is_voice(frame)


def test_what_was_missed_while_idle_is_shown_to_the_detector_alone() -> None:
    """The newest 8 s of it, once; what stands around it judges by the echo of now, and confirms voices."""
    vad, detector = CountingVad(), CountingVad()
    house = House(vad=vad, detector=detector)
    house.idle = True
    house.hear(QUIET, times=500)
    assert not vad.asked
    assert not detector.asked
    house.idle = False
    house.hear(QUIET, times=10)
    assert [frame.position for frame in detector.asked] == [320 * n for n in range(100, 500)]
    assert [frame.position for frame in vad.asked] == [320 * n for n in range(500, 510)]


def test_while_idle_nobody_looks_for_voices() -> None:
    """A voice that was being heard is over, and one that begins afterwards is found."""
    house = House()
    house.hear(VOICE, times=10)
    house.idle = True
    house.hear(QUIET, times=100)
    assert [type(fact) for fact in house.posted] == [VoiceStarted, VoiceStopped]
    house.idle = False
    house.hear(VOICE, times=10)
    assert house.posted[2:] == [VoiceStarted(Samples(110 * 320))]


def test_a_voice_that_goes_on_after_an_idle_time_is_told_of_with_its_beginning() -> None:
    """Somebody says the wake word and a command in one breath, or spoke before the button was held long enough."""
    house = House()
    house.idle = True
    house.hear(QUIET, times=50)
    house.hear(VOICE, times=40)
    house.idle = False
    house.hear(QUIET, times=1)
    assert house.posted == [VoiceStarted(Samples(50 * 320))]
    house.hear(QUIET, times=50)
    assert house.posted[1:] == [VoiceStopped(Samples(90 * 320 + 1920))]


def test_a_voice_that_goes_on_is_told_of_before_the_next_frame() -> None:
    """Somebody says the wake word and a command in one breath; the session may be ready before the next frame comes."""
    house = House()
    house.idle = True
    house.hear(VOICE, times=40)
    house.idle = False
    house.frontend.attend()
    assert house.posted == [VoiceStarted(Samples(0))]
    house.frontend.attend()
    house.hear(VOICE, times=1)
    house.hear(QUIET, times=50)
    assert house.posted[1:] == [VoiceStopped(Samples(41 * 320 + 1920))]


def test_of_a_voice_that_ended_while_idle_nobody_is_told() -> None:
    """Somebody spoke, and then holds the button silently, to mute: nothing was said meanwhile."""
    house = House()
    house.idle = True
    house.hear(VOICE, times=50)
    house.hear(QUIET, times=50)
    house.idle = False
    house.hear(QUIET, times=50)
    assert house.posted == []


def test_a_voice_is_posted_with_the_positions_of_the_stream() -> None:
    """The same count as the ring's and the wake word's."""
    house = House()
    house.hear(QUIET, times=10)
    house.hear(VOICE, times=10)
    house.hear(QUIET, times=30)
    assert house.posted == [VoiceStarted(Samples(3200)), VoiceStopped(Samples(6400 + 1920))]


def test_a_gate_open_to_voices_lets_a_voice_out_with_its_padding() -> None:
    """From 500 ms before the onset until the segmenter has found the end; then nothing again."""
    house = House()
    house.frontend.open_gate(None, voiced_only=True)
    house.hear(QUIET, times=50)
    house.hear(VOICE, times=10)
    house.hear(QUIET, times=100)
    assert b"".join(house.sent) == QUIET * 25 + VOICE * 10 + QUIET * 30
    assert house.frontend.traffic == Traffic(Samples(65 * 320), Samples(95 * 320))


def test_a_click_lets_nothing_out_of_a_gate_open_to_voices() -> None:
    """Two loud frames are no voice."""
    house = House()
    house.frontend.open_gate(None, voiced_only=True)
    for _ in range(5):
        house.hear(QUIET, times=20)
        house.hear(VOICE, times=2)
    assert house.sent == []


def test_muting_in_a_voice_does_not_keep_a_later_gate_open() -> None:
    """The voice ended with the stream."""
    house = House()
    house.hear(VOICE, times=10)
    house.frontend.clear()
    house.frontend.open_gate(None, voiced_only=True)
    house.hear(QUIET, times=50)
    assert house.sent == []


def test_frames_of_10_ms_are_segmented_as_well() -> None:
    """The detector gets frames of its own length."""
    house = House()
    house.hear(QUIET[:320], times=20)
    house.hear(VOICE[:320], times=6)
    assert house.posted == [VoiceStarted(Samples(3200))]


def test_muting_ends_a_voice() -> None:
    """The voice that was going on is over, and the next one starts afresh."""
    house = House()
    house.hear(VOICE, times=5)
    house.frontend.clear()
    house.hear(VOICE, times=5)
    assert house.posted == [
        VoiceStarted(Samples(0)),
        VoiceStopped(Samples(1600)),
        VoiceStarted(Samples(1600)),
    ]


def test_the_level_of_every_frame_is_told_to_the_observer() -> None:
    """Only when there is one."""
    house = House()
    house.hear(VOICE)
    levels: list[float] = []
    house.frontend.on_level = levels.append
    house.hear(VOICE)
    house.hear(bytes(640))
    assert levels == [pytest.approx(-18.06, abs=0.01), DIGITAL_SILENCE_DBFS]


async def test_a_spoken_sentence_is_one_voice_with_its_true_ends() -> None:
    """The real detector on a real sentence in a room that hisses."""
    resampler = StreamResampler(RATE, CAPTURE_RATE)
    speech = resampler.process(await EspeakVoice().speak("what time is it")) + resampler.flush()
    words = np.pad(np.frombuffer(speech, dtype=np.int16).astype(int) // 2, 32_000)
    loud = np.flatnonzero(np.abs(words) > 150)
    room = words + np.random.default_rng(3).normal(0, 15, words.size).astype(int)
    house = House(vad=WebRtcVad(2))
    for frame in Rechunker(Samples(320)).process(room.astype(np.int16).tobytes()):
        house.hear(frame.pcm)
    started, stopped = house.posted
    assert isinstance(started, VoiceStarted)
    assert started.at == pytest.approx(loud[0], abs=1600)
    assert isinstance(stopped, VoiceStopped)
    assert loud[-1] <= stopped.at <= loud[-1] + 4800


@settings(deadline=None)
@given(st.lists(st.sampled_from(["voice", "quiet", "interrupt", "clear", "idle", "awake", "attend"]), max_size=80))
def test_starts_and_stops_alternate_whatever_happens_to_the_stream(steps: list[str]) -> None:
    """Over interruptions, mutes and idle times, positions never go back."""
    house = House()
    for step in steps:
        if step in ("voice", "quiet"):
            house.hear(VOICE if step == "voice" else QUIET, times=4)
        elif step in ("idle", "awake"):
            house.idle = step == "idle"
        else:
            getattr(house.frontend, step)()
    kinds = [type(event) for event in house.posted]
    assert kinds == ([VoiceStarted, VoiceStopped] * len(kinds))[: len(kinds)]
    assert all(a.at <= b.at <= house.frontend.position for a, b in pairwise(house.posted))


def a_cue_at_100_s() -> CueMask:
    """One of 200 ms, which nobody takes out of what is captured."""
    return CueMask(lambda: (CueSpan(100.0, 100.2),), lambda: False)


def test_a_cue_goes_to_the_wake_word_alone() -> None:
    """Neither to the gate nor to the voice detector; who says the wake word over it is heard."""
    house = House(cue_mask=a_cue_at_100_s())
    house.frontend.open_gate(None)
    house.hear(VOICE, times=10)
    assert b"".join(house.woken) == VOICE * 10
    assert not any(b"".join(house.sent))
    assert len(b"".join(house.sent)) == 10 * len(VOICE)
    assert house.posted == []


class Swallowing(NullCanceller):
    """Takes everything for an echo."""

    def feed(self, pcm: bytes, moment: float, hand_on: HandOn) -> bool:
        """Hand on silence."""
        hand_on(bytes(len(pcm)))
        return True


def test_what_is_cancelled_for_words_alone_is_sent_as_it_was_captured() -> None:
    """Who looks for words and voices hears what is left."""
    house = House(canceller=Swallowing(), sent_mask=CueMask(tuple, lambda: False))
    house.frontend.open_gate(None)
    house.hear(VOICE, times=10)
    assert b"".join(house.sent) == VOICE * 10
    assert not any(b"".join(house.woken))
    assert house.posted == []


class Restoring(Swallowing):
    """Knows that all of it is a person."""

    def restored(self) -> bytes | None:
        """Return a voice."""
        return VOICE


def test_what_is_restored_is_for_the_wake_word_alone() -> None:
    """It may be an echo all the same: neither a voice nor a stop word is taken from it, and nothing of it is sent."""
    house = House(canceller=Restoring())
    house.frontend.open_gate(None)
    house.hear(VOICE, times=10)
    assert b"".join(house.woken) == VOICE * 10
    assert b"".join(house.stopped) == b"".join(house.sent) == bytes(len(VOICE) * 10)
    assert house.posted == []


def test_a_cue_is_not_sent_either_with_what_was_captured() -> None:
    """What is left of it may be heard by whoever looks for voices."""
    house = House(canceller=Swallowing(), sent_mask=a_cue_at_100_s())
    house.frontend.open_gate(None)
    house.hear(VOICE, times=10)
    assert not any(b"".join(house.sent))


def test_no_cue_of_before_is_sent_with_the_words_after_a_press() -> None:
    """The gate reaches back to the press, and the sound that ended the last conversation still rang."""
    house = House(cue_mask=a_cue_at_100_s())
    house.hear(VOICE, times=10)
    assert house.frontend.recall(Samples(0), house.frontend.position) == bytes(10 * len(VOICE))
    house.frontend.open_gate(Samples(0))
    assert not any(b"".join(house.sent))
