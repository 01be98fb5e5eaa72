"""hearthside leds: every indication on the lights, with its name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli import leds, main
from device.core.indication import Indication
from device.foreign import spidev
from device.foreign.gpio import MockBoard
from device.panel.patterns import pattern_of
from device.panel.settings import Led
from device.setup.daemon import Running
from device.sim.devices.spi import SimulatedSpi, seen_apa102

ROOT = Path(__file__).resolve().parents[2]
FAST = ("--seconds", "0.05", "--config", "/dev/null")
APA102 = ("--set", "hardware.led.driver=apa102", "--set", "hardware.led.pixels=12")


@pytest.fixture(autouse=True)
def no_house(monkeypatch: pytest.MonkeyPatch) -> None:
    """No service runs on this machine."""
    monkeypatch.setattr(leds, "find_running", lambda: None)


def test_every_indication_has_a_meaning() -> None:
    """None can be forgotten."""
    assert set(leds.MEANINGS) == set(Indication)


def test_all_are_shown_on_mock_pins_as_a_person_runs_it() -> None:
    """Each with its name, after what is configured."""
    command = [Path(sys.executable).with_name("hearthside"), "leds", *FAST, "--set", "hardware.led.pin=18"]
    env = {**os.environ, "GPIOZERO_PIN_FACTORY": "mock", "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    first, *lines = run.stdout.splitlines()
    assert first == "the lights: one LED on GPIO 18; 0.05 s each, Ctrl-C ends it"
    assert [line.split()[0] for line in lines] == [one.value for one in leds.MEANINGS]


def test_one_is_lit_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """On a pin."""
    board = MockBoard()
    try:
        assert main(["leds", "muted", *FAST, "--set", "hardware.led.pin=18"]) == 0
        assert 0.1 in board.levels_seen(18)
        assert board.level(18) == 0
    finally:
        board.close()
    assert capsys.readouterr().out.splitlines()[1] == "muted       the microphone is closed (steady, dim)"


def test_what_is_to_be_seen_is_said_for_the_lights_that_there_are() -> None:
    """One LED has no colour, and pixels move otherwise: they have pictures; only they show volume and direction."""
    rgb, ring = Led(red=5, green=6, blue=13), Led(driver="apa102", pixels=12)
    assert leds.line("muted", rgb) == "muted       the microphone is closed (steady, dim; red)"
    assert leds.line("muted", ring) == "muted       the microphone is closed (red)"
    assert leds.line("idle", ring) == "idle        it only listens for its wake word (dark)"
    assert leds.line("volume", ring) == "volume      rings and strips: the volume goes from 0 to 100 %"


def test_the_words_for_the_lights_are_those_of_the_documentation() -> None:
    """And the colours are those that are shown."""
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| (\w+) \|$", (ROOT / "hardware.md").read_text(), re.MULTILINE)
    assert {*leds.LOOKS.values()} <= set(rows)
    colours = {"cyan": "011", "violet": "101", "green": "010", "yellow": "110", "white": "111", "blue": "001"}
    for indication, (_, colour) in leds.LOOKS.items():
        shown = "".join(str(round(part)) for part in pattern_of(indication).colour)
        assert shown == colours.get(colour, shown), indication


def test_a_ring_shows_volume_and_direction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen in the bytes on its bus: the volume grows, and the brightest pixel goes round."""
    spi = SimulatedSpi(tmp_path)
    monkeypatch.setattr(spidev, "SYSTEM", spi)
    assert main(["leds", "volume", *FAST, "--seconds", "0.5", *APA102, "--set", "hardware.led.brightness=1"]) == 0
    white = [sum(pixel[0] for pixel in seen_apa102(sent, 12)) for _, sent in spi.transfers]
    assert max(white) == pytest.approx(12, abs=0.1)
    assert len({round(level) for level in white}) > 5
    spi.transfers.clear()
    assert main(["leds", "direction", *FAST, "--seconds", "1", *APA102]) == 0
    frames = [seen_apa102(sent, 12) for _, sent in spi.transfers]
    brightest = {frame.index(max(frame, key=sum)) for frame in frames if any(map(any, frame))}
    assert len(brightest) > 2


def test_lights_that_fail_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do, and exit code 1."""
    spi = SimulatedSpi(tmp_path)
    spi.missing = True
    monkeypatch.setattr(spidev, "SYSTEM", spi)
    assert main(["leds", *FAST, *APA102]) == 1
    assert "dtparam=spi=on" in capsys.readouterr().err


def test_without_lights_it_says_where_to_configure_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code of a wrong configuration."""
    assert main(["leds", "--config", "/dev/null"]) == 78
    assert "hardware.led" in capsys.readouterr().err


def test_the_lights_of_a_running_house_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two programs would write over each other."""
    monkeypatch.setattr(leds, "find_running", lambda: Running("listening"))
    assert main(["leds", *FAST, "--set", "hardware.led.pin=18"]) == 1
    assert "sudo systemctl stop hearthside" in capsys.readouterr().err


def test_a_name_that_is_none_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """And with what was meant."""
    with pytest.raises(SystemExit):
        main(["leds", "listning"])
    error = capsys.readouterr().err
    assert 'did you mean "listening"?' in error
    assert "thinking" in error
