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


class Purpose(Enum):
    """What a session is opened for."""

    TALK = "talk"
    """A conversation."""
    LISTEN = "listen"
    """To be told what the person says, as Understood; the provider answers nothing and calls nothing."""
    RECITE = "recite"
    """To have an announcement said in the provider's voice; it calls nothing."""


class Outcome(Enum):
    """What became of an announcement, for who asked for it."""

    SAID = "said"
    HELD = "held"
    """It is said when the quiet hours are over."""
    ANSWERED = "answered"
    FULL = "full"
    MUTED = "muted"
    DEAF = "deaf"
    DARK = "dark"
    """The light does not work without which nobody is listened to."""
    QUIET = "quiet"
    INTERRUPTED = "interrupted"
    UNSAID = "unsaid"
    UNANSWERED = "unanswered"
    UNCLEAR = "unclear"
    GAVE_WAY = "gave way"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Connect and configure; every fact that comes of it carries `turn`. `persona`: who answers, by its name."""

    turn: int
    turn_end: TurnEnd
    purpose: Purpose = Purpose.TALK
    persona: str = ""


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Close the session: no more facts come of it, and sound that still waits to be sent is dropped."""


@dataclass(frozen=True, slots=True)
class CutConnection:
    """Reset the connection to the provider at once, even one that is closing: undelivered data is thrown away.

    For mute, which does not even wait for a closing handshake.
    """


@dataclass(frozen=True, slots=True)
class CheckLink:
    """Ask the provider whether it is there: LinkAnswered follows, or SessionFailed when no answer comes `within`.

    A network that accepts no more data is declared dead sooner.
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
    """Stop the running response, if there is one, and drop what still arrives of it.

    With `keeps_due`, keep a response that is still to begin: the one to a turn whose end the provider has just heard.
    """

    keeps_due: bool = False


@dataclass(frozen=True, slots=True)
class DropResponse:
    """Drop what still arrives of the running response: the provider has cancelled it by itself."""


@dataclass(frozen=True, slots=True)
class AbandonResponse:
    """Treat the running response as complete, though the provider has not said so; ResponseFinished follows."""


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
    """Send microphone audio, from sample `since` of the capture stream on (kept in the pre-roll; None: from now on).

    With `until`, exactly the span from `since` to `until` is sent and the gate stays shut. With `voiced_only`, only
    voices and their padding are sent from now on; given for a gate that is open already, the order changes only that.
    """

    since: Samples | None
    until: Samples | None = None
    voiced_only: bool = False


@dataclass(frozen=True, slots=True)
class CloseGate:
    """Shut the gate, but still send what its filter holds: the person's words to their last sample."""


@dataclass(frozen=True, slots=True)
class CutGate:
    """Shut the gate and drop what its filter holds: the conversation is over."""


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
    """Say what is missing of the answer with the local voice, after the sound that has arrived.

    PlaybackFinished follows, as after EndAnswer, or ReadingFailed.

    `text` is the provider's words, in pieces that are said one after the other, so that the first is heard soon; `note`
    is a sentence of our own after them. Either may be empty.
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
    """Say a sentence with the local voice. `why` is the reason for the log, given where no fact has told it already.

    `private`: it holds what a person said, which no log may have.
    """

    text: str
    why: str = field(default="", compare=False)
    private: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring until told otherwise, beside all that is played. `ducked`: quietly, for somebody is talking with us."""

    ducked: bool


@dataclass(frozen=True, slots=True)
class StopRinging:
    """Ring no more. `unheeded`: it has rung for as long as it may, and nobody has stopped it."""

    unheeded: bool = False


@dataclass(frozen=True, slots=True)
class SayAnnouncement:
    """Say a sentence with the local voice: AnnouncementSaid follows when it was heard, or AnnouncementUnsaid.

    Neither follows after StopPlayback.
    """

    serial: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recite:
    """Have the provider say a text, word for word, as the answer of this turn."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TellOutcome:
    """Tell who asked for an announcement what became of it; `words` is what was answered, for nobody else."""

    ticket: int
    outcome: Outcome
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool beside the conversation; ToolFinished follows in any case, or ConfirmationNeeded.

    `confirmed`: a person has said yes to this very call.
    """

    call_id: str
    name: str
    arguments: str
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class SendToolResult:
    """Give the provider the output of a call."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class AnswerApproval:
    """Tell the provider whether a person lets it call a tool elsewhere; `reason`, for the model, says why not."""

    call_id: str
    approve: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RememberMute:
    """Keep the mute state over a restart."""

    muted: bool


@dataclass(frozen=True, slots=True)
class StepVolume:
    """Speak louder, or more quietly, by so many percentage points."""

    by: int


@dataclass(frozen=True, slots=True)
class Exit:
    """End the program: everything is closed."""


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
    | SayAnnouncement
    | Recite
    | TellOutcome
    | Ring
    | StopRinging
    | RunTool
    | SendToolResult
    | AnswerApproval
    | RememberMute
    | StepVolume
    | Exit
)
