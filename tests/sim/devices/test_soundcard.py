"""The virtual sound card."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import pytest

from device.sim.devices import soundcard
from device.sim.devices.soundcard import SimulationError, SleepyRecording, VirtualSoundCard
from device.units import Hz

pytestmark = pytest.mark.card

RATE = Hz(16_000)


def _cards() -> list[Path]:
    """The folders of the cards that are plugged in."""
    return list(Path(tempfile.gettempdir()).glob("hearthside-card-*"))


def tone(seconds: float) -> bytes:
    """A loud sine."""
    return bytes((np.sin(np.arange(int(RATE * seconds)) * 0.3) * 12_000).astype("<i2"))


def loud_ms(pcm: bytes, rate: int) -> float:
    """From the first to the last loud sample."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, dtype="<i2")) > 1000)
    return float(loud[-1] - loud[0]) * 1000 / rate if len(loud) else 0.0


async def test_what_is_played_into_the_room_is_heard_there(virtual_card: VirtualSoundCard) -> None:
    """A voice reaches the microphone whole, and the call returns when it has been played."""
    with virtual_card.record_room() as recording:
        await virtual_card.play_into_room(tone(0.5), RATE)
    assert loud_ms(recording.pcm, recording.rate) == pytest.approx(500, abs=5)


async def test_a_wav_file_can_be_played(virtual_card: VirtualSoundCard, tmp_path: Path) -> None:
    """A file's own rate is used."""
    path = tmp_path / "voice.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 22_050, 0, "NONE", ""))
        sound.writeframes(tone(0.3))
    with virtual_card.record_room() as recording:
        await virtual_card.play_into_room(path)
    assert loud_ms(recording.pcm, recording.rate) == pytest.approx(300 * 16_000 / 22_050, abs=5)


