"""What can be set about microphone and loudspeaker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device.settings import Claim, Fraction, Mistake, Pin, Section

Hours = Annotated[
    str,
    Meta(
        pattern=r"^(([01]?[0-9]|2[0-3]):[0-5][0-9] *- *([01]?[0-9]|2[0-3]):[0-5][0-9])?$",
        description='hours of a day, "22:00-07:00"',
    ),
]


Command = Annotated[
    str, Meta(pattern=r"^[^\n\x00]*$", max_length=1000, description="a command on one line, of at most 1000 characters")
]


class Others(Section, frozen=True):
    """Another player on the same machine, which is quieter while this device listens or speaks."""

    duck: Command = ""
    """The command that makes it quieter. It is run without a shell; give both commands or none."""
    restore: Command = ""
    """The one that gives it its volume back: after a conversation, at the end, and at the next start after a crash."""
    timeout_s: Annotated[float, Meta(ge=0.1, le=30.0)] = 3.0
    """How long either may take, in seconds."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse one without the other."""
        for key, command, other in (("duck", self.duck, self.restore), ("restore", self.restore, self.duck)):
            if other and not command.strip():
                yield Mistake(key, " is empty: the player would stay as it is; give both commands")


class Audio(Section, frozen=True):
    """Microphone and loudspeaker."""

    input: str = "default"
    """The microphone: an ALSA PCM name, a card's id or name or a part of one, or "default"."""
    output: str = "default"
    """The loudspeaker, named in the same way."""
    input_channel: Annotated[int, Meta(ge=0, le=31)] = 0
    """Which channel of a microphone array to listen to, from 0."""
    echo_cancelled: bool = False
    """Whether the microphone does not carry what the loudspeaker plays, for the card itself removes that.

    Boards and speakerphones that do so (hardware.profile) say it themselves."""
    frame_ms: Literal[10, 20] = 20
    """Length of a captured frame."""
    volume: Fraction = 0.8
    """Where the software gain stands at the first start when the card has no mixer; what is set later is kept."""
    mixer: str = ""
    """Name of the ALSA mixer control for the volume; empty: Master, Speaker, PCM or the like, whichever there is."""
    controls: Annotated[dict[str, str], Meta(examples=[{"Speaker": "80%"}])] = msgspec.field(default_factory=dict)
    """What mixer controls of the loudspeaker's card are set to where it starts silent, as `amixer sset` takes it.

    Set once; what somebody changes later stays as it is (see hardware.md)."""
    cues: bool = True
    """Play short sounds when a turn ends or fails."""
    wake_cue: bool = False
    """Play one when the device listens after the wake word or a click, too; never into a one-breath command.

    It is never sent: the microphone is silenced while it sounds, and where no echo canceller has learned the room yet
    until 0.1 to 0.35 s after it. A board that cancels echoes (hardware.profile) is trusted to do so."""
    quiet_hours: Hours = ""
    """When only what is urgent is said, e.g. "22:00-07:00"; empty: never. Alarms ring, and who talks to it is answered.

    Announcements are kept until these hours are over; a question (`hearthside ask`) is refused."""
    alarm_floor: Fraction = 0.5
    """An alarm is heard at this volume at least, however low the volume is; 0: at the volume that is set."""
    peak: Annotated[float, Meta(ge=0.1, le=1.0)] = 0.9
    """The loudest that the loudspeaker is given, of full scale: louder moments are turned down without clipping.

    0.9 leaves room for the peaks between two samples; an amplifier that distorts at full volume wants less."""
    others: Others = Others()
    """Another player on this machine."""
    vad_aggressiveness: Annotated[int, Meta(ge=0, le=3)] = 2
    """webrtcvad's mode, 0 (lets most through) to 3."""
    vad: Literal["auto", "webrtc", "gpio", "xvf3000", "xvf3800"] = "auto"
    """Who hears a voice. "auto": the pin when there is one, else the board (hardware profile), else webrtcvad."""
    vad_pin: Pin | None = None
    """Where a microphone's "voice detected" output is wired to."""
    vad_active_high: bool = True
    """Whether that output is high (3.3 V) while it hears a voice."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse a detector on a pin without the pin."""
        if self.vad == "gpio" and self.vad_pin is None:
            yield Mistake("vad", ' = "gpio" needs audio.vad_pin, the GPIO number of the pin that tells of a voice')

    def claims(self) -> Iterator[Claim]:
        """Yield the detector's pin."""
        if self.vad_pin is not None:
            yield Claim("vad_pin", "GPIO", self.vad_pin)
