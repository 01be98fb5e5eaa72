"""Boards as data, and the page that describes them."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import buildpicture
import pytest
from headerpicture import GPIO, GROUND, HEADER_PIN, POWER, pin_name

from device import boards
from device.boards import Profile, load_profile, profile_names
from device.boards.finding import Board
from device.errors import ConfigError
from device.house import configuration
from device.house.configuration import SCHEMA, Config, claims
from device.panel.settings import Button, Led

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "hardware.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```toml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
SHIPPED = profile_names()


def with_board(name: str) -> Config:
    """Return the configuration that only names a board."""
    return configuration.parse({"hardware": {"profile": name}})


@pytest.mark.parametrize("name", SHIPPED)
def test_every_profile_that_ships_can_be_used(name: str) -> None:
    """It is read strictly, and a plain configuration takes it."""
    assert with_board(name).conversation == SCHEMA().conversation


DRIVERS = {"gpio": "gpio", "apa102": "apa102", "usb": "xvf3000", "ws2812": "xvf3800"}
"""By what a board has for lights: what drives them, where anything does."""


@pytest.mark.parametrize("name", SHIPPED)
def test_the_lights_of_a_board_are_driven_by_what_they_are(name: str) -> None:
    """Or by nothing; what a strip needs of pins are the board's own."""
    profile = load_profile(name)
    led = with_board(name).hardware.led
    assert led.chosen in ("none", DRIVERS.get(profile.lights))
    assert (profile.lights == "gpio") is (led.chosen == "gpio")
    needed = {claim.which for claim in led.claims() if claim.kind == "GPIO" and claim.key != "pin"}
    assert needed == set(profile.light_pins)
    assert needed <= set(profile.pins)
    assert ("dtparam=spi=on" in profile.boot) is led.is_on_spi


def test_a_light_of_ones_own_takes_the_place_of_the_boards() -> None:
    """As a whole; and none at all can be asked for."""
    for own in ({"pin": 22}, {"driver": "none"}):
        led = configuration.parse({"hardware": {"profile": "respeaker_4mic", "led": own}}).hardware.led
        assert led == Led(**own)  # type: ignore[arg-type]
    dim = configuration.parse({"hardware": {"profile": "respeaker_4mic", "led": {"brightness": 0.1}}}).hardware.led
    assert (dim.brightness, dim.pixels, dim.power_pin) == (0.1, 12, 5)


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in ("generic", "virtual")])
def test_every_fact_of_a_board_has_its_source(name: str) -> None:
    """Comments say where the numbers are from; no board claims to have been tried."""
    text = (Path(boards.__file__).parent / f"{name}.toml").read_text(encoding="utf-8")
    assert text.count("\n# ") >= 1
    assert not load_profile(name).tried


def test_the_default_profile_exists_and_changes_nothing() -> None:
    """Whoever has no board sets what they wired."""
    assert with_board("auto") == configuration.parse({}) == SCHEMA()
    assert with_board("generic").audio == SCHEMA().audio


def test_an_unknown_profile_is_answered_with_a_suggestion_and_the_list() -> None:
    """Also one that tries to be a path."""
    with pytest.raises(ConfigError, match=r'hardware\.profile: .*did you mean "respeaker_lite"\? There are: .*generic'):
        load_profile("respeaker_light")
    with pytest.raises(ConfigError, match="no profile"):
        load_profile("../hardware/generic")
    with pytest.raises(ConfigError, match=r'did you mean "auto"'):
        load_profile("Auto")


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every board has a card, a LED and a button."""
    overlay = {
        "audio": {"input": "mics", "output": "codec", "input_channel": 2, "vad": "xvf3000"},
        "hardware": {"led": {"pin": 25}, "button": {"pin": 23}},
    }
    profile = Profile(title="test", tried=False, overlay=overlay)
    monkeypatch.setattr(configuration, "find_board", lambda name: Board((name,), profile))


@pytest.mark.usefixtures("board")
def test_a_profile_fills_in_what_the_configuration_leaves_open() -> None:
    """Cards, channel and pins."""
    merged = configuration.parse({})
    assert (merged.audio.input, merged.audio.output, merged.audio.input_channel) == ("mics", "codec", 2)
    assert (merged.hardware.led.pin, merged.hardware.button.pin) == (25, 23)


@pytest.mark.usefixtures("board")
def test_the_configuration_wins_over_the_profile() -> None:
    """Each setting by itself; the button keeps its times."""
    merged = configuration.parse(
        {
            "audio": {"output": "hdmi"},
            "hardware": {"led": {"red": 5, "green": 6, "blue": 13}, "button": {"hold_s": 1.0}},
            "conversation": {"barge_in": "off"},
        }
    )
    assert (merged.audio.input, merged.audio.output) == ("mics", "hdmi")
    assert merged.hardware.led == Led(red=5, green=6, blue=13)
    assert merged.hardware.button == Button(pin=23, hold_s=1.0)
    assert merged.conversation.barge_in == "off"


@pytest.mark.usefixtures("board")
@pytest.mark.parametrize("microphone", ["USB", "default"])
def test_the_boards_channel_belongs_to_the_boards_microphone(microphone: str) -> None:
    """Another microphone is listened to on its first channel, also one that is chosen by the name of the default."""
    merged = configuration.parse({"audio": {"input": microphone}})
    assert (merged.audio.input, merged.audio.input_channel, merged.audio.vad) == (microphone, 0, "auto")


@pytest.mark.usefixtures("board")
def test_what_is_said_wins_even_if_it_is_what_is_built_in() -> None:
    """A value is not taken for unset because it is the default."""
    merged = configuration.parse(
        {"audio": {"output": "default", "input_channel": 0, "vad": "auto"}, "hardware": {"led": {"active_high": True}}}
    )
    assert (merged.audio.input, merged.audio.output) == ("mics", "default")
    assert (merged.audio.input_channel, merged.audio.vad) == (0, "auto")
    assert merged.hardware.led == Led(pin=25)


def test_a_relay_on_the_boards_button_is_refused() -> None:
    """The message names both keys and where the second came from."""
    with pytest.raises(ConfigError) as caught:
        configuration.parse({"hardware": {"profile": "codec_zero"}, "tools": {"relays": {"light": {"pin": 27}}}})
    assert "tools.relays.light.pin" in str(caught.value)
    assert 'hardware.profile = "codec_zero"' in str(caught.value)


def test_everything_else_survives_the_merge(request: pytest.FixtureRequest) -> None:
    """Relays, words and the provider are not the board's business."""
    table = {"wake": {"words": ["alexa"]}, "tools": {"relays": {"desk_fan": {"pin": 6, "active_high": False}}}}
    settings = configuration.parse(table)
    request.getfixturevalue("board")
    merged = configuration.parse(table)
    assert merged != settings
    assert (merged.wake, merged.tools, merged.service) == (settings.wake, settings.tools, settings.service)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_configuration_in_hardware_md_is_accepted(snippet: str) -> None:
    """People copy them, profile included."""
    configuration.parse(tomllib.loads(snippet))


