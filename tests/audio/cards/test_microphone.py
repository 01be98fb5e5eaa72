"""The microphone's pace: from short blocks to long ones and back, on one stream of sound."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from device.audio.cards import handover, line, microphone, portaudio
from device.audio.cards.capture import Pace
from device.audio.cards.devices import Direction, SoundDevice
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.settings import Audio
from device.core.events import Event
from device.sim.devices.soundcard import MICROPHONE, VirtualSoundCard
from device.units import CAPTURE_RATE
from tests.waiting import LIMIT_S, until

SHORTEST, SHORT, MIDDLE, LONG = 80, 320, 1280, Pace.CALM * 16
NOISE = np.random.default_rng(5).normal(0, 1000, 60 * CAPTURE_RATE).astype("<i2")


class Stream:
    """One stream of the card below: captures the same noise as all others."""

    def __init__(self, block: int, on_block: Any) -> None:
        self.block = block
        self.is_open = True
        self.overflows = False
        self._on_block = on_block

    def capture(self, end: int) -> None:
        """Hand out the block that ends at a sample of the noise."""
        if self.is_open:
            block = NOISE[end - self.block : end].tobytes()
            times = {"input_buffer_adc_time": -self.block / CAPTURE_RATE, "current_time": 0.0}
            status, self.overflows = microphone.INPUT_OVERFLOW * self.overflows, False
            self._on_block(block, self.block, times, status)

    def is_active(self) -> bool:
        """Until it is closed."""
        return self.is_open

    def close(self) -> None:
        """Capture no more."""
        self.is_open = False


class Card:
    """PortAudio with one card, in the test's own time."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.is_exclusive = False
        self.now = 0
        self._begun: dict[Stream, int] = {}

    @property
    def open_blocks(self) -> list[int]:
        """The lengths of blocks of all streams that are open."""
        return [stream.block for stream in self.streams if stream.is_open]

    def open(self, device: SoundDevice, rate: int, channels: int, block: int, on_block: Any) -> Stream:
        """Refuse a second stream, if it is exclusive."""
        if self.is_exclusive and self.open_blocks:
            raise OSError(-9985, "Device unavailable")
        stream = Stream(block, on_block)
        self._begun[stream] = self.now
        self.streams.append(stream)
        return stream

    def advance(self) -> None:
        """Let 5 ms pass."""
        self.now += SHORTEST
        for stream in self.streams:
            count = self.now - self._begun[stream]
            if count and count % stream.block == 0:
                stream.capture(self.now)


class House:
    """A microphone on the card, and what it brought."""

    def __init__(self, card: Card, cards: SoundCards, monkeypatch: pytest.MonkeyPatch) -> None:
        self.card = card
        self.pace = Pace.STEADY
        self.pieces: list[bytes] = []
        self.gaps = 0
        self.waits: list[float] = []
        # The card's time is the clock's: its moments are exact.
        clock = SimpleNamespace(monotonic=lambda: 1000 + card.now / CAPTURE_RATE)
        monkeypatch.setattr(microphone, "time", clock)
        monkeypatch.setattr(line, "time", clock)
        self.microphone = AlsaMicrophone(
            cards, lambda pcm, moment: self.pieces.append(pcm), lambda: self.pace, self.note_gap, self.waits.append
        )

    def note_gap(self) -> None:
        """Count the breaks of the sound."""
        self.gaps += 1

    async def run(self, seconds: float) -> None:
        """Let time pass, and everybody react to every block; what another thread opens or closes takes none of it."""
        for step in range(int(seconds * 200)):
            self.card.advance()
            for _ in range(3):
                await asyncio.sleep(0)
            await until(lambda: not self.microphone._tasks, "the end of what PortAudio's thread does")
            await asyncio.sleep(0 if step % 4 else 0.0005)

    async def walk(self, *stages: tuple[Pace, float, int]) -> None:
        """At each pace let so many seconds pass, and see that one stream is open, with blocks of this length.

        `pieces` are of the last stage.
        """
        for pace, seconds, block in stages:
            self.pace = pace
            self.pieces.clear()
            await self.run(seconds)
            assert self.card.open_blocks == [block], (pace, seconds)

    @property
    def heard(self) -> bytes:
        """All frames in a row."""
        return b"".join(self.pieces)


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """An open microphone."""
    card = Card()
    monkeypatch.setattr(SoundCards, "devices", lambda self: (SoundDevice(0, "Card", 1, 0),))
    monkeypatch.setattr(SoundCards, "open_input", lambda self, *arguments: card.open(*arguments))
    monkeypatch.setattr(portaudio, "WATCH_S", 0.01)
    events: list[Event] = []
    cards = SoundCards(Audio(input="Card"), events.append)
    house = House(card, cards, monkeypatch)
    await house.microphone.open()
    yield house
    assert not events
    await cards.close()
    assert not card.open_blocks


