"""The sockets in the walls: what an adapter must offer, and the data that passes through.

Threads: every method is called on the event loop's thread, and every callback is called there too; an adapter
whose library has threads of its own crosses over with `loop.call_soon_threadsafe`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from device.core.actions import Cue, TurnEnd
from device.core.events import Event
from device.core.indication import Indication
from device.units import CAPTURE_RATE, Hz, Samples, samples_from_ms

Post = Callable[[Event], None]
"""Hand a fact to the controller."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A wake word heard by an engine.

    `end` is the estimated position (in samples of the stream fed to the engine) at which the word ends. It may be up
    to 200 ms early and must not be late: what follows it is sent to the provider.
    """

    word: str
    score: float
    end: Samples


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A peak of a word's score that came near its threshold and was no detection; `at`: where in the stream."""

    word: str
    score: float
    threshold: float
    at: Samples


@dataclass(frozen=True, slots=True)
class Rule:
    """When a wake word is detected: at or above `threshold` for `patience` frames of 80 ms in a row."""

    threshold: float
    patience: int = 1
    refractory: Samples = samples_from_ms(1500, CAPTURE_RATE)
    """So long after a detection there is no other."""


class Ear(Protocol):
    """The way from the microphone to everyone who listens; owns the gate."""

    def open_gate(self, since: Samples | None, until: Samples | None = None, voiced_only: bool = False) -> None:
        """Let audio out from `since` (None: from now) on, or exactly the span to `until`.

        With `voiced_only`, of what comes from now on only voices with their padding. An open gate may be switched.
        """

    def close_gate(self) -> None:
        """Let nothing out any more but the end of what was let out, which a filter may hold back."""

    def cut_gate(self) -> None:
        """Let nothing out any more, not even that."""

    def clear(self) -> None:
        """Shut the gate and forget all sound: nothing from before this moment can leave any more."""


class Mouth(Protocol):
    """The queue to the loudspeaker."""

    def warm_up(self) -> None:
        """Open the loudspeaker: there will be something to play."""

    def play_reply(self, turn: int, item: str, pcm: bytes) -> None:
        """Queue a piece of an answer."""

    def end_reply_item(self, turn: int, item: str) -> None:
        """All audio of the item was queued."""

    def end_reply(self, turn: int) -> None:
        """The answer is complete: PlaybackFinished follows when all of it has left the sound card."""

    def read_reply(self, turn: int, pcm: bytes, rate: Hz) -> None:
        """Queue what the local voice says in the place, or behind the end, of an answer (s16le mono)."""

    def stop(self) -> None:
        """Flush everything; PlaybackStopped is posted."""

    def duck(self) -> None:
        """Play quietly."""

    def unduck(self) -> None:
        """Play at full volume."""

    def play_cue(self, cue: Cue) -> None:
        """Play a short sound of our own."""

    def play_announcement(self, pcm: bytes, rate: Hz) -> None:
        """Play a sentence of our own (s16le mono)."""


class WakeWord(Protocol):
    """A wake-word engine: fed with the capture stream, says when a word was heard. No threads of its own."""

    words: tuple[str, ...]
    step: Samples
    """There is a new score for so much sound."""

    def process(self, pcm: bytes) -> list[Detection]:
        """Feed any whole number of samples (16 kHz mono s16le); return what was detected, oldest first."""

    @property
    def scores(self) -> Mapping[str, float]:
        """The newest score of every word, 0 to 1."""

    @property
    def rules(self) -> Mapping[str, Rule]:
        """By what each word is judged."""

    def take_near_misses(self) -> list[NearMiss]:
        """Return what came near since last asked, oldest first; a peak is known when it has been over for 400 ms."""

    def reset(self) -> None:
        """Forget the sound so far: the stream was interrupted (positions go on counting)."""


class Microphone(Protocol):
    """A source of 16 kHz mono s16le frames, all of one length."""

    async def open(self) -> None:
        """Start capturing. Raise DeviceNotFoundError or AudioError, which is posted as DeviceFailed, too."""

    async def close(self) -> None:
        """Stop capturing and let the device go. Harmless when it is closed."""


