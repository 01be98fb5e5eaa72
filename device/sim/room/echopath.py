"""A live echo path on the virtual sound card: what its loudspeaker plays is heard in its room, by way of a Room.

It runs in a process of its own: nothing that the device does holds it up. A machine so busy that it stalls makes a hole
in the echo, and never a later echo.
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
# As much as the shortest delay allows: for longer the machine may stall until there is a hole in the echo.
BUFFER_MS = Ms(30)
_BLOCK = samples_from_ms(BLOCK_MS, CAPTURE_RATE) * BYTES_PER_SAMPLE
OWN_DELAY_MS = Ms(15)
"""What the way itself takes, measured with clicks: 15.0 to 15.6 ms, the same in each run and after a stall of 100 ms
(`tests/sim/room/test_echopath.py`). It is a part of the room's delay; a shorter one cannot be had."""
START_LIMIT_S = 10.0
_BLOCKS_BEFORE_READY = 20
# Of silence, in blocks: more than the sink takes at once, so that its buffer is full when the echo begins.
_FILLING = 20
_AT_ONCE_S = 0.008
# Of PulseAudio's headers.
_S16LE, _PLAYBACK, _ANY = 3, 1, 0xFFFFFFFF
# What PulseAudio gives its own threads: air does not wait for a busy machine.
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
        """Send one to its process: a stopped one is what a busy machine makes of it."""
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
    """Take blocks from one to the other until the first ends; say when the first few have gone through."""
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
    """Return the first block that comes just after the sink was filled: how full it is then is the way's delay."""
    while True:
        sink.write(bytes(_FILLING * _BLOCK))
        filled_at = time.monotonic()
        # What came in before it can be played would stay in the way, and make it longer.
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
    """A stream to a sink of PulseAudio that goes on when it runs dry: what comes too late is dropped.

    `pacat` waits for more in that case, and everything after it comes as much later: an echo whose delay grows, as it
    does in no room. Without prebuffering ("prebuf" 0) the server goes on reading where it has nothing to read.
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
        """Let it be heard after what was written before. Blocks while that is much."""
        error = ctypes.c_int()
        if self._library.pa_simple_write(self._stream, pcm, ctypes.c_size_t(len(pcm)), ctypes.byref(error)) < 0:
            raise SimulationError(f"PulseAudio does not take the echo any more (error {error.value})")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this
    _run(msgspec.json.decode(sys.argv[1], type=Room))
