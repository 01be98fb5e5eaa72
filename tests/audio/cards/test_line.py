"""What becomes of a stream that fails, of one that recovers, and of the one beside it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from device.audio.cards import line, portaudio
from device.audio.cards.capture import Pace
from device.audio.cards.devices import SoundDevice
from device.audio.cards.filling.playout import Cause
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.settings import Audio
from device.core.events import Device, DeviceFailed, DeviceRecovered, Event
from device.errors import AudioError, ConfigError
from device.sim.devices.soundcard import MICROPHONE
from device.units import Hz, Samples
from tests.waiting import until

# The card below keeps time.
pytestmark = [pytest.mark.card, pytest.mark.patient]

LIMIT_S = 20.0
INPUT_OVERFLOW = 2
TIMES = {"output_buffer_dac_time": 0.0, "input_buffer_adc_time": 0.0, "current_time": 0.0}


class MoodyCard:
    """PortAudio with one card, which is there or not, and busy or not."""

    def __init__(self) -> None:
        self.there = True
        self.busy = False
        self.inputs = 2
        self.silent = False
        self.speed = 1
        self.streams: list[MoodyStream] = []
        self.listings = 0

    def devices(self) -> tuple[SoundDevice, ...]:
        """The card, while it is there, beside one that always is."""
        moody = (SoundDevice(0, "Moody", self.inputs, 2),) if self.there else ()
        return (*moody, SoundDevice(1, "Steady", 1, 1))

    def open(self, device: SoundDevice, *rest: Any) -> MoodyStream:
        """Refuse while it is busy, as PortAudio does."""
        if device.index == 0 and self.busy:
            raise OSError(-9985, "Device unavailable")
        self.streams.append(MoodyStream(rest[-1], self.speed))
        if not self.silent:
            threading.Thread(target=self.streams[-1].run, daemon=True).start()
        return self.streams[-1]

    def open_output(self, speaker: AlsaSpeaker, device: SoundDevice) -> MoodyStream:
        """As a loudspeaker."""
        return self.open(device, lambda data, count, times, status: speaker.feed(Samples(count), 0.0))

    def terminate(self) -> None:
        """Count how often the devices are listed anew."""
        self.listings += 1


class MoodyStream:
    """A stream that is active until it breaks."""

    def __init__(self, on_block: Any, speed: int) -> None:
        self.on_block = on_block
        self.active = True
        self.speed = speed

    def run(self) -> None:
        """In a thread of the card's: a block of 20 ms every 20 ms, or so many times faster."""
        while self.active:
            self.on_block(bytes(640), 320, TIMES, 0)
            time.sleep(0.02 / self.speed)

    def is_active(self) -> bool:
        """Until PortAudio gives it up."""
        return self.active

    def close(self) -> None:
        """Harmless."""
        self.active = False


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> MoodyCard:
    """A card in PortAudio's place, and supervision in a hurry."""
    card = MoodyCard()
    monkeypatch.setattr(SoundCards, "devices", lambda self: card.devices())
    monkeypatch.setattr(SoundCards, "open_input", lambda self, *arguments: card.open(*arguments))
    monkeypatch.setattr(AlsaSpeaker, "_open_playout", lambda self, device, rate: card.open_output(self, device))
    monkeypatch.setattr(SoundCards, "terminate", lambda self: card.terminate())
    monkeypatch.setattr(portaudio, "WATCH_S", 0.005)
    # Whoever opens a stream wakes the supervision up.
    monkeypatch.setattr(portaudio, "CALM_WATCH_S", 3_600.0)
    monkeypatch.setattr(line, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(line, "LONGEST_RETRY_S", 0.02)
    monkeypatch.setattr(line, "STALL_S", LIMIT_S)
    monkeypatch.setattr(line, "DOUBT_S", 0.0)
    monkeypatch.setattr(line, "PROOF_S", 0.01)
    return card


class Facts(list[Event]):
    """What was posted."""

    def of(self, device: Device) -> list[type[Event]]:
        """The kinds of facts about a device, in a row."""
        return [
            type(fact) for fact in self if isinstance(fact, DeviceFailed | DeviceRecovered) and fact.device is device
        ]


@pytest.fixture
def facts() -> Facts:
    """Nothing yet."""
    return Facts()


@pytest.fixture
async def cards(card: MoodyCard, facts: Facts) -> AsyncIterator[SoundCards]:
    """Microphone and loudspeaker are both the moody card."""
    cards = SoundCards(Audio(input="Moody", output="Moody"), facts.append)
    yield cards
    await cards.close()


async def test_a_busy_microphone_is_reported_and_tried_again(card: MoodyCard, cards: SoundCards, facts: Facts) -> None:
    """Another program lets it go: nobody has to press mute twice."""
    card.busy = True
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    with pytest.raises(AudioError, match="another program"):
        await microphone.open()
    await until(lambda: card.listings > 1)
    assert facts.of(Device.MICROPHONE) == [DeviceFailed]
    card.busy = False
    await until(lambda: microphone.works)
    assert facts.of(Device.MICROPHONE) == [DeviceFailed, DeviceRecovered]


async def test_a_microphone_that_hangs_is_not_called_closed(
    card: MoodyCard, cards: SoundCards, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of its sound is used; but whether it captures is not known until the card has let it go."""
    monkeypatch.setattr(line, "HANG_S", 0.05)
    frames: list[bytes] = []
    microphone = AlsaMicrophone(cards, lambda frame, moment: frames.append(frame))
    await microphone.open()
    await until(lambda: frames)
    let_go = threading.Event()
    monkeypatch.setattr(card.streams[-1], "close", let_go.wait)
    await microphone.close()
    heard = len(frames)
    assert not microphone.is_closed
    let_go.set()
    await microphone.close()
    assert microphone.is_closed
    assert len(frames) == heard


async def test_a_microphone_with_too_few_channels_is_a_fault_too(card: MoodyCard, facts: Facts) -> None:
    """Another card may have taken the name of the array."""
    cards = SoundCards(Audio(input="Moody", input_channel=1), facts.append)
    card.inputs = 1
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    with pytest.raises(ConfigError):
        await microphone.open()
    assert facts.of(Device.MICROPHONE) == [DeviceFailed]
    card.inputs = 2
    await until(lambda: microphone.is_open)
    await cards.close()


async def test_a_fault_ends_with_the_unmute_that_works(card: MoodyCard, cards: SoundCards, facts: Facts) -> None:
    """The microphone broke, was muted, and came back meanwhile."""
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    await microphone.open()
    card.there = False
    card.streams[-1].active = False
    await until(lambda: facts.of(Device.MICROPHONE) == [DeviceFailed])
    await microphone.close()
    assert facts.of(Device.MICROPHONE) == [DeviceFailed]
    with pytest.raises(AudioError):
        await microphone.open()
    assert facts.of(Device.MICROPHONE) == [DeviceFailed], "it is said once"
    await microphone.close()
    card.there = True
    await microphone.open()
    await until(lambda: microphone.works)
    assert facts.of(Device.MICROPHONE) == [DeviceFailed, DeviceRecovered]


async def test_a_loudspeaker_that_opens_again_has_recovered(
    card: MoodyCard, cards: SoundCards, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is not torn down by the next retry."""
    monkeypatch.setattr(line, "FIRST_RETRY_S", LIMIT_S)
    card.busy = True
    speaker = AlsaSpeaker(cards, Hz(24_000))
    with pytest.raises(AudioError):
        await speaker.open()
    card.busy = False
    await speaker.open()
    await until(lambda: speaker.works)
    assert facts.of(Device.SPEAKER) == [DeviceFailed, DeviceRecovered]
    await speaker.look_after()
    assert len(card.streams) == 1
    assert speaker.is_open


async def test_an_absent_loudspeaker_leaves_the_microphone_alone(card: MoodyCard, facts: Facts) -> None:
    """However often it is looked for."""
    cards = SoundCards(Audio(input="Steady", output="Moody"), facts.append)
    gaps: list[bool] = []
    microphone, speaker = (
        AlsaMicrophone(cards, lambda frame, moment: None, lambda: Pace.STEADY, lambda: gaps.append(True)),
        AlsaSpeaker(cards, Hz(24_000)),
    )
    await microphone.open()
    card.there = False
    tries = 0

    def count_tries() -> tuple[SoundDevice, ...]:
        nonlocal tries
        tries += 1
        return MoodyCard.devices(card)

    card.devices = count_tries  # type: ignore[method-assign]
    with pytest.raises(AudioError):
        await speaker.open()
    await until(lambda: tries > 10)
    assert card.listings == 0
    assert len(card.streams) == 1
    assert not gaps
    card.there = True
    await until(lambda: speaker.is_open)
    await cards.close()


@pytest.fixture
def good_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loudspeaker was plugged in, and only a new listing will show it."""
    monkeypatch.setattr("device.audio.cards.alsa.pcms.look_for", lambda *arguments: 0)


@pytest.mark.usefixtures("good_news")
@pytest.mark.parametrize("listening", [True, False])
async def test_a_loudspeaker_that_is_plugged_in_interrupts_only_an_idle_microphone(
    card: MoodyCard, facts: Facts, listening: bool
) -> None:
    """Once, and the front end is told that the sound does not join on; no fault is posted for it."""
    cards = SoundCards(Audio(input="Steady", output="Moody"), facts.append)
    gaps: list[bool] = []
    pace = Pace.HURRIED if listening else Pace.CALM
    microphone = AlsaMicrophone(cards, lambda frame, moment: None, lambda: pace, lambda: gaps.append(True))
    speaker = AlsaSpeaker(cards, Hz(24_000))
    await microphone.open()
    card.there = False
    with pytest.raises(AudioError):
        await speaker.open()
    if not listening:
        await until(lambda: bool(gaps))
    await asyncio.sleep(0.1)  # in which it would be listed again
    assert card.listings == len(gaps) == int(not listening)
    assert microphone.is_open
    assert facts.of(Device.MICROPHONE) == []
    await cards.close()


async def test_the_front_end_is_told_of_a_break_before_the_fault_is_posted(card: MoodyCard) -> None:
    """The machine's orders must find it ready."""
    order: list[str] = []
    cards = SoundCards(Audio(input="Moody"), lambda fact: order.append(type(fact).__name__))
    await AlsaMicrophone(cards, lambda frame, moment: None, lambda: Pace.HURRIED, lambda: order.append("gap")).open()
    card.streams[-1].active = False
    await until(lambda: len(order) > 1)
    assert order[:2] == ["gap", "DeviceFailed"]
    await cards.close()


async def test_the_supervision_survives_what_nobody_foresaw(card: MoodyCard, caplog: pytest.LogCaptureFixture) -> None:
    """A house whose supervision has died is alive but deaf."""
    facts: list[Event] = []

    def post(fact: Event) -> None:
        facts.append(fact)
        if len(facts) == 1:
            raise RuntimeError("a bug")

    cards = SoundCards(Audio(input="Moody"), post)
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    await microphone.open()
    card.streams[-1].active = False
    await until(lambda: len(facts) == 2 and microphone.is_open)
    assert "a bug" in caplog.text
    await cards.close()


@pytest.mark.parametrize("kind", ["microphone", "speaker"])
async def test_recovered_means_that_a_block_came(
    card: MoodyCard, cards: SoundCards, facts: Facts, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A device that opens and gives or takes nothing has failed once, however often it is tried, ever less often."""
    monkeypatch.setattr(line, "STALL_S", 0.03)
    card.silent = True
    one = AlsaMicrophone(cards, lambda frame, moment: None) if kind == "microphone" else AlsaSpeaker(cards, Hz(24_000))
    await one.open()
    assert not await one.settle()
    await until(lambda: len(card.streams) > 5)
    assert facts.of(one.device) == [DeviceFailed]
    assert "can be opened, but" in str(facts[0])
    card.silent = False
    await until(lambda: one.works)
    assert facts.of(one.device) == [DeviceFailed, DeviceRecovered]


async def test_a_device_that_gives_nothing_is_tried_less_and_less_often(
    card: MoodyCard, cards: SoundCards, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wait is twice the one before, to a longest one; what was absent meanwhile may come back sooner."""
    waits: list[float] = []
    monkeypatch.setattr(line, "STALL_S", 0.0)
    monkeypatch.setattr(line, "LONGEST_DOUBT_S", 0.08)
    card.silent = True
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    fail = microphone._fail

    async def note(reason: str) -> None:
        told_at = time.monotonic()
        await fail(reason)
        waits.append(round(microphone._next_try - told_at, 2))

    monkeypatch.setattr(microphone, "_fail", note)
    await microphone.open()
    await until(lambda: len(waits) >= 5)
    assert waits[:5] == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.08], abs=0.011)


async def test_who_opens_what_is_open_and_works_does_not_wait(cards: SoundCards) -> None:
    """It is known already."""
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    for _ in range(2):
        await microphone.open()
        assert await asyncio.wait_for(microphone.settle(), LIMIT_S)


async def test_a_retry_that_opens_is_no_line_of_the_log(
    card: MoodyCard, cards: SoundCards, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A microphone without sound was told 51,000 times a day; the first opening is told."""
    caplog.set_level("INFO")
    monkeypatch.setattr(line, "STALL_S", 0.01)
    card.silent = True
    await AlsaMicrophone(cards, lambda frame, moment: None).open()
    await until(lambda: len(card.streams) > 4)
    assert [record.message.partition(",")[0] for record in caplog.records] == ["microphone: Moody"]


async def test_a_stream_without_end_is_told_as_that(
    card: MoodyCard, cards: SoundCards, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never recovers by itself: what a file gives is not what a room sounds like."""
    monkeypatch.setattr(line, "PROOF_S", 0.3)
    card.speed = 1000
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    await microphone.open()
    assert not await microphone.settle()
    await until(lambda: len(card.streams) > 2)
    assert facts.of(Device.MICROPHONE) == [DeviceFailed]
    assert "faster than time passes" in str(facts[0])


@pytest.mark.usefixtures("virtual_card")
async def test_an_opened_stream_is_told_with_its_device(caplog: pytest.LogCaptureFixture) -> None:
    """One line: who listens to what."""
    caplog.set_level("INFO")
    cards = SoundCards(Audio(input=MICROPHONE), lambda event: None)
    await AlsaMicrophone(cards, lambda frame, moment: None).open()
    await cards.close()
    assert f"microphone: {MICROPHONE}, 16000 Hz, 1 channels, blocks of 320" in caplog.text


async def test_lost_sound_is_counted_and_told_once_a_minute(
    card: MoodyCard, cards: SoundCards, caplog: pytest.LogCaptureFixture
) -> None:
    """In either direction; a machine that is too busy must not be made busier."""
    microphone, speaker = AlsaMicrophone(cards, lambda frame, moment: None), AlsaSpeaker(cards, Hz(24_000))
    await microphone.open()
    await speaker.open()
    for _ in range(2):
        for _ in range(3):
            card.streams[0].on_block(bytes(640), 320, TIMES, INPUT_OVERFLOW)
            speaker.note_dry(Cause.MACHINE)
        card.streams[0].on_block(bytes(640), 320, TIMES, 0)
        await microphone.look_after()
        await speaker.look_after()
    told = [
        record.message for record in caplog.records if "lost sound" in record.message or "ran dry" in record.message
    ]
    assert sorted((message.split(":")[0] for message in told), reverse=True) == [
        "the microphone lost sound 3 times",
        "the loudspeaker ran dry 3 times because the machine was too busy; it now keeps 30 ms ahead",
    ]


@pytest.mark.parametrize(
    ("causes", "level", "told"),
    [
        ([Cause.BEGINNING] * 4, "INFO", "4 times while the stream began"),
        ([Cause.CARD], "WARNING", "once though it was filled in time: the card or its sound server stood still"),
        (
            [Cause.BEGINNING, Cause.MACHINE],
            "WARNING",
            "once while the stream began, once because the machine was too busy",
        ),
    ],
)
async def test_why_the_loudspeaker_ran_dry_is_told_as_it_was(
    cards: SoundCards, caplog: pytest.LogCaptureFixture, causes: list[Cause], level: str, told: str
) -> None:
    """A stream that begins with nothing to play is no machine that is too busy."""
    caplog.set_level("INFO")
    speaker = AlsaSpeaker(cards, Hz(24_000))
    await speaker.open()
    for cause in causes:
        speaker.note_dry(cause)
    await speaker.look_after()
    (record,) = [record for record in caplog.records if "ran dry" in record.message]
    assert record.levelname == level
    assert record.message == f"the loudspeaker ran dry {told}; it now keeps 30 ms ahead"


async def test_devices_that_cannot_be_listed_are_told_like_one_that_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, facts: Facts
) -> None:
    """Whatever PortAudio itself fails of: the microphone is tried again, and an answer goes by unheard."""

    class Broken:
        """PortAudio with an error of its own."""

        def get_device_count(self) -> int:
            raise OSError(-9986, "Internal PortAudio error")

        def terminate(self) -> None:
            """Harmless."""

    cards = SoundCards(Audio(), facts.append)
    monkeypatch.setattr(SoundCards, "_initialise", lambda self: Broken())
    with pytest.raises(AudioError, match="cannot be listed: Internal PortAudio error"):
        await AlsaMicrophone(cards, lambda pcm, moment: None).open()
    assert facts.of(Device.MICROPHONE) == [DeviceFailed]
    await cards.close()
