"""The local voice, by the real espeak-ng."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from device.errors import SpeechError
from device.espeak import RATE, EspeakVoice, VoiceStyle, pcm_from_wav, phonemes


def script(folder: Path, body: str) -> None:
    """Put an `espeak-ng` of our own in a folder."""
    program = folder / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)


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
    with pytest.raises(SpeechError, match=r"within 0\.3 s"):
        await EspeakVoice(timeout_s=0.3).speak("Hello.")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)


def test_other_formats_are_refused() -> None:
    """An MBROLA voice at 16 kHz would play at the wrong pitch."""
    header = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0" + (16000).to_bytes(4, "little") + b"\0" * 8 + b"data\0\0\0\0"
    with pytest.raises(SpeechError, match="22050"):
        pcm_from_wav(header + b"\0\0")


def test_words_are_pronounced() -> None:
    """In espeak-ng's own phoneme names."""
    assert phonemes("jarvis").replace("'", "") == "dZ_A@_v_I_s"
