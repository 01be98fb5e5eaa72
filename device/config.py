"""The configuration: TOML, decoded into frozen structs; an unknown key is an error with a suggestion."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from device.errors import ConfigError

DEFAULT_PATH = Path("/etc/hearthside/config.toml")

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, Meta(ge=0.0, le=3600.0)]
# Scores rarely stay up for longer than half a second.
Patience = Annotated[int, Meta(ge=1, le=25)]
# BCM numbering; header pins of a Raspberry Pi are GPIO 2 to 27.
Pin = Annotated[int, Meta(ge=0, le=27)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: immutable, and strict about its keys."""


class Audio(Section, frozen=True):
    """Microphone and loudspeaker."""

    input: str = "default"
    """ALSA PCM name, a card's id or name or a part of one, or "default"."""
    output: str = "default"
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


class Wake(Section, frozen=True):
    """The wake word."""

    engine: Literal["openwakeword", "microwakeword"] = "openwakeword"
    words: tuple[str, ...] = ("hey_jarvis",)
    """Names of models that ship, or paths to .onnx or .tflite files (microWakeWord: .json files)."""
    threshold: Fraction = 0.5
    """At its default, microWakeWord takes what each model's maker recommends."""
    thresholds: dict[str, Fraction] = msgspec.field(default_factory=dict)
    """Per word, where it differs from `threshold`."""
    refractory_s: Seconds = 1.5
    """How long a word is not detected again after it was."""
    refractories_s: dict[str, Seconds] = msgspec.field(default_factory=dict)
    """Per word, where it differs from `refractory_s`."""
    patience: Patience = 1
    """Frames of 80 ms in a row at or above the threshold that make a detection: more means fewer false ones, later."""
    patiences: dict[str, Patience] = msgspec.field(default_factory=dict)
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
    model: str = "gpt-realtime-2.1"
    voice: str = "marin"
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] = 1.0
    auth_header: Literal["authorization", "api-key"] = "authorization"
    """"authorization" sends `Authorization: Bearer KEY`, "api-key" what Azure takes."""
    vad: Literal["server_vad", "semantic_vad"] = "server_vad"
    vad_threshold: Fraction = 0.5
    prefix_padding_ms: Annotated[int, Meta(ge=0, le=5000)] = 300
    silence_duration_ms: Annotated[int, Meta(ge=50, le=5000)] = 500
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    """How soon semantic VAD takes the word."""
    noise_reduction: Literal["off", "near_field", "far_field"] = "far_field"
    transcription_model: str = ""
    """Empty: the person's words are not transcribed."""
    language: str = ""
    connect_timeout_s: Annotated[float, Meta(ge=0.5, le=60.0)] = 10.0
    max_message_bytes: Annotated[int, Meta(ge=65_536, le=67_108_864)] = 8_388_608
    """A larger message from the server ends the session."""


class Conversation(Section, frozen=True):
    """How it talks."""

    provider: Literal["openai"] = "openai"
    turn_taking: Literal["server", "local"] = "server"
    """Who hears the end of what you say: the provider, or this device, which then sends voices only."""
    barge_in: Literal["voice", "wake_word", "off"] | None = None
    """Unset: "voice", with the board's echo cancellation (hardware profile) or our own; without either "wake_word"."""
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
    openai: OpenAI = OpenAI()


class Led(Section, frozen=True):
    """One LED (`pin`) or an RGB LED (`red`, `green`, `blue`)."""

    pin: Pin | None = None
    red: Pin | None = None
    green: Pin | None = None
    blue: Pin | None = None
    active_high: bool = True


class Button(Section, frozen=True):
    """One push button to ground."""

    pin: Pin | None = None
    hold_s: Annotated[float, Meta(ge=0.1, le=5.0)] = 0.4
    """Held this long: push-to-talk begins."""
    long_press_s: Annotated[float, Meta(ge=0.5, le=20.0)] = 3.0
    """Held this long without a word spoken: mute on or off."""


class Hardware(Section, frozen=True):
    """The board."""

    profile: str = "generic"
    led: Led = Led()
    button: Button = Button()


class Relay(Section, frozen=True):
    """A switch on a GPIO pin."""

    pin: Pin
    active_high: bool = True
    safe: bool = False
    """What it is put to at the start and at exit: true = on."""


class ToolSettings(Section, frozen=True):
    """The home."""

    relays: dict[str, Relay] = msgspec.field(default_factory=dict)
    """By the name that people say, e.g. "light"."""
    timeout_s: Annotated[float, Meta(ge=0.1, le=300.0)] = 20.0


