"""What `hearthside replay --plot` draws: errors over the threshold, and scores over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from device.foreign import plot
from device.ports.wake import DetectionRule
from device.units import CAPTURE_RATE
from device.wake.evaluation import Errors, Track

# More would be too small to read.
_MOST_TRACKS = 8
_COLOURS = ("#4a7fb5", "#b5523b", "#4f9d69", "#8c6bb1", "#f2c14e", "#666666")


Style = Mapping[str, Any]
"""What matplotlib takes for a line."""


def _style(index: int) -> Style:
    """Return how the line of a word looks; when the colours begin again it is dashed."""
    turn, colour = divmod(index, len(_COLOURS))
    return {"color": _COLOURS[colour], "linestyle": "--" if turn % 2 else "-", "linewidth": 1}


def draw(
    path: Path, tracks: Sequence[Track], rules: Mapping[str, DetectionRule], sweeps: Mapping[str, list[Errors]]
) -> None:
    """Write the picture: both errors of every word, and the scores of the first recordings. Raise HearthsideError."""
    shown = tracks[:_MOST_TRACKS]
    heights = [2.0, 2.0, *(1.0 for _ in shown)]
    styles = {word: _style(index) for index, word in enumerate(rules)}
    with plot.picture(path, "Hearthside: wake words in recordings", heights, (12, 7 + 1.5 * len(shown))) as axes:
        _draw_errors(axes[0], axes[1], rules, sweeps, styles)
        for axis, track in zip(axes[2:], shown, strict=True):
            _draw_scores(axis, track, rules, styles)
            axis.set_xlabel("seconds")


def _draw_errors(
    rejects: Any,
    accepts: Any,
    rules: Mapping[str, DetectionRule],
    sweeps: Mapping[str, list[Errors]],
    styles: Mapping[str, Style],
) -> None:
    for word, points in sweeps.items():
        thresholds = [point.threshold for point in points]
        style = {**styles[word], "label": word, "marker": "."}
        if points[0].rejected_share is not None:
            rejects.plot(thresholds, [100 * (point.rejected_share or 0) for point in points], **style)
        if points[0].accepted_per_hour is not None:
            accepts.plot(thresholds, [point.accepted_per_hour for point in points], **style)
        for axis in (rejects, accepts):
            axis.axvline(rules[word].threshold, color=styles[word]["color"], linestyle=":", linewidth=1)
    for axis, name in ((rejects, "false rejects, %"), (accepts, _accepts_label(sweeps))):
        axis.set_ylabel(name)
        axis.set_xlim(0, 1)
        if axis.lines:
            axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    # The same for every picture, or two could not be compared.
    rejects.set_ylim(0, 100)
    accepts.set_ylim(bottom=0)
    accepts.set_xlabel("threshold")


def _accepts_label(sweeps: Mapping[str, list[Errors]]) -> str:
    """Return what the axis shows, and from how much sound where that is less than an hour."""
    hours = min((points[0].hours for points in sweeps.values()), default=1.0)
    return f"false accepts an hour{f' (from {hours * 60:.1f} minutes)' if 0 < hours < 1 else ''}"


def _draw_scores(axis: Any, track: Track, rules: Mapping[str, DetectionRule], styles: Mapping[str, Style]) -> None:
    step_s = track.step / CAPTURE_RATE
    for word, scores in track.scores.items():
        axis.plot([(index + 1) * step_s for index in range(len(scores))], scores, **styles[word])
        axis.axhline(rules[word].threshold, color=styles[word]["color"], linestyle=":", linewidth=1)
    for found in track.detections:
        axis.axvline(found.end / CAPTURE_RATE, color=styles[found.word]["color"], linewidth=1)
    axis.set_ylim(-0.05, 1.05)
    axis.set_ylabel("score")
    # A file may have any name; and dollars in it are no mathematics.
    name = Path(track.name).name.encode(errors="backslashreplace").decode()
    axis.set_title(name, fontsize=8, loc="left", parse_math=False)