async def test_a_stereo_file_is_refused(virtual_card: VirtualSoundCard, tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((2, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(bytes(64))
    with pytest.raises(SimulationError, match=r"stereo\.wav"):
        await virtual_card.play_into_room(path)


async def test_the_room_does_not_hear_the_speaker(virtual_card: VirtualSoundCard) -> None:
    """The two sinks are apart: an echo is only there when a test makes one."""
    with virtual_card.record_speaker() as recording:
        await virtual_card.play_into_room(tone(0.2), RATE)
    assert loud_ms(recording.pcm, recording.rate) == 0.0


def test_an_unplugged_card_gives_nothing_and_comes_back() -> None:
    """Recording fails while it is out; afterwards it works as before."""
    with VirtualSoundCard() as card:
        card.unplug()
        card.unplug()
        command = ["pactl", "info"]
        assert subprocess.run(command, env={**os.environ, **card.env()}, capture_output=True).returncode != 0
        card.replug()
        with card.record_room() as recording:
            pass
    assert recording.duration > 0


async def test_it_is_an_asynchronous_context_manager_too() -> None:
    """The folder is gone afterwards."""
    async with VirtualSoundCard() as card:
        folder = card.env()["PULSE_RUNTIME_PATH"]
        assert folder in map(str, _cards())
    assert folder not in map(str, _cards())


async def test_two_cards_do_not_hear_each_other(virtual_card: VirtualSoundCard) -> None:
    """Each has a daemon of its own."""
    async with VirtualSoundCard() as other:
        with other.record_room() as recording:
            await virtual_card.play_into_room(tone(0.2), RATE)
            await asyncio.to_thread(lambda: None)
    assert loud_ms(recording.pcm, recording.rate) == 0.0


async def test_alsas_default_is_its_microphone_and_its_loudspeaker(
    virtual_card: VirtualSoundCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the machine calls its default: a sound server that runs, or a person's own .asoundrc."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".asoundrc").write_text("pcm.!default { type null }\n", encoding="utf-8")
    raw = ("-q", "-D", "default", "-t", "raw", "-f", "S16_LE", "-r", str(RATE), "-c", "1")
    listen = await asyncio.create_subprocess_exec(
        *("arecord", *raw, "-d", "3"), stdout=subprocess.PIPE, env={**os.environ, **virtual_card.env()}
    )
    await virtual_card.play_into_room(tone(1.0), RATE)
    captured, _ = await listen.communicate()
    assert loud_ms(captured, RATE) > 500
    with virtual_card.record_speaker() as recording:
        play = await asyncio.create_subprocess_exec(
            *("aplay", *raw), stdin=subprocess.PIPE, env={**os.environ, **virtual_card.env()}
        )
        await play.communicate(tone(0.5))
    assert loud_ms(recording.pcm, recording.rate) > 400


def test_a_machine_without_pulseaudio_is_told_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither on the PATH nor in the virtual environment."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(SimulationError, match="pulseaudio; run scripts/setup --sim"):
        VirtualSoundCard().__enter__()


def test_a_pulseaudio_of_its_own_is_found_in_the_virtual_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the machine's sound belongs to another server, scripts/setup puts one there."""
    private = tmp_path / "bin" / "hearthside-pulseaudio"
    private.parent.mkdir()
    private.write_text("#!/bin/sh\n", encoding="utf-8")
    private.chmod(0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert soundcard.find_pulseaudio() == str(private)


def _arrive(recording: SleepyRecording, counts: list[int], moments: list[float]) -> None:
    for count, moment in zip(counts, moments, strict=True):
        recording._size += 2 * count
        recording._note(count, moment)


@pytest.mark.parametrize(("is_captured", "moment"), [(True, 7.05), (False, 7.07)])
def test_a_block_of_the_microphone_ends_when_it_comes_and_one_of_the_loudspeaker_begins(
    is_captured: bool, moment: float
) -> None:
    """As on a real card."""
    recording = SleepyRecording("a.monitor", RATE, {}, is_captured)
    _arrive(recording, [320] * 19, [7 + number * 0.02 for number in range(1, 20)])
    assert recording.moment(800) == pytest.approx(moment)
    assert recording.position(recording.moment(2_400)) == 2_400


def test_a_block_that_comes_in_pieces_is_one() -> None:
    """A null sink that nobody uses renders 2 s at once, which is more than a pipe holds."""
    recording = SleepyRecording("a.monitor", RATE, {}, is_captured=False)
    _arrive(recording, [16_000, 16_000, 320], [7.0, 7.001, 9.0])
    assert recording.moment(24_000) == pytest.approx(8.5)
    assert recording.position(8.5) == 24_000


def test_what_a_rewind_put_into_a_recording_twice_moves_only_what_is_about_it() -> None:
    """A second of blocks, a rewind of 10 ms, and a second more: each is known by its own chunks."""
    recording = SleepyRecording("a.monitor", RATE, {}, is_captured=True)
    counts = [320] * 50 + [160] + [320] * 50
    _arrive(
        recording, counts, [7 + number * 0.02 for number in range(1, 51)] + [8.0] + [8.02 + n * 0.02 for n in range(50)]
    )
    assert recording.moment(8_000) == pytest.approx(7.5)
    assert recording.moment(24_160) == pytest.approx(8.5)
    assert recording.position(7.5) == 8_000
    assert recording.position(8.5) == 24_160


def test_a_card_at_its_defaults_is_asked_for_nothing_but_by_the_program_that_is_tried() -> None:
    """Neither by a recording nor by the person in the room: what it does is what the program asked for."""
    with VirtualSoundCard(sleepy=True) as card:
        command = ["parec", "--device=room.monitor", "--latency-msec=160"]
        program = subprocess.Popen(command, env=card.client_env(), stdout=subprocess.PIPE)
        with card.record_room():
            asyncio.run(card.play_into_room(tone(0.5), RATE))
            listed = subprocess.run(
                ["pactl", "list", "sources"], env=card.client_env(), capture_output=True, check=True
            )
        program.kill()
        program.communicate()
    assert b"configured 160000 usec" in listed.stdout


def test_too_many_microphones_are_refused() -> None:
    """PulseAudio's map of ALSA's channels ends at six."""
    with pytest.raises(SimulationError, match="1 to 6"):
        VirtualSoundCard(channels=len(soundcard.CHANNEL_MAP) + 1)
