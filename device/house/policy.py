"""What the configuration asks for, in the terms of the parts that do it: the machine, the segmenter, the gate."""

from __future__ import annotations

import logging

import msgspec

from device.audio.ear.gate import Padding
from device.audio.ear.segmenter import SegmenterSettings
from device.audio.echo import canceller
from device.boards import Profile
from device.core.actions import TurnEnd
from device.core.memory import Settings
from device.house.configuration import OPENAI, Config
from device.units import CAPTURE_RATE, Ms, ms_from_seconds, samples_from_ms

log = logging.getLogger(__name__)

# What the provider's VAD may hear of a voice after ours takes it for over: it errs towards voice, and it may be tuned.
_HEARS_LONGER = Ms(500)
# The longest that semantic VAD waits for the rest of a sentence, by eagerness, as documented by OpenAI.
_LONGEST_SEMANTIC_WAIT = {"low": Ms(8_000), "medium": Ms(4_000), "high": Ms(2_000), "auto": Ms(4_000)}


def choose_barge_in(settings: Config, profile: Profile) -> Config:
    """Settle conversation.barge_in: "voice" only where the device does not take its own answer for a person."""
    wanted = settings.conversation.barge_in or "voice"
    if wanted == "voice" and not profile.echo_cancelled and not canceller.is_installed():
        log.warning(
            'no echo cancellation, by the board (hardware.profile = "%s") or by the package livekit: an answer can be '
            'interrupted by the wake word only (barge_in = "wake_word")',
            settings.hardware.profile,
        )
        wanted = "wake_word"
    talk = msgspec.structs.replace(settings.conversation, barge_in=wanted)
    return msgspec.structs.replace(settings, conversation=talk)


def machine_settings(settings: Config) -> Settings:
    """Return the machine's part of the configuration."""
    talk = settings.conversation
    return Settings(
        barge_in=talk.barge_in or "wake_word",
        turn_end=TurnEnd.DEVICE if talk.turn_taking == "local" else TurnEnd.PROVIDER,
        follow_up=ms_from_seconds(talk.follow_up_s),
        listen=ms_from_seconds(talk.listen_s),
        think=ms_from_seconds(talk.think_s),
        # Whoever lets an answer take long means it.
        longest_turn=Ms(max(Settings().longest_turn, ms_from_seconds(talk.think_s + 120))),
        # The session gives up by itself, and says why; this is for one that does not.
        connect=ms_from_seconds(settings.of(OPENAI).connect_timeout_s + 2),
        cues=settings.audio.cues,
        wake_cue=settings.audio.wake_cue,
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
    openai = settings.of(OPENAI)
    semantic = openai.vad == "semantic_vad"
    silence = _LONGEST_SEMANTIC_WAIT[openai.eagerness] if semantic else openai.silence_duration_ms
    before = max(Padding().before, samples_from_ms(openai.prefix_padding_ms, CAPTURE_RATE))
    return Padding(before, samples_from_ms(silence + _HEARS_LONGER, CAPTURE_RATE))
