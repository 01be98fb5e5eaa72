"""Hearing: the wake-word models, the microphone's level, and whether the house hears what it says itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from device.audio.frames import DIGITAL_SILENCE_DBFS
from device.errors import DeviceNotFoundError, SpeechError
from device.foreign import asound
from device.kit.threads import Threads
from device.setup.daemon import Levels, ask_levels
from device.setup.doctor.acoustics import Echo, Level, find_echo, level_of
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import Finding, hint, skipped, well, wrong
from device.setup.doctor.patient import Patient
from device.setup.doctor.soundtest import Take, listen, speak
from device.units import CAPTURE_RATE, Ms, samples_from_ms
from device.wake.engines import load_engine
from device.wake.evaluation import Evaluator
from device.wake.settings import Wake
from device.wake.stopword.recognisers import unrecognised
from device.wake.stopword.sphinx import HOW_TO_INSTALL, PACKAGE

# A room at night, with a microphone that is any good, is above it.
QUIET_DBFS = -75.0
# So many samples at full scale are no longer single clicks.
CLIPPED = 0.001
# With less the likeness is one of chance: the wake word lasts 10,000 samples, but is made of few frequencies.
LIKE = 0.12
# What the canceller finds by itself (device/audio/echo/canceller.py).
LONGEST_ECHO = Ms(450)
_TAKEN = "the service has the sound card; stop it for this: sudo systemctl stop hearthside"
_GAIN = "`alsamixer -V capture` (F6 chooses the card)"


@dataclass(frozen=True, slots=True)
class Models:
    """The wake words that were loaded, and how long that took."""

    words: tuple[str, ...]
    took: Ms
    unrecognised: tuple[str, ...] = ()
    """Stop words that are asked for, and that nobody recognises on this device."""


async def load_models(patient: Patient) -> Models:
    """Load them as the service does. Raise ConfigError."""
    return await Threads("loading").call(_load, patient.settings.wake)


def judge_models(models: Models) -> Findings:
    """Say which there are, and which stop words are missing."""
    found = [well("wake words", f"{', '.join(models.words)} (loaded within {models.took / 1000:.1f} s)")]
    if models.unrecognised:
        named = ", ".join(f"“{word}”" for word in models.unrecognised)
        text = f"nobody listens for {named}: the package {PACKAGE} is missing"
        found.append(wrong("stop words", text, HOW_TO_INSTALL, misconfigured=True))
    return found


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What became of the word that was said."""

    text: str
    threshold: float
    clean: float
    """The score of the local voice itself: below the threshold it cannot be used to try the word."""
    score: float
    """The score of what the microphone heard."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard; what was not looked at is None."""

    busy: str = ""
    """Why nothing was heard: somebody has the microphone."""
    room: Level | None = None
    loudest: Level | None = None
    echo: Echo | None = None
    test: SelfTest | None = None
    mute_why: str = ""
    """Why nothing was said."""
    heard_there: Levels | None = None
    """What the house that runs says of its microphone."""


async def hear(patient: Patient) -> Hearing:
    """Listen, and say the first wake word, unless that cannot tell anything."""
    settings = patient.settings
    if patient.running is not None:
        return Hearing(_TAKEN, heard_there=await Threads("levels").call(ask_levels))
    if asound.read_holders():
        return Hearing("another program has a sound card open")
    mute_why = _why_not_to_speak(patient)
    spoken, problem = (b"", mute_why) if mute_why else await _voice(_text(settings.wake))
    try:
        take = await listen(settings.audio, lambda fact: None, spoken)
    except DeviceNotFoundError:
        return Hearing("a sound device is missing, as said above")
    if not spoken:
        return Hearing(room=level_of(take.room), mute_why=problem)
    test = await Threads("loading").call(_score, settings.wake, take)
    echo = find_echo(take.spoken, take.heard, take.room)
    return Hearing("", level_of(take.room), level_of(take.heard), echo, test)


def judge_hearing(hearing: Hearing) -> Findings:
    """Say whether it hears, how well, and itself."""
    if hearing.heard_there is not None:
        return [_judge_there(hearing.heard_there), skipped("self-test", hearing.busy)]
    if hearing.busy:
        return [skipped("levels", hearing.busy)]
    found = [_judge_room(hearing.room) if hearing.room else None, _judge_loudest(hearing.loudest)]
    if hearing.echo is not None and hearing.test is not None:
        found += [_judge_echo(hearing.echo), _judge_test(hearing.test)]
    else:
        found.append(skipped("self-test", hearing.mute_why))
    return [finding for finding in found if finding is not None]