async def test_a_calm_room_is_listened_to_in_long_blocks_and_a_hurry_in_short_ones(house: House) -> None:
    """And the sound goes on as if nothing had happened."""
    await house.run(1)
    house.pace = Pace.CALM
    await house.run(3)
    assert house.card.open_blocks == [LONG]
    house.pieces.append(b"")
    house.pace = Pace.HURRIED
    house.microphone.adapt()
    await house.run(2)
    assert house.card.open_blocks == [SHORTEST]
    house.pace = Pace.STEADY
    await house.run(1)
    assert house.card.open_blocks == [SHORT]
    assert house.heard == NOISE.tobytes()[: len(house.heard)]
    assert len(house.heard) >= 2 * (7 * CAPTURE_RATE - 1280 - SHORT)


async def test_a_mute_while_the_device_of_the_next_stream_is_looked_for_opens_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """PortAudio's thread finds that the event loop has let go of the sound meanwhile."""
    await house.run(1)
    choose, asked = SoundCards.choose, asyncio.Event()
    loop, muted = asyncio.get_running_loop(), threading.Event()

    def choose_slowly(cards: SoundCards, direction: Direction) -> SoundDevice:
        loop.call_soon_threadsafe(asked.set)
        assert muted.wait(LIMIT_S)
        return choose(cards, direction)

    monkeypatch.setattr(SoundCards, "choose", choose_slowly)
    house.pace = Pace.HURRIED
    house.microphone.adapt()
    await asked.wait()
    closing = asyncio.create_task(house.microphone.close())
    await asyncio.sleep(0)
    muted.set()
    await closing
    assert len(house.card.streams) == 1
    assert house.card.open_blocks == []
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_beside_a_television_blocks_are_of_middle_length(house: House) -> None:
    """Not at once after the start; and they stay when a word may be under way, until it is heard."""
    house.pace = Pace.RELAXED
    await house.run(7.5)
    assert house.card.open_blocks == [SHORT]
    await house.run(1.5)
    assert house.card.open_blocks == [MIDDLE]
    for pace, block in ((Pace.STEADY, MIDDLE), (Pace.CALM, LONG), (Pace.RELAXED, MIDDLE), (Pace.HURRIED, SHORTEST)):
        house.pace = pace
        house.microphone.adapt()
        await house.run(2)
        assert house.card.open_blocks == [block], pace
    assert house.heard == NOISE.tobytes()[: len(house.heard)]


async def test_sound_waits_for_two_steps_of_the_wake_word_or_three_unless_one_is_enough(house: House) -> None:
    """When a word may be under way each step comes with its block."""
    house.pace = Pace.RELAXED
    await house.run(9)
    house.pieces.clear()
    await house.run(1.92)
    assert len(house.pieces) == 12
    house.pieces.clear()
    house.pace = Pace.LEISURELY
    await house.run(1.92)
    assert len(house.pieces) == 8
    assert house.card.open_blocks == [MIDDLE]
    house.pieces.clear()
    house.pace = Pace.STEADY
    await house.run(1.92)
    assert len(house.pieces) == 24


async def test_where_people_live_blocks_are_long_only_after_as_long_a_quiet_as_is_worth_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change costs as much as middle blocks do for a while. The event loop gets whole ones then, three at once."""
    monkeypatch.setattr(microphone, "WORTH_LONG_BLOCKS", 10 * CAPTURE_RATE)
    await house.walk(
        (Pace.CALM, 8, LONG),
        (Pace.LEISURELY, 2, MIDDLE),
        (Pace.CALM, 8, MIDDLE),
        (Pace.LEISURELY, 2, MIDDLE),
        (Pace.CALM, 9.5, MIDDLE),
    )
    assert set(map(len, house.pieces[1:])) == {2 * 3 * MIDDLE}
    await house.run(2)
    assert house.card.open_blocks == [LONG]
    assert len(house.card.streams) == 4


async def test_after_a_quiet_that_lasted_the_next_one_is_believed_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever kind of blocks it was heard in."""
    monkeypatch.setattr(microphone, "WORTH_LONG_BLOCKS", 10 * CAPTURE_RATE)
    await house.walk(
        (Pace.CALM, 3, LONG),
        (Pace.LEISURELY, 2, MIDDLE),
        (Pace.CALM, 12, LONG),
        (Pace.LEISURELY, 2, MIDDLE),
        (Pace.CALM, 12, LONG),
        (Pace.LEISURELY, 2, MIDDLE),
        (Pace.CALM, 2, LONG),
    )


