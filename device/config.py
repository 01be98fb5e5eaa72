"""The configuration: TOML, decoded into frozen structs; an unknown key is an error with a suggestion."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from device import complaints
from device.errors import ConfigError
from device.kit import addresses
from device.kit.textfiles import NotTextError, expanded, is_there, read_text

DEFAULT_PATH = Path("/etc/hearthside/config.toml")

Fraction = Annotated[float, Meta(ge=0.0, le=1.0, description="a number from 0 to 1 (0.8 and not 80)")]
Seconds = Annotated[float, Meta(ge=0.0, le=3600.0, description="seconds, from 0 to 3600")]
# Scores rarely stay up for longer than half a second.
Patience = Annotated[int, Meta(ge=1, le=25)]
# BCM numbering; header pins of a Raspberry Pi are GPIO 2 to 27.
Pin = Annotated[
    int,
    Meta(ge=0, le=27, description="a GPIO number from 0 to 27 (not the position on the header)", examples=[17]),
]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: immutable, and strict about its keys."""


class Audio(Section, frozen=True):
    """Microphone and loudspeaker."""

    input: str = "default"
    """The microphone: an ALSA PCM name, a card's id or name or a part of one, or "default"."""
    output: str = "default"
    """The loudspeaker, named in the same way."""
    input_channel: Annotated[int, Meta(ge=0, le=31)] = 0
    """Which channel of a microphone array to listen to, from 0."""
    frame_ms: Literal[10, 20] = 20
    """Length of a captured frame."""
    volume: Fraction = 0.8
    """Where the software gain stands at the start when the card has no mixer."""
    mixer: str = ""
    """Name of the ALSA mixer control for the volume; empty: Master, Speaker, PCM or the like, whichever there is."""
    cues: bool = True
    """Play short sounds when a turn ends or fails."""
    wake_cue: bool = False
    """Play one when the device listens after the wake word or a click, too; never into a one-breath command.

    It is never sent: the microphone is silenced while it sounds, and where no echo canceller has learned the room yet
    until 0.1 to 0.35 s after it. A board that cancels echoes (hardware.profile) is trusted to do so."""
    vad_aggressiveness: Annotated[int, Meta(ge=0, le=3)] = 2
    """webrtcvad's mode, 0 (lets most through) to 3."""
    vad: Literal["auto", "webrtc", "gpio", "xvf3000", "xvf3800"] = "auto"
    """Who hears a voice. "auto": the pin when there is one, else the board (hardware profile), else webrtcvad."""
    vad_pin: Pin | None = None
    """Where a microphone's "voice detected" output is wired to."""
    vad_active_high: bool = True
    """Whether that output is high (3.3 V) while it hears a voice."""


class Wake(Section, frozen=True):
    """The wake word."""

    engine: Literal["openwakeword", "microwakeword"] = "openwakeword"
    """What listens for the word: docs/wake-words.md compares them."""
    words: Annotated[tuple[str, ...], Meta(examples=[["hey_jarvis"]])] = ("hey_jarvis",)
    """Names of models that ship, or paths to .onnx or .tflite files (microWakeWord: .json files)."""
    threshold: Fraction = 0.5
    """The score that detects a word. At its default, microWakeWord takes what each model's maker recommends."""
    thresholds: Annotated[dict[str, Fraction], Meta(examples=[{"alexa": 0.7}])] = msgspec.field(default_factory=dict)
    """Per word, where it differs from `threshold`."""
    refractory_s: Seconds = 1.5
    """How long a word is not detected again after it was."""
    refractories_s: Annotated[dict[str, Seconds], Meta(examples=[{"alexa": 3}])] = msgspec.field(default_factory=dict)
    """Per word, where it differs from `refractory_s`."""
    patience: Patience = 1
    """Frames of 80 ms in a row at or above the threshold that make a detection: more means fewer false ones, later."""
    patiences: Annotated[dict[str, Patience], Meta(examples=[{"alexa": 2}])] = msgspec.field(default_factory=dict)
    """Per word, where it differs from `patience`."""
    save_clips: str = ""
    """A folder for recordings of each detection and near miss, 2.7 s; empty: nothing is recorded."""
    clips_max: Annotated[int, Meta(ge=1, le=100_000)] = 200
    """So many are kept; the oldest go first."""
    clips_max_mb: Annotated[int, Meta(ge=1, le=100_000)] = 20
    """All together are no larger: 11 clips make 1 MB."""
    doze: bool = True
    """Let the engine rest while the sound of the room stays as it is; nothing is missed."""


