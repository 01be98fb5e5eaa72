"""The volume over restarts and crashes, and above the floor of alarms."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio import keptvolume
from device.audio import volume as volumes
from device.audio.keptvolume import KeptVolume
from device.audio.settings import Audio
from device.audio.volume import Volume
from device.core.actions import Ring, StopRinging
from device.errors import AudioError
from tests.waiting import until


class Mixer:
    """A card's mixer, which keeps its volume while the machine runs."""

    def __init__(self, percent: int = 48) -> None:
        self.percent = percent
        self.sets: list[int] = []
        self.broken = False

    async def get(self) -> int:
        """See Volume."""
        if self.broken:
            raise AudioError("unplugged")
        return self.percent

    async def set(self, percent: int) -> int:
        """See Volume."""
        await asyncio.sleep(0)
        if self.broken:
            raise AudioError("unplugged")
        self.percent = percent
        self.sets.append(percent)
        return percent


async def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
    """Stands for the thread that waits for the disk."""
    return function(*arguments)


async def opened(folder: Path, mixer: Mixer | None = None, **audio: Any) -> tuple[Volume, list[float]]:
    """Return a started volume that keeps its state in `folder`, and the software gains that it sets."""
    gains: list[float] = []

    async def find(output: str, control: str) -> Mixer | None:
        return mixer

    kept = KeptVolume(folder / "volume.json", at_once)
    volume = Volume(Audio(**audio), gains.append, find, kept=kept)
    await volume.start()
    return volume, gains


def file_of(folder: Path) -> dict[str, Any]:
    """Return what is kept."""
    table: dict[str, Any] = json.loads((folder / "volume.json").read_bytes())
    return table


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Return what boots the machine."""
    file = tmp_path / "boot_id"
    monkeypatch.setattr(keptvolume, "BOOT_ID", file)

    def boot(name: str) -> None:
        file.write_text(f"{name}\n")

    boot("first")
    return boot


async def test_a_software_gain_is_as_it_was_left(tmp_path: Path) -> None:
    """The configuration is for the first start."""
    first, gains = await opened(tmp_path, volume=0.6)
    assert gains == [0.6]
    await first.set(35)
    await first.close()
    second, gains = await opened(tmp_path, volume=0.6)
    assert (await second.get(), gains) == (35, [0.35])


async def test_it_is_kept_soon_though_nobody_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plug is pulled; a knob that is turned writes once."""
    monkeypatch.setattr(volumes, "KEEP_AFTER_S", 0.02)
    volume, _ = await opened(tmp_path)
    for percent in range(20, 40):
        await volume.set(percent)
    assert not (tmp_path / "volume.json").exists()
    await until(lambda: (tmp_path / "volume.json").exists(), "a file")
    assert file_of(tmp_path)["percent"] == 39


async def test_a_mixer_is_left_alone_between_two_boots_and_set_after_one(
    tmp_path: Path, boot: Callable[[str], None]
) -> None:
    """alsamixer may change it meanwhile."""
    mixer = Mixer(48)
    first, gains = await opened(tmp_path, mixer)
    assert (mixer.sets, gains) == ([], [1.0])
    await first.set(30)
    await first.close()
    mixer.percent = 55
    second, _ = await opened(tmp_path, mixer)
    assert await second.get() == 55
    boot("second")
    third, _ = await opened(tmp_path, Mixer(100))
    assert await third.get() == 30
    assert file_of(tmp_path)["boot"] == "second"


async def test_an_alarm_raises_a_low_mixer_and_puts_it_back(tmp_path: Path) -> None:
    """What is told meanwhile is what was set."""
    mixer = Mixer(10)
    volume, _ = await opened(tmp_path, mixer, alarm_floor=0.5)
    volume.observe(Ring(ducked=False), None)
    await until(lambda: mixer.percent == 50, "a loud mixer")
    assert await volume.get() == 10
    assert file_of(tmp_path)["raised"]
    volume.observe(StopRinging(), None)
    await until(lambda: mixer.percent == 10, "the volume that was set")
    await until(lambda: not file_of(tmp_path)["raised"], "a file that says so")
    assert await volume.get() == 10


async def test_one_that_is_loud_enough_is_left_alone(tmp_path: Path) -> None:
    """Nothing is set, nothing is kept."""
    mixer = Mixer(60)
    volume, _ = await opened(tmp_path, mixer, alarm_floor=0.5)
    volume.observe(Ring(ducked=False), None)
    await asyncio.sleep(0.01)
    volume.observe(StopRinging(), None)
    await volume.close()
    assert mixer.sets == []
    assert not (tmp_path / "volume.json").exists()


async def test_what_is_set_during_an_alarm_holds_after_it(tmp_path: Path) -> None:
    """Above the floor at once, below it when the alarm is over."""
    mixer = Mixer(10)
    volume, _ = await opened(tmp_path, mixer, alarm_floor=0.5)
    volume.observe(Ring(ducked=False), None)
    await until(lambda: mixer.percent == 50, "a loud mixer")
    assert await volume.set(20) == 20
    assert mixer.percent == 50
    assert await volume.set(80) == 80
    assert mixer.percent == 80
    await volume.set(20)
    assert mixer.percent == 50, "an alarm is not heard"
    volume.observe(StopRinging(), None)
    await until(lambda: mixer.percent == 20, "the volume that was set")


async def test_after_a_crash_in_the_middle_of_an_alarm_it_is_put_back(tmp_path: Path) -> None:
    """Before anything is played."""
    mixer = Mixer(10)
    crashed, _ = await opened(tmp_path, mixer, alarm_floor=0.5)
    crashed.observe(Ring(ducked=False), None)
    await until(lambda: mixer.percent == 50, "a loud mixer")
    next_one, _ = await opened(tmp_path, mixer, alarm_floor=0.5)
    assert mixer.percent == 10
    assert await next_one.get() == 10
    assert not file_of(tmp_path)["raised"]


async def test_the_end_of_the_program_puts_it_back(tmp_path: Path) -> None:
    """Though it still rings."""
    mixer = Mixer(10)
    volume, _ = await opened(tmp_path, mixer, alarm_floor=0.5)
    volume.observe(Ring(ducked=False), None)
    await until(lambda: mixer.percent == 50, "a loud mixer")
    await volume.close()
    assert mixer.percent == 10


async def test_an_alarm_on_a_card_that_went_away_is_survived(tmp_path: Path) -> None:
    """It has been reported by who plays on it."""
    mixer = Mixer(10)
    volume, _ = await opened(tmp_path, mixer)
    mixer.broken = True
    volume.observe(Ring(ducked=False), None)
    await until(lambda: not volume._tasks, "the end of it")
    volume.observe(StopRinging(), None)
    await volume.close()


@given(st.binary(max_size=60) | st.sampled_from([b'{"percent": 500}', b'{"percent": -1}', b"[]", b'{"percent": "x"}']))
def test_a_file_that_is_none_is_as_the_first_start(content: bytes) -> None:
    """Bad blocks, and whoever edits it."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "volume.json"
        file.write_bytes(content)
        kept = KeptVolume(file, at_once).read()
        assert kept is None or 0 <= kept.percent <= 100


async def test_a_disk_that_refuses_is_survived(tmp_path: Path) -> None:
    """The volume is set all the same."""
    (tmp_path / "file").write_text("")
    volume, gains = await opened(tmp_path / "file")
    await volume.set(20)
    await volume.close()
    assert gains[-1] == 0.2
