"""The local voice, by the real espeak-ng."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from device.errors import SpeechError
from device.foreign.espeak import RATE, EspeakVoice, VoiceStyle, pcm_from_wav, phonemes


def script(folder: Path, body: str) -> None:
    """Put an `espeak-ng` of our own in a folder."""
    program = folder / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)


def runs(pid: int) -> bool:
    """Tell whether a process runs; one that waits for somebody to read its end does not."""
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


async def test_a_sentence_becomes_sound() -> None:
    """About as long as people take for it."""
    pcm = await EspeakVoice().speak("Turn on the light.")
    assert 0.7 < len(pcm) / 2 / RATE < 2.0
    assert np.abs(np.frombuffer(pcm, "<i2").astype(int)).max() > 3000


@pytest.mark.parametrize("text", ["--help", "-v xx", "--version hello", "say: <b>bold</b>", "Grüße, 42 °C"])
async def test_no_text_is_taken_for_an_option(text: str) -> None:
    """It goes through stdin."""
    assert len(await EspeakVoice().speak(text)) > RATE // 2


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_nothing_to_say_is_nothing_or_silence(text: str) -> None:
    """And no error."""
    assert not np.any(np.abs(np.frombuffer(await EspeakVoice().speak(text), "<i2").astype(int)) > 100)


async def test_speed_and_voice_change_the_sound() -> None:
    """Slower is longer; another voice is other sound."""
    text = "What time is it?"
    slow = await EspeakVoice(VoiceStyle(words_per_minute=100)).speak(text)
    fast = await EspeakVoice(VoiceStyle(words_per_minute=250)).speak(text)
    high = await EspeakVoice(VoiceStyle(words_per_minute=250, pitch=90)).speak(text)
    assert len(slow) > 1.5 * len(fast)
    assert high != fast


async def test_a_sentence_spoken_before_comes_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when espeak-ng is gone by then."""
    voice = EspeakVoice()
    first = await voice.speak("Hello.")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await voice.speak("Hello.") == first
    with pytest.raises(SpeechError):
        await voice.speak("Something else.")


async def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest sentence is forgotten after 64 others."""
    voice = EspeakVoice()
    for number in range(65):
        await voice.speak(str(number))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await voice.speak("64")
    with pytest.raises(SpeechError):
        await voice.speak("0")


async def test_without_espeak_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command to type."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpeechError, match="apt install espeak-ng"):
        await EspeakVoice().speak("Hello.")
    with pytest.raises(SpeechError, match="apt install espeak-ng"):
        phonemes("hello")


async def test_an_unknown_voice_is_a_clear_error() -> None:
    """With espeak-ng's own words and where to look."""
    with pytest.raises(SpeechError, match=r"voice does not exist.*espeak-ng --voices"):
        await EspeakVoice(VoiceStyle(voice="xx-nobody")).speak("Hello.")


async def test_an_espeak_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And killed."""
    script(tmp_path, f"echo $$ > {tmp_path}/pid\nexec sleep 600")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SpeechError, match=r"within 3 s"):
        await EspeakVoice(timeout_s=3).speak("Hello.")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_free = os.dup(0)
    os.close(next_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_an_espeak_that_finds_too_many_open_files_is_a_clear_error() -> None:
    """EMFILE, by the kernel; and afterwards it speaks again."""
    voice = EspeakVoice()
    with no_more_files():
        with pytest.raises(SpeechError, match="Too many open files"):
            await voice.speak("Hello.")
        with pytest.raises(SpeechError, match="Too many open files"):
            phonemes("hello")
    assert await voice.speak("Hello.")


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"not a program\n", 0o755, "Exec format error"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 57, 0o755, "Exec format error"),
        (b"#!/bin/sh\n", 0o644, "Permission denied"),
    ],
)
async def test_an_espeak_that_cannot_be_started_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, mode: int, reason: str
) -> None:
    """ENOEXEC and EACCES, by the kernel."""
    program = tmp_path / "espeak-ng"
    program.write_bytes(content)
    program.chmod(mode)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpeechError, match=f"{reason}.*reinstall"):
        await EspeakVoice().speak("Hello.")
    with pytest.raises(SpeechError, match=f"{reason}.*reinstall"):
        phonemes("hello")


@pytest.mark.parametrize(
    "problem", [OSError(12, "Cannot allocate memory"), BlockingIOError(11, "Resource"), RuntimeError("no new thread")]
)
async def test_a_machine_without_room_for_it_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """ENOMEM and EAGAIN of fork, and no thread to wait for it: not to be had on order."""

    async def refuse(*command: object, **options: object) -> None:
        raise problem

    monkeypatch.setattr("asyncio.create_subprocess_exec", refuse)
    with pytest.raises(SpeechError, match="cannot be started"):
        await EspeakVoice().speak("Hello.")


WAV = "printf 'RIFF....WAVEfmt .'"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("kill -KILL $$", "SIGKILL"),
        ("kill -SEGV $$", "SIGSEGV"),
        ("exit 3", "exit code 3"),
        ("cat >/dev/null; echo 'Mbrola: no such voice' >&2; exit 1", "no such voice"),
        ("exit 0", "gave no sound"),
        ("cat >/dev/null", "gave no sound"),
        (f"cat >/dev/null; {WAV}", "broke off"),
        ("cat >/dev/null; head -c 4000 /dev/zero", "22050"),
    ],
)
async def test_an_espeak_that_dies_or_gives_half_a_wav_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, reason: str
) -> None:
    """And what it gave is not kept."""
    script(tmp_path, body)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    voice = EspeakVoice()
    with pytest.raises(SpeechError, match=reason):
        await voice.speak("Hello.")
    (tmp_path / "espeak-ng").unlink()
    assert await voice.speak("Hello.")


async def test_what_a_wrapper_of_espeak_has_started_dies_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the pipe, which would be waited for."""
    script(tmp_path, f"sleep 600 & echo $! > {tmp_path}/pid\nwait")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SpeechError, match=r"within 3 s"):
        await EspeakVoice(timeout_s=3).speak("Hello.")
    assert not runs(int((tmp_path / "pid").read_text(encoding="utf-8")))


async def test_text_that_is_not_unicode_is_spoken_all_the_same() -> None:
    """A lone surrogate, as JSON can hold one."""
    assert await EspeakVoice().speak("Hello \ud800 there.")
    assert phonemes("hello\ud800")


def test_other_formats_are_refused() -> None:
    """An MBROLA voice at 16 kHz would play at the wrong pitch."""
    header = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0" + (16000).to_bytes(4, "little") + b"\0" * 8 + b"data\0\0\0\0"
    with pytest.raises(SpeechError, match="22050"):
        pcm_from_wav(header + b"\0\0")


def test_words_are_pronounced() -> None:
    """In espeak-ng's own phoneme names."""
    assert phonemes("jarvis").replace("'", "") == "dZ_A@_v_I_s"