def _judge_room(level: Level) -> Finding:
    text = f"the room is at {level.dbfs:.0f} dBFS"
    if level.zeros == 1:
        fix = f"look for a mute key on the microphone or its board, and at {_GAIN}"
        return wrong("levels", "digital silence: the microphone gives nothing but zeros", fix)
    if level.clipped > CLIPPED:
        return wrong("levels", f"{text} and clips: it is far too loud", f"lower the gain: {_GAIN}")
    if level.dbfs < QUIET_DBFS:
        fix = f"if it does not hear you across the room, raise the gain: {_GAIN}"
        return hint("levels", f"{text}: very quiet", fix)
    return well("levels", text)


def _judge_there(levels: Levels) -> Finding:
    """Judge what the running house hears as if it had been heard here."""
    if levels.muted or not levels.of_ms:
        return skipped("levels", "it is muted: the microphone is closed")
    samples = samples_from_ms(levels.of_ms, CAPTURE_RATE)
    dbfs = DIGITAL_SILENCE_DBFS if levels.rms_dbfs is None else levels.rms_dbfs
    level = Level(dbfs, levels.clipped / max(1, samples), float(levels.digital_silence))
    return _judge_room(level)


def _judge_loudest(level: Level | None) -> Finding | None:
    if level is None or level.clipped <= CLIPPED:
        return None
    text = f"its own voice clips at the microphone ({level.clipped:.1%} of the samples)"
    return hint("levels", text, f"turn the volume down, or lower the gain: {_GAIN}")


def _judge_echo(echo: Echo) -> Finding:
    if echo.likeness < LIKE:
        if echo.above_room_db > 6:
            return hint("echo", "something is heard, but not what was played", "look for what distorts the loudspeaker")
        fix = "look at the loudspeaker's plug, at audio.output, and at the volume (`alsamixer`, F6 chooses the card)"
        return wrong("echo", "the microphone does not hear the loudspeaker", fix)
    text = f"the loudspeaker is heard after {echo.delay:.0f} ms, {echo.above_room_db:.0f} dB above the room"
    if echo.delay > LONGEST_ECHO:
        fix = 'name the card itself in audio.output ("plughw:..."), not a sound server'
        return hint("echo", f"{text}: too late to be told from a person", fix)
    return well("echo", text)


def _judge_test(test: SelfTest) -> Finding:
    if test.clean < test.threshold:
        return skipped("self-test", f"the local voice cannot say “{test.text}” well enough; try it: hearthside listen")
    if test.score >= test.threshold:
        return well("self-test", f"it said “{test.text}”, and heard it (score {test.score:.2f})")
    scores = f"score {test.score:.2f}, the threshold is {test.threshold:.2f}"
    fix = "see what is said of levels and echo; then say it yourself: hearthside listen"
    return wrong("self-test", f"it said “{test.text}”, and did not hear it ({scores})", fix)


def _why_not_to_speak(patient: Patient) -> str:
    if not patient.plays:
        return "no sound was to be played (--silent)"
    if patient.settings.audio.echo_cancelled:
        return "this board does not hear its own loudspeaker; say the wake word yourself: hearthside listen"
    return ""


async def _voice(text: str) -> tuple[bytes, str]:
    try:
        return await speak(text), ""
    except SpeechError as error:
        return b"", str(error)


def _text(wake: Wake) -> str:
    return wake.words[0].rpartition("/")[2].partition(".")[0].replace("_", " ")


def _load(wake: Wake, clock: Callable[[], float] = time.monotonic) -> Models:
    began = clock()
    words = load_engine(wake).words
    return Models(words, Ms(1000 * (clock() - began)), unrecognised(wake.stop_words or ()))


def _score(wake: Wake, take: Take) -> SelfTest:
    engine = load_engine(wake)
    evaluator, word = Evaluator(engine), engine.words[0]
    clean = max(evaluator.hear("spoken", [take.spoken]).scores[word], default=0.0)
    heard = max(evaluator.hear("heard", [take.heard]).scores[word], default=0.0)
    return SelfTest(_text(wake), engine.rules[word].threshold, clean, heard)


_CARD_HANGS = "pull the sound card out and plug it in again, or restart the machine"

MODELS = Check("wake words", load_models, judge_models, 60, "install again: a model cannot be loaded")
HEARING = Check("levels", hear, judge_hearing, 60, _CARD_HANGS)
