"""A damaged model file, in the real engine and its real thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from device.core.events import Device, DeviceFailed, Event
from device.ports.wake import Detection
from device.units import CAPTURE_RATE
from device.wake.networks import onnxfile
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.openwakeword.models import find_word
from device.wake.worker import WakeWorker
from tests.waiting import until

Sound = np.ndarray
STEP = 1280


def damaged(folder: Path) -> Path:
    """Copy the model of a word and put NaN in the place of its first weights."""
    data = find_word("hey_jarvis").path.read_bytes()
    weights = [tensor.tobytes() for tensor in onnxfile.read_model(data).tensors.values() if tensor.size > 1]
    first = weights[0]
    assert first in data
    path = folder / "my_word.onnx"
    path.write_bytes(data.replace(first, np.full(len(first) // 4, np.nan, "<f4").tobytes()))
    return path


async def test_a_damaged_model_hears_nothing_and_is_told_of(
    tmp_path: Path, say: Callable[..., Sound], silence: Callable[[float], Sound]
) -> None:
    """Every score of it is NaN, which was taken for a detection in each refractory period."""
    heard: list[Detection] = []
    posted: list[Event] = []
    engine = OpenWakeWord([str(damaged(tmp_path)), "alexa"])
    worker = WakeWorker(engine, heard.append, posted.append)
    worker.start()
    sound = np.concatenate([silence(3), say("alexa", "en-gb+f2"), silence(1)]).astype("<i2")
    for at in range(0, len(sound) // STEP * STEP, STEP):
        worker.feed(sound[at : at + STEP].tobytes())
        await until(lambda end=at + STEP: worker.scored_samples >= end, "a score")
    worker.close()
    assert [detection.word for detection in heard] == ["alexa"]
    (told,) = posted
    assert isinstance(told, DeviceFailed)
    assert told.device is Device.WAKE_WORD
    assert "my_word" in told.message
    assert heard[0].end > 3 * CAPTURE_RATE