async def test_a_room_that_was_at_rest_before_a_mute_is_at_rest_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that was not must show it first, from the unmute on."""
    monkeypatch.setattr(microphone, "WORTH_LONG_BLOCKS", 10 * CAPTURE_RATE)
    for quiet_s, blocks in ((12, [LONG]), (5, [SHORT])):
        house.pace = Pace.CALM
        await house.run(quiet_s)
        await house.microphone.close()
        await house.microphone.open()
        await house.run(3)
        assert house.card.open_blocks == blocks, quiet_s
    await house.run(6)
    assert house.card.open_blocks == [MIDDLE]
    await house.run(2)
    assert house.card.open_blocks == [LONG]


async def test_a_card_for_one_program_only_stays_with_short_blocks(house: House) -> None:
    """It is asked once."""
    house.card.is_exclusive = True
    house.pace = Pace.CALM
    await house.run(3)
    assert house.card.open_blocks == [SHORT]
    assert len(house.card.streams) == 1
    assert max(map(len, house.pieces)) == 2 * LONG, "but the event loop is woken up less often"
    house.pace = Pace.HURRIED
    await house.run(1)
    assert house.heard == NOISE.tobytes()[: len(house.heard)]


async def test_a_card_that_is_shared_no_longer_does_not_stay_with_long_blocks(house: House) -> None:
    """Another program took what was left of it."""
    house.pace = Pace.CALM
    await house.run(3)
    house.card.is_exclusive = True
    house.pace = Pace.HURRIED
    house.microphone.adapt()
    await house.run(1)
    assert house.card.open_blocks == [SHORT]
    assert house.gaps == 1
    house.pace = Pace.CALM
    await house.run(3)
    assert house.card.open_blocks == [SHORT]


async def test_nor_with_blocks_of_middle_length(house: House) -> None:
    """Each conversation would have sound that comes 60 ms later than on a card that was never shared."""
    house.pace = Pace.LEISURELY
    await house.run(9)
    assert house.card.open_blocks == [MIDDLE]
    house.card.is_exclusive = True
    house.pace = Pace.HURRIED
    house.microphone.adapt()
    await house.run(1)
    assert house.card.open_blocks == [SHORT]
    assert house.gaps == 1


async def test_who_is_in_a_hurry_does_not_wait_for_long_blocks_to_begin(house: House) -> None:
    """The change is given up, and nothing is lost."""
    await house.run(1)
    house.pace = Pace.CALM
    await house.run(0.5)
    assert sorted(house.card.open_blocks) == [SHORT, LONG]
    house.pace = Pace.HURRIED
    house.microphone.adapt()
    await house.run(1)
    assert house.card.open_blocks == [SHORTEST]
    assert house.heard == NOISE.tobytes()[: 2 * house.card.now]


async def test_in_a_hurry_a_frame_goes_on_with_the_block_that_ends_it(house: House) -> None:
    """Wherever the streams were joined, and whatever was under way just then: none waits for the next."""
    house.pace = Pace.CALM
    await house.run(3.005)
    house.pace = Pace.HURRIED
    house.microphone.adapt()
    await house.run(2)
    assert house.card.open_blocks == [SHORTEST]
    for _ in range(20):
        await house.run(0.005)
        assert len(house.heard) == 2 * (house.card.now // SHORT * SHORT)
    assert set(map(len, house.pieces[-20:])) == {2 * SHORT}


async def test_a_change_to_shorter_blocks_is_finished_though_still_shorter_ones_are_wanted(house: House) -> None:
    """The wake word was heard just then: rather two changes than long blocks for longer."""
    house.pace = Pace.CALM
    await house.run(3)
    house.pace = Pace.STEADY
    house.microphone.adapt()
    await house.run(0.05)
    under_way = house.card.streams[-1]
    house.pace = Pace.HURRIED
    house.microphone.adapt()
    await house.run(0.05)
    assert under_way.is_open
    assert under_way.block == SHORT
    await house.run(1)
    assert house.card.open_blocks == [SHORTEST]
    assert house.heard == NOISE.tobytes()[: len(house.heard)]


async def test_a_machine_too_busy_for_the_shortest_blocks_gets_longer_ones(house: House) -> None:
    """Rather 10 ms more than lost sound. A few that were lost are borne."""
    house.pace = Pace.HURRIED
    await house.run(1)
    shortest = house.card.streams[-1]
    assert shortest.block == SHORTEST
    for lost in range(microphone.OVERFLOWS_BORNE + 1):
        await house.run(0.5)
        assert house.card.open_blocks == [SHORTEST], f"after {lost}"
        shortest.overflows = True
    await house.run(1)
    assert house.card.open_blocks == [SHORT]
    assert house.heard == NOISE.tobytes()[: len(house.heard)]


async def test_it_is_told_how_long_sound_has_waited_for_the_event_loop(house: House) -> None:
    """Not for how long its blocks are: they count from when the card gave them."""
    await house.run(1)
    assert set(house.waits) == {0.0}
    house.waits.clear()
    for _ in range(24):
        house.card.advance()
    await house.run(0.005)
    assert house.waits == pytest.approx([0.085, 0.005])
    assert house.heard == NOISE.tobytes()[: len(house.heard)]


async def test_sound_that_waited_for_more_than_a_second_is_dropped_and_what_follows_does_not_join_on(
    house: House,
) -> None:
    """The newest piece is kept, the frames begin where they would have, and later nothing is lost any more."""
    house.pace = Pace.HURRIED
    await house.run(1.5)
    lost = house.microphone.losses
    house.pieces.clear()
    for _ in range(int(handover.MOST_S * 200) + 20):
        house.card.advance()
    await house.run(0.005)
    assert (house.gaps, house.microphone.losses) == (1, lost + 1)
    assert house.card.open_blocks == [SHORTEST]
    await house.run(1)
    end = house.card.now // SHORT * SHORT
    assert house.heard == NOISE[end - len(house.heard) // 2 : end].tobytes()
    assert 1.0 <= len(house.heard) / 2 / CAPTURE_RATE < 1.2
    assert house.gaps == 1


async def test_streams_are_joined_after_sound_was_lost_in_the_middle_of_a_change(house: House) -> None:
    """What was prepared of the second stream is of no use then."""
    await house.run(1)
    house.pace = Pace.CALM
    await house.run(0.4)
    assert len(house.card.open_blocks) == 2
    for _ in range(int(handover.MOST_S * 200) + 20):
        house.card.advance()
    house.pieces.clear()
    await house.run(2)
    assert house.card.open_blocks == [LONG]
    assert house.gaps == 1
    at = len(NOISE.tobytes().partition(house.pieces[0])[0])
    assert house.heard == NOISE.tobytes()[at : at + len(house.heard)]


async def test_closing_ends_both_streams(house: House) -> None:
    """Muted is muted, also in the middle of a change."""
    await house.run(1)
    house.pace = Pace.CALM
    await house.run(0.5)
    assert len(house.card.open_blocks) == 2
    await house.microphone.close()
    assert not house.card.open_blocks
    house.pieces.clear()
    await house.run(1)
    assert not house.pieces


async def test_nothing_that_was_said_before_a_mute_comes_after_it(house: House) -> None:
    """What was withheld for the second stream is forgotten with the rest."""
    await house.run(1)
    house.pace = Pace.CALM
    await house.run(0.5)
    assert len(house.card.open_blocks) == 2
    await house.microphone.close()
    muted_at = house.card.now
    house.pieces.clear()
    await house.microphone.open()
    await house.run(5)
    assert house.heard
    assert house.heard == NOISE[muted_at:].tobytes()[: len(house.heard)]


@pytest.mark.parametrize("waiting_s", [0.1, 1.5])
async def test_what_waits_for_the_event_loop_at_a_mute_never_comes(house: House, waiting_s: float) -> None:
    """Though it is unmuted at once, and even if some of it was dropped."""
    house.pace = Pace.HURRIED
    await house.run(1)
    for _ in range(int(waiting_s * 200)):
        house.card.advance()
    house.pieces.clear()
    muted = house.card.now
    await house.microphone.close()
    await house.microphone.open()
    await house.run(1)
    assert len(house.heard) > CAPTURE_RATE
    assert house.heard == NOISE[muted : muted + len(house.heard) // 2].tobytes()


async def test_a_mute_closes_the_stream_in_use_though_the_other_one_hangs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed, not only ignored."""
    await house.run(1)
    house.pace = Pace.CALM
    await house.run(0.5)
    in_use, second = house.card.streams
    order: list[Stream] = []
    monkeypatch.setattr(Stream, "close", lambda stream: order.append(stream) or setattr(stream, "is_open", False))
    await house.microphone.close()
    assert order == [in_use, second]