def test_the_page_and_its_pictures_are_up_to_date() -> None:
    """A profile that changed without them fails here."""
    command = [sys.executable, str(ROOT / "scripts" / "draw_hardware.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_board_is_on_the_page_with_its_pins() -> None:
    """And whether it was tried; the picture names every use of a pin."""
    for name in SHIPPED:
        profile = load_profile(name)
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` | {profile.title} |"))
        assert f" | {'yes' if profile.tried else 'no'} | " in row
        for pin, use in profile.pins.items():
            assert f"| GPIO {pin} | {HEADER_PIN[pin]} | {use} |" in PAGE
        picture = ROOT / "docs" / "boards" / f"{name}.svg"
        assert picture.exists() is bool(profile.pins)
        assert not profile.pins or all(use in picture.read_text(encoding="utf-8") for use in profile.pins.values())


def test_the_header_is_that_of_a_raspberry_pi() -> None:
    """Forty pins, each once: 28 of them GPIO."""
    assert sorted([*GPIO, *POWER, *GROUND]) == list(range(1, 41))
    assert sorted(GPIO.values()) == list(range(28))
    assert (HEADER_PIN[17], HEADER_PIN[18], HEADER_PIN[27]) == (11, 12, 13)


def test_a_device_of_ones_own_is_wired_as_its_configuration_says() -> None:
    """The picture, the table and the settings are one list; no pin is used twice."""
    settings = configuration.parse(tomllib.loads(buildpicture.settings()))
    claimed = {".".join(key): claim.which for key, claim in claims(settings).items()}
    assert claimed == {wire.key: GPIO[wire.pin] for wire in buildpicture.WIRES if wire.key}
    assert len({wire.pin for wire in buildpicture.WIRES}) == len(buildpicture.WIRES)
    for wire in buildpicture.WIRES:
        assert (wire.pin in GPIO) is bool(wire.key)
        assert f"| {wire.part} | {pin_name(wire.pin)} | {wire.pin} |" in PAGE


@pytest.mark.parametrize("name", [name for name in SHIPPED if load_profile(name).audio.get("controls")])
def test_what_is_set_in_a_mixer_gives_way_with_the_loudspeaker(name: str) -> None:
    """Another card has other controls, and another volume."""
    other = configuration.parse({"hardware": {"profile": name}, "audio": {"output": "Headphones"}}).audio
    assert (other.controls, other.mixer) == ({}, "")
    more = configuration.parse({"hardware": {"profile": name}, "audio": {"controls": {"Mine": "5"}}}).audio
    assert more.controls == {**load_profile(name).audio["controls"], "Mine": "5"}


@pytest.mark.parametrize("name", ["respeaker_usb_mic_array_v2", "respeaker_xvf3800"])
def test_a_board_that_hears_voices_is_asked(name: str) -> None:
    """Unless the person chose a detector, a pin, or another microphone than the board's."""

    def chosen(**audio: object) -> str:
        return configuration.parse({"audio": audio, "hardware": {"profile": name}}).audio.vad

    assert chosen() == load_profile(name).overlay["audio"]["vad"] != "auto"
    assert chosen(vad="webrtc") == "webrtc"
    assert chosen(vad_pin=6) == "auto"
    assert chosen(input="USB PnP") == "auto"


def test_the_pin_of_a_voice_detector_is_its_own() -> None:
    """It cannot be the button's too."""
    with pytest.raises(ConfigError, match=r"hardware\.button\.pin and audio\.vad_pin are both GPIO 17"):
        configuration.parse({"audio": {"vad_pin": 17}, "hardware": {"button": {"pin": 17}}})


def test_a_voice_detector_on_a_pin_needs_the_pin() -> None:
    """The message names the key to add."""
    with pytest.raises(ConfigError, match=r"needs audio\.vad_pin"):
        configuration.parse({"audio": {"vad": "gpio"}})
