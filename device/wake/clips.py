"""Saves short recordings (clips) of detections and near misses, to find out why a word was or was not detected.

Off unless `wake.save_clips` names a folder. A clip is 2.7 s of the room: 2 s before the word's end, 0.7 s after it. It
stays on this machine, in files that only the device's own user may read, and never gets into the log.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
import wave
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue

from device.kit import threads
from device.kit.textfiles import expanded
from device.ports.wake import Detection, NearMiss
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Samples, samples_from_ms
from device.wake.settings import Wake

log = logging.getLogger(__name__)

BEFORE = samples_from_ms(2000, CAPTURE_RATE)
AFTER = samples_from_ms(700, CAPTURE_RATE)
# By then all of AFTER was captured: after a word sound arrives 80 ms at a time.
_WAIT_S = 0.8
# Only files with such names are ever removed: the folder may hold other files.
_OURS = re.compile(r"\d{8}T\d{6}\.\d{3}Z-.*-(heard|near)-\d\.\d\d\.wav(\.part)?")
_JOIN_S = 0.3

Recall = Callable[[Samples, Samples], bytes]
"""Return the part of the capture stream from one position to another that is still in memory (16 kHz mono s16le)."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and its file's name."""

    name: str
    pcm: bytes


class ClipKeeper:
    """Cuts clips from the sound that the device keeps in memory anyway.

    Its methods belong to the event loop's thread; a thread of its own writes the files.
    """

    def __init__(self, folder: ClipFolder, recall: Recall) -> None:
        self._folder = folder
        self._recall = recall
        self._waiting: set[asyncio.TimerHandle] = set()
        self._queue: SimpleQueue[Clip | None] = SimpleQueue()
        self._thread = threads.start(self._write, "wake clips")

    def keep_detection(self, heard: Detection) -> None:
        """Save the sound around the detection, 0.8 s later."""
        self._keep(_name(heard.word, "heard", heard.score), heard.end)

    def keep_near_miss(self, miss: NearMiss) -> None:
        """Save the sound around the near miss, 0.8 s later."""
        self._keep(_name(miss.word, "near", miss.score), miss.at)

    def close(self) -> None:
        """Drop clips that are not complete yet, and wait at most 0.3 s for the others to be written."""
        for handle in self._waiting:
            handle.cancel()
        self._waiting.clear()
        self._queue.put(None)
        self._thread.join(_JOIN_S)

    def _keep(self, name: str, at: Samples) -> None:
        handle: asyncio.TimerHandle

        def cut() -> None:
            self._waiting.discard(handle)
            self._cut(name, at)

        handle = asyncio.get_running_loop().call_later(_WAIT_S, cut)
        self._waiting.add(handle)

    def _cut(self, name: str, at: Samples) -> None:
        # Muting clears the memory. If the word itself is gone, the sound after it must not be saved either.
        if self._recall(Samples(at - 1), at):
            pcm = self._recall(Samples(max(0, at - BEFORE)), Samples(at + AFTER))
            self._queue.put(Clip(name, pcm))

    def _write(self) -> None:
        while clip := self._queue.get():
            self._folder.save(clip)


class ClipFolder:
    """The folder of clips, limited in number and size by the configuration. Its methods block on the disk."""

    def __init__(self, wake: Wake) -> None:
        self.path = expanded(wake.save_clips, "wake.save_clips")
        self._most = wake.clips_max
        self._most_bytes = wake.clips_max_mb * 1_000_000
        self._failed = False

    def save(self, clip: Clip) -> None:
        """Write a clip, and remove the oldest ones as needed. An error is logged, once until a clip is saved again."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room(len(clip.pcm))
            self._write(clip)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.error("wake clips are not saved: %s: %s; correct wake.save_clips", self.path, error.strerror)
            self._failed = True

    def _make_room(self, needed: int) -> None:
        kept = sorted(path for path in self.path.iterdir() if _OURS.fullmatch(path.name))
        sizes = {path: path.stat().st_size for path in kept}
        total = sum(sizes.values())
        while kept and (len(kept) >= self._most or total + needed > self._most_bytes):
            oldest = kept.pop(0)
            total -= sizes[oldest]
            oldest.unlink()

    def _write(self, clip: Clip) -> None:
        part = self.path / f"{clip.name}.part"
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file, wave.open(file) as sound:
                sound.setparams((1, BYTES_PER_SAMPLE, CAPTURE_RATE, 0, "NONE", ""))
                sound.writeframes(clip.pcm)
            part.rename(self.path / clip.name)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise


def _name(word: str, kind: str, score: float) -> str:
    now = time.time()
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    return f"{moment}.{int(now * 1000) % 1000:03d}Z-{re.sub(r'[^A-Za-z0-9_-]', '_', word)}-{kind}-{score:.2f}.wav"
