"""The sound cards, over the virtual card: every PCM is real."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from device.audio.cards import line, portaudio
from device.audio.cards.devices import SoundDevice
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.settings import Audio
from device.core.events import Device, DeviceFailed, DeviceRecovered, Event
from device.errors import AudioError, ConfigError, DeviceNotFoundError
from device.sim.devices.soundcard import MICROPHONE, SPEAKER, VirtualSoundCard
from device.units import Hz
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

# As PortAudio gives them: by a clock of its own.
TIMES = {"input_buffer_adc_time": 7.0, "current_time": 7.02}
TONE = (np.sin(np.arange(8000) * 0.3) * 12_000).astype("<i2").tobytes()


def loud(frames: list[bytes]) -> bool:
    """Whether the tone is in there."""
    return bool(np.abs(np.frombuffer(b"".join(frames), dtype="<i2").astype(int)).max(initial=0) > 8000)


@pytest.fixture
async def own_card(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VirtualSoundCard]:
    """A card to be rough with: an array of six microphones."""
    async with VirtualSoundCard(channels=6) as card:
        for name, value in card.env().items():
            monkeypatch.setenv(name, value)
        yield card


@pytest.mark.card
async def test_a_card_that_goes_away_is_reported_and_comes_back(own_card: VirtualSoundCard) -> None:
    """Microphone and loudspeaker both; frames flow again, and the source is asked again."""
    events: list[Event] = []
    frames: list[bytes] = []
    pulls: list[int] = []
    lost: list[bool] = []
    cards = SoundCards(Audio(input=MICROPHONE, output=SPEAKER), events.append)
    microphone = AlsaMicrophone(cards, lambda frame, moment: frames.append(frame))
    speaker = AlsaSpeaker(cards, Hz(24_000))

    def source(count: int, moment: float) -> bytes:
        pulls.append(count)
        return bytes(2 * count)

    speaker.attach(source, lambda: lost.append(True), lambda moment: None)
    await microphone.open()
    await speaker.open()
    await until(lambda: len(frames) > 5 and len(pulls) > 5)
    own_card.unplug()
    await until(lambda: len(events) == 2)
    assert {event.device for event in events if isinstance(event, DeviceFailed)} == {
        Device.MICROPHONE,
        Device.SPEAKER,
    }
    assert lost == [True]
    frames.clear()
    pulls.clear()
    await asyncio.to_thread(own_card.replug)
    await until(lambda: len(events) == 4 and len(frames) > 5 and len(pulls) > 5)
    assert set(events[2:]) == {DeviceRecovered(Device.MICROPHONE), DeviceRecovered(Device.SPEAKER)}
    await cards.close()


@pytest.mark.card
async def test_a_card_that_sleeps_for_a_while_after_its_first_blocks_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An idle null sink with its defaults: it takes a buffer full at once, then nothing for up to 2 s."""
    async with VirtualSoundCard(sleepy=True) as card:
        for name, value in card.env().items():
            monkeypatch.setenv(name, value)
        events: list[Event] = []
        pulls: list[int] = []
        cards = SoundCards(Audio(output=SPEAKER), events.append)
        speaker = AlsaSpeaker(cards, Hz(24_000))

        def source(count: int, moment: float) -> bytes:
            pulls.append(count)
            return bytes(2 * count)

        speaker.attach(source, lambda: None, lambda moment: None)
        await speaker.open()
        await until(lambda: len(pulls) > 50)
        assert events == []
        await cards.close()


@pytest.mark.card
async def test_a_microphone_closed_while_broken_is_not_reopened(own_card: VirtualSoundCard) -> None:
    """Mute is sovereign: nobody opens the microphone behind its back."""
    events: list[Event] = []
    frames: list[bytes] = []
    cards = SoundCards(Audio(input=MICROPHONE), events.append)
    microphone = AlsaMicrophone(cards, lambda frame, moment: frames.append(frame))
    await microphone.open()
    await until(lambda: bool(frames))
    own_card.unplug()
    await until(lambda: len(events) == 1)
    await microphone.close()
    await asyncio.to_thread(own_card.replug)
    frames.clear()
    await microphone.look_after()
    assert not microphone.is_open
    assert not frames
    await cards.close()


@pytest.mark.card
async def test_the_chosen_microphone_of_an_array_is_heard(own_card: VirtualSoundCard) -> None:
    """The tone is played to the sixth alone."""
    frames: list[bytes] = []
    cards = SoundCards(Audio(input=MICROPHONE, input_channel=5), lambda event: None)
    await AlsaMicrophone(cards, lambda frame, moment: frames.append(frame)).open()
    await until(lambda: bool(frames))
    await own_card.play_into_room(TONE, Hz(16_000), channel=5)
    await until(lambda: loud(frames))
    await cards.close()


