"""What `hearthside listen` shows: on a terminal a meter for the microphone and for every word, lines elsewhere."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TextIO

from device.core.events import DeviceFailed, DeviceRecovered, Event
from device.ports.wake import Detection, DetectionRule, NearMiss
from device.sim.stage.view import FLOOR_DBFS, meter, meter_of

# Long enough to read the peak of a word that was said.
_HOLD_S = 3.0
# dB a frame: a level that jumps with every vowel cannot be read.
_FALL = 3.0
_MOST_CELLS = 60
_BOLD, _PLAIN, _CLEAR = "\x1b[1m", "\x1b[0m", "\x1b[K"


class Meters:
    """Takes what is heard, prints lines at once, and draws the meters when told to."""

    def __init__(self, rules: Mapping[str, DetectionRule], out: TextIO, on_closed: Callable[[], None]) -> None:
        """`on_closed`: nobody reads `out` any more."""
        self._rules = rules
        self._out = out
        self._on_closed = on_closed
        self.live = out.isatty()
        self._level = FLOOR_DBFS
        self._scores: Mapping[str, float] = dict.fromkeys(rules, 0.0)
        self._peaks = dict.fromkeys(rules, (0.0, 0.0))
        """Score, and when (s, `time.monotonic`)."""
        self._heard: Counter[str] = Counter()
        self._near: Counter[str] = Counter()
        self._drawn = False

    def note_level(self, dbfs: float) -> None:
        """Take in the microphone's level."""
        self._level = max(dbfs, self._level - _FALL)

    def note_scores(self, scores: Mapping[str, float]) -> None:
        """Take in the newest score of every word."""
        self._scores, now = scores, time.monotonic()
        for word, score in scores.items():
            peak, since = self._peaks[word]
            if score >= peak or now - since > _HOLD_S:
                self._peaks[word] = (score, now)

    def show_detection(self, heard: Detection) -> None:
        """Print a detection."""
        self._heard[heard.word] += 1
        self.say("heard", f"{heard.word} {heard.score:.2f}")

    def show_near_miss(self, miss: NearMiss) -> None:
        """Print a near miss."""
        self._near[miss.word] += 1
        self.say("near miss", str(miss))

    def show_fact(self, fact: Event) -> None:
        """Print that a device failed or works again."""
        match fact:
            case DeviceFailed(message=message):
                self.say("failure", message)
            case DeviceRecovered(device=device):
                self.say("works", device.value)

    def say(self, what: str, text: str) -> None:
        """Print a line, above the meters."""
        self._write(f"{self._home()}{_CLEAR if self.live else ''}{time.strftime('%H:%M:%S')}  {what:<9}  {text}\n")
        # The line took the place of the first meter.
        self._drawn = False
        self.draw()

    def draw(self) -> None:
        """Draw the meters anew, on a terminal."""
        if self.live:
            home = self._home()
            self._drawn = True
            self._write(home + "\n".join(f"{row}{_CLEAR}" for row in self._rows()))

    def end(self) -> None:
        """Leave the meters as they are and print how often each word was heard."""
        if self._drawn:
            self._write("\n")
            self._drawn = False
        for word in self._rules:
            self._write(f"{word}: heard {self._heard[word]} times, near misses {self._near[word]}\n")

    def _rows(self) -> list[str]:
        wide = max(len("microphone"), *map(len, self._rules))
        columns = shutil.get_terminal_size().columns
        # Name, number, peak and what stands between them.
        cells = max(10, min(_MOST_CELLS, columns - wide - 26))
        rows = [f"{'microphone':<{wide}}  {self._level:4.0f}  {meter(self._level, cells)}  dBFS"]
        rows += [self._row(word, wide, cells) for word in self._rules]
        return rows

    def _row(self, word: str, wide: int, cells: int) -> str:
        threshold, score, peak = self._rules[word].threshold, self._scores[word], self._peaks[word][0]
        row = f"{word:<{wide}}  {score:4.2f}  {score_meter(score, threshold, cells)}  peak {peak:4.2f}"
        return f"{_BOLD}{row}{_PLAIN}" if peak >= threshold else row

    def _home(self) -> str:
        """Return what takes the cursor to the first meter."""
        return f"\r\x1b[{len(self._rules)}A" if self._drawn else ""

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            self._on_closed()


def score_meter(score: float, threshold: float, width: int) -> str:
    """Return a score, 0 to 1, as a bar of `width` characters with a line at the threshold."""
    bar = meter_of(score, width)
    line = min(width - 1, round(threshold * width))
    return f"{bar[:line]}|{bar[line + 1 :]}"
