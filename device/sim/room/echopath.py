"""A live echo path on the virtual sound card: its microphone hears its loudspeaker through a simulated Room.

It runs in a process of its own, so the device cannot delay it. On a machine that is so busy that the process stalls,
the echo has a gap; its delay never changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

import device
from device.sim.devices.soundcard import SimulationError, VirtualSoundCard
from device.sim.room.acoustics import Echo, Room, pcm_from_samples, samples_from_pcm
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Ms, samples_from_ms

BLOCK_MS = Ms(5)
# As long as the shortest delay allows: the longer the buffer, the longer a stall that leaves no gap.
BUFFER_MS = Ms(30)
_BLOCK = samples_from_ms(BLOCK_MS, CAPTURE_RATE) * BYTES_PER_SAMPLE
OWN_DELAY_MS = Ms(15)
"""Delay of the echo path itself, measured with clicks: 15.0 to 15.6 ms, the same in each run and after a stall of 100
ms (`tests/sim/room/test_echopath.py`). It is a part of the room's delay, which cannot be shorter."""
START_LIMIT_S = 10.0
_BLOCKS_BEFORE_READY = 20
# Blocks of silence: more than the sink takes at once, so that its buffer is full when the echo begins.
_FILLING = 20
_AT_ONCE_S = 0.008
# Constants of PulseAudio's headers.
_S16LE, _PLAYBACK, _ANY = 3, 1, 0xFFFFFFFF
# The priority of PulseAudio's own threads: in a real room no busy machine delays the echo.
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
        command = (sys.executable, "-m", "device.sim.room.echopath", msgspec.json.encode(self._room).decode())
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

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to its process: SIGSTOP stalls it as a busy machine would."""
        if self._process is not None:
            self._process.send_signal(number)

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
    with subprocess.Popen(listen, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as source:
        if source.stdout is not None:
            _carry(source.stdout, _Sink("room"), room)


def _carry(source: IO[bytes], sink: _Sink, room: Room) -> None:
    """Carry blocks through the room until the source ends; print "ready" when the first blocks have passed."""
    echo = Echo(replace(room, delay_ms=Ms(max(0.0, room.delay_ms - OWN_DELAY_MS))))
    echo.process(samples_from_pcm(source.read(_BLOCK)))
    chunk, rest = _first_in_time(source, sink), b""
    for count in itertools.count():
        if not chunk:
            return
        whole = len(rest + chunk) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
        pcm, rest = (rest + chunk)[:whole], (rest + chunk)[whole:]
        sink.write(pcm_from_samples(echo.process(samples_from_pcm(pcm))))
        if count == _BLOCKS_BEFORE_READY:
            print("ready", flush=True)
        chunk = source.read(_BLOCK)


def _first_in_time(source: IO[bytes], sink: _Sink) -> bytes:
    """Fill the sink, and return the first block after that: the sink's fill level is the delay of the path."""
    while True:
        sink.write(bytes(_FILLING * _BLOCK))
        filled_at = time.monotonic()
        # Blocks that arrived meanwhile are dropped: they would lengthen the delay.
        while select.select((source,), (), (), 0)[0]:
            if not os.read(source.fileno(), _BLOCK):
                return b""
        chunk = source.read(_BLOCK)
        if not chunk or time.monotonic() - filled_at < _AT_ONCE_S:
            return chunk


class _SampleSpec(ctypes.Structure):
    _fields_ = (("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8))


class _BufferAttr(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize"))


class _Sink:
    """A stream to a sink of PulseAudio that keeps its timing when it runs dry: sound that comes too late is dropped.

    `pacat` waits for more sound in that case, and everything after it is delayed by the wait: the delay of the echo
    would grow, which happens in no real room. Without prebuffering ("prebuf" 0) the server plays silence and its time
    goes on.
    """

    def __init__(self, device: str) -> None:
        self._library = ctypes.CDLL("libpulse-simple.so.0")
        self._library.pa_simple_new.restype = ctypes.c_void_p
        spec = _SampleSpec(_S16LE, CAPTURE_RATE, 1)
        buffer = samples_from_ms(BUFFER_MS, CAPTURE_RATE) * BYTES_PER_SAMPLE
        attr = _BufferAttr(_ANY, buffer, 0, _ANY, _ANY)
        name, error = device.encode(), ctypes.c_int()
        options = (ctypes.byref(spec), None, ctypes.byref(attr), ctypes.byref(error))
        stream = self._library.pa_simple_new(None, b"echo", _PLAYBACK, name, b"echo", *options)
        if not stream:
            raise SimulationError(f"PulseAudio does not take the echo (error {error.value}); is it still running?")
        self._stream = ctypes.c_void_p(stream)

    def write(self, pcm: bytes) -> None:
        """Append sound to the stream. Blocks while the sink's buffer is full."""
        error = ctypes.c_int()
        if self._library.pa_simple_write(self._stream, pcm, ctypes.c_size_t(len(pcm)), ctypes.byref(error)) < 0:
            raise SimulationError(f"PulseAudio does not take the echo any more (error {error.value})")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this
    _run(msgspec.json.decode(sys.argv[1], type=Room))