@pytest.mark.usefixtures("virtual_card")
class TestConfiguration:
    """What the configuration may get wrong."""

    async def test_an_unknown_microphone_is_an_error_that_lists_those_there_are(self) -> None:
        """And the key to change."""
        cards = SoundCards(Audio(input="Jabra"), lambda event: None)
        with pytest.raises(DeviceNotFoundError, match=f'audio.input = "Jabra".*"{MICROPHONE}"'):
            await AlsaMicrophone(cards, lambda frame, moment: None).open()
        await cards.close()

    async def test_an_unknown_loudspeaker_is_reported_too(self) -> None:
        """It is opened in the middle of things: the person is shown a fault."""
        events: list[Event] = []
        cards = SoundCards(Audio(output="Jabra"), events.append)
        with pytest.raises(DeviceNotFoundError, match=r"audio\.output"):
            await AlsaSpeaker(cards, Hz(24_000)).open()
        assert [type(event) for event in events] == [DeviceFailed]
        await cards.close()

    async def test_default_works_where_alsa_has_a_default(self) -> None:
        """The shipped configuration."""
        frames: list[bytes] = []
        cards = SoundCards(Audio(), lambda event: None)
        await AlsaMicrophone(cards, lambda frame, moment: frames.append(frame)).open()
        await until(lambda: bool(frames))
        await cards.close()

    async def test_frames_of_10_ms(self) -> None:
        """As configured."""
        frames: list[bytes] = []
        cards = SoundCards(Audio(input=MICROPHONE, frame_ms=10), lambda event: None)
        await AlsaMicrophone(cards, lambda frame, moment: frames.append(frame)).open()
        await until(lambda: bool(frames))
        await cards.close()
        assert {len(frame) for frame in frames} == {320}


class _FussyCard:
    """PortAudio with a card that does one rate only."""

    def __init__(self, rate: int, inputs: int) -> None:
        self.rate = rate
        self.device = SoundDevice(0, "Fussy: USB Audio (hw:1,0)", inputs, 2)
        self.opened: list[tuple[int, int]] = []
        self.active = True

    def devices(self) -> tuple[SoundDevice, ...]:
        """One card."""
        return (self.device,)

    def open(self, device: SoundDevice, rate: Hz, channels: int, block: int, on_block: Any) -> Any:
        """Refuse every other rate, as PortAudio does."""
        self.on_block = on_block
        if rate != self.rate:
            raise OSError(-9997, "Invalid sample rate")
        self.opened.append((rate, channels))
        return self

    def close(self) -> None:
        """The stream."""

    def is_active(self) -> bool:
        """Until PortAudio gives it up."""
        return self.active


