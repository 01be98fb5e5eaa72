"""A codec that starts silent is set up once, and then it is a person's: pure, on a fake amixer, and on the real one."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.cards.mixer import controls_of
from device.audio.routing import RoutingMemory, is_due, set_up
from device.audio.settings import Audio

PCM, BOOST, VOLUME = "Left Output Mixer PCM", "Left Input Mixer Boost", "Speaker"
WANTED = {PCM: "on", BOOST: "on", VOLUME: "80%"}
AUDIO = Audio(output="hw:1", controls=WANTED)
SILENT = {PCM: "[off]", BOOST: "[off]", VOLUME: "0"}

# What amixer prints for switches and volumes of a WM8960 (shortened).
WM8960 = """\
Simple mixer control 'Speaker',0
  Capabilities: pvolume
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 127
  Mono:
  Front Left: Playback 109 [86%] [-12.00dB]
  Front Right: Playback 108 [85%] [-13.00dB]
Simple mixer control 'Left Output Mixer PCM',0
  Capabilities: pswitch pswitch-joined
  Playback channels: Mono
  Mono: Playback [off]
Simple mixer control 'ADC Polarity',0
  Capabilities: enum
  Items: 'No Inversion' 'Left Inverted'
  Item0: 'No Inversion'
Simple mixer control 'Mic',1
  Capabilities: cswitch
  Capture channels: Mono
  Mono: Capture [on]
"""


class Card:
    """A mixer of switches and volumes as a program called `amixer`: a file for each control."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def stand(self, controls: dict[str, str]) -> None:
        """Let the controls stand like this: after a power cut, or since somebody has set them."""
        for name, state in controls.items():
            (self.folder / name).write_text(f"{state}\n", encoding="utf-8")

    @property
    def now(self) -> dict[str, str]:
        """How they stand."""
        return {file.name: file.read_text(encoding="utf-8").strip() for file in sorted(self.folder.iterdir())}

    @property
    def program(self) -> str:
        """The body of a script of sh without any other program."""
        return f"""
cd {shlex.quote(str(self.folder))}
case $3 in
scontents) for name in *; do
    read -r state <"$name"
    printf "Simple mixer control '%s',0\\n  Capabilities: pswitch\\n  Mono: Playback %s\\n" "$name" "$state"
  done ;;
sset)
  [ -e "$4" ] || {{ echo "amixer: Unable to find simple control '$4',0" >&2; exit 1; }}
  case $5 in on | off) echo "[$5]" >"$4" ;; *) echo "$5" >"$4" ;; esac ;;
esac
"""


@pytest.fixture
def card(tmp_path: Path, fake_amixer: Callable[[str], Path]) -> Card:
    """A card whose paths are cut."""
    made = Card(tmp_path / "card")
    made.stand(SILENT)
    fake_amixer(made.program)
    return made


def memory(folder: Path) -> RoutingMemory:
    """Return what is remembered, as after a restart."""
    return RoutingMemory(folder / "state" / "mixer.json", lambda call: call())


def test_how_a_control_stands_is_what_amixer_prints_of_it() -> None:
    """Not what it can do; of each channel; a second one of a name has a number."""
    assert controls_of(WM8960) == {
        "Speaker": "Mono: Front Left: Playback 109 [86%] [-12.00dB] Front Right: Playback 108 [85%] [-13.00dB]",
        PCM: "Mono: Playback [off]",
        "ADC Polarity": "Item0: 'No Inversion'",
        "Mic,1": "Mono: Capture [on]",
    }


async def test_a_silent_card_is_set_up_once_and_then_left_to_people(card: Card, tmp_path: Path) -> None:
    """What somebody changes is not changed back by the next start, nor by the one after it."""
    assert await set_up(AUDIO, memory(tmp_path))
    assert card.now == {PCM: "[on]", BOOST: "[on]", VOLUME: "80%"}
    for changed in ({VOLUME: "5%"}, {PCM: "[off]"}, {PCM: "[on]", BOOST: "[off]"}):
        card.stand(changed)
        before = card.now
        assert not await set_up(AUDIO, memory(tmp_path))
        assert card.now == before


