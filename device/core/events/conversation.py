"""What comes of a conversation: of its session, its responses, its tools, and what is heard of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.core.events.kinds import Failure, Shortfall, Way
from device.units import Ms


@dataclass(frozen=True, slots=True)
class SessionReady:
    """The provider acknowledged the session's configuration: audio may be sent."""

    turn: int


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The session could not be opened, or ended though we did not close it."""

    turn: int
    failure: Failure
    message: str


@dataclass(frozen=True, slots=True)
class LinkAnswered:
    """The provider was asked whether it is there, and it is."""

    turn: int


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The provider heard the person begin to speak."""

    turn: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The provider heard the person stop; it answers on its own now."""

    turn: int


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The provider began a response."""

    turn: int
    response: str


@dataclass(frozen=True, slots=True)
class ResponseFinished:
    """The response is complete.

    `more` says that another response follows by itself (it waits for results of tools, or is queued).
    `failure` is set when the model failed to answer. `sound` says whether it had sound that can be played, `text` holds
    the words of one that had none (at most some thousand characters), `lack` what is missing. `message`, for the log,
    says why it failed, was cut short or has no sound.
    """

    turn: int
    response: str
    cancelled: bool = False
    more: bool = False
    failure: Failure | None = None
    message: str = ""
    sound: bool = True
    text: str = field(default="", repr=False)
    lack: Shortfall | None = None


@dataclass(frozen=True, slots=True)
class WordsWritten:
    """Words without sound are complete; the end of their response is still to come."""

    turn: int


@dataclass(frozen=True, slots=True)
class WordsFollowed:
    """The words of a response without sound came after its end."""

    turn: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadingFailed:
    """What was to be read aloud could not be: the local voice does not work."""

    turn: int
    message: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """The model begins to write a call; ToolCalled follows when it is whole."""

    turn: int


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model asks for a tool; `arguments` is JSON text as it came, not checked."""

    turn: int
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool ended; `output` is text for the model, the plain reason when it failed."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class ConfirmationNeeded:
    """A tool was not run, since a person must say yes to it first. `what` says to what: "unlock the door"."""

    call_id: str
    name: str
    arguments: str = field(repr=False)
    way: Way
    what: str
    by_provider: bool = False
    """The provider runs it by itself when it is told the yes."""


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The provider wants to call a tool elsewhere, and a person must say yes to it first: see ConfirmationNeeded."""

    turn: int
    call_id: str
    way: Way
    what: str


@dataclass(frozen=True, slots=True)
class ProviderComplained:
    """The provider reported an error that leaves the session alive. `failure`: no answer may come because of it."""

    turn: int
    message: str
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """The provider's transcript of what the person said."""

    turn: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Understood:
    """What the person said, in the provider's words, in a session that was opened to listen only."""

    turn: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """The provider's transcript of (a part of) its own answer."""

    turn: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    """The first sample of an answer left for the sound card, or the first after the answer had run dry."""

    turn: int


@dataclass(frozen=True, slots=True)
class PlaybackRanDry:
    """All sound that has arrived of an answer was heard, and none followed for a second; the answer is not complete.

    `ended` says that the end of the sound was reported, so that this is not a gap in the middle of it.
    """

    turn: int
    ended: bool


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """Everything of the answer has really left the sound card."""

    turn: int


@dataclass(frozen=True, slots=True)
class PlaybackStopped:
    """Playback was flushed on our order; how much of its current item was heard. `item`: "" when none was playing.

    `played` counts what really left the sound card, `received` all that the provider sent of the item.
    """

    turn: int
    item: str
    played: Ms
    received: Ms


ConversationEvent = (
    SessionReady
    | SessionFailed
    | LinkAnswered
    | SpeechStarted
    | SpeechStopped
    | ResponseStarted
    | ResponseFinished
    | WordsWritten
    | WordsFollowed
    | ReadingFailed
    | CallBegun
    | ToolCalled
    | ToolFinished
    | ConfirmationNeeded
    | ApprovalRequested
    | ProviderComplained
    | Heard
    | Understood
    | Said
    | PlaybackStarted
    | PlaybackRanDry
    | PlaybackFinished
    | PlaybackStopped
)
