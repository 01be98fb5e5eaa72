"""Orders, in the imperative: everything the machine may ask of the house."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from device.units import Ms, Samples


class Cue(Enum):
    """A short sound of our own."""

    WAKE = "wake"
    DONE = "done"
    ERROR = "error"
    MUTED = "muted"
    UNMUTED = "unmuted"


class TurnEnd(Enum):
    """Who decides that the person has finished speaking."""

    PROVIDER = "provider"
    """The provider's VAD; it answers by itself."""
    DEVICE = "device"
    """We do (button or local VAD): commit, then ask for a response."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Connect and configure; every fact that comes of it carries `turn`."""

    turn: int
    turn_end: TurnEnd


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Close the session; nothing more comes of it, and no sound that waits to be sent leaves any more."""


@dataclass(frozen=True, slots=True)
class CutConnection:
    """Reset the connection to the provider, and one that is being closed: what is under way is thrown away.

    It is for mute, which does not even wait for a goodbye.
    """


@dataclass(frozen=True, slots=True)
class CheckLink:
    """Ask the provider whether it is there: LinkAnswered follows, or SessionFailed when it is not `within` that time.

    A network that takes nothing any more is given less.
    """

    within: Ms


@dataclass(frozen=True, slots=True)
class BeginTurn:
    """A new turn on the open session: responses from now on carry `turn`."""

    turn: int
    turn_end: TurnEnd


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """The person's turn is over: commit the audio and ask for a response."""


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """Stop the response that is running, if one is, and drop what is still coming of it.

    With `keeps_due` the response to a turn that the provider has just heard the end of is wanted all the same.
    """

    keeps_due: bool = False


@dataclass(frozen=True, slots=True)
class DropResponse:
    """Drop what is still coming of the running response: the provider cancelled it by itself."""


@dataclass(frozen=True, slots=True)
class AbandonResponse:
    """Take the running response for complete, though its end was not told; ResponseFinished follows."""


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """Tell the provider how much of an item was heard."""

    item: str
    played: Ms


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Tell the provider to forget an item of which nothing was heard."""

    item: str


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Let microphone audio out, from sample `since` of the capture stream on (from the pre-roll; None: from now on).

    With `until` the gate lets out exactly that span and stays shut. With `voiced_only` it lets out, of what comes from
    now on, only voices with their padding; ordered for an open gate, it changes just that.
    """

    since: Samples | None
    until: Samples | None = None
    voiced_only: bool = False


@dataclass(frozen=True, slots=True)
class CloseGate:
    """Let nothing out any more but the end of what was let out: the person's words to their last sample."""


@dataclass(frozen=True, slots=True)
class CutGate:
    """Let nothing out any more at all: the conversation is over."""


@dataclass(frozen=True, slots=True)
class OpenMicrophone:
    """Start the capture stream."""


@dataclass(frozen=True, slots=True)
class CloseMicrophone:
    """Stop the capture stream: muted."""


@dataclass(frozen=True, slots=True)
class StopPlayback:
    """Flush what is playing; PlaybackStopped follows when an answer was playing."""


@dataclass(frozen=True, slots=True)
class EndAnswer:
    """All audio of the answer has arrived: PlaybackFinished follows when it has left the sound card."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReadAloud:
    """Say with the local voice what the answer lacks, behind what has come of it: as after EndAnswer,
    PlaybackFinished follows, or ReadingFailed.

    `text` are the provider's words, in pieces that are said one after the other, so that the first is heard soon;
    `note` is a sentence of our own behind them. Either may be empty.
    """

    turn: int
    text: tuple[str, ...] = field(repr=False)
    note: str


@dataclass(frozen=True, slots=True)
class Duck:
    """Play quietly: a voice may be barging in."""


@dataclass(frozen=True, slots=True)
class Unduck:
    """Play at full volume again."""


@dataclass(frozen=True, slots=True)
class PlayCue:
    """Play a short sound of our own."""

    cue: Cue


@dataclass(frozen=True, slots=True)
class Announce:
    """Say a sentence with the local voice. `why` is for the log, where no fact before has said it."""

    text: str
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool beside the conversation; ToolFinished follows in any case."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class SendToolResult:
    """Give the provider the output of a call."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class RememberMute:
    """Keep the mute state over a restart."""

    muted: bool


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the event loop: everything is shut."""


Action = (
    OpenSession
    | CloseSession
    | CutConnection
    | CheckLink
    | BeginTurn
    | CommitTurn
    | CancelResponse
    | DropResponse
    | AbandonResponse
    | TruncateItem
    | DeleteItem
    | OpenGate
    | CloseGate
    | CutGate
    | OpenMicrophone
    | CloseMicrophone
    | StopPlayback
    | EndAnswer
    | ReadAloud
    | Duck
    | Unduck
    | PlayCue
    | Announce
    | RunTool
    | SendToolResult
    | RememberMute
    | Exit
)
