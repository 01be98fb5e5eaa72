"""The simulated model: it chooses an answer to what was said, and speaks it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from device.foreign.espeak import EspeakVoice, VoiceStyle
from device.sim.person.phrases import NotUnderstood, Understood
from device.sim.realtime.codec import resample
from device.sim.realtime.items import Item
from device.sim.realtime.script import REPLY_RATE, Call, Reply, Script
from device.sim.realtime.settings import Settings

_STORY = (
    "Once upon a time there was a small house at the edge of a forest. In the house lived an old clockmaker, and on "
    "every wall a clock was ticking, each a little different from the next. One winter night all of them stopped at "
    "once. The old man lit a candle, sat down by the fire and listened. For the first time in forty years he could "
    "hear the snow fall. In the morning he wound up only one of them, the smallest, and gave the others away."
)
_TALK = {
    "hello": "Hello. What can I do for you?",
    "good morning": "Good morning.",
    "good night": "Good night. Sleep well.",
    "thank you": "You are welcome.",
    "how are you": "I am well, thank you.",
    "what can you do": "I can switch things on and off, tell you the time, and tell you a story.",
    "tell me a story": _STORY,
    "tell me a joke": "Why did the clock go to school? To learn to tell the time.",
    "stop": "All right.",
    "never mind": "All right.",
}
_NOT_UNDERSTOOD = "Sorry, I did not understand that."
_NO_TOOL = "Sorry, I cannot do that here."
_NOTHING_SAID = "How can I help you?"
_RECITED = re.compile(r"word for word\b[^:]*:\s*(?P<text>.*)", re.DOTALL)
"""Instructions that a model obeys to the letter."""
_BASE_SPEED = 165  # words a minute at speed 1.0

# Female variants, so that in a recording the answers can be told from the simulated people.
_VARIANTS = {"marin": "en-us+f3", "coral": "en-us+f2", "sage": "en-us+f4", "shimmer": "en-us+f1", "alloy": "en-us+f5"}


@dataclass(frozen=True, slots=True)
class Question:
    """What a response answers: the outputs of function calls, otherwise what was said last."""

    outputs: tuple[str, ...] = ()
    said: Understood | NotUnderstood | None = None
    audio: bytes = b""

    @property
    def text(self) -> str:
        """The question in words."""
        return " ".join(self.outputs) if self.outputs else self.said.text if self.said else ""


@dataclass(slots=True)
class Voices:
    """espeak-ng voices, one for each style that was used."""

    _voices: dict[VoiceStyle, EspeakVoice] = field(default_factory=dict)

    async def speak(self, text: str, voice: object, speed: float) -> bytes:
        """Return the sound of `text` at REPLY_RATE. Raise SpeechError."""
        style = VoiceStyle(_VARIANTS.get(str(voice), "en-us+m3"), round(_BASE_SPEED * speed))
        speaker = self._voices.setdefault(style, EspeakVoice(style))
        pcm = await speaker.speak(text)
        return await asyncio.to_thread(resample, pcm, speaker.rate, REPLY_RATE)


async def question(items: list[Item]) -> Question:
    """Find the question in `items`: the outputs after the assistant's last message, else the user's newest message."""
    outputs: list[str] = []
    for item in reversed(items):
        if item.data["type"] == "function_call_output":
            outputs.insert(0, str(item.data["output"]))
        elif item.data["type"] == "function_call" and not outputs:
            break
        elif item.role == "user" and not outputs and item.understood:
            return Question(said=await asyncio.shield(item.understood), audio=bytes(item.audio))
        elif item.role:
            break
    return Question(tuple(outputs))


def reply(asked: Question, settings: Settings, script: Script) -> Reply:
    """Return the script's reply, or one to what was understood."""
    if recited := _RECITED.search(settings.instructions):
        return Reply(recited["text"])
    if script.answer and (scripted := script.answer(asked.text)):
        return scripted
    if forced := settings.forced_function or _required_function(asked, settings):
        return Reply(calls=(_call(forced, asked.said, settings),))
    if asked.outputs:
        return Reply(" ".join(map(_readable, asked.outputs)))
    if asked.said is None:
        return Reply(_NOTHING_SAID)
    if isinstance(asked.said, NotUnderstood):
        return Reply(_NOT_UNDERSTOOD)
    if asked.said.tool is None:
        return Reply(_TALK.get(asked.said.text, _NOT_UNDERSTOOD))
    if asked.said.tool not in settings.function_names:
        return Reply(_NO_TOOL)
    return Reply(calls=(_call(asked.said.tool, asked.said, settings),))


def _required_function(asked: Question, settings: Settings) -> str | None:
    """Return the function to call when one must be called: the one that was asked for, otherwise the first."""
    if not settings.must_call:
        return None
    wanted = asked.said.tool if isinstance(asked.said, Understood) else None
    return wanted if wanted in settings.function_names else settings.function_names[0]


def _call(name: str, said: Understood | NotUnderstood | None, settings: Settings) -> Call:
    """Return a call with the arguments that were said, or, if none were said, with any valid ones."""
    if isinstance(said, Understood) and said.tool == name:
        return Call(name, json.dumps(dict(said.arguments)))
    return Call(name, json.dumps(_any_value(settings.parameters_of(name))))


def _any_value(schema: Mapping[str, Any]) -> Any:
    """Return a value that fits a JSON Schema of the kinds that tools use."""
    if choices := schema.get("enum"):
        return choices[0]
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        # A type or null: so strict tools mark optional arguments.
        kind = kind[0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: _any_value(properties.get(key, {})) for key in schema.get("required", ())}
    return {"string": "", "boolean": False, "array": [], "null": None}.get(kind, schema.get("minimum", 0))


def _readable(output: str) -> str:
    """Return a tool's output as words to speak: the values of JSON, otherwise the text."""
    try:
        value = json.loads(output)
    except ValueError:
        return output
    if isinstance(value, dict):
        return ", ".join(str(part) for part in value.values())
    return str(value)
