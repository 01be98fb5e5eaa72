"""Meters and lines, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re

import pytest

from device.cli.meters import Meters, score_meter
from device.core.events import Device, DeviceFailed, DeviceRecovered
from device.ports.wake import Detection, DetectionRule, NearMiss
from device.units import Samples

RULES = {"alexa": DetectionRule(0.5), "hey_jarvis": DetectionRule(0.8)}


class Terminal(io.StringIO):
    """A terminal that interprets the few control sequences used."""

    def isatty(self) -> bool:
        """Say yes."""
        return True

    @property
    def screen(self) -> list[str]:
        """Return what is on it now."""
        rows, row = [""], 0
        for token in re.findall(r"\x1b\[\d*[A-Zm]|\x1b\[K|\r|\n|[^\x1b\r\n]+", self.getvalue()):
            if token == "\n":
                row += 1
                rows += [""] * (row == len(rows))
            elif token.endswith("A") and token.startswith("\x1b"):
                row -= int(token[2:-1])
            elif token[0] not in "\x1b\r":
                rows[row] = token
        return rows


def test_a_score_meter_has_a_line_at_the_threshold() -> None:
    """Below it, at it and above it."""
    assert score_meter(0.0, 0.5, 10) == "-----|----"
    assert score_meter(0.3, 0.5, 10) == "###--|----"
    assert score_meter(0.9, 0.5, 10) == "#####|###-"
    assert score_meter(1.0, 1.0, 10) == "#########|"


def test_a_terminal_shows_a_row_for_the_microphone_and_each_word() -> None:
    """Redrawn in their place; lines go above them."""
    out = Terminal()
    meters = Meters(RULES, out, lambda: None)
    meters.note_level(-30.0)
    meters.draw()
    meters.note_scores({"alexa": 0.25, "hey_jarvis": 0.0})
    meters.draw()
    assert [row.split()[0] for row in out.screen] == ["microphone", "alexa", "hey_jarvis"]
    assert "-30" in out.screen[0]
    assert "0.25" in out.screen[1]
    meters.show_detection(Detection("alexa", 0.87, Samples(0)))
    meters.show_near_miss(NearMiss("hey_jarvis", 0.5, 0.8, Samples(0)))
    assert [row.split()[1] for row in out.screen[:2]] == ["heard", "near"]
    assert [row.split()[0] for row in out.screen[2:]] == ["microphone", "alexa", "hey_jarvis"]


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_no_row_is_wider_than_the_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would wrap, and nothing would be in its place."""
    monkeypatch.setenv("COLUMNS", columns)
    out = Terminal()
    meters = Meters({"alexa": DetectionRule(0.5)}, out, lambda: None)
    meters.draw()
    assert all(len(row) < max(48, int(columns)) for row in out.screen)


def test_a_peak_is_held_and_replaced_by_a_higher_one() -> None:
    """The newest score may be gone before it was read."""
    out = Terminal()
    meters = Meters({"alexa": DetectionRule(0.5)}, out, lambda: None)
    for score in (0.2, 0.9, 0.1):
        meters.note_scores({"alexa": score})
    meters.draw()
    assert "0.10" in out.screen[1]
    assert out.screen[1].endswith("peak 0.90")


def test_elsewhere_only_lines_are_printed() -> None:
    """For files and pipes; the sum at the end."""
    out = io.StringIO()
    meters = Meters(RULES, out, lambda: None)
    meters.draw()
    meters.note_scores({"alexa": 0.9, "hey_jarvis": 0.0})
    meters.show_detection(Detection("alexa", 0.87, Samples(0)))
    meters.show_near_miss(NearMiss("alexa", 0.41, 0.5, Samples(0)))
    meters.show_fact(DeviceFailed(Device.MICROPHONE, "unplugged"))
    meters.show_fact(DeviceRecovered(Device.MICROPHONE))
    meters.end()
    lines = [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in out.getvalue().splitlines()]
    assert lines == [
        "heard      alexa 0.87",
        "near miss  alexa 0.41 (threshold 0.50)",
        "failure    unplugged",
        "works      microphone",
        "alexa: heard 1 times, near misses 1",
        "hey_jarvis: heard 0 times, near misses 0",
    ]


def test_a_reader_that_left_ends_it() -> None:
    """As after `| head`."""

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    left: list[bool] = []
    Meters(RULES, Broken(), lambda: left.append(True)).say("heard", "x")
    assert left