class Service(Section, frozen=True):
    """The process."""

    state_dir: str = ""
    """Where the mute state is kept; empty: $STATE_DIRECTORY, else ~/.local/state/hearthside."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Section, frozen=True):
    """The whole file."""

    audio: Audio = Audio()
    wake: Wake = Wake()
    conversation: Conversation = Conversation()
    hardware: Hardware = Hardware()
    tools: ToolSettings = ToolSettings()
    service: Service = Service()


def load(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """Read the file at `path` (default: DEFAULT_PATH when it exists, else built-in defaults), then apply `overrides`.

    Each override is "section.key=value" with a TOML value; a bare word is taken as a string. Raise ConfigError.
    """
    table = _read(path)
    for override in overrides:
        _apply(table, override)
    return parse(table)


def parse(table: Mapping[str, Any]) -> Config:
    """Turn decoded TOML into a Config. Raise ConfigError with the key, what is wrong and what to do."""
    _refuse_unknown_keys(table)
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(error, table)) from error
    _check(config)
    return config


def state_dir(config: Config) -> Path:
    """Return the folder for what must outlive the process; it need not exist yet."""
    if config.service.state_dir:
        return Path(config.service.state_dir).expanduser()
    if from_systemd := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(from_systemd)
    return Path("~/.local/state/hearthside").expanduser()


def _read(path: Path | None) -> dict[str, Any]:
    if path is None and not DEFAULT_PATH.exists():
        return {}
    path = path or DEFAULT_PATH
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration {path}: {error.strerror}; name another with --config"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _apply(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f'--set takes KEY=VALUE, e.g. conversation.follow_up_s=0, not "{override}"')
    *parents, last = key.strip().split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise ConfigError(f'--set {key}: "{parent}" is a value, not a table')
    table[last] = _toml_value(text.strip())


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _refuse_unknown_keys(table: Mapping[str, Any]) -> None:
    for name, known in _unknown_keys(table, Config, ""):
        section, _, key = name.rpartition(".")
        close = difflib.get_close_matches(key, known, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"known here: {', '.join(sorted(known))}"
        where = f"[{section}] " if section else ""
        raise ConfigError(f'unknown key {where}"{key}" in the configuration; {hint}')


def _unknown_keys(table: Mapping[str, Any], kind: type[Struct], prefix: str) -> Iterator[tuple[str, list[str]]]:
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in table.items():
        if key not in fields:
            yield prefix + key, list(fields)
        elif isinstance(value, dict):
            yield from _unknown_below(value, fields[key], f"{prefix}{key}.")


def _unknown_below(table: Mapping[str, Any], kind: Any, prefix: str) -> Iterator[tuple[str, list[str]]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield from _unknown_keys(table, kind, prefix)
    elif kind == dict[str, Relay]:
        for name, value in table.items():
            if isinstance(value, dict):
                yield from _unknown_keys(value, Relay, f"{prefix}{name}.")


def _explain(error: msgspec.ValidationError, table: Mapping[str, Any]) -> str:
    """Turn "Expected `int`, got `str` - at `$.audio.frame_ms`" round, so that the key comes first."""
    problem, _, path = str(error).partition(" - at `$.")
    key = _named(path.rstrip("`"), table)
    return f"{key or 'the configuration'}: {problem[:1].lower()}{problem[1:]}; correct it in the configuration"


def _named(key: str, table: Mapping[str, Any]) -> str:
    """Put a name where msgspec writes "[...]" for any entry of a table: that of the first that is wrong by itself."""
    before, dots, after = key.partition("[...]")
    section, _, last = before.rpartition(".")
    for name, value in table[section][last].items() if dots else ():
        try:
            msgspec.convert({section: {last: {name: value}}}, Config)
        except msgspec.ValidationError:
            return f"{before}.{name}{after}"
    return key


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
    _check_url(config.conversation.openai.url)
    _check_pins(config)


def _check_url(url: str) -> None:
    if not url.startswith(("ws://", "wss://")):
        raise ConfigError(
            f'conversation.openai.url must begin with wss:// (or ws:// in your own network), not "{url[:60]}"'
        )


def _check_pins(config: Config) -> None:
    led = config.hardware.led
    uses = [(f"hardware.led.{name}", getattr(led, name)) for name in ("pin", "red", "green", "blue")]
    uses += [("hardware.button.pin", config.hardware.button.pin), ("audio.vad_pin", config.audio.vad_pin)]
    uses += [(f"tools.relays.{name}.pin", relay.pin) for name, relay in config.tools.relays.items()]
    seen: dict[int, str] = {}
    for key, pin in uses:
        if pin is None:
            continue
        if pin in seen:
            raise ConfigError(f"{key} and {seen[pin]} are both GPIO {pin}; each needs a pin of its own")
        seen[pin] = key
