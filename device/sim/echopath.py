"""A live echo path on the virtual sound card: what its loudspeaker plays is heard in its room, by way of a Room.

It runs in a process of its own, between PulseAudio's `parec` and `pacat`: nothing that the device does holds it up.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

import device
from device.sim.room import Echo, Room, pcm_from_samples, samples_from_pcm
from device.sim.soundcard import SimulationError, VirtualSoundCard
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Ms, samples_from_ms

BLOCK_MS = Ms(5)
# With 10 ms the way was seen to grow by 8 ms when the machine was busy.
BUFFER_MS = Ms(20)
OWN_DELAY_MS = Ms(12)
"""What the way itself takes, measured with clicks: 10 to 14 ms, constant for as long as it runs (more, when the machine
is too busy even for that). It is a part of the room's delay; a shorter one cannot be had."""
START_LIMIT_S = 10.0
_BLOCKS_BEFORE_READY = 20
# What PulseAudio gives its own threads: air does not wait for a busy machine, and a way that ran dry grows longer.
_NICE = -11


class EchoPath:
    """A context manager (`async with`): inside it the room's microphone hears the loudspeaker through `room`."""

    def __init__(self, card: VirtualSoundCard, room: Room) -> None:
        self._card = card
        self._room = room
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        root = str(Path(device.__file__).parent.parent)
        env = {**os.environ, **self._card.env(), "PYTHONPATH": root}
        command = (sys.executable, "-m", "device.sim.echopath", msgspec.json.encode(self._room).decode())
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=env)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await _ready(self._process)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _ready(process: asyncio.subprocess.Process) -> None:
    if process.stdout is None or not await process.stdout.readline():
        raise SimulationError("the echo path does not start; is the virtual sound card plugged in?")


def _run(room: Room) -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    layout = ("--raw", "--format=s16le", f"--rate={CAPTURE_RATE}", "--channels=1", "--channel-map=mono")
    listen = ("parec", "--device=speaker.monitor", f"--latency-msec={BLOCK_MS:g}", *layout)
    speak = ("pacat", "--verbose", "--playback", "--device=room", f"--latency-msec={BUFFER_MS:g}", *layout)
    quiet = subprocess.DEVNULL
    with subprocess.Popen(speak, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as sink:
        # What came in before it can be played would stay in the way, and make it longer.
        if sink.stdin is None or sink.stderr is None or not _says(sink.stderr, b"successfully created"):
            return
        with subprocess.Popen(listen, stdout=subprocess.PIPE, stderr=quiet, bufsize=0) as source:
            if source.stdout is not None:
                _carry(source.stdout, sink.stdin, room)
            sink.stdin.close()


def _says(output: IO[bytes], words: bytes) -> bool:
    """Wait until a program says it; tell whether it did before its end."""
    return any(words in line for line in output)


def _carry(source: IO[bytes], sink: IO[bytes], room: Room) -> None:
    """Take blocks from one pipe to the other until the first ends; say when the first few have gone through."""
    echo = Echo(replace(room, delay_ms=Ms(max(0.0, room.delay_ms - OWN_DELAY_MS))))
    size = samples_from_ms(BLOCK_MS, CAPTURE_RATE) * BYTES_PER_SAMPLE
    rest = b""
    for count in itertools.count():
        chunk = source.read(size)
        if not chunk:
            return
        whole = len(rest + chunk) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
        pcm, rest = (rest + chunk)[:whole], (rest + chunk)[whole:]
        sink.write(pcm_from_samples(echo.process(samples_from_pcm(pcm))))
        if count == _BLOCKS_BEFORE_READY:
            print("ready", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this
    _run(msgspec.json.decode(sys.argv[1], type=Room))
