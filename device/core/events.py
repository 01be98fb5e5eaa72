"""Facts, in the past tense: everything the machine may be told.

A fact about a conversation carries the `turn` it belongs to; the machine drops stale ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from device.units import Ms, Samples

LONGEST_TEXT = 500
"""In characters: what an announcement may have. Half a minute of speech; who has more to say is not listened to."""


class Failure(Enum):
    """Why a conversation failed; decides what the person is told."""

    UNREACHABLE = "unreachable"
    """No connection: name not resolved, nobody listens, no answer from the address at all."""
    PROXY = "proxy"
    """The proxy that the environment names cannot be used, or lets nobody through."""
    INSECURE = "insecure"
    """Connected, but TLS failed: a certificate that is not trusted, or no TLS at all."""
    PLAIN = "plain"
    """Not connected, because the connection would leave the house unencrypted."""
    WEB_PAGE = "web_page"
    """Connected, but a web page answers: a network that wants a login first, or a wrong address."""
    SILENT = "silent"
    """Connected, but the server sent nothing in time, or not enough."""
    UNCONFIGURED = "unconfigured"
    """The session began, but its configuration was neither accepted nor refused in time."""
    DROPPED = "dropped"
    """The connection was lost in the middle."""
    EXPIRED = "expired"
    """The provider's session cap was reached."""
    REFUSED_KEY = "refused_key"
    """401 or `invalid_api_key`."""
    REFUSED_REGION = "refused_region"
    """`unsupported_country_region_territory`."""
    BROKER = "broker"
    """No key at hand, and the broker that gives them cannot be reached, or does not work."""
    BROKER_REFUSED = "broker_refused"
    """The broker does not know this device (any more)."""
    BROKER_SPENT = "broker_spent"
    """The broker gives this device no more keys today."""
    QUOTA = "quota"
    """`insufficient_quota`."""
    UNKNOWN_MODEL = "unknown_model"
    """`model_not_found`: no such model, or not for this account."""
    REFUSED_CONFIG = "refused_config"
    """Unknown parameter, unknown voice: the configuration must change."""
    WRONG_ADDRESS = "wrong_address"
    """What answers there is no Realtime API, or one of the retired beta."""
    REFUSED = "refused"
    """Refused for a reason that is none of the others: it stands in the log."""
    BUSY = "busy"
    """Rate limit, no free session or server error."""
    INTERNAL = "internal"
    """The device itself failed: no file or memory left for a connection, or an error in this program."""
    PROTOCOL = "protocol"
    """The server sent what cannot be understood, or too much of it."""


class Shortfall(Enum):
    """What an answer lacks though its response did not fail; decides what the person is told."""

    FILTERED = "filtered"
    """Incomplete by `content_filter`."""
    TOO_LONG = "too_long"
    """Incomplete by `max_output_tokens`."""
    INCOMPLETE = "incomplete"
    """Incomplete for another reason."""
    GARBLED = "garbled"
    """Sound came that cannot be decoded, and no words."""
    NO_END = "no_end"
    """The sound broke off, and nothing more came."""


class Device(Enum):
    """A part of the house that can fail and come back."""

    MICROPHONE = "microphone"
    EAR = "ear"
    """The path from the microphone to the provider and the detectors, with the gate."""
    WAKE_WORD = "wake_word"
    CONVERSATION = "conversation"
    """Our own code for the session raised an error, whatever the provider did."""
    SPEAKER = "speaker"
    VOICE = "voice"
    """The local voice."""
    LIGHT = "light"
    BUTTON = "button"
    MUTE_SWITCH = "mute_switch"
    """A sliding switch, or the mute key of a microphone array."""
    DISK = "disk"
    """It keeps the mute state over a restart."""
    BROKER = "broker"
    """The machine from which keys for sessions come, where they are not this device's own."""


class Way(Enum):
    """How a person says yes to what is to be done."""

    PRESS = "press"
    """By pressing the button: nothing outside of the house can forge that."""
    YES = "yes"
    """By saying yes (or by pressing the button all the same)."""


class AlarmKind(Enum):
    """What a person wanted to be told of, when they set it."""

    TIMER = "timer"
    """So much time is over."""
    ALARM = "alarm"
    """It is so late."""
    REMINDER = "reminder"
    """Something is to be done; its label says what."""


class MuteHolder(Enum):
    """What a person slides or presses to mute, and what nothing else may overrule."""

    SWITCH = "mute switch"
    ARRAY = "microphone's mute key"


@dataclass(frozen=True, slots=True)
class WakeWordDetected:
    """A wake word was heard; `end` is where it ends in the capture stream (an estimate, never late)."""

    word: str
    score: float
    end: Samples


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """The segmenter heard a voice begin at sample `at` of the capture stream."""

    at: Samples


@dataclass(frozen=True, slots=True)
class VoiceStopped:
    """The segmenter heard the voice end at sample `at` of the capture stream."""

    at: Samples


@dataclass(frozen=True, slots=True)
class VoiceConfirmed:
    """The voice that started has gone on for longer than a cough or a knock does."""


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """A finger is on a button; what it is going to mean, if anything, is not known yet. `button`: which, by its key."""

    button: str


@dataclass(frozen=True, slots=True)
class ButtonLifted:
    """A button is up again, whatever its press has meant."""

    button: str


@dataclass(frozen=True, slots=True)
class ButtonClicked:
    """The person wants to talk, or if something goes on, to end that: by a click, or what else the configuration maps
    to "talk". `at` is where the press began.
    """

    at: Samples