async def test_a_second_stream_that_brings_nothing_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not tried again and again."""
    monkeypatch.setattr(microphone, "CHANGE_LIMIT_S", 0.5)
    await house.run(1)
    capture = Stream.capture
    monkeypatch.setattr(Stream, "capture", lambda self, end: self.block == LONG or capture(self, end))
    house.pace = Pace.CALM
    await house.run(3)
    assert house.card.open_blocks == [SHORT]
    assert len(house.card.streams) == 2
    assert house.heard == NOISE.tobytes()[: len(house.heard)]
    assert len(house.heard) > 2 * 3 * CAPTURE_RATE


async def test_a_first_stream_that_does_not_end_is_closed_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still just when the second one has taken over."""
    monkeypatch.setattr(microphone, "CHANGE_LIMIT_S", 3.0)
    await house.run(1)
    house.pace = Pace.CALM
    capture = Stream.capture

    def stall(stream: Stream, end: int) -> None:
        if stream.block == LONG or not any(len(piece) == 2 * LONG for piece in house.pieces):
            capture(stream, end)

    monkeypatch.setattr(Stream, "capture", stall)
    await house.run(5)
    await until(lambda: house.card.open_blocks == [LONG], "the end of the first stream")
    assert house.heard == NOISE.tobytes()[: len(house.heard)]
    assert len(house.heard) > 2 * 5 * CAPTURE_RATE


