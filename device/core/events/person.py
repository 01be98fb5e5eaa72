"""What a person says or does, at the device or by a command."""

from __future__ import annotations

from dataclasses import dataclass

from device.core.events.kinds import MuteHolder
from device.units import Samples


@dataclass(frozen=True, slots=True)
class WakeWordDetected:
    """A wake word was heard; `end` is where it ends in the capture stream (an estimate, never late)."""

    word: str
    score: float
    end: Samples


@dataclass(frozen=True, slots=True)
class StopWordHeard:
    """While something sounded that it can end, the person said a word that means "stop"."""

    word: str


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


PersonEvent = (
    WakeWordDetected
    | StopWordHeard
    | VoiceStarted
    | VoiceStopped
    | VoiceConfirmed
    | ButtonPressed
    | ButtonLifted
    | ButtonClicked
    | ButtonHeld
    | ButtonLongPressed
    | ButtonReleased
    | MuteRequested
    | UnmuteRequested
    | MuteToggleRequested
    | MuteHeld
    | MuteLetGo
    | VolumeStepRequested
    | PersonaChosen
    | WakeWordChosen
    | StopRequested
)
