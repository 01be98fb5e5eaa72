"""Draws a timeline: the sound at the microphone and the loudspeaker, wake scores, gate and phases."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from device.core.actions import RunTool
from device.core.events import Heard, PlaybackStopped, Said, WakeWordDetected
from device.core.status import Phase
from device.foreign import plot
from device.sim.stage.timeline import Timeline
from device.units import Hz

COLOURS = {
    Phase.IDLE: "#d9d9d9",
    Phase.WAKING: "#f2c14e",
    Phase.LISTENING: "#4f9d69",
    Phase.THINKING: "#8c6bb1",
    Phase.SPEAKING: "#4a7fb5",
}


@dataclass(frozen=True, slots=True)
class RecordedSound:
    """Recorded sound (s16le mono); `start`: when its first sample sounded, in seconds of `time.monotonic`."""

    pcm: bytes
    rate: Hz
    start: float


def draw(timeline: Timeline, room: RecordedSound, speaker: RecordedSound, threshold: float, path: Path) -> None:
    """Write the picture, in the format of the suffix of `path` (.png, .svg, .pdf). Raise HearthsideError."""
    title = "Hearthside: a conversation on the virtual sound card"
    with plot.picture(path, title, [2, 2, 1.2, 0.5, 0.7], (16, 9), share_time=True) as axes:
        _draw_sound(axes[0], room, timeline.began, "microphone", "#4f9d69")
        _draw_sound(axes[1], speaker, timeline.began, "speaker", "#4a7fb5")
        _draw_scores(axes[2], timeline, threshold)
        _draw_states(axes[3], axes[4], timeline)
        _write_words(axes[0], axes[1], timeline)
        axes[4].set_xlabel("seconds")
        axes[4].set_xlim(0, max(len(room.pcm) / 2 / room.rate + room.start - timeline.began, 1.0))


def envelope(pcm: bytes, rate: Hz, step_s: float = 0.01) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the peak of every `step_s` of s16le mono sound, 0 to 1."""
    samples = np.abs(np.frombuffer(pcm, np.int16).astype(np.float64)) / 32768
    step = int(rate * step_s)
    whole = samples[: len(samples) // step * step]
    return whole.reshape(-1, step).max(axis=1) if len(whole) else whole


def _draw_sound(axis: Any, sound: RecordedSound, began: float, name: str, colour: str) -> None:
    peaks = envelope(sound.pcm, sound.rate)
    times = sound.start - began + np.arange(len(peaks)) * 0.01
    axis.fill_between(times, -peaks, peaks, color=colour, linewidth=0)
    axis.set_ylim(-1, 1)
    axis.set_yticks([])
    axis.set_ylabel(name)


def _draw_scores(axis: Any, timeline: Timeline, threshold: float) -> None:
    times = [at - timeline.began for at, _ in timeline.scores]
    axis.plot(times, [score for _, score in timeline.scores], color="#b5523b", linewidth=1)
    axis.axhline(threshold, color="#b5523b", linestyle=":", linewidth=1)
    axis.set_ylim(-0.05, 1.05)
    axis.set_ylabel("wake score")
    for entry in timeline.entries:
        if isinstance(entry.what, WakeWordDetected):
            axis.axvline(entry.at - timeline.began, color="#b5523b", linewidth=0.8)


def _draw_states(gate_axis: Any, phase_axis: Any, timeline: Timeline) -> None:
    changes = [(0.0, Phase.IDLE, False)]
    changes += [(at - timeline.began, phase, gate) for at, phase, gate in timeline.phases()]
    ends = [start for start, _, _ in changes[1:]]
    ends.append(timeline.entries[-1].at - timeline.began if timeline.entries else 1.0)
    for (start, phase, gate), end in zip(changes, ends, strict=True):
        phase_axis.broken_barh([(start, end - start)], (0, 1), color=COLOURS[phase])
        if gate:
            gate_axis.broken_barh([(start, end - start)], (0, 1), color="#333333")
        if end - start > 0.9:
            phase_axis.text((start + end) / 2, 0.5, phase.value, ha="center", va="center", fontsize=8)
    for axis, name in ((gate_axis, "gate open"), (phase_axis, "phase")):
        axis.set_ylim(0, 1)
        axis.set_yticks([])
        axis.set_ylabel(name, rotation=0, ha="right", va="center")


def _write_words(near: Any, far: Any, timeline: Timeline) -> None:
    said, tools = cycle((0.85, 0.65)), cycle((-0.92, -0.72))  # so that neighbours do not overlap
    for entry in timeline.entries:
        at = entry.at - timeline.began
        match entry.what:
            case Heard(text=text):
                near.text(at, 0.8, f"“{_short(text)}”", fontsize=8, ha="right")
            case Said(text=text):
                far.text(at, next(said), f"“{_short(text)}”", fontsize=8)
            case RunTool(name=name, arguments=arguments):
                far.text(at, next(tools), f"{name} {arguments}", fontsize=7, color="#8c6bb1")
            case PlaybackStopped(item=item, played=played) if item:
                far.axvline(at, color="#b5523b", linewidth=1)
                far.text(at, -0.55, f"stopped at {played:.0f} ms", fontsize=8, color="#b5523b", ha="right")


def _short(text: str, length: int = 44) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