class OpenAI(Section, frozen=True):
    """A server that speaks the OpenAI Realtime protocol: OpenAI, Azure, or one of your own."""

    url: str = "wss://api.openai.com/v1/realtime"
    """Where the server listens: wss://, or ws:// in your own network."""
    allow_plain: bool = False
    """Let ws:// lead out of your own network, too: key and voice are then open to everybody on the way."""
    model: str = "gpt-realtime-2.1"
    """The model that answers; for Azure the name of your deployment."""
    voice: str = "marin"
    """The voice in which it answers."""
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] = 1.0
    """How fast it speaks; 1 is its own pace."""
    auth_header: Literal["authorization", "api-key"] = "authorization"
    """"authorization" sends `Authorization: Bearer KEY`, "api-key" what Azure takes."""
    vad: Literal["server_vad", "semantic_vad"] = "server_vad"
    """How the server hears the end of what you say: by the silence after it, or also by what it means."""
    vad_threshold: Fraction = 0.5
    """How sure server VAD must be that it hears a voice: more in a noisy room."""
    prefix_padding_ms: Annotated[int, Meta(ge=0, le=5000)] = 300
    """How much of what was before the voice server VAD takes with it."""
    silence_duration_ms: Annotated[int, Meta(ge=50, le=5000)] = 500
    """How long a silence ends what you say, for server VAD."""
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    """How soon semantic VAD takes the word."""
    noise_reduction: Literal["off", "near_field", "far_field"] = "far_field"
    """What the server does with the sound first: "near_field" for a microphone at the mouth, "far_field" in a room."""
    transcription_model: str = ""
    """What writes down your words, e.g. "gpt-transcribe"; empty: they are not transcribed."""
    language: str = ""
    """The language of your words for the transcription, e.g. "en"; empty: it is found out."""
    connect_timeout_s: Annotated[float, Meta(ge=0.5, le=60.0)] = 10.0
    """How long opening a session may take, in seconds."""
    max_message_bytes: Annotated[int, Meta(ge=65_536, le=67_108_864)] = 2_097_152
    """A larger message from the server, in bytes, ends the session; 2 MB are 32 s of an answer's sound in one piece."""


class Conversation(Section, frozen=True):
    """How it talks."""

    provider: Literal["openai"] = "openai"
    """Who answers."""
    turn_taking: Literal["server", "local"] = "server"
    """Who hears the end of what you say: the provider, or this device, which then sends voices only."""
    barge_in: Literal["voice", "wake_word", "off"] | None = None
    """What interrupts an answer.

    Unset: "voice", with the board's echo cancellation (hardware profile) or our own; without either "wake_word"."""
    follow_up_s: Seconds = 8.0
    """How long it goes on listening after an answer; 0 ends the conversation."""
    listen_s: Annotated[float, Meta(ge=1.0, le=120.0)] = 8.0
    """How long it waits for the first word after the wake word."""
    think_s: Annotated[float, Meta(ge=1.0, le=600.0)] = 30.0
    """How long an answer may be in coming."""
    instructions: str = (
        "You are the voice of a smart speaker in a home. Answer in one or two short spoken sentences. "
        "Use the tools to do what you are asked; say plainly when one fails."
    )
    """What the model is told about itself."""
    openai: OpenAI = OpenAI()


