"""The thread that keeps a loudspeaker's card filled."""

from __future__ import annotations

import errno
import itertools
import statistics
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from device.audio.cards.filling import playout
from device.audio.cards.filling.depth import FIRST_MS, MOST_MS, Depth, Need
from device.audio.cards.filling.outputpcm import DryError, Fill
from device.audio.cards.filling.playout import Cause, Playout
from device.kit.threads import Threads
from device.units import BYTES_PER_SAMPLE, Hz, Samples
from tests.waiting import block_until

# The card below keeps time.
pytestmark = [pytest.mark.card, pytest.mark.patient]

RATE = Hz(24_000)
LIMIT_S = 10.0


class FakePcm:
    """A card that plays in real time what it holds, stands still, runs dry and goes away when it is told."""

    period = Samples(120)
    room = Samples(6000)

    def __init__(self) -> None:
        self.heard = bytearray()
        self.frozen = False
        self.gone = False
        self.unknown = False
        self.dries_while_fed = False
        self.swallows = False
        self.waits_for_more = False
        self.looks = 0
        self.is_odd = self.takes_half = False
        self.closed = False
        self._lock = threading.Lock()
        self._held = bytearray()
        self._since = 0.0
        self._runs = False

    def start(self) -> None:
        """Begin to play."""
        self._since, self._runs = time.monotonic(), True

    def fill(self) -> Fill:
        """What is left by now."""
        with self._lock:
            if self.gone:
                raise OSError(errno.ENODEV, "No such device")
            if self.unknown:
                raise OSError(errno.EIO, "Input/output error")
            self._play()
            if self.swallows:
                self.looks += 1
                self._held.clear()
                return Fill(Samples(0), Samples(0))
            if self._runs and not self._held:
                self._runs = False
                raise DryError(errno.EPIPE, "Broken pipe")
            held = Samples(len(self._held) // BYTES_PER_SAMPLE)
            return Fill(held, Samples(held + 48))

    def write(self, pcm: bytes) -> Samples:
        """Take it."""
        with self._lock:
            if self.dries_while_fed:
                self.dries_while_fed = False
                raise DryError(errno.EPIPE, "Broken pipe")
            count = len(pcm) // BYTES_PER_SAMPLE // (2 if self.takes_half else 1)
            self.takes_half = not self.takes_half and self.is_odd
            self._held += pcm[: count * BYTES_PER_SAMPLE]
            return Samples(count)

    def prepare(self) -> None:
        """Forget what is left."""
        self._held.clear()

    def drop(self) -> None:
        """Fall silent."""
        with self._lock:
            self._play()
            self._held.clear()

    def thaw(self) -> None:
        """Move on."""
        self.frozen = False

    def run_dry(self) -> None:
        """Nothing is left, and what was is lost."""
        with self._lock:
            self._held.clear()

    def close(self) -> None:
        """Let it go."""
        self.closed = True

    def _play(self) -> None:
        now = time.monotonic()
        self.waits_for_more &= len(self._held) // BYTES_PER_SAMPLE < self.room - self.period
        waits = self.frozen or self.waits_for_more
        count = 0 if waits or not self._runs else int((now - self._since) * RATE) * BYTES_PER_SAMPLE
        self._since = now if waits else self._since + count / BYTES_PER_SAMPLE / RATE
        self.heard += self._held[:count]
        del self._held[:count]


class Feeder:
    """Hands out what is no silence."""

    def __init__(self) -> None:
        self.handed_over = 0
        self.moments: list[float] = []
        self.breaks: list[float] = []
        self.dry: list[Cause] = []
        self.ends = False

    def feed(self, count: Samples, moment: float) -> bytes | None:
        """Go on counting."""
        if self.ends:
            return None
        self.moments.append(moment)
        self.handed_over += count
        return b"\1\1" * count

    def note_break(self, moment: float) -> None:
        """Remember it."""
        self.breaks.append(moment)

    def note_dry(self, cause: Cause) -> None:
        """Remember it."""
        self.dry.append(cause)


class CountingFeeder(Feeder):
    """Hands out samples that count and never are zero, so that silence and gaps are seen."""

    def feed(self, count: Samples, moment: float) -> bytes | None:
        """Go on counting."""
        numbers = (np.arange(self.handed_over, self.handed_over + count) % 30_000 + 1).astype("<i2")
        super().feed(count, moment)
        return numbers.tobytes()


THREADS = Threads("loudspeaker", 2)


class Stage:
    """A card, who feeds it, and what plays."""

    def __init__(self, feeder: Feeder | None = None, need: Need | None = None) -> None:
        self.pcm = FakePcm()
        self.feeder = feeder or Feeder()
        self.depth = Depth(need)
        self.began = time.monotonic()
        self.playout = Playout(self.pcm, RATE, self.depth, self.feeder, THREADS.post)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """It is closed in the end."""
    stage = Stage()
    stage.playout.start()
    yield stage
    stage.playout.close()


def test_a_stream_begins_with_silence_and_then_plays_all(stage: Stage) -> None:
    """The silence is as long as what is kept ahead, and from there on nothing is missing."""
    block_until(lambda: len(stage.pcm.heard) > RATE)
    stage.playout.close()
    sound = bytes(stage.pcm.heard).lstrip(b"\0")
    assert len(stage.pcm.heard) - len(sound) == int(FIRST_MS * RATE / 1000) * BYTES_PER_SAMPLE
    if not stage.feeder.dry:
        assert set(sound) == {1}


def test_a_card_that_sleeps_at_first_is_handed_nothing() -> None:
    """It would swallow what it holds, or play it seconds later."""
    stage = Stage()
    stage.pcm.frozen = True
    stage.playout.start()
    time.sleep(0.2)  # in which it would be handed something
    assert stage.feeder.handed_over == 0
    stage.pcm.frozen = False
    block_until(lambda: stage.feeder.handed_over > 0)
    stage.playout.close()


def test_running_dry_before_as_much_was_ahead_as_is_wanted_teaches_nothing() -> None:
    """With less ahead than that more would not have helped. Later it does."""
    stage = Stage(need=Need(100.0, 900.0))
    stage.pcm.frozen = True
    stage.playout.start()
    stage.pcm.run_dry()
    stage.pcm.frozen = False
    block_until(lambda: stage.feeder.handed_over > RATE // 5)
    assert stage.feeder.dry
    assert stage.depth.ahead_ms == 100.0
    stage.pcm.run_dry()
    block_until(lambda: stage.depth.ahead_ms > 100.0)
    stage.playout.close()


def test_of_a_block_that_the_card_takes_in_part_nothing_is_lost() -> None:
    """The rest comes next: where there is no silence, every sample follows the one before."""
    stage = Stage(CountingFeeder())
    stage.playout.start()
    block_until(lambda: stage.feeder.handed_over > 0)
    stage.pcm.is_odd = True
    block_until(lambda: stage.feeder.handed_over > RATE // 2)
    stage.playout.close()
    samples = np.frombuffer(bytes(stage.pcm.heard), "<i2").astype(int)
    after, before = samples[1:], samples[:-1]
    joined = (after > 0) & (before > 0)
    assert joined.sum() > RATE // 4
    assert set((after - before)[joined]) <= {1, 1 - 30_000}


def test_of_a_block_that_the_card_takes_in_part_the_whole_has_its_moment() -> None:
    """What is handed over is handed over once, and the next block joins on to the end of it."""
    stage = Stage(CountingFeeder())
    stage.pcm.is_odd = True
    stage.playout._fill_up(Fill(Samples(0), Samples(0)), 10.0)
    assert stage.feeder.moments == pytest.approx([10.0, 10.005])
    stage.playout._fill_up(Fill(Samples(180), Samples(180)), 10.0)
    steps = [after - before for before, after in itertools.pairwise(stage.feeder.moments)]
    assert steps == pytest.approx([0.005] * len(steps))
    held = np.frombuffer(bytes(stage.pcm._held), "<i2").astype(int)
    assert set(np.diff(held)) == {1}


def test_a_card_that_runs_dry_is_told_of_filled_anew_and_kept_fuller(stage: Stage) -> None:
    """Who feeds it learns that what was handed over is over."""
    block_until(lambda: stage.feeder.handed_over > 0)
    before = stage.depth.ahead_ms
    stage.pcm.run_dry()
    block_until(lambda: bool(stage.feeder.dry))
    assert len(stage.feeder.breaks) == len(stage.feeder.dry)
    assert before < stage.depth.ahead_ms <= MOST_MS
    handed_over = stage.feeder.handed_over
    block_until(lambda: stage.feeder.handed_over > handed_over)


def test_a_card_that_waits_for_more_than_is_kept_ahead_is_given_it_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is filled to the brim with silence, and then played to as before."""
    monkeypatch.setattr(playout, "STUCK_S", 0.1)
    block_until(lambda: stage.feeder.handed_over > 0)
    stage.pcm.waits_for_more = True
    block_until(lambda: not stage.pcm.waits_for_more)
    handed_over = stage.feeder.handed_over
    block_until(lambda: stage.feeder.handed_over > handed_over)
    assert stage.feeder.dry[-1] is Cause.CARD


def test_dry_in_its_first_moments_is_no_busy_machine(stage: Stage) -> None:
    """It is told as what it is."""
    stage.pcm.run_dry()
    block_until(lambda: bool(stage.feeder.dry))
    assert stage.feeder.dry[0] is Cause.BEGINNING


def test_dry_while_it_is_being_fed_is_no_card_that_went_away(stage: Stage) -> None:
    """Between asking how much is left and adding to it, on a busy machine."""
    block_until(lambda: stage.feeder.handed_over > RATE // 10)
    stage.pcm.dries_while_fed = True
    block_until(lambda: bool(stage.feeder.dry))
    handed_over = stage.feeder.handed_over
    block_until(lambda: stage.feeder.handed_over > handed_over)


def test_a_drop_silences_the_card_at_once_and_plays_on(stage: Stage) -> None:
    """What follows is a stream that begins."""
    block_until(lambda: stage.feeder.handed_over > RATE // 10)
    moment = stage.playout.drop()
    assert abs(moment - time.monotonic()) < LIMIT_S
    assert stage.feeder.breaks[-1] == moment
    handed_over = stage.feeder.handed_over
    block_until(lambda: stage.feeder.handed_over > handed_over)


def test_a_card_that_stands_still_is_emptied_once_it_moves(stage: Stage) -> None:
    """Until then it is not known what of it will sound; and it is told how it was then."""
    block_until(lambda: stage.feeder.handed_over > RATE // 10)
    stage.pcm.frozen = True
    time.sleep(0.05)  # it has stood still for a while
    asked = time.monotonic()
    threading.Timer(0.1, stage.pcm.thaw).start()
    moment = stage.playout.drop()
    assert moment - asked > 0.09 or stage.feeder.dry


def test_a_drop_where_there_is_only_silence_drops_nothing() -> None:
    """The stream goes on as it began."""
    stage = Stage()
    stage.pcm.frozen = True
    stage.playout.start()
    stage.playout.drop()
    assert stage.feeder.breaks == []
    stage.pcm.frozen = False
    block_until(lambda: stage.feeder.handed_over > 0)
    stage.playout.close()


def test_the_moments_are_those_at_which_the_card_plays(stage: Stage) -> None:
    """What is queued, and 2 ms more in this card, from when it was handed over."""
    block_until(lambda: stage.feeder.handed_over > RATE // 4)
    steps = [after - before for before, after in itertools.pairwise(stage.feeder.moments)]
    assert statistics.median(steps) == pytest.approx(0.005, abs=1e-6)
    assert all(moment >= stage.began for moment in stage.feeder.moments)


def test_a_card_that_goes_away_ends_it(stage: Stage) -> None:
    """And is let go."""
    assert stage.playout.is_active()
    stage.pcm.gone = True
    block_until(lambda: not stage.playout.is_active())
    assert stage.pcm.closed


def test_a_card_of_which_nothing_is_known_yet_is_waited_for() -> None:
    """PulseAudio's plugin says that it is broken until its server has told when the stream's samples sound."""
    stage = Stage()
    stage.pcm.unknown = True
    stage.playout.start()
    time.sleep(0.1)  # in which it would be given up
    assert stage.playout.is_active()
    stage.pcm.unknown = False
    block_until(lambda: stage.feeder.handed_over > 0)
    stage.pcm.unknown = True
    time.sleep(0.1)  # likewise
    assert stage.playout.is_active()
    block_until(lambda: not stage.playout.is_active())


def test_a_source_that_has_had_enough_ends_it(stage: Stage) -> None:
    """A stream without a clock, for instance."""
    stage.feeder.ends = True
    block_until(lambda: not stage.playout.is_active())
    assert stage.pcm.closed


def test_what_swallows_all_at_once_is_fed_on_to_be_found_out() -> None:
    """ALSA's "null" has no clock."""
    stage = Stage()
    stage.pcm.swallows = True
    stage.playout.start()
    block_until(lambda: stage.feeder.handed_over > RATE)
    # Filled up whenever it is looked at, and not only by what was played since.
    assert stage.feeder.handed_over / stage.pcm.looks > stage.depth.ahead_ms * RATE / 1000 / 2
    stage.playout.close()


def test_a_loudspeaker_that_is_opened_needs_no_new_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory has run out none comes to life; its own is there from the start, again and again."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(5):
        stage = Stage()
        stage.playout.start()
        block_until(lambda stage=stage: stage.feeder.handed_over > 0)
        stage.playout.close()
        assert stage.pcm.closed
        assert not stage.playout.is_active()
