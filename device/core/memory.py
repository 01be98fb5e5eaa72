"""What the machine remembers between two facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

from device.core.actions import Ring, TurnEnd
from device.core.events import AlarmDue, AnnouncementRequested, ConfirmationNeeded, Failure, WakeWordDetected
from device.core.status import Phase, Status
from device.units import Ms, Samples


class Timer(Enum):
    """What the machine waits for, beside facts."""

    DEADLINE = "deadline"
    """The phase has lasted as long as it may."""
    HOLD_TAIL = "end of hold"
    """The last words before the button was released have arrived from the sound card."""
    LONGEST_HOLD = "longest hold"
    """The button has been down longer than anybody speaks."""
    LONGEST_TURN = "longest turn"
    """The person's turn and the wait for its answer have lasted too long. Only an audible answer starts it anew."""
    LONGEST_SESSION = "longest session"
    """The session has been open for too long, whatever happens in it. Nothing starts it anew."""
    SILENCE = "silence of the provider"
    """The provider has said nothing for some time, though it should have."""
    REST = "rest of the sentence"
    """Nobody goes on with a sentence for so long after releasing the button: the voice is something else."""
    FAILURE_SHOWN = "failure shown"
    """The failed conversation has been shown long enough."""
    CONFIRMATION = "confirmation"
    """A person has been asked for a yes long enough."""
    ANNOUNCEMENT = "announcement"
    """Nobody talks, and something is to be said: now it is time."""
    LONGEST_ANNOUNCEMENT = "longest announcement"
    """A sentence has been said for longer than any takes."""
    LONGEST_RINGING = "longest ringing"
    """It has rung for as long as it may. What becomes due meanwhile starts it anew."""
    NAME_WHAT_RINGS = "name what rings"
    """It is time to say what rings."""
    INTERRUPTED = "interrupted"
    """What the person said over the answer has been heard by now, if it was a stop word."""