@dataclass(frozen=True, slots=True)
class ButtonHeld:
    """The button for push-to-talk has been down for the hold time; `at` is where the press began."""

    at: Samples


@dataclass(frozen=True, slots=True)
class ButtonLongPressed:
    """The button has been down for the long-press time (it was reported as held before)."""


@dataclass(frozen=True, slots=True)
class ButtonReleased:
    """A held button was let go; `at` is where in the capture stream."""

    at: Samples


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


@dataclass(frozen=True, slots=True)
class DeviceFailed:
    """A part of the house stopped working; its adapter goes on trying to bring it back."""

    device: Device
    message: str


@dataclass(frozen=True, slots=True)
class DeviceRecovered:
    """A failed part of the house works again."""

    device: Device


@dataclass(frozen=True, slots=True)
class EchoCancellationLost:
    """The loudspeaker's sound can no longer be removed from what the microphone hears."""

    message: str
    for_good: bool = True
    """Until the next start; otherwise EchoCancellationRecovered may follow."""


@dataclass(frozen=True, slots=True)
class EchoCancellationRecovered:
    """It can be removed again."""


@dataclass(frozen=True, slots=True)
class LoadShed:
    """What the house does without has changed, because it fell behind or has caught up."""

    without: tuple[str, ...]
    """Each in words, in the order in which they were given up; none: it does everything."""


@dataclass(frozen=True, slots=True)
class MuteRequested:
    """The person wants the microphone closed, and says so otherwise than by the button: on this device itself."""


@dataclass(frozen=True, slots=True)
class UnmuteRequested:
    """The person wants it opened again. Only who stands at the device, or may log in to it, can bring this about."""


@dataclass(frozen=True, slots=True)
class MuteToggleRequested:
    """The person pressed what mutes, and unmutes when it is muted."""


@dataclass(frozen=True, slots=True)
class MuteHeld:
    """A switch says mute: whatever anybody asks for, the device stays muted until it lets go.

    `moved`: a person has just moved it; it was not only found so at the start.
    """

    by: MuteHolder
    moved: bool = True


@dataclass(frozen=True, slots=True)
class MuteLetGo:
    """It does not say mute any more."""

    by: MuteHolder


@dataclass(frozen=True, slots=True)
class VolumeStepRequested:
    """The person wants it louder, or quieter, by so many percentage points."""

    by: int


@dataclass(frozen=True, slots=True)
class PersonaChosen:
    """A person has chosen who answers from the next session on, by its name; "": nobody in particular."""

    name: str


@dataclass(frozen=True, slots=True)
class WakeWordChosen:
    """A person has chosen the only wake word that wakes, as detections name it; "": all of them do."""

    word: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The person wants quiet, and says so otherwise than by the button."""


@dataclass(frozen=True, slots=True)
class AnnouncementRequested:
    """Somebody wants a sentence said as soon as nobody talks: a person at a command, or a part of the house.

    `asks`: afterwards listen for one answer. `urgent`: in quiet hours, too. `by_provider`: in the voice of answers,
    where the provider can be reached. With a `ticket` TellOutcome says what became of it; 0: nobody waits for that.
    """

    text: str = field(repr=False)
    ticket: int = 0
    asks: bool = False
    urgent: bool = False
    by_provider: bool = False


@dataclass(frozen=True, slots=True)
class AnnouncementWithdrawn:
    """Who asked for an announcement has left, and hears of no answer any more."""

    ticket: int


@dataclass(frozen=True, slots=True)
class AnnouncementSaid:
    """All of it has left the loudspeaker; what is said to it begins at sample `at` of the capture stream."""

    serial: int
    at: Samples


@dataclass(frozen=True, slots=True)
class AnnouncementUnsaid:
    """It will not be heard: the local voice or the loudspeaker does not work."""

    serial: int
    message: str


@dataclass(frozen=True, slots=True)
class QuietHoursChanged:
    """The hours in which only what is urgent is said have begun, or are over."""

    quiet: bool


@dataclass(frozen=True, slots=True)
class AlarmDue:
    """It is time for a timer, an alarm or a reminder: ring. `label` is what the person calls it, "" for nothing."""

    id: str
    kind: AlarmKind
    label: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AlarmSilenced:
    """One that is due need not ring any more: it was put off, or called off, by its name."""

    id: str


@dataclass(frozen=True, slots=True)
class AlarmMissed:
    """One was not rung when it was time, and it is too late for that now. `when` says in words when it was."""

    id: str
    kind: AlarmKind
    label: str = field(default="", repr=False)
    when: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StopWordHeard:
    """While something sounded that it can end, the person said a word that means "stop"."""

    word: str


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """The process was asked to end."""


Event = (
    WakeWordDetected
    | VoiceStarted
    | VoiceStopped
    | VoiceConfirmed
    | ButtonPressed
    | ButtonLifted
    | ButtonClicked
    | ButtonHeld
    | ButtonLongPressed
    | ButtonReleased
    | SessionReady
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
    | DeviceFailed
    | DeviceRecovered
    | EchoCancellationLost
    | EchoCancellationRecovered
    | LoadShed
    | MuteRequested
    | UnmuteRequested
    | MuteToggleRequested
    | MuteHeld
    | MuteLetGo
    | VolumeStepRequested
    | PersonaChosen
    | WakeWordChosen
    | StopRequested
    | AnnouncementRequested
    | AnnouncementWithdrawn
    | AnnouncementSaid
    | AnnouncementUnsaid
    | QuietHoursChanged
    | AlarmDue
    | AlarmSilenced
    | AlarmMissed
    | StopWordHeard
    | ShutdownRequested
)