class Led(Section, frozen=True):
    """One LED (`pin`) or an RGB LED (`red`, `green`, `blue`)."""

    pin: Pin | None = None
    """The pin of one LED,"""
    red: Pin | None = None
    """or the red one of an RGB LED,"""
    green: Pin | None = None
    """the green one,"""
    blue: Pin | None = None
    """and the blue one."""
    active_high: bool = True
    """Whether a high pin (3.3 V) lights it; false for a common anode."""


class Button(Section, frozen=True):
    """One push button to ground."""

    pin: Pin | None = None
    """The pin that the button connects to ground."""
    hold_s: Annotated[float, Meta(ge=0.1, le=5.0)] = 0.4
    """Held this long, in seconds: push-to-talk begins."""
    long_press_s: Annotated[float, Meta(ge=0.5, le=20.0)] = 3.0
    """Held this long, in seconds, without a word spoken: mute on or off."""


class Hardware(Section, frozen=True):
    """The board."""

    profile: str = "generic"
    """Which board it is: hardware.md has their names. It fills in what is left at its default here."""
    led: Led = Led()
    button: Button = Button()


class Relay(Section, frozen=True):
    """A switch on a GPIO pin."""

    pin: Pin
    """Where the relay is wired to."""
    active_high: bool = True
    """Whether a high pin (3.3 V) switches it on; false for most cheap relay boards."""
    safe: bool = False
    """What it is put to at the start and at exit: true = on."""


class ToolSettings(Section, frozen=True):
    """The home."""

    relays: Annotated[dict[str, Relay], Meta(examples=[{"light": {"pin": 17}}])] = msgspec.field(default_factory=dict)
    """By the name that people say, e.g. "light"."""
    timeout_s: Annotated[float, Meta(ge=0.1, le=300.0)] = 20.0
    """How long a tool may take, in seconds, before the model is told that it failed."""


class Service(Section, frozen=True):
    """The process."""

    state_dir: str = ""
    """Where the mute state is kept; empty: $STATE_DIRECTORY, else ~/.local/state/hearthside."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged."""


class Config(Section, frozen=True):
    """The whole file."""

    audio: Audio = Audio()
    wake: Wake = Wake()
    conversation: Conversation = Conversation()
    hardware: Hardware = Hardware()
    tools: ToolSettings = ToolSettings()
    service: Service = Service()


Where = Callable[[str], str]
"""Tells where a key with its dots was written: the name of a file, or "--set"."""


def load(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """Read the file at `path` (default: DEFAULT_PATH when it exists, else built-in defaults), then apply `overrides`.

    Each override is "section.key=value" with a TOML value; a bare word is taken as a string. Raise ConfigError.
    """
    file = file_of(path)
    table = _read(file) if file else {}
    for override in overrides:
        _apply(table, override)
    where = places(path, overrides)
    # Where there is no file, what is wrong was set.
    return parse(table, lambda key: where(key) or "--set")


def file_of(path: Path | None) -> Path | None:
    """Return the file that `load` reads; None when it goes by the built-in defaults."""
    return path or (DEFAULT_PATH if is_there(DEFAULT_PATH) else None)


def places(path: Path | None, overrides: Sequence[str]) -> Where:
    """Return what tells where `load` has a key from; it says "" for a key that no file and no override has set."""
    keys = [override.partition("=")[0].strip() for override in overrides]
    file = file_of(path)

    def where(key: str) -> str:
        if any(f"{key}.".startswith(f"{one}.") or f"{one}.".startswith(f"{key}.") for one in keys):
            return "--set"
        return str(file) if file else ""

    return where


def parse(table: Mapping[str, Any], where: Where = lambda key: "the configuration") -> Config:
    """Turn decoded TOML into a Config. Raise ConfigError with place and key, what is wrong and what to do."""
    if complaint := complaints.about_unknown(table, Config) or complaints.about_misfit(table, Config):
        raise ConfigError(f"{where(complaint.key)}: {complaint.text}")
    config = msgspec.convert(table, Config)
    try:
        _check(config)
    except ConfigError as error:
        raise ConfigError(f"{where('')}: {error}") from error
    return config


def state_dir(config: Config) -> Path:
    """Return the folder for what must outlive the process; it need not exist yet."""
    if config.service.state_dir:
        return expanded(config.service.state_dir, "service.state_dir")
    if from_systemd := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(from_systemd)
    return expanded("~/.local/state/hearthside", "service.state_dir")


def _read(path: Path) -> dict[str, Any]:
    try:
        text = read_text(path)
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration {path}: {error.strerror}; name another with --config"
        ) from error
    except NotTextError as error:
        raise ConfigError(f"{path}: {error}") from error
    return _decoded(text, str(path))