async def test_what_a_power_cut_has_lost_is_set_again(card: Card, tmp_path: Path) -> None:
    """All controls are as they were before: the system had stored nothing yet."""
    await set_up(AUDIO, memory(tmp_path))
    card.stand(SILENT)
    assert await set_up(AUDIO, memory(tmp_path))
    assert card.now[PCM] == "[on]"


async def test_a_card_that_somebody_has_set_up_is_left_alone(card: Card, tmp_path: Path) -> None:
    """Before our first start: its paths are open, and its volume is theirs."""
    card.stand({PCM: "[on]", BOOST: "[on]", VOLUME: "7%"})
    assert not await set_up(AUDIO, memory(tmp_path))
    assert card.now[VOLUME] == "7%"


async def test_a_control_that_the_card_lacks_keeps_no_other_from_being_set(
    card: Card, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another version of the driver has other names; that is said."""
    caplog.set_level("INFO")
    audio = Audio(output="hw:1", controls={"Nonesuch": "on", **WANTED})
    assert await set_up(audio, memory(tmp_path))
    assert card.now[PCM] == "[on]"
    assert 'no control "Nonesuch"' in caplog.text
    assert f'"{PCM}" is set to on' in caplog.text


async def test_a_card_without_a_mixer_is_told_and_no_more(
    fake_amixer: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The house goes on."""
    fake_amixer('echo "amixer: Mixer attach hw:1 error: No such device" >&2; exit 1')
    assert not await set_up(AUDIO, memory(tmp_path))
    assert "audio.controls" in caplog.text
    assert not (tmp_path / "state").exists()


async def test_without_anything_to_set_amixer_is_not_run(fake_amixer: Callable[[str], Path], tmp_path: Path) -> None:
    """Most cards need nothing."""
    calls = fake_amixer("")
    assert not await set_up(Audio(output="hw:1"), memory(tmp_path))
    assert calls.read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("text", ["", "no json", '{"hw:1": 5}'])
async def test_a_memory_that_cannot_be_read_is_none(card: Card, tmp_path: Path, text: str) -> None:
    """A card that is silent is set up all the same."""
    file = tmp_path / "state" / "mixer.json"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    assert await set_up(AUDIO, memory(tmp_path))
    assert not await set_up(AUDIO, memory(tmp_path))


STATES = st.fixed_dictionaries(
    {
        PCM: st.sampled_from(["[on]", "[off]"]),
        BOOST: st.sampled_from(["[on]", "[off]"]),
        VOLUME: st.integers(0, 9).map(str),
    }
)


@given(STATES, STATES)
def test_what_differs_from_before_and_lets_anything_through_is_never_set(
    before: dict[str, str], now: dict[str, str]
) -> None:
    """Somebody has changed it."""
    opened = "[on]" in (now[PCM], now[BOOST])
    assert is_due(now, WANTED, before) is (now == before or not opened)


@given(STATES)
def test_the_first_time_only_a_card_with_a_cut_path_is_set(now: dict[str, str]) -> None:
    """One without switches always is, once."""
    assert is_due(now, WANTED, None) is ("[off]" in now.values())
    assert is_due(now, {VOLUME: "5"}, None)
    assert not is_due({}, WANTED, None)


async def test_the_real_amixer_opens_a_real_path(pulse: None, tmp_path: Path) -> None:
    """Through alsa-utils and ALSA to a null sink that is muted; what is muted later stays so."""

    def amixer(*words: str) -> str:
        run = subprocess.run(["amixer", "-D", "pulse", *words], capture_output=True, text=True, check=True)
        return run.stdout

    amixer("sset", "Master", "10%", "mute")
    audio = Audio(output="pulse", controls={"Master": "60% on"})
    assert await set_up(audio, memory(tmp_path))
    assert "[60%] [on]" in amixer("sget", "Master")
    amixer("sset", "Master", "30%", "mute")
    assert not await set_up(Audio(output="pulse", controls={"Master": "60%"}), memory(tmp_path))
    assert "[30%] [off]" in amixer("sget", "Master")
