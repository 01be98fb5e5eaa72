"""What becomes of the house itself: its parts, what it says of its own accord, what rings."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.core.events.kinds import AlarmKind, Device
from device.core.strain import Burden
from device.units import Samples

LONGEST_TEXT = 500
"""In characters: what an announcement may have. Half a minute of speech; who has more to say is not listened to."""


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

    without: tuple[Burden, ...]
    """In the order in which they were given up; none: it does everything."""


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
class ShutdownRequested:
    """The process was asked to end."""


HouseEvent = (
    DeviceFailed
    | DeviceRecovered
    | EchoCancellationLost
    | EchoCancellationRecovered
    | LoadShed
    | AnnouncementRequested
    | AnnouncementWithdrawn
    | AnnouncementSaid
    | AnnouncementUnsaid
    | QuietHoursChanged
    | AlarmDue
    | AlarmSilenced
    | AlarmMissed
    | ShutdownRequested
)