def _decoded(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        # Also a number of more digits than Python takes.
        raise ConfigError(f"{where}: {complaints.about_syntax(text, str(error).split(';')[0])}") from error
    except RecursionError:
        raise ConfigError(f"{where}: lists and tables stand too deep in each other; correct its brackets") from None


def _apply(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals or not key:
        raise ConfigError(f"--set takes KEY=VALUE, e.g. conversation.follow_up_s=0, not {complaints.shown(override)}")
    *parents, last = key.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {key}: {complaints.shown(parent)} is a value, not a table; correct the key")
    table[last] = _toml_value(text.strip())


def _toml_value(text: str) -> Any:
    try:
        found = _decoded(f"value = {text}", "--set")
    except ConfigError:
        return text
    return found["value"] if len(found) == 1 else text


def _check(config: Config) -> None:
    """Refuse what the types cannot: combinations."""
    led, button = config.hardware.led, config.hardware.button
    colours = (led.red, led.green, led.blue)
    if led.pin is not None and colours != (None, None, None):
        raise ConfigError("hardware.led: give either pin (one LED) or red, green and blue (an RGB LED), not both")
    if any(c is None for c in colours) and any(c is not None for c in colours):
        raise ConfigError("hardware.led: an RGB LED needs all of red, green and blue")
    if button.long_press_s <= button.hold_s:
        raise ConfigError("hardware.button: long_press_s must be longer than hold_s")
    if config.audio.vad == "gpio" and config.audio.vad_pin is None:
        raise ConfigError('audio.vad = "gpio" needs audio.vad_pin, the GPIO number of the pin that tells of a voice')
    if not config.wake.words:
        raise ConfigError('wake.words is empty; name at least one word, e.g. words = ["hey_jarvis"]')
    _check_url(config.conversation.openai)
    _check_pins(config)


def _check_url(openai: OpenAI) -> None:
    if not openai.url.startswith(("ws://", "wss://")):
        raise ConfigError(
            "conversation.openai.url must begin with wss:// (or ws:// in your own network), "
            f"not {complaints.shown(openai.url)}"
        )
    if openai.url.startswith("ws://") and not openai.allow_plain:
        _check_plain(openai.url)


def _check_plain(url: str) -> None:
    """Refuse an address out of the house; where a name leads is seen when it is dialled."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return
    if addresses.literal(host) is not None and not addresses.is_home_address(host):
        raise ConfigError(
            f"conversation.openai.url leads out of your own network ({host}) without encryption, and would show the "
            "key to everybody on the way; use wss://, or set conversation.openai.allow_plain = true if that is meant"
        )


def pin_claims(config: Config) -> list[tuple[str, int]]:
    """Return every key that claims a GPIO pin, and the pin."""
    led = config.hardware.led
    uses = [(f"hardware.led.{name}", getattr(led, name)) for name in ("pin", "red", "green", "blue")]
    uses += [("hardware.button.pin", config.hardware.button.pin), ("audio.vad_pin", config.audio.vad_pin)]
    uses += [(f"tools.relays.{name}.pin", relay.pin) for name, relay in config.tools.relays.items()]
    return [(key, pin) for key, pin in uses if pin is not None]


def _check_pins(config: Config) -> None:
    seen: dict[int, str] = {}
    for key, pin in pin_claims(config):
        if pin in seen:
            raise ConfigError(f"{key} and {seen[pin]} are both GPIO {pin}; each needs a pin of its own")
        seen[pin] = key
