"""hearthside replay: what the wake words make of recordings, and what other thresholds would have made of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli.labels import NONE, labels
from device.cli.run import add_configuration
from device.errors import AudioError
from device.foreign import plot
from device.house import configuration
from device.kit import signals
from device.service import journal
from device.units import CAPTURE_RATE

if TYPE_CHECKING:
    from device.ports.wake import DetectionRule, WakeWord
    from device.wake.evaluation import Errors, Evaluator, Track

# With less of it one detection more or less changes the rate by more than one an hour.
_ENOUGH_HOURS = 1.0

_DESCRIPTION = (
    "Scores recordings (WAV) with the configured engine and words, and prints what is detected. With a sweep it "
    "prints, for thresholds from 0.1 to 0.95, in how many recordings with the word it would not be heard, and how "
    "often an hour something else would be taken for it. A recording is taken to hold the word that its file is "
    "named after, unless --expect or --labels say otherwise."
)


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("replay", help="score recordings, and compare thresholds", description=_DESCRIPTION)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--threshold-sweep", action="store_true", help="print both errors for many thresholds")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them and the scores (.png, .svg or .pdf)")
    said = parser.add_mutually_exclusive_group()
    said.add_argument("--expect", metavar="WORD", help=f'the word in all the recordings, or "{NONE}"')
    said.add_argument("--labels", type=Path, metavar="FILE", help='TOML, e.g. "kitchen-*.wav" = "hey_jarvis"')
    add_configuration(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    settings = configuration.load(options.config, options.overrides)
    journal.start("warning")
    if options.plot:
        plot.check_path(options.plot)
    with signals.importing():
        from device.wake.engines import load_engine
        from device.wake.evaluation import sweep
    engine = load_engine(settings.wake)
    expected = labels(options.files, engine.words, options.expect, options.labels)
    files = list(dict.fromkeys(options.files))
    tracks = _hear(engine, files, expected)
    print(f"\n{_sum(tracks, len(files))}")
    if options.threshold_sweep or options.plot:
        sweeps = {word: sweep(tracks, expected, word, rule) for word, rule in engine.rules.items()}
        if options.threshold_sweep:
            _print_sweeps(sweeps, engine.rules)
        if options.plot:
            from device.cli import curves

            curves.draw(options.plot, tracks, engine.rules, sweeps)
    return 0 if len(tracks) == len(files) else 1


def _hear(engine: WakeWord, files: Sequence[Path], expected: Mapping[str, str]) -> list[Track]:
    """Print what is heard in each file as soon as it is known; of one that cannot be read, why."""
    from device.wake.evaluation import Evaluator

    evaluator, tracks = Evaluator(engine), []
    for file in files:
        try:
            track = _hear_one(evaluator, file)
        except AudioError as error:
            print(f"hearthside: {error}", file=sys.stderr, flush=True)
            continue
        tracks.append(track)
        print(f"{file}: {track.samples / CAPTURE_RATE:.1f} s, expected: {expected[str(file)] or NONE}")
        for line in _lines(track):
            print(f"  {line}", flush=True)
    return tracks


def _hear_one(evaluator: Evaluator, file: Path) -> Track:
    from device.audio.wavfile import open_wav

    with open_wav(file) as sound:
        return evaluator.hear(str(file), sound)


def _lines(track: Track) -> list[str]:
    heard = [(found.end, f"heard      {found.word} {found.score:.2f}") for found in track.detections]
    near = [(miss.at, f"near miss  {miss}") for miss in track.near_misses]
    return [f"{at / CAPTURE_RATE:8.2f} s  {text}" for at, text in sorted(chain(heard, near))]


def _sum(tracks: Sequence[Track], files: int) -> str:
    minutes = sum(track.samples for track in tracks) / CAPTURE_RATE / 60
    heard = sum(len(track.detections) for track in tracks)
    near = sum(len(track.near_misses) for track in tracks)
    unread = f" ({files - len(tracks)} could not be read)" if files > len(tracks) else ""
    return f"{minutes:.1f} minutes in {len(tracks)} files{unread}: detections {heard}, near misses {near}"


def _print_sweeps(sweeps: Mapping[str, list[Errors]], rules: Mapping[str, DetectionRule]) -> None:
    for word, points in sweeps.items():
        print(f"\n{word}: in {points[0].spoken} recordings, and {points[0].hours * 60:.1f} minutes without it")
        if reservation := _reservation(points[0].hours):
            print(reservation)
        print("threshold  false rejects    false accepts an hour")
        nearest = min(points, key=lambda point: abs(point.threshold - rules[word].threshold))
        for point in points:
            print(f"     {_row(point)}{'  <- configured' if point is nearest else ''}")


def _reservation(hours: float) -> str:
    """Return what to keep in mind when a rate comes from so little sound that a few detections decide about it."""
    if not 0 < hours < _ENOUGH_HOURS:
        return ""
    sound = f"{hours * 60:.0f} minutes" if hours > 1 / 30 else f"{hours * 3600:.0f} s"
    each = f"each detection counts as {1 / hours:.0f}"
    return f'caution: "an hour" is reckoned from {sound}, so {each}; give it an hour or more'


def _row(point: Errors) -> str:
    share, rate = point.rejected_share, point.accepted_per_hour
    rejects = "-" if share is None else f"{point.rejected} ({share:.0%})"
    return f"{point.threshold:.2f}  {rejects:>13}  {'-' if rate is None else f'{rate:.1f}':>23}"