BargeIn = Literal["voice", "wake_word", "off"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How the machine behaves; every duration in milliseconds."""

    barge_in: BargeIn = "wake_word"
    stops_answers: bool = True
    """A stop word ends whatever sounds; otherwise only a ringing."""
    turn_end: TurnEnd = TurnEnd.PROVIDER
    follow_up: Ms = Ms(8_000)
    listen: Ms = Ms(8_000)
    think: Ms = Ms(30_000)
    connect: Ms = Ms(12_000)
    light_required: bool = False
    """Nobody is listened to while the light cannot be lit; otherwise a sound takes its place."""
    cues: bool = True
    wake_cue: bool = False
    utterance: Ms = Ms(60_000)
    """The longest turn of a person."""
    answer: Ms = Ms(120_000)
    """The longest that an audible answer may take to arrive."""
    playback: Ms = Ms(600_000)
    """The longest that an answer which has arrived may take to be heard."""
    doubt: Ms = Ms(5_000)
    """How long to wait for a sign of the answer after an error that may have ended it. A response of a healthy service
    begins within a second or two of the question."""
    late_words: Ms = Ms(1_500)
    """How long after the end of an empty answer its words may still arrive."""
    ran_out: Ms = Ms(4_000)
    """How long to wait for more when the words of an answer are complete, or its sound is complete and was heard: a
    model takes some seconds to write a call. What comes later is still heard."""
    stalled: Ms = Ms(15_000)
    """The same when the sound stopped in the middle: as long as a wireless network may take to come back."""
    responses: int = 11
    """The most responses to one turn of the person: ten rounds of tools (what OpenAI's own agents library allows) and
    the answer."""
    calls: int = 32
    """The most calls of tools that may be open at once: more than a home has switches in one room."""
    confirm: Ms = Ms(15_000)
    """How long a person is given to say yes, or to press the button: across a room, and to think."""
    notice: Ms = Ms(1_000)
    """Nobody has understood sooner what is asked: a press until then was meant otherwise."""
    longest_turn: Ms = Ms(300_000)
    """The longest that sound is sent before an answer is heard: a minute of speech, and ten rounds of slow tools.
    Otherwise a provider that hears a radio, or wrongly reports a voice, would keep the gate open for hours."""
    longest_session: Ms = Ms(1_800_000)
    """More than the longest answer (10 minutes of sound) needs; less where a provider does not let it live so long."""
    longest_hold: Ms = Ms(30_000)
    """A button held this long means mute, whatever is heard meanwhile: a television must not keep the microphone on."""
    hold_tail: Ms = Ms(120)
    """How much of the words before the button was released the sound card may still hold."""
    longest_rest: Ms = Ms(2_000)
    """How long a voice may still be the sentence in which the button was released; music goes on for longer."""
    show_failure: Ms = Ms(6_000)
    before_announcement: Ms = Ms(300)
    """The pause between the end of a conversation, or of another announcement, and an announcement."""
    longest_announcement: Ms = Ms(120_000)
    """The longest that an announcement may take to be made and heard; 500 characters are half a minute of speech."""
    transcript: Ms = Ms(10_000)
    """How long to wait for the words of an answer to an announcement, once the person has finished."""
    longest_ringing: Ms = Ms(600_000)
    first_naming: Ms = Ms(2_000)
    """How long it rings before it is said what rings: one round of the ring, so that people listen."""
    next_naming: Ms = Ms(20_000)
    """How long until it is said again."""
    interrupted: Ms = Ms(1_500)
    """How long after a voice interrupted an answer it may still turn out to have been a stop word."""
    silence: Ms = Ms(3_000)
    """How long a provider may be silent when it should say something, before it is asked whether it is there."""
    answer_check: Ms = Ms(6_000)
    """How long it may take to answer that question."""
    answer_check_busy: Ms = Ms(20_000)
    """The same while it prepares an answer: small servers do nothing else meanwhile."""
    answer_check_wake_word: Ms = Ms(4_000)
    """The same when the wake word was said in an open session; after that, a new session is opened."""
    shortest_turn: Samples = Samples(8_960)
    """560 ms: a voice that ends sooner after the wake word was the wake word's own end."""
    onset_padding: Samples = Samples(4_800)
    """300 ms: what was heard just before a voice was noticed belongs to it (soft first consonants)."""
    personas: Mapping[str, str] = field(default_factory=dict)
    """By wake words that are somebody's own: who answers when that word has opened the session."""


@dataclass(slots=True)
class AnswerProgress:
    """What is known of the answer to the person's last words; it may take several responses."""

    responses: int = 0
    """How many have begun."""
    audible: bool = False
    """Something of the running response was heard."""
    sounded: bool = False
    """Something of the answer was heard, or will be."""
    texts: list[str] = field(default_factory=list, repr=False)
    """Words that came without sound."""
    written: bool = False
    """The words of the running response, which has no sound, are complete."""
    empty: bool = False
    """The answer is complete without sound and words; words may still follow."""
    reading: bool = False
    """The local voice is saying what had no sound."""
    dry: bool = False
    """All sound of it that has arrived was heard."""
    open_ended: bool = False
    """It ran dry before the end of its sound was reported."""
    suspected: Failure | None = None
    """The provider's error after which there may be no answer."""
    refused: bool = False
    """The person was asked for a yes, and has not given it: it is not asked for again until the person speaks."""


@dataclass(frozen=True, slots=True)
class Confirming:
    """What a person is asked about: see confirmation.py."""

    wanted: ConfirmationNeeded
    turn: int
    """In which it was asked: only what is said in a later one answers it."""
    since: Ms
    pressed: bool = False
    """The button went down for it, and is still down."""


@dataclass(slots=True)
class Darkness:
    """What is known of a light that cannot be lit: see darkness.py."""

    now: bool = False
    seen: bool = False
    """The light was dark at some time in this conversation."""
    told: bool = False
    """The person has been told,"""
    told_at: Ms = Ms(0)
    """and when that was ordered."""
    cue_owed: bool = False
    """It is the person's turn to speak, and neither light nor cue has shown it yet."""


@dataclass(slots=True)
class Announcements:
    """What the house says of its own accord: see announcing.py."""

    waiting: list[AnnouncementRequested] = field(default_factory=list)
    """In the order in which they are said."""
    current: AnnouncementRequested | None = None
    """Is being said, or was asked and is being answered."""
    serial: int = 0
    """How many have been begun: the number of the current one."""
    said: bool = False
    """The current one was heard to its end: the session is for its answer."""
    reciting: bool = False
    """The session is for the current one: the provider says it."""
    words: list[str] = field(default_factory=list, repr=False)
    """What was answered so far."""
    quiet: bool = False
    """Only what is urgent is said now."""


@dataclass(slots=True)
class Ringing:
    """What is known of what rings: see ringing.py."""

    alarms: dict[str, AlarmDue] = field(default_factory=dict)
    """By id, in the order in which they became due."""
    sounding: Ring | None = None
    """What the mouth was told last; None: not to ring."""


@dataclass(slots=True)
class Memory:
    """Mutable, and private to the machine and its transitions."""

    settings: Settings
    status: Status = field(default_factory=Status)
    now: Ms = Ms(0)
    session: int | None = None
    """The turn with which the open session began; None: no session."""
    turn_end: TurnEnd = TurnEnd.PROVIDER
    since: Samples | None = None
    """Where in the capture stream the person's turn begins; None: wherever the stream is."""
    began: Samples = Samples(0)
    """Where the words after the last wake word begin."""
    until: Samples | None = None
    """Where the person's turn ended, when that was before the session was ready."""
    let_go: Samples = Samples(0)
    """Where the last push-to-talk turn ended: a voice that began before that is no new one, however long it goes on."""
    pressed: set[str] = field(default_factory=set)
    """Which buttons are down, by their keys."""
    button_down: bool = False
    """The button is held for push-to-talk."""
    by_button: bool = False
    """The turn is a push-to-talk turn: the button ends it, and nothing else does."""
    voice: Samples | None = None
    """Where the voice began that the segmenter hears now."""
    voice_ended: Samples = Samples(0)
    """Where the last one ended."""
    cue_until: Samples = Samples(0)
    """A voice that ends before this was only the end of the wake word: then the wake cue, which waited for it, is
    played."""
    darkness: Darkness = field(default_factory=Darkness)
    announcements: Announcements = field(default_factory=Announcements)
    ringing: Ringing = field(default_factory=Ringing)
    mute_asked: bool = False
    """The person has muted it by a button or a command, beside whatever holds the mute."""
    not_kept: bool = False
    """The disk refused the mute state, and the person has not been told."""
    spoke_in_hold: bool = False
    answering: bool = False
    """A response runs or is promised."""
    answer: AnswerProgress = field(default_factory=AnswerProgress)
    voiced_only: bool = False
    """The gate was opened to voices only."""
    in_follow_up: bool = False
    """The device listens because an answer is over, and the person has not been heard since."""
    window: Ms = Ms(0)
    """How long to wait for the first word."""
    grace_given: bool = False
    echo_remains: bool = False
    """What the loudspeaker plays cannot be removed from what is heard."""
    voice_barged_in: bool = False
    """Until then a voice could interrupt an answer."""
    canceller_is_light: bool = False
    """The linear part of the echo canceller was given up, because the house fell behind."""
    unheard: bool = False
    """Our own detector heard a voice, and nothing has come from the provider since."""
    asked: bool = False
    """The provider was asked whether it is there."""
    leaving: bool = False
    """The wait for the person is over; only the provider's sign of life is waited for."""
    wake_word: WakeWordDetected | None = None
    """The wake word that was said in the open session; None once something has come from the provider since."""
    confirming: Confirming | None = None
    """What a person is being asked about."""
    calls: set[str] = field(default_factory=set)
    """Calls whose results the provider waits for."""
    awaited: set[str] = field(default_factory=set)
    """Those of them that the answer to this turn waits for. After an interruption nobody waits for the earlier ones."""
    timers: dict[Timer, Ms] = field(default_factory=dict)

    def note(self, **changes: Any) -> None:
        """Replace fields of the status."""
        # Nearly every fact leaves them as they are, and a new status costs more than the look.
        if any(getattr(self.status, name) != value for name, value in changes.items()):
            self.status = replace(self.status, **changes)

    def start(self, timer: Timer, duration: Ms) -> None:
        """Let `timer` expire `duration` from now."""
        self.timers[timer] = Ms(self.now + duration)

    def stop(self, timer: Timer) -> None:
        """Forget `timer`."""
        self.timers.pop(timer, None)

    def end_confirmation(self) -> None:
        """Ask nobody any more, whatever the answer was."""
        self.confirming = None
        self.stop(Timer.CONFIRMATION)
        self.note(confirming=False)


def deadline(memory: Memory, phase: Phase) -> Ms | None:
    """Return how long `phase` may last; None for IDLE, the only phase that waits for nothing."""
    usual = _deadline(memory, phase)
    if usual is None or memory.confirming is None:
        return usual
    # What ends the question also ends the wait for it.
    return Ms(max(usual, memory.settings.confirm + memory.settings.think))


def _deadline(memory: Memory, phase: Phase) -> Ms | None:
    settings = memory.settings
    if phase is Phase.LISTENING:
        return _while_listening(memory)
    if phase is Phase.SPEAKING:
        return _while_speaking(memory)
    if phase is Phase.THINKING:
        return _while_thinking(memory)
    return settings.connect if phase is Phase.WAKING else None


def _while_listening(memory: Memory) -> Ms:
    settings = memory.settings
    if not (memory.status.hearing or memory.button_down):
        return memory.window
    # After an error the provider may never report the end of the voice.
    return settings.doubt if memory.answer.suspected and memory.voice is None else settings.utterance


def _while_thinking(memory: Memory) -> Ms:
    answer, settings = memory.answer, memory.settings
    if answer.suspected:
        return settings.doubt
    if memory.announcements.said:
        return settings.transcript
    if answer.empty:
        return settings.late_words
    return settings.ran_out if answer.written and not memory.awaited else settings.think


def _while_speaking(memory: Memory) -> Ms:
    answer, settings = memory.answer, memory.settings
    if not memory.answering:
        return settings.playback
    if not answer.dry:
        return settings.answer
    if awaits_more(memory):
        return settings.think
    return settings.stalled if answer.open_ended else settings.ran_out


def awaits_more(memory: Memory) -> bool:
    """Say whether a tool, or a response of which nothing was heard, is waited for, and not more of what was heard."""
    return bool(memory.awaited) or not memory.answer.audible


def limit_turn(memory: Memory, phase: Phase) -> None:
    """Run LONGEST_TURN from the beginning of the person's turn until an answer is audible."""
    if phase not in (Phase.LISTENING, Phase.THINKING):
        memory.stop(Timer.LONGEST_TURN)
    elif Timer.LONGEST_TURN not in memory.timers:
        memory.start(Timer.LONGEST_TURN, memory.settings.longest_turn)


def next_announcement(memory: Memory) -> AnnouncementRequested | None:
    """Return the announcement that may be said now, if any."""
    queue, status = memory.announcements, memory.status
    if queue.current is not None or status.phase is not Phase.IDLE or status.ringing or memory.button_down:
        return None
    return next((one for one in queue.waiting if one.urgent or one.asks or not queue.quiet), None)
