"""espeak-ng, the local voice: the only file that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
from collections import OrderedDict
from dataclasses import dataclass

from device.errors import SpeechError
from device.units import Hz

RATE = Hz(22_050)
"""What espeak-ng's formant voices speak at."""

_MISSING = "espeak-ng is not installed, so there is no local voice; run: sudo apt install espeak-ng"
_UNUSABLE = "see whether `espeak-ng hello` speaks; to install it anew: sudo apt install --reinstall espeak-ng"
_CROWDED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)

# What a program that was killed may take to be gone.
_LONGEST_DEATH_S = 1.0

_HEADER_BYTES = 44  # espeak-ng writes the plain RIFF header: no chunk besides "fmt " and "data".
_KEPT_SENTENCES = 64
# Sentences of our own are shorter; whole answers are hardly said twice.
_LONGEST_KEPT_BYTES = 8 * RATE * 2
_MOST_COMPLAINT = 300


@dataclass(frozen=True, slots=True)
class VoiceStyle:
    """How espeak-ng speaks: `words_per_minute` 80 to 450, `pitch` 0 to 99, as its manual has them."""

    voice: str = "en-us"
    words_per_minute: int = 160
    pitch: int = 50

    def arguments(self) -> tuple[str, ...]:
        """Return the command; the text goes to stdin, where it is never taken for an option."""
        speed, pitch = str(self.words_per_minute), str(self.pitch)
        return ("espeak-ng", "--stdout", "--stdin", "-b", "1", "-v", self.voice, "-s", speed, "-p", pitch)


class EspeakVoice:
    """A `ports.Voice`. Short sentences it has spoken before come from memory (the newest 64)."""

    rate = RATE

    def __init__(self, style: VoiceStyle | None = None, timeout_s: float = 10.0) -> None:
        self._style = style or VoiceStyle()
        self._timeout_s = timeout_s
        self._spoken: OrderedDict[str, bytes] = OrderedDict()

    async def speak(self, text: str) -> bytes:
        """Return `text` as s16le mono PCM at `rate`. Raise SpeechError."""
        if (pcm := self._spoken.get(text)) is None:
            pcm = _heard(text, pcm_from_wav(await _run(self._style, text, self._timeout_s)))
        self._remember(text, pcm)
        return pcm

    def _remember(self, text: str, pcm: bytes) -> None:
        if len(pcm) > _LONGEST_KEPT_BYTES:
            return
        self._spoken[text] = pcm
        self._spoken.move_to_end(text)
        if len(self._spoken) > _KEPT_SENTENCES:
            self._spoken.popitem(last=False)


def phonemes(word: str, voice: str = "en-us", timeout_s: float = 10.0) -> str:
    """Return how espeak-ng pronounces `word`, in the phoneme names of its `-x` option, "_" between two. Blocks.

    Raise SpeechError.
    """
    command = ("espeak-ng", "-q", "-x", "--sep=_", "--stdin", "-b", "1", "-v", voice)
    try:
        done = subprocess.run(command, input=_bytes(word), capture_output=True, timeout=timeout_s, check=False)
    except OSError as error:
        raise _not_started(error) from error
    except subprocess.TimeoutExpired as error:
        raise SpeechError(f"espeak-ng did not answer within {timeout_s:g} s") from error
    _check(done.returncode, done.stderr)
    return done.stdout.decode(errors="replace").strip()


def pcm_from_wav(wav: bytes) -> bytes:
    """Return the samples of what `espeak-ng --stdout` writes.

    Its header claims an endless length because it is written before the speech, so the standard library's reader
    refuses it. Raise SpeechError when the sound is not 22050 Hz mono 16 bit.
    """
    header, pcm = wav[:_HEADER_BYTES], wav[_HEADER_BYTES:]
    if not wav:
        return b""
    if len(header) < _HEADER_BYTES:
        raise SpeechError(f"espeak-ng broke off before the first sound; {_UNUSABLE}")
    layout = (header[:4], header[8:16], header[36:40])
    channels, rate = int.from_bytes(header[22:24], "little"), int.from_bytes(header[24:28], "little")
    if layout != (b"RIFF", b"WAVEfmt ", b"data") or (channels, rate) != (1, RATE):
        raise SpeechError(f"espeak-ng spoke in a format that is not {RATE} Hz mono; choose a voice such as en-us")
    return pcm[: len(pcm) // 2 * 2]


async def _run(style: VoiceStyle, text: str, timeout_s: float) -> bytes:
    pipe = asyncio.subprocess.PIPE
    try:
        # A group of its own, so that a wrapper dies together with what it has started.
        process = await asyncio.create_subprocess_exec(
            *style.arguments(), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except (OSError, RuntimeError) as error:  # the latter where no thread can be started to wait for it
        raise _not_started(error) from error
    try:
        async with asyncio.timeout(timeout_s):
            wav, complaint = await process.communicate(_bytes(text))
    except TimeoutError as error:
        raise SpeechError(f"espeak-ng did not finish a sentence within {timeout_s:g} s; {_UNUSABLE}") from error
    finally:
        await _end(process)
    _check(process.returncode, complaint)
    return wav


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave nothing running."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _LONGEST_DEATH_S)


def _bytes(text: str) -> bytes:
    """Return what goes to stdin: a lone surrogate, as a model may send one, is not UTF-8."""
    return text.encode(errors="replace")


def _heard(text: str, pcm: bytes) -> bytes:
    if not pcm and any(character.isalnum() for character in text):
        raise SpeechError(f"espeak-ng gave no sound for a sentence; {_UNUSABLE}")
    return pcm


def _not_started(error: OSError | RuntimeError) -> SpeechError:
    if isinstance(error, FileNotFoundError):
        return SpeechError(_MISSING)
    if isinstance(error, RuntimeError) or error.errno in _CROWDED:
        reason = str(error) if isinstance(error, RuntimeError) else error.strerror
        return SpeechError(f"espeak-ng cannot be started: {reason}; too much is open or running on this machine")
    return SpeechError(f"espeak-ng cannot be started: {error.strerror or error}; {_UNUSABLE}")


def _check(code: int | None, complaint: bytes) -> None:
    if code is not None and code < 0:
        raise SpeechError(f"espeak-ng was ended by the signal {_signal(-code)}; {_UNUSABLE}")
    if code != 0:
        said = " ".join(complaint[:_MOST_COMPLAINT].decode(errors="replace").split()) or f"exit code {code}"
        raise SpeechError(f"espeak-ng failed: {said}; list its voices with: espeak-ng --voices")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