class Speaker(Protocol):
    """A sound card's output that pulls what it plays from a source."""

    rate: Hz

    async def open(self) -> None:
        """Start pulling. Raise DeviceNotFoundError or AudioError."""

    async def close(self) -> None:
        """Stop at once, dropping what has not left the card. Harmless when it is closed."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence that asks for a tool: how people say it, for recognisers that need a grammar.

    `text` holds lower-case words, `{name}` where a slot is spoken, e.g. "turn on the {name}". `slots` gives for each
    slot its spoken forms and the value each stands for; `arguments` are fixed ones the sentence implies.
    """

    text: str
    slots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What a model is told of a tool: `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    phrases: tuple[Phrase, ...] = ()


class Tools(Protocol):
    """The tools of the house."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What to tell the model."""

    async def call(self, name: str, arguments: str) -> str:
        """Run a tool with JSON text as arguments; return the text for the model. Raise ToolError, with a message
        that tells the model plainly what failed (unknown tool, bad arguments, timeout included)."""


OnReplyAudio = Callable[[int, str, bytes], None]
"""turn, item id, PCM (s16le mono at the conversation's `output_rate`): a piece of the answer arrived."""

OnReplyEnd = Callable[[int, str], None]
"""turn, item id: all audio of the item has arrived."""


class Conversation(Protocol):
    """A provider's realtime session. Facts are posted as events; answer audio goes past the machine to `on_audio`.

    Orders never raise and never wait: what fails is posted as SessionFailed or ProviderComplained.
    """

    input_rate: Hz
    output_rate: Hz

    def open(self, turn: int, turn_end: TurnEnd) -> None:
        """Connect and configure in the background; SessionReady or SessionFailed follows, carrying `turn`."""

    def close(self) -> None:
        """End the session; nothing is posted for it any more. A new one may be opened at once.

        From here on no byte of sound is handed to the network. There is a goodbye only when nothing is under way.
        """

    def cut(self) -> None:
        """End the session, and those that are still being closed, without a word: what was handed to the network and
        has not arrived is thrown away as far as this machine can."""

    def check(self, within_s: float) -> None:
        """Ask whether the provider is there; LinkAnswered follows, or SessionFailed."""

    def begin_turn(self, turn: int, turn_end: TurnEnd) -> None:
        """Responses that start from now on carry `turn`; change who ends the turn."""

    def send_audio(self, pcm: bytes) -> None:
        """Queue microphone audio (s16le mono at `input_rate`). Dropped unless the session is ready."""

    def commit_turn(self) -> None:
        """Commit the audio sent and ask for a response."""

    def cancel_response(self, keeps_due: bool = False) -> None:
        """Cancel the running response, if any; drop what still comes of it. What the provider will answer by itself to
        words it has heard is dropped, too, but with `keeps_due`."""

    def drop_response(self) -> None:
        """Drop what still comes of the running response: the provider has cancelled it itself."""

    def abandon_response(self) -> None:
        """Take the running response for complete, though its end was not told. ResponseFinished is posted, whatever
        runs."""

    def truncate_item(self, item: str, played_ms: float) -> None:
        """Tell the provider that only `played_ms` of the item's audio were heard (clamped to what was received)."""

    def delete_item(self, item: str) -> None:
        """Tell the provider that nothing of the item was heard."""

    def send_tool_result(self, call_id: str, output: str) -> None:
        """Answer a call; one response is asked for after the last result of a response's calls."""

    async def aclose(self) -> None:
        """End everything, waiting at most a second."""


class Panel(Protocol):
    """Lights that show an indication; the button posts its facts by itself."""

    def show(self, indication: Indication) -> None:
        """Show it until told otherwise. Never raises."""

    def close(self) -> None:
        """Lights off, pins let go. Harmless when closed."""


class Voice(Protocol):
    """A local voice for what must be said without the provider."""

    rate: Hz

    def speak(self, text: str) -> Awaitable[bytes]:
        """Return the sentence as s16le mono PCM at `rate`. Raise SpeechError."""


class Volume(Protocol):
    """How loud the device speaks, in percent. Both raise AudioError."""

    async def get(self) -> int:
        """Return it."""

    async def set(self, percent: int) -> int:
        """Set it, 0 to 100; return what became of it."""
