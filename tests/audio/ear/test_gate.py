"""The gate: the one door from the microphone to the outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.audio.ear.gate import Gate, Padding
from device.audio.ear.preroll import PrerollRing
from device.core.events import VoiceStarted, VoiceStopped
from device.units import Hz, Samples

CAPACITY = 12_000
BEFORE, AFTER = 300, 500


class House:
    """A gate, its ring, and what came out, at the capture rate unless told otherwise."""

    def __init__(self, target_rate: int = 16_000) -> None:
        self.pieces: list[bytes] = []
        self.ring = PrerollRing(Samples(CAPACITY))
        self.gate = Gate(self.ring, Hz(target_rate), self.pieces.append, Padding(Samples(BEFORE), Samples(AFTER)))

    def hear(self, count: int) -> None:
        """Let the microphone hear samples that carry their own positions."""
        positions = np.arange(self.ring.end, self.ring.end + count)
        self.ring.write(positions.astype(np.uint16).tobytes())
        self.gate.advance()

    def open(self, since: int, until: int | None = None, voiced_only: bool = False) -> None:
        """Open the gate."""
        self.gate.open(Samples(since), None if until is None else Samples(until), voiced_only)

    def start_voice(self, at: int) -> None:
        """Let the segmenter hear a voice begin."""
        self.gate.follow(VoiceStarted(Samples(at)))

    def stop_voice(self, at: int) -> None:
        """Let the segmenter hear the voice end."""
        self.gate.follow(VoiceStopped(Samples(at)))

    @property
    def sent(self) -> list[int]:
        """The positions of the samples that came out, in order."""
        return list(np.frombuffer(b"".join(self.pieces), dtype=np.uint16))


def test_a_gate_is_shut_until_it_is_opened() -> None:
    """Frames alone never leave."""
    house = House()
    house.hear(5000)
    assert not house.gate.is_open
    assert house.pieces == []


def test_an_opened_gate_sends_the_past_at_once_and_then_what_comes() -> None:
    """From `since` on, in order, in pieces of 200 ms at most."""
    house = House()
    house.hear(10_000)
    house.open(since=1000)
    assert house.sent == list(range(1000, 10_000))
    house.hear(320)
    assert house.sent == list(range(1000, 10_320))
    assert max(map(len, house.pieces)) <= 3200 * 2


def test_a_span_in_the_past_is_sent_and_the_gate_stays_shut() -> None:
    """What was said before the session was ready, and nothing after it."""
    house = House()
    house.hear(10_000)
    house.open(since=1000, until=5000)
    house.hear(320)
    assert house.sent == list(range(1000, 5000))
    assert not house.gate.is_open


def test_a_span_into_the_future_goes_on_and_shuts_by_itself() -> None:
    """Not a sample beyond `until`, wherever frames are cut."""
    house = House()
    house.hear(1000)
    house.open(since=500, until=1500)
    assert house.gate.is_open
    house.hear(320)
    house.hear(320)
    assert house.sent == list(range(500, 1500))
    assert not house.gate.is_open


def test_a_gate_opened_for_the_future_waits_for_it() -> None:
    """Samples before `since` stay inside though the gate is open."""
    house = House()
    house.open(since=400)
    house.hear(320)
    assert house.sent == []
    house.hear(320)
    assert house.sent == list(range(400, 640))


def test_opening_an_open_gate_sends_nothing_twice_and_skips_nothing() -> None:
    """A later or an earlier `since` changes nothing once the stream is going out."""
    house = House()
    house.hear(1000)
    house.open(since=500)
    house.open(since=0)
    house.open(since=5000)
    house.hear(320)
    assert house.sent == list(range(500, 1320))


def test_an_open_gate_can_be_given_an_end() -> None:
    """The newest `until` holds."""
    house = House()
    house.open(since=0)
    house.open(since=0, until=100)
    house.hear(320)
    assert house.sent == list(range(100))
    assert not house.gate.is_open


def test_a_later_opening_may_reach_back_for_a_new_session() -> None:
    """The sentence of a new session is whole even where the old one heard its beginning."""
    house = House()
    house.hear(1000)
    house.open(since=800)
    house.gate.close()
    house.open(since=900, until=1000)
    assert house.sent == [*range(800, 1000), *range(900, 1000)]


def test_samples_that_the_ring_has_forgotten_are_counted_as_lost() -> None:
    """The rest is sent all the same."""
    house = House()
    house.hear(CAPACITY + 500)
    house.open(since=100)
    assert (house.gate.lost, house.gate.passed) == (400, CAPACITY)
    house.open(since=0, until=50)
    assert not house.gate.is_open


def test_a_forgotten_span_opens_and_shuts_without_a_sample() -> None:
    """All of it is lost, and nothing else is sent in its place."""
    house = House()
    house.hear(CAPACITY + 500)
    house.open(since=100, until=300)
    assert (house.gate.lost, house.gate.is_open, house.pieces) == (200, False, [])


def tone(samples: int) -> bytes:
    """Return a steady sine wave at 16 kHz."""
    wave = 8000 * np.sin(2 * np.pi * 400 / 16_000 * np.arange(samples))
    return bytes(wave.astype(np.int16).tobytes())


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
def test_the_last_word_is_whole_after_resampling(rate: int) -> None:
    """Closing hands out what the resampler held back: the tone lasts to its end."""
    house = House(rate)
    house.ring.write(tone(8000))
    house.open(since=0, until=8000)
    out = np.frombuffer(b"".join(house.pieces), dtype=np.int16)
    assert out.size == pytest.approx(8000 * rate / 16_000, abs=1)
    assert np.abs(out[-rate // 50 :].astype(float)).max() > 7000


def test_each_opening_is_a_stream_of_its_own() -> None:
    """Nothing of the turn before leaks into the next one through the resampler."""
    house = House(24_000)
    house.ring.write(tone(4000))
    house.open(since=0, until=4000)
    house.pieces.clear()
    house.ring.write(bytes(8000))
    house.open(since=4000, until=8000)
    assert not any(b"".join(house.pieces))


def test_a_cut_gate_keeps_what_the_resampler_holds_back() -> None:
    """Muting drops the last samples instead of sending them."""
    house = House(24_000)
    house.ring.write(tone(4000))
    house.open(since=0)
    house.pieces.clear()
    house.gate.cut()
    house.gate.close()
    assert house.pieces == []
    house.ring.write(bytes(8000))
    house.open(since=4000, until=8000)
    assert not any(b"".join(house.pieces))


def test_without_a_voice_nothing_passes_a_gate_open_to_voices() -> None:
    """However long it is open, longer than the ring remembers."""
    house = House()
    house.hear(1000)
    house.open(since=1000, voiced_only=True)
    house.hear(CAPACITY)
    house.hear(CAPACITY)
    assert house.gate.is_open
    assert house.sent == []
    assert (house.gate.traffic.withheld, house.gate.traffic.heard) == (2 * CAPACITY, 2 * CAPACITY)
    assert house.gate.lost == 0


def test_a_voice_passes_with_its_padding() -> None:
    """From before its onset, out of the ring, until after its end; once and in order."""
    house = House()
    house.open(since=0, voiced_only=True)
    house.hear(5000)
    house.start_voice(4000)
    assert house.sent == list(range(4000 - BEFORE, 5000))
    house.hear(3000)
    house.stop_voice(7900)
    house.hear(5000)
    assert house.sent == list(range(4000 - BEFORE, 7900 + AFTER))
    assert house.gate.traffic.withheld == 13_000 - len(house.sent)
    assert house.gate.traffic.share_withheld == pytest.approx(1 - len(house.sent) / 13_000)


def test_voices_close_together_pass_without_a_gap() -> None:
    """The padding of one reaches into that of the next: nothing between is lost or sent twice."""
    house = House()
    house.open(since=0, voiced_only=True)
    house.hear(1000)
    house.start_voice(900)
    house.hear(1000)
    house.stop_voice(1800)
    house.hear(700)
    house.start_voice(2600)
    house.hear(300)
    assert house.sent == list(range(900 - BEFORE, 3000))


def test_a_padding_never_reaches_behind_the_opening() -> None:
    """What was said over an answer stays inside."""
    house = House()
    house.hear(1000)
    house.open(since=1000, voiced_only=True)
    house.hear(320)
    house.start_voice(1100)
    assert house.sent == list(range(1000, 1320))


def test_one_breath_is_whole_through_a_gate_open_to_voices() -> None:
    """From `since` to the opening everything passes, and on while the voice lasts."""
    house = House()
    house.hear(2000)
    house.start_voice(500)
    house.hear(3000)
    house.open(since=1500, voiced_only=True)
    house.hear(1000)
    house.stop_voice(5900)
    house.hear(5000)
    assert house.sent == list(range(1500, 5900 + AFTER))


def test_a_voice_of_before_lets_nothing_out_afterwards() -> None:
    """Its turn is over: whoever has answered it waits for no silence."""
    house = House()
    house.open(since=0)
    house.start_voice(500)
    house.hear(1000)
    house.stop_voice(900)
    house.open(since=1000, voiced_only=True)
    house.hear(2000)
    assert house.sent == list(range(1000))


def test_what_is_withheld_is_let_out_from_a_little_before_now() -> None:
    """Opened wholly, since the other side has heard a voice after all."""
    house = House()
    house.open(since=0, voiced_only=True)
    house.hear(3000)
    house.open(since=3000)
    house.hear(1000)
    assert house.sent == list(range(3000 - BEFORE, 4000))


def test_an_open_gate_can_be_told_to_withhold_from_now_on() -> None:
    """At the end of an answer over which the person could have talked."""
    house = House()
    house.open(since=0)
    house.hear(1000)
    house.open(since=0, voiced_only=True)
    house.hear(1000)
    assert house.sent == list(range(1000))


def test_a_voice_between_two_openings_lets_nothing_out() -> None:
    """A shut gate takes note of it, and no more."""
    house = House()
    house.hear(1000)
    house.start_voice(500)
    house.hear(1000)
    house.stop_voice(1900)
    assert house.sent == []


def test_a_span_open_to_voices_shuts_at_its_end() -> None:
    """Also when nobody speaks."""
    house = House()
    house.open(since=0, until=500, voiced_only=True)
    house.hear(1000)
    assert (house.sent, house.gate.is_open, house.gate.traffic.withheld) == ([], False, 500)


@pytest.mark.parametrize("stop_at", [3500, 4000 - AFTER])
def test_the_end_of_the_padding_does_not_wait_for_the_next_voice(stop_at: int) -> None:
    """The resampler hands out what it holds back before the gate withholds, whenever the end is noticed."""
    house = House(24_000)
    house.open(since=0, voiced_only=True)
    house.ring.write(tone(4000))
    house.start_voice(0)
    house.stop_voice(stop_at)
    house.ring.write(tone(4000))
    house.gate.advance()
    assert len(b"".join(house.pieces)) == max(4000, stop_at + AFTER) * 3  # 2 bytes * 24 / 16


class GateMachine(RuleBasedStateMachine):
    """The gate against a model that decides sample by sample."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.expected: list[int] = []
        self.open = False
        self.since = 0
        self.until: int | None = None
        self.cleared = 0

    @property
    def end(self) -> int:
        """How many samples were heard."""
        return self.house.ring.end

    def expect(self, position: int) -> None:
        """Decide on one sample that is there."""
        if self.open and self.since <= position and (self.until is None or position < self.until):
            self.expected.append(position)

    def shut_when_over(self) -> None:
        """A span ends by itself."""
        if self.until is not None and max(self.end, self.since) >= self.until:
            self.open = False

    @rule(count=st.integers(0, 1000))
    def hear(self, count: int) -> None:
        """Samples come from the microphone."""
        first = self.end
        self.house.hear(count)
        for position in range(first, self.end):
            self.expect(position)
        self.shut_when_over()

    @precondition(lambda self: not self.open)
    @rule(ago=st.integers(-1000, 14_000), length=st.none() | st.integers(-10, 3000))
    def open_shut_gate(self, ago: int, length: int | None) -> None:
        """Order a stream or a span, in the past, the future or across now."""
        self.since = max(0, self.end - ago)
        self.until = None if length is None else self.since + length
        self.open = True
        for position in range(max(self.cleared, self.end - CAPACITY), self.end):
            self.expect(position)
        self.house.open(self.since, self.until)
        self.shut_when_over()

    @precondition(lambda self: self.open)
    @rule(since=st.integers(0, 20_000), ahead=st.none() | st.integers(-50, 2000))
    def open_open_gate(self, since: int, ahead: int | None) -> None:
        """Order again: only the end may change."""
        self.until = None if ahead is None else self.end + ahead
        self.house.open(since, self.until)
        self.shut_when_over()

    @rule(cut=st.booleans())
    def close(self, cut: bool) -> None:
        """Shut the gate in either way."""
        self.open = False
        if cut:
            self.house.gate.cut()
        else:
            self.house.gate.close()

    @rule()
    def clear(self) -> None:
        """The stream is interrupted."""
        self.cleared = self.end
        self.house.ring.clear()

    @invariant()
    def sends_exactly_what_it_should(self) -> None:
        """Every sample due, once, in order; nothing else."""
        assert self.house.gate.is_open == self.open
        assert self.house.sent == self.expected
        assert self.house.gate.passed == len(self.expected)


GateMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestGateMachine = GateMachine.TestCase


class VoiceMachine(RuleBasedStateMachine):
    """The gate open to voices against a model that decides sample by sample."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.expected: list[int] = []
        self.withheld: list[int] = []
        """Withheld since the last voice: what may still be let out."""
        self.withheld_for_good = 0
        self.open = self.voiced_only = self.in_voice = False
        self.padded = 0
        self.last_fact = 0

    @property
    def end(self) -> int:
        """How many samples were heard."""
        return self.house.ring.end

    def let_out(self, onset: int) -> None:
        """The padding before `onset` is let out, what lies before it never."""
        self.expected += [position for position in self.withheld if position >= onset - BEFORE]
        self.withheld_for_good += sum(position < onset - BEFORE for position in self.withheld)
        self.withheld.clear()

    @rule(count=st.integers(0, 900))
    def hear(self, count: int) -> None:
        """Samples come from the microphone."""
        first = self.end
        self.house.hear(count)
        if self.open:
            for position in range(first, self.end):
                free = not self.voiced_only or self.in_voice or position < self.padded
                (self.expected if free else self.withheld).append(position)

    @precondition(lambda self: not self.in_voice)
    @rule(ago=st.integers(0, 1500))
    def start_voice(self, ago: int) -> None:
        """A voice is noticed that began a while ago, after the one before."""
        self.last_fact = max(self.last_fact, self.end - ago)
        self.house.start_voice(self.last_fact)
        self.in_voice = True
        if self.open and self.voiced_only:
            self.let_out(self.last_fact)

    @precondition(lambda self: self.in_voice)
    @rule(ago=st.integers(0, 1500))
    def stop_voice(self, ago: int) -> None:
        """It is noticed that it ended a while ago."""
        self.last_fact = max(self.last_fact, self.end - ago)
        self.house.stop_voice(self.last_fact)
        self.in_voice = False
        if self.open and self.voiced_only:
            self.padded = self.last_fact + AFTER

    @precondition(lambda self: not self.open)
    @rule(ago=st.integers(0, 3000), voiced_only=st.booleans())
    def open_gate(self, ago: int, voiced_only: bool) -> None:
        """From the past to now everything goes."""
        since = max(0, self.end - ago)
        self.house.open(since, voiced_only=voiced_only)
        self.open, self.voiced_only, self.padded = True, voiced_only, 0
        self.expected += range(since, self.end)

    @precondition(lambda self: self.open)
    @rule(voiced_only=st.booleans())
    def order_again(self, voiced_only: bool) -> None:
        """Switch the open gate, or leave it as it is."""
        self.house.open(self.end, voiced_only=voiced_only)
        if self.voiced_only and not voiced_only:
            self.let_out(self.end)
        if voiced_only and not self.voiced_only:
            self.padded = 0
        self.voiced_only = voiced_only

    @precondition(lambda self: self.open)
    @rule()
    def close(self) -> None:
        """What is withheld then never leaves."""
        self.house.gate.close()
        self.withheld_for_good += len(self.withheld)
        self.withheld.clear()
        self.open = False

    @invariant()
    def sends_voices_with_their_padding_and_nothing_else(self) -> None:
        """Every sample due, once, in order; and the rest is counted."""
        assert self.house.sent == [position % 2**16 for position in self.expected]
        traffic = self.house.gate.traffic
        assert traffic.passed == len(self.expected)
        assert traffic.withheld == self.withheld_for_good + len(self.withheld)


VoiceMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestVoiceMachine = VoiceMachine.TestCase
