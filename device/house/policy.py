"""What the configuration asks for, in the terms of the parts that do it: the machine, the segmenter, the gate."""

from __future__ import annotations

import logging

import msgspec

from device.audio.ear.gate import Padding
from device.audio.ear.segmenter import SegmenterSettings
from device.audio.echo import apm
from device.core.actions import TurnEnd
from device.core.memory import Settings
from device.house.catalogue import traits_of
from device.house.configuration import Config
from device.tools.timers.settings import TABLE as TIMERS
from device.units import CAPTURE_RATE, Ms, ms_from_seconds, samples_from_ms
from device.wake.names import detected_as
from device.wake.settings import USUAL_STOP_WORDS

log = logging.getLogger(__name__)

# What the provider's VAD may hear of a voice after ours takes it for over: it errs towards voice, and it may be tuned.
_HEARS_LONGER = Ms(500)
# What a session that gives up connecting by itself, and says why, may take longer to do so.
_SAYS_WHY = Ms(2_000)


def choose_barge_in(settings: Config) -> Config:
    """Settle conversation.barge_in: "voice" only where the device does not take its own answer for a person."""
    wanted = settings.conversation.barge_in or "voice"
    if wanted == "voice" and not hears_through_echo(settings):
        log.warning(
            'no echo cancellation, by the board (hardware.profile = "%s") or by the package livekit: an answer can be '
            'interrupted by the wake word only (barge_in = "wake_word")',
            settings.hardware.profile,
        )
        wanted = "wake_word"
    talk = msgspec.structs.replace(settings.conversation, barge_in=wanted)
    return msgspec.structs.replace(settings, conversation=talk)


def hears_through_echo(settings: Config) -> bool:
    """Tell whether what the loudspeaker plays can be removed from what the microphone hears."""
    return settings.audio.echo_cancelled or apm.is_installed()


def stop_words(settings: Config) -> tuple[str, ...]:
    """Return what ends something that sounds: where nobody has said what, "stop", if its echo can be removed."""
    asked = settings.wake.stop_words
    if asked is not None:
        return asked
    return USUAL_STOP_WORDS if hears_through_echo(settings) else ()


def stops_answers(settings: Config) -> bool:
    """Tell whether stop words count over answers, too, and not only while it rings.

    Who wants the wake word to interrupt an answer, and has not asked for stop words, may have a machine that cannot
    cancel echoes beside a conversation. While it rings there is time.
    """
    return settings.wake.stop_words is not None or settings.conversation.barge_in == "voice"


def machine_settings(settings: Config) -> Settings:
    """Return the machine's part of the configuration."""
    talk, traits, usual = settings.conversation, traits_of(settings), Settings()
    return Settings(
        barge_in=talk.barge_in or "wake_word",
        stops_answers=stops_answers(settings),
        turn_end=TurnEnd.DEVICE if talk.turn_taking == "local" else TurnEnd.PROVIDER,
        follow_up=ms_from_seconds(talk.follow_up_s),
        listen=ms_from_seconds(talk.listen_s),
        think=ms_from_seconds(talk.think_s),
        # Whoever lets an answer take long means it.
        longest_turn=Ms(max(usual.longest_turn, ms_from_seconds(talk.think_s + 120))),
        # The session gives up by itself, and says why; this is for one that does not.
        connect=Ms(traits.connect_limit + _SAYS_WHY),
        # So that the person is told by us, in good time.
        longest_session=Ms(min(usual.longest_session, traits.session_limit / 2)),
        confirm=ms_from_seconds(settings.tools.confirm_s),
        light_required=settings.hardware.led.required,
        cues=settings.audio.cues,
        wake_cue=settings.audio.wake_cue,
        longest_ringing=ms_from_seconds(settings.of(TIMERS).ring_minutes * 60),
        personas={detected_as(one.wake_word): name for name, one in talk.personas.items() if one.wake_word},
    )


def segmenting(settings: Config) -> SegmenterSettings:
    """Return how long a pause ends a voice: as long as a turn needs where the device ends turns, else a short one.

    The sooner a cough over the answer is known to be over, the sooner the answer gets its volume back.
    """
    if settings.conversation.turn_taking == "local":
        return SegmenterSettings()
    return SegmenterSettings(stop_after=samples_from_ms(240, CAPTURE_RATE))


def padding(settings: Config) -> Padding:
    """Return what goes out with a voice where only voices do.

    The provider's detector must find the silence in which it takes the turn for over, should its word that it hears
    somebody (from which on nothing is withheld) come late; and before the voice at least what it asks for.
    """
    if settings.conversation.turn_taking == "local":
        return Padding()
    traits = traits_of(settings)
    before = max(Padding().before, samples_from_ms(traits.padding, CAPTURE_RATE))
    return Padding(before, samples_from_ms(traits.longest_silence + _HEARS_LONGER, CAPTURE_RATE))
