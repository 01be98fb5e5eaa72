"""set_volume, over a mixer and without one."""

from __future__ import annotations

import asyncio

import pytest

from device.audio.settings import Audio
from device.audio.volume import Volume
from device.errors import AudioError, ToolError
from device.tools.registry import Registry
from device.tools.volume import spoken_number, volume_tool


class FakeMixer:
    """A card with steps of four percent."""

    def __init__(self) -> None:
        self.percent = 48
        self.broken = False

    async def get(self) -> int:
        """Return it."""
        if self.broken:
            raise AudioError("unplugged")
        return self.percent

    async def set(self, percent: int) -> int:
        """Round it."""
        self.percent = round(percent / 4) * 4
        return await self.get()


async def open_volume(mixer: FakeMixer | None, gains: list[float], **audio: object) -> tuple[Volume, Registry]:
    """Return a started volume over this mixer, and its tool."""

    async def find(output: str, control: str) -> FakeMixer | None:
        return mixer

    volume = Volume(Audio(**audio), gains.append, find)
    await volume.start()
    return volume, Registry([volume_tool(volume)], 10)


async def test_without_a_mixer_the_software_gain_is_set() -> None:
    """It starts where the configuration says."""
    gains: list[float] = []
    _, registry = await open_volume(None, gains, volume=0.6)
    assert await registry.call("set_volume", '{"percent": 30}') == "The volume is 30 percent"
    assert gains == [0.6, 0.3]


async def test_with_a_mixer_the_software_gain_stays_open() -> None:
    """The answer tells what the card made of the number."""
    mixer, gains = FakeMixer(), []
    _, registry = await open_volume(mixer, gains)
    assert await registry.call("set_volume", '{"percent": 30}') == "The volume is 32 percent"
    assert (mixer.percent, gains) == (32, [1.0])


@pytest.mark.parametrize(("mixer", "times"), [(FakeMixer(), 1), (None, 0)])
async def test_who_hears_the_loudspeaker_is_told_of_the_mixer_only(mixer: FakeMixer | None, times: int) -> None:
    """The software gain is heard of in what is played."""
    told: list[None] = []

    async def find(output: str, control: str) -> FakeMixer | None:
        return mixer

    volume = Volume(Audio(), [].append, find, lambda: told.append(None))
    await volume.start()
    await volume.set(30)
    assert len(told) == times


@pytest.mark.parametrize(
    ("start", "change", "expected"), [(50, "up", 60), (50, "down", 40), (95, "up", 100), (5, "down", 0)]
)
async def test_a_step_is_ten_points_and_stops_at_the_ends(start: int, change: str, expected: int) -> None:
    """From wherever the volume stands."""
    volume, registry = await open_volume(None, [])
    await volume.set(start)
    await registry.call("set_volume", f'{{"change": "{change}"}}')
    assert await volume.get() == expected


async def test_a_step_starts_from_what_the_mixer_says() -> None:
    """Somebody else may have turned the knob."""
    mixer = FakeMixer()
    _, registry = await open_volume(mixer, [])
    mixer.percent = 20
    assert await registry.call("set_volume", '{"change": "up"}') == "The volume is 32 percent"


@pytest.mark.parametrize(
    "arguments",
    [
        "{}",
        '{"percent": 10, "change": "up"}',
        '{"percent": 101}',
        '{"percent": -1}',
        '{"percent": "loud"}',
        '{"change": "sideways"}',
    ],
)
async def test_what_makes_no_sense_changes_nothing(arguments: str) -> None:
    """The model is told why."""
    gains: list[float] = []
    _, registry = await open_volume(None, gains)
    with pytest.raises(ToolError):
        await registry.call("set_volume", arguments)
    assert gains == [0.8]


async def test_a_card_that_is_gone_is_said_plainly() -> None:
    """Unplugged while the program runs."""
    mixer = FakeMixer()
    _, registry = await open_volume(mixer, [])
    mixer.broken = True
    with pytest.raises(ToolError, match="the sound card did not take the new volume"):
        await registry.call("set_volume", '{"change": "up"}')


async def test_the_configured_output_and_control_are_looked_for() -> None:
    """As written in the file."""
    asked: list[tuple[str, str]] = []

    async def find(output: str, control: str) -> None:
        asked.append((output, control))

    await Volume(Audio(output="hw:1", mixer="Speaker"), [].append, find).start()
    assert asked == [("hw:1", "Speaker")]


async def test_the_real_mixer_over_a_sound_server_is_turned_by_a_call(pulse: None) -> None:
    """The whole way: JSON text, amixer, ALSA, the sink's volume."""
    gains: list[float] = []
    volume = Volume(Audio(output="pulse"), gains.append)
    await volume.start()
    registry = Registry([volume_tool(volume)], 10)
    assert await registry.call("set_volume", '{"percent": 30}') == "The volume is 30 percent"
    assert await registry.call("set_volume", '{"change": "up"}') == "The volume is 40 percent"
    assert gains == [1.0]


async def test_every_phrase_is_a_valid_call() -> None:
    """What a recogniser makes of a phrase passes the tool's own check."""
    _, registry = await open_volume(None, [])
    for phrase in registry.specs[0].phrases:
        assert phrase.text == phrase.text.lower()
        if phrase.slots:
            for value in phrase.slots["percent"].values():
                await registry.call("set_volume", f'{{"percent": {value}}}')
        else:
            await registry.call("set_volume", f'{{"change": "{phrase.arguments["change"]}"}}')


def test_numbers_are_spoken_in_words() -> None:
    """Every multiple of five has its own."""
    words = [spoken_number(value) for value in range(0, 101, 5)]
    assert len(set(words)) == 21
    assert (words[0], words[5], words[11], words[20]) == ("zero", "twenty five", "fifty five", "one hundred")


async def test_two_at_once_are_both_heeded() -> None:
    """Whoever asks, a voice or a button: the second begins where the first has led."""
    mixer = FakeMixer()
    volume, registry = await open_volume(mixer, [])
    began = asyncio.Event()
    set_at_once, mixer.percent = mixer.set, 40

    async def set_slowly(percent: int) -> int:
        began.set()
        await asyncio.sleep(0)
        return await set_at_once(percent)

    mixer.set = set_slowly  # type: ignore[method-assign]
    louder = asyncio.create_task(registry.call("set_volume", '{"change": "up"}'))
    await began.wait()
    assert await volume.change(-20) == 28
    assert await louder == "The volume is 48 percent"
    assert await asyncio.gather(volume.change(60), volume.change(60)) == [88, 100]
    assert await volume.change(-500) == 0
