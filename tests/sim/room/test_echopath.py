"""The live echo path on the virtual sound card."""

from __future__ import annotations

import asyncio
import signal
import time

import numpy as np
import pytest

from device.sim.devices.soundcard import Recording, VirtualSoundCard
from device.sim.room.acoustics import Room
from device.sim.room.echopath import EchoPath
from device.units import CAPTURE_RATE, Ms
from tests.waiting import until

CLICK = np.zeros(4_000, np.int16)
CLICK[100:108] = 20_000
# Longer than all buffers between the loudspeaker and the room together.
STALL_S = 0.1


async def delay_ms(card: VirtualSoundCard, speaker: Recording, room: Recording) -> float:
    """Let a click leave the loudspeaker; return how much later it is loudest in the room."""
    since = time.monotonic()
    play = ("pacat", "--playback", "--device=speaker", "--raw", "--format=s16le", "--rate=16000", "--channels=1")
    player = await asyncio.create_subprocess_exec(*play, stdin=asyncio.subprocess.PIPE, env=card.client_env())
    await player.communicate(CLICK.tobytes())
    await until(lambda: loudest(room, since) is not None, "a click in the room")
    left, heard = loudest(speaker, since), loudest(room, since)
    assert left is not None
    assert heard is not None
    return (heard - left) * 1000


def loudest(recording: Recording, since: float) -> float | None:
    """Return when the loudest sample since a moment was heard; None while all was quiet or it may be yet to come."""
    sound = np.abs(np.frombuffer(recording.pcm, "<i2").astype(np.int32))
    first = max(0, recording.position(since))
    if not len(sound[first:]) or sound[first:].max() < 2_000:
        return None
    at = first + int(sound[first:].argmax())
    return recording.start + at / CAPTURE_RATE if len(sound) - at > CAPTURE_RATE // 5 else None


@pytest.mark.card
async def test_an_echo_comes_after_its_delay_and_no_later_after_a_stall() -> None:
    """On a machine that stalls the echo has a gap; its delay must not change."""
    place = Room(delay_ms=Ms(60), rt60_s=0.05, distortion=0.0, noise_dbfs=None, echo_db=0.0)
    async with VirtualSoundCard() as card, EchoPath(card, place) as path:
        with card.record_speaker(CAPTURE_RATE) as speaker, card.record_room(CAPTURE_RATE) as room:
            before = await delay_ms(card, speaker, room)
            path.send_signal(signal.SIGSTOP)
            await asyncio.sleep(STALL_S)
            path.send_signal(signal.SIGCONT)
            after = await delay_ms(card, speaker, room)
    assert abs(before - 60) < 10
    assert abs(after - before) < 2
