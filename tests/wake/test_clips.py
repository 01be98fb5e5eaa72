"""Recordings around wake words: what is in them, how many are kept, and when there are none."""

from __future__ import annotations

import resource
import stat
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from device.ports.wake import Detection, NearMiss
from device.units import Samples
from device.wake.clips import AFTER, BEFORE, Clip, ClipFolder, ClipKeeper
from device.wake.settings import Wake
from tests.waiting import until

RATE = 16_000
SECOND = b"\1\2" * RATE


def name(number: int) -> str:
    """Return a name as the keeper gives it; the higher the later."""
    return f"20261122T0920{number:02d}.000Z-alexa-heard-0.90.wav"


def names(folder: Path) -> list[str]:
    """Return the samples of a clip."""
    return sorted(path.name for path in folder.iterdir())


class House:
    """A stream that counts its samples, and a keeper of its clips."""

    def __init__(self, folder: Path) -> None:
        self.sound = np.arange(10 * RATE, dtype="<i2").tobytes()
        self.kept_since = 0
        self.folder = folder
        self.keeper = ClipKeeper(ClipFolder(Wake(save_clips=str(folder))), self.recall)

    def recall(self, since: Samples, until: Samples) -> bytes:
        """Return a span of the stream, without anything from before the last mute."""
        return self.sound[2 * max(since, self.kept_since) : 2 * until]

    async def saved(self, count: int) -> list[Path]:
        """Wait until this many files are complete."""
        return await found(lambda: sorted(self.folder.glob("*.wav")), count)


async def found(look: Callable[[], list[Path]], count: int) -> list[Path]:
    """Wait until there are so many."""
    await until(lambda: len(look()) >= count, f"{count} clips")
    return look()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Return a house."""
    house = House(tmp_path / "of" / "clips")
    yield house
    house.keeper.close()


def samples(path: Path) -> np.ndarray:
    """Return what was recorded."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


async def test_detections_and_near_misses_are_recorded_with_the_sound_around_them(house: House) -> None:
    """Two seconds before the end of the word and 0.7 s after it; word, kind and score are in the name."""
    house.keeper.keep_detection(Detection("alexa", 0.873, Samples(5 * RATE)))
    house.keeper.keep_near_miss(NearMiss("own/word 1", 0.412, 0.5, Samples(6 * RATE)))
    detection, miss = sorted(await house.saved(2), key=lambda path: path.name.partition("Z-")[2])
    assert detection.name.endswith("Z-alexa-heard-0.87.wav")
    assert miss.name.endswith("Z-own_word_1-near-0.41.wav")
    whole = np.frombuffer(house.sound, "<i2")
    assert np.array_equal(samples(detection), whole[5 * RATE - BEFORE : 5 * RATE + AFTER])
    assert np.array_equal(samples(miss), whole[6 * RATE - BEFORE : 6 * RATE + AFTER])


async def test_only_the_device_itself_may_read_them(house: House) -> None:
    """Neither the folder nor a file is open to others."""
    house.keeper.keep_detection(Detection("alexa", 0.9, Samples(5 * RATE)))
    [clip] = await house.saved(1)
    assert stat.S_IMODE(clip.stat().st_mode) == 0o600
    assert stat.S_IMODE(house.folder.stat().st_mode) == 0o700


async def test_a_word_at_the_beginning_of_the_stream_has_less_before_it(house: House) -> None:
    """As much as there is."""
    house.keeper.keep_detection(Detection("alexa", 0.9, Samples(RATE)))
    [clip] = await house.saved(1)
    assert len(samples(clip)) == RATE + AFTER


async def test_a_mute_right_after_the_word_leaves_no_recording(house: House) -> None:
    """What the device has forgotten is not saved; the next word is."""
    house.keeper.keep_detection(Detection("alexa", 0.9, Samples(5 * RATE)))
    house.kept_since = 5 * RATE
    house.keeper.keep_detection(Detection("hey_jarvis", 0.9, Samples(6 * RATE)))
    [clip] = await house.saved(1)
    assert "hey_jarvis" in clip.name
    assert len(samples(clip)) == RATE + AFTER


async def test_closing_drops_what_is_not_complete(house: House) -> None:
    """And the complete clips are saved."""
    house.keeper.keep_detection(Detection("alexa", 0.9, Samples(5 * RATE)))
    await house.saved(1)
    house.keeper.keep_detection(Detection("hey_jarvis", 0.9, Samples(6 * RATE)))
    house.keeper.close()
    assert len(names(house.folder)) == 1


def test_no_more_clips_are_kept_than_asked_for(tmp_path: Path) -> None:
    """The oldest are deleted."""
    folder = ClipFolder(Wake(save_clips=str(tmp_path), clips_max=3))
    for number in range(5):
        folder.save(Clip(name(number), SECOND))
    assert names(tmp_path) == [name(2), name(3), name(4)]


def test_clips_take_no_more_room_than_asked_for(tmp_path: Path) -> None:
    """1 MB holds 31 of them."""
    folder = ClipFolder(Wake(save_clips=str(tmp_path), clips_max_mb=1))
    for number in range(40):
        folder.save(Clip(name(number), SECOND))
    assert names(tmp_path) == [name(number) for number in range(9, 40)]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1_000_000


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    """Also other recordings; but an incomplete clip, left after a power failure, is one of ours."""
    (tmp_path / "a song.wav").write_bytes(SECOND)
    (tmp_path / f"{name(0)}.part").write_bytes(SECOND)
    folder = ClipFolder(Wake(save_clips=str(tmp_path), clips_max=1))
    folder.save(Clip(name(1), SECOND))
    folder.save(Clip(name(2), SECOND))
    assert names(tmp_path) == [name(2), "a song.wav"]


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond 10 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_logged_once_and_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No incomplete file is left; when there is space again the next clip is saved, and a new error is logged again."""
    folder = ClipFolder(Wake(save_clips=str(tmp_path)))
    with full_disk():
        folder.save(Clip(name(0), SECOND))
        folder.save(Clip(name(1), SECOND))
    assert names(tmp_path) == []
    [record] = caplog.records
    assert str(tmp_path) in record.getMessage()
    assert "wake.save_clips" in record.getMessage()
    folder.save(Clip(name(2), SECOND))
    assert names(tmp_path) == [name(2)]
    with full_disk():
        folder.save(Clip(name(3), SECOND))
    assert len(caplog.records) == 2


def test_a_folder_that_cannot_be_made_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With its name."""
    (tmp_path / "file").touch()
    ClipFolder(Wake(save_clips=str(tmp_path / "file"))).save(Clip(name(0), SECOND))
    assert "wake clips are not saved" in caplog.text