async def test_on_a_real_card_no_sample_is_lost_or_doubled_at_a_change(
    virtual_card: VirtualSoundCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise in the room, and three changes: every tenth of a second of it is found in its place in a recording.

    Each stream samples the room's 48 kHz at one of three moments. In white noise that alone makes two streams unlike.
    """
    monkeypatch.setattr(microphone, "WORTH_LONG_BLOCKS", 0)
    smooth = np.convolve(NOISE[: 10 * CAPTURE_RATE], np.hanning(9), "same").astype("<i2")
    pieces: list[bytes] = []
    paces = [Pace.HURRIED]
    cards = SoundCards(Audio(input=MICROPHONE), lambda event: None)
    mic = AlsaMicrophone(cards, lambda pcm, moment: pieces.append(pcm), lambda: paces[-1])
    with virtual_card.record_room(CAPTURE_RATE) as room:
        await mic.open()
        playing = asyncio.create_task(virtual_card.play_into_room(smooth.tobytes(), CAPTURE_RATE))
        for pace in (Pace.HURRIED, Pace.CALM, Pace.HURRIED, Pace.CALM):
            paces.append(pace)
            size = len(b"".join(pieces))
            mic.adapt()
            await until(lambda size=size: len(b"".join(pieces)) > size + 2 * 2 * CAPTURE_RATE)
        await playing
        await cards.close()
    places = places_of(b"".join(pieces), room.pcm)
    assert len(places) > 50
    assert max(places) - min(places) <= 1


def places_of(heard: bytes, recorded: bytes) -> list[int]:
    """Return where each tenth of a second of noise begins in the recording, less where it was heard."""
    size, step = 1 << 19, CAPTURE_RATE // 10
    sound = np.frombuffer(heard, "<i2").astype(float)
    spectrum = np.fft.rfft(np.frombuffer(recorded, "<i2").astype(float), size)
    places = []
    for at in range(0, len(sound) - step, step):
        part = sound[at : at + step]
        match = np.fft.irfft(spectrum * np.conj(np.fft.rfft(part, size)))
        if match.max() > 0.9 * part.dot(part) > 0:
            places.append(int(match.argmax()) - at)
    return places
