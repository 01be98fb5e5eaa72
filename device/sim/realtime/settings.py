"""The effective configuration of a session: the defaults, and how an update changes them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from device.sim.realtime import schema
from device.sim.realtime.validation import RefusedError, check_session
from device.units import Hz

# Defaults from the API's documentation.
_SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC_VAD = {"type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True}
_PCM = {"type": "audio/pcm", "rate": 24000}
_INPUT = {"format": _PCM, "noise_reduction": None, "transcription": None, "turn_detection": _SERVER_VAD}
_REALTIME = {
    "type": "realtime",
    "instructions": "You are a helpful assistant.",
    "output_modalities": ["audio"],
    "audio": {"input": _INPUT, "output": {"format": _PCM, "voice": "marin", "speed": 1.0}},
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "max_output_tokens": "inf",
    "truncation": "auto",
    "prompt": None,
    "tracing": None,
    "include": None,
}
_TRANSCRIPTION = {"type": "transcription", "audio": {"input": _INPUT}, "include": None}


class Settings:
    """The complete configuration of a session."""

    def __init__(self, model: str, *, transcription: bool = False) -> None:
        """Begin with the defaults."""
        self._data: dict[str, Any] = copy.deepcopy(_TRANSCRIPTION if transcription else {**_REALTIME, "model": model})

    def as_dict(self) -> dict[str, Any]:
        """Return a copy for `session.created` and `session.updated`."""
        return copy.deepcopy(self._data)

    def updated(self, change: schema.Session, *, assistant_spoke: bool) -> Settings:
        """Return the settings with all of `change` applied. Raise RefusedError."""
        check_session(change)
        new = copy.copy(self)
        new._data = self.as_dict()
        _merge(new._data, msgspec.to_builtins(change))
        self._refuse_what_cannot_change(new, assistant_spoke)
        return new

    def for_response(self, change: Mapping[str, Any]) -> Settings:
        """Return the settings of one response with the parameters `change`, which were checked before."""
        new = copy.copy(self)
        new._data = self.as_dict()
        _merge(new._data, {k: v for k, v in change.items() if k not in ("conversation", "input", "metadata")})
        return new

    def _refuse_what_cannot_change(self, new: Settings, assistant_spoke: bool) -> None:
        if new.type != self.type:
            raise RefusedError("invalid_value", f"This is a {self.type} session.", "session.type")
        if new._data.get("model") != self._data.get("model"):
            raise RefusedError("invalid_value", "The model of a session cannot be changed.", "session.model")
        if assistant_spoke and new.output.get("voice") != self.output.get("voice"):
            message = "Cannot update a conversation's voice if assistant audio is present."
            raise RefusedError("cannot_update_voice", message, "session.audio.output.voice")
        if self._data.get("tracing") and new._data["tracing"] != self._data["tracing"]:
            raise RefusedError("invalid_value", "Tracing cannot be changed once it is on.", "session.tracing")

    @property
    def type(self) -> str:
        """The kind of session: realtime or transcription."""
        return str(self._data["type"])

    @property
    def input(self) -> Mapping[str, Any]:
        """`audio.input`."""
        found: Mapping[str, Any] = self._data["audio"]["input"]
        return found

    @property
    def output(self) -> Mapping[str, Any]:
        """`audio.output`; empty for a transcription session."""
        found: Mapping[str, Any] = self._data["audio"].get("output", {})
        return found

    @property
    def turn_detection(self) -> Mapping[str, Any]:
        """`audio.input.turn_detection`; empty when it is off."""
        return self.input["turn_detection"] or {}

    @property
    def transcription(self) -> Mapping[str, Any] | None:
        """`audio.input.transcription`."""
        found: Mapping[str, Any] | None = self.input["transcription"]
        return found

    @property
    def speaks(self) -> bool:
        """Whether answers are audio (with a transcript) instead of text."""
        return list(self._data["output_modalities"]) == ["audio"]

    @property
    def instructions(self) -> str:
        """What the model was told."""
        return str(self._data.get("instructions") or "")

    @property
    def function_names(self) -> tuple[str, ...]:
        """The client's tools that may be called now."""
        if self._data.get("tool_choice") == "none":
            return ()
        return tuple(tool["name"] for tool in self._data["tools"] if tool["type"] == "function")

    @property
    def forced_function(self) -> str | None:
        """The function that must be called, when `tool_choice` names one."""
        choice = self._data.get("tool_choice")
        return choice.get("name") if isinstance(choice, dict) and choice["type"] == "function" else None

    @property
    def must_call(self) -> bool:
        """Whether an answer must be a call of any function (`tool_choice` is "required")."""
        return self._data.get("tool_choice") == "required" and bool(self.function_names)

    def parameters_of(self, function: str) -> Mapping[str, Any]:
        """Return the JSON Schema of a function's arguments; empty when none was declared."""
        for tool in self._data["tools"]:
            if tool.get("name") == function:
                found: Mapping[str, Any] = tool.get("parameters", {})
                return found
        return {}

    @property
    def max_output_tokens(self) -> int | None:
        """The limit; None when there is none."""
        limit = self._data["max_output_tokens"]
        return None if limit == "inf" else int(limit)

    def __getitem__(self, key: str) -> Any:
        return self._data[key]


def rate_of(audio_format: Mapping[str, Any]) -> Hz:
    """Return the sample rate of a format."""
    return Hz(24_000) if audio_format["type"] == "audio/pcm" else Hz(8_000)


def _merge(old: dict[str, Any], change: Mapping[str, Any]) -> None:
    """Put the values of `change` into `old`: in `audio` each part by itself, everything else as a whole."""
    for key, value in change.items():
        if key in ("audio", "input", "output") and isinstance(value, dict):
            _merge(old.setdefault(key, {}), value)
        else:
            old[key] = _complete(key, value)


def _complete(key: str, value: Any) -> Any:
    if key == "turn_detection" and value:
        return {**(_SERVER_VAD if value["type"] == "server_vad" else _SEMANTIC_VAD), **value}
    if key == "format" and value["type"] == "audio/pcm":
        return dict(_PCM)
    return value