@pytest.fixture
def fussy(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], _FussyCard]:
    """Put a fussy card in PortAudio's place."""

    def make(rate: int, inputs: int) -> _FussyCard:
        card = _FussyCard(rate, inputs)
        monkeypatch.setattr(SoundCards, "devices", lambda self: card.devices())
        monkeypatch.setattr(SoundCards, "open_input", lambda self, *arguments: card.open(*arguments))
        monkeypatch.setattr(
            AlsaSpeaker, "_open_playout", lambda self, device, rate: card.open(device, rate, 1, 0, self.feed)
        )
        return card

    return make


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
async def test_a_card_is_opened_at_a_rate_it_does(fussy: Callable[[int, int], _FussyCard], rate: int) -> None:
    """With all channels of a real card, to pick one of them unmixed."""
    card = fussy(rate, 6)
    frames: list[bytes] = []
    cards = SoundCards(Audio(input="fussy", input_channel=2), lambda event: None)
    microphone = AlsaMicrophone(cards, lambda frame, moment: frames.append(frame))
    await microphone.open()
    assert card.opened == [(rate, 6)]
    block = np.tile(np.arange(6, dtype="<i2") * 1000, rate // 50).tobytes()
    for _ in range(10):
        card.on_block(block, rate // 50, TIMES, 0)
    await until(lambda: len(frames) >= 8)
    assert np.frombuffer(frames[5], dtype="<i2") == pytest.approx(2000, abs=5)
    await microphone.close()


@pytest.mark.parametrize(
    ("inputs", "outputs", "rate"),
    [(2, 0, 16_000), (2, 2, 48_000), (128, 128, 48_000), (32, 32, 16_000)],
    ids=["microphone", "codec with one clock", "ALSA's plug", "PulseAudio"],
)
async def test_the_first_rate_tried_is_one_that_harms_nothing(
    fussy: Callable[[int, int], _FussyCard], inputs: int, outputs: int, rate: int
) -> None:
    """16 kHz needs no resampling, but a codec would hold its loudspeaker to it, and plug would convert it badly."""
    card = fussy(rate, inputs)
    card.device = SoundDevice(0, "Fussy", inputs, outputs)
    tried: list[int] = []

    def take(device: SoundDevice, rate: Hz, *rest: Any) -> Any:
        tried.append(rate)
        return card

    card.open = take  # type: ignore[method-assign]
    cards = SoundCards(Audio(input="fussy"), lambda event: None)
    await AlsaMicrophone(cards, lambda frame, moment: None).open()
    assert tried == [rate]
    await cards.close()


async def test_a_card_that_does_no_known_rate_is_an_error(fussy: Callable[[int, int], _FussyCard]) -> None:
    """The message says what was tried."""
    fussy(11_025, 1)
    cards = SoundCards(Audio(input="fussy"), lambda event: None)
    with pytest.raises(AudioError, match="16000 Hz: Invalid sample rate"):
        await AlsaMicrophone(cards, lambda frame, moment: None).open()


async def test_a_channel_the_card_does_not_have_is_an_error(fussy: Callable[[int, int], _FussyCard]) -> None:
    """The key, the device and its number of channels."""
    fussy(16_000, 2)
    cards = SoundCards(Audio(input="fussy", input_channel=2), lambda event: None)
    with pytest.raises(ConfigError, match=r"audio\.input_channel = 2.*2 input channels"):
        await AlsaMicrophone(cards, lambda frame, moment: None).open()


async def test_a_speaker_takes_the_rate_of_the_card(fussy: Callable[[int, int], _FussyCard]) -> None:
    """Who fills it resamples."""
    fussy(44_100, 0)
    speaker = AlsaSpeaker(SoundCards(Audio(output="fussy"), lambda event: None), Hz(24_000))
    await speaker.open()
    assert speaker.rate == 44_100
    await speaker.close()


async def test_a_stream_that_stalls_is_a_failure(
    fussy: Callable[[int, int], _FussyCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be open as far as PortAudio knows. Digital silence is none: blocks of zeros are blocks."""
    monkeypatch.setattr(line, "STALL_S", 0.0)
    fussy(16_000, 1)
    events: list[Event] = []
    cards = SoundCards(Audio(input="fussy"), events.append)
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    await microphone.open()
    await microphone.look_after()
    assert [type(event) for event in events] == [DeviceFailed]
    await cards.close()


async def test_a_stream_that_portaudio_gave_up_is_a_failure_at_once(
    fussy: Callable[[int, int], _FussyCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it to have been silent long enough."""
    monkeypatch.setattr(line, "DOUBT_S", 0.0)
    card = fussy(16_000, 1)
    events: list[Event] = []
    cards = SoundCards(Audio(input="fussy"), events.append)
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    await microphone.open()
    card.active = False
    await microphone.look_after()
    assert [type(event) for event in events] == [DeviceFailed]
    await cards.close()


async def test_a_healthy_stream_is_left_alone(fussy: Callable[[int, int], _FussyCard]) -> None:
    """Also one that delivers nothing but zeros."""
    card = fussy(16_000, 1)
    events: list[Event] = []
    cards = SoundCards(Audio(input="fussy"), events.append)
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    await microphone.open()
    card.on_block(bytes(640), 320, TIMES, 0)
    await microphone.look_after()
    assert events == []
    assert len(card.opened) == 1
    await cards.close()


async def test_a_sound_system_that_hung_when_it_was_closed_is_let_go_of_when_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else no later list of devices would be a new one, for as long as the program runs."""
    monkeypatch.setattr(portaudio, "HANG_S", 0.05)
    cards = SoundCards(Audio(), lambda event: None)
    let_go: list[bool] = []
    monkeypatch.setattr(cards, "_portaudio", SimpleNamespace(terminate=lambda: let_go.append(True)))
    answers = threading.Event()
    hanging = asyncio.create_task(cards.call(answers.wait, LIMIT_S))
    await asyncio.sleep(0)
    await cards.close()
    assert not let_go
    answers.set()
    await hanging
    await cards.call(lambda: None)
    assert let_go == [True]


def test_pyaudio_is_imported_in_one_file() -> None:
    """One file per foreign library."""
    sources = Path(portaudio.__file__).parents[2].rglob("*.py")
    users = [path.name for path in sources if "import pyaudio" in path.read_text(encoding="utf-8")]
    assert users == ["portaudio.py"]


@pytest.mark.card
async def test_a_microphone_that_is_shut_at_the_start_is_opened_when_it_can_be(own_card: VirtualSoundCard) -> None:
    """It exists, so the configuration is right: a sound server that comes up late is no reason to give up."""
    events: list[Event] = []
    frames: list[bytes] = []
    cards = SoundCards(Audio(input=MICROPHONE, output=SPEAKER), events.append)
    await asyncio.to_thread(own_card.unplug)
    await cards.find()
    with pytest.raises(AudioError, match="is there, but cannot be opened") as raised:
        await AlsaMicrophone(cards, lambda frame, moment: frames.append(frame)).open()
    assert not isinstance(raised.value, ConfigError)
    await asyncio.to_thread(own_card.replug)
    await until(lambda: len(frames) > 5 and len(events) > 1)
    assert [type(event) for event in events] == [DeviceFailed, DeviceRecovered]
    await cards.close()
