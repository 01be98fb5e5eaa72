"""The command's answers to what is wrong: exit code 78, and one line that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import device
from device.house import sources
from device.sim.devices.soundcard import VirtualSoundCard

pytestmark = pytest.mark.patient

COMMAND = Path(sys.executable).with_name("hearthside")
KEY = "sk-proj-0123456789abcdef"
LIMIT_S = 30
EX_CONFIG = 78

SOUND = 'audio.input="hearthside_mic"', 'audio.output="hearthside_speaker"'


def command(*arguments: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `hearthside` with a key in the environment and mock pins."""
    environment = {**os.environ, "OPENAI_API_KEY": KEY, "GPIOZERO_PIN_FACTORY": "mock", **(env or {})}
    return subprocess.run(
        [COMMAND, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a refused command writes; the log may tell of the start before it."""
    assert result.returncode == EX_CONFIG, result.stderr
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if " INFO " not in line]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("hearthside: ")
    assert KEY not in result.stderr
    return lines[0]


def run(*overrides: str, file: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Start the daemon with overrides, and return its complaint."""
    sets = [part for override in overrides for part in ("--set", override)]
    named = ["--config", file] if file else []
    return complaint(command("run", *named, *sets, env=env))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[audio\ninput = 1", ["config.toml", "not valid TOML", "line 1"]),
        ("[audio]\nimput = 'x'", ["[audio]", '"imput"', 'did you mean "input"']),
        ("[conversation.openai]\nmodle = 'x'", ["[conversation.openai]", '"modle"', 'did you mean "model"']),
        ("[audio]\nframe_ms = 'long'", ["config.toml: audio.frame_ms", "10 or 20"]),
        ("[conversation]\nfollow_up_s = -1", ["conversation.follow_up_s"]),
        ("[conversation.openai]\nurl = 'https://api.openai.com'", ["conversation.openai.url", "wss://"]),
        ("[tools.relays]\nfan.pin = 4\nlamp.pin = 99", ["tools.relays.lamp.pin", "27"]),
    ],
    ids=["bad-toml", "unknown-key", "unknown-nested-key", "wrong-type", "out-of-range", "bad-url", "bad-pin"],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, parts: Sequence[str]) -> None:
    """With the key, what is wrong with it, and what to do."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    said = run(file=file)
    assert all(part in said for part in parts), said


def test_a_service_leaves_its_complaint_for_the_journal_and_for_who_says_it(tmp_path: Path) -> None:
    """As an error; the key that is wrong is named in both."""
    file = tmp_path / "config.toml"
    file.write_text("[wake]\nwrods = 1\n")
    env = {"JOURNAL_STREAM": "1:2", "RUNTIME_DIRECTORY": str(tmp_path)}
    result = command("run", "--config", file, env=env)
    assert result.returncode == EX_CONFIG
    assert result.stderr.startswith("<3>hearthside: ")
    assert (tmp_path / "complaint").read_text() == result.stderr.removeprefix("<3>hearthside: ").rstrip("\n")
    assert "wrods" in result.stderr


def test_the_log_says_at_the_start_which_configuration_holds(tmp_path: Path) -> None:
    """Whoever edits another one finds out."""
    file = tmp_path / "config.toml"
    file.write_text("")
    more = tmp_path / "config.d" / "10-more.toml"
    more.parent.mkdir()
    more.write_text("")
    wrong = {"OPENAI_API_KEY": "two words"}
    assert f"configuration: {file}, {more}\n" in command("run", "--config", file, env=wrong).stderr
    named = command("run", "--set", "hardware.profile=codec_zero", env=wrong).stderr
    assert "board: codec_zero (Raspberry Pi Codec Zero), as hardware.profile says\n" in named
    built_in = f"configuration: built in ({sources.DEFAULT_PATH} is not there)"
    assert built_in in command("run", env=wrong).stderr


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[hardware]\nprofile = 'respeaker_lit'", "hardware.profile: there is no profile"),
        ("[wake]\nwords = ['hey_jarvs']", "wake.words: no model"),
        ("[hardware]\nprofile = 'codec_zero'\n[tools.relays]\nfan.pin = 27", "tools.relays.fan.pin"),
    ],
)
def test_what_is_found_wrong_later_names_the_file_too(
    virtual_card: VirtualSoundCard, tmp_path: Path, text: str, part: str
) -> None:
    """By whoever looks for the board, the model or the card."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    said = run(*SOUND, file=file)
    assert said.startswith(f"hearthside: {file}: ")
    assert part in said


def test_what_the_board_has_set_is_told_of_the_board(virtual_card: VirtualSoundCard) -> None:
    """It stands in no file: which board it is, does."""
    said = run("hardware.profile=codec_zero", SOUND[1])
    assert said.startswith('hearthside: the board (hardware.profile = "codec_zero"): audio.input = "RPi Codec Zero"')


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the way to name another."""
    said = run(file=tmp_path / "nothing.toml")
    assert "nothing.toml" in said
    assert "--config" in said


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("conversation.follow_up_s", ["--set", "KEY=VALUE", "follow_up_s"]),
        ("=3", ["--set", "KEY=VALUE"]),
        ("audio.volume.loud=1", ["audio.volume"]),
        ("follow_up_s=0", ["--set", 'did you mean "conversation.follow_up_s"']),
        ("audio.volum=0.5", ["[audio]", 'did you mean "volume"']),
        ("audio.volume=eleven", ["audio.volume"]),
        ("audio.volume=11", ["audio.volume"]),
        ("hardware.profile=respeaker_lit", ["hardware.profile", 'did you mean "respeaker_lite"', "generic"]),
        ("wake.words=[]", ["wake.words"]),
    ],
)
def test_a_wrong_override_is_refused_in_one_line(override: str, parts: Sequence[str]) -> None:
    """As if it stood in the file."""
    said = run(override)
    assert all(part in said for part in parts), said


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"a = " + b"[" * 3000, "too deep"),
        (b"[audio]\nvolume = " + b"9" * 5000, "not valid TOML"),
        (b"[audio]\ninput = '\xe4'", "save it as UTF-8"),
        ("[audio]\nvolume = 80".encode("utf-16"), "audio.volume = 80"),
        (b"[service]\nstate_dir = '~no-such-user/x'", "service.state_dir"),
    ],
)
def test_a_hopeless_file_is_refused_in_one_line(tmp_path: Path, data: bytes, part: str) -> None:
    """Without a traceback, whatever is in it."""
    file = tmp_path / "config.toml"
    file.write_bytes(data)
    assert part in run(file=file)


@pytest.mark.parametrize("key", ["", "  ", "two words", "...", "'sk-proj-0123456789abcdef'"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """Naming the variable, never what is in it."""
    said = run(env={"OPENAI_API_KEY": key})
    assert "OPENAI_API_KEY" in said
    assert "two words" not in said


def test_a_missing_key_is_named_with_both_ways_to_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The systemd credential and the environment."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    result = subprocess.run(
        [COMMAND, "run"], env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    said = complaint(result)
    assert "OPENAI_API_KEY" in said
    assert "openai_api_key" in said


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ('wake.words=["hey_jarvs"]', ["wake.words", "hey_jarvs", "hey_jarvis"]),
        ('wake.words=["~no-such-user/x.onnx"]', ["wake.words", '"~no-such-user"']),
        ('wake.words=["/nowhere/to/be/found.onnx"]', ["wake.words", "/nowhere/to/be/found.onnx"]),
        ("wake.thresholds={hey_mycroft=0.4}", ["wake.thresholds", "hey_mycroft", "hey_jarvis"]),
    ],
)
def test_wrong_wake_words_are_refused(virtual_card: VirtualSoundCard, override: str, parts: Sequence[str]) -> None:
    """With those that there are."""
    said = run(*SOUND, override)
    assert all(part in said for part in parts), said


@pytest.mark.parametrize("key", ["audio.input", "audio.output"])
def test_a_sound_device_that_is_not_there_is_refused_with_a_list(virtual_card: VirtualSoundCard, key: str) -> None:
    """Of those that there are."""
    said = run(*SOUND, f"{key}=Banana")
    assert f"--set: {key} = " in said
    assert "Banana" in said
    assert ("hearthside_mic" if key == "audio.input" else "hearthside_speaker") in said


def test_pins_without_a_gpio_library_are_refused(virtual_card: VirtualSoundCard) -> None:
    """With the package to install and the way round it."""
    environment = {name: value for name, value in os.environ.items() if name != "GPIOZERO_PIN_FACTORY"}
    sets = [part for override in (*SOUND, "hardware.led.pin=18") for part in ("--set", override)]
    result = subprocess.run(
        [COMMAND, "run", *sets],
        env={**environment, "OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    said = complaint(result)
    assert "hardware.led.pin" in said
    assert "python3-lgpio" in said


def test_two_uses_of_a_pin_are_refused() -> None:
    """Both are named."""
    said = run("hardware.led.pin=18", "tools.relays.light.pin=18")
    assert "hardware.led.pin" in said
    assert "tools.relays.light.pin" in said


def test_the_version_and_the_help() -> None:
    """What people try first."""
    version = command("--version")
    assert (version.returncode, version.stdout.strip()) == (0, f"hearthside {device.__version__}")
    usage = command("--help")
    assert usage.returncode == 0
    assert all(word in usage.stdout for word in ("run", "listen", "replay", "demo", "--version"))
    for name in ("run", "listen", "replay", "demo"):
        assert command(name, "--help").returncode == 0


@pytest.mark.parametrize("arguments", [[], ["rum"], ["run", "--loud"], ["run", "--config"]])
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    """With the usage, as every command does."""
    result = command(*arguments)
    assert result.returncode == 2
    assert "usage" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_module_is_the_command() -> None:
    """`python -m device` is the same program."""
    result = subprocess.run(
        [sys.executable, "-m", "device", "--version"], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert result.stdout.startswith("hearthside ")
