"""A conversation of four turns with a simulated person, and the checks of what must happen in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from device.core.actions import OpenSession, RunTool, TruncateItem
from device.core.events import ButtonHeld, PlaybackFinished, PlaybackStarted, WakeWordDetected
from device.core.status import Phase
from device.errors import HearthsideError
from device.sim.person.voice import Person
from device.sim.realtime.journal import Journal
from device.sim.stage.picture import envelope
from device.sim.stage.timeline import ScenarioError, Timeline
from device.units import Hz

WAKE_WORD = "hey jarvis"
TURN_LIMIT_S = 30.0
# The pause before a person answers. Half of it passes between the last word and releasing the button.
BREATH_S = 0.6
STORY_S = 3.0
# A peak of -40 dBFS; the silence of the virtual card is digital.
AUDIBLE = 0.01


@dataclass(frozen=True, slots=True)
class Check:
    """An expectation, and whether it was met."""

    name: str
    passed: bool
    detail: str = ""


@dataclass
class Stage:
    """What a scenario uses and observes."""

    timeline: Timeline
    person: Person
    journal: Journal
    press: Callable[[], None]
    release: Callable[[], None]
    relays: Callable[[], Mapping[str, bool]]
    volume: Callable[[], float]
    tell: Callable[[str, str], None]
    """Prints a line: who, and what."""
    checks: list[Check] = field(default_factory=list)

    def check(self, name: str, passed: bool, detail: str = "") -> None:
        """Record an expectation."""
        self.checks.append(Check(name, passed, detail))

    async def say(self, words: str, wake_word: str = "") -> None:
        """Let the person speak."""
        self.tell("person", f"“{f'{wake_word} {words}'.strip()}”")
        await self.person.say(words, wake_word)


Scene = Callable[[Stage], Awaitable[None]]


async def play(stage: Stage) -> list[Check]:
    """Play all scenes in order and return the checks; end after a scene in which something did not happen in time."""
    for scene in (one_breath, follow_up, barge_in, push_to_talk, silence):
        try:
            await scene(stage)
        except ScenarioError as error:
            stage.check(f"{scene.__name__.replace('_', ' ')}: {error}", passed=False)
            break
    stage.check("the server refused nothing", not stage.journal.sent("error"), _errors(stage.journal))
    stage.check("no audio before the wake word, none before the session was configured", _is_private(stage))
    return stage.checks


async def one_breath(stage: Stage) -> None:
    """Wake word and command without a pause: the relay is switched and the answer is played."""
    since = time.monotonic()
    await stage.say("turn on the light", WAKE_WORD)
    await stage.timeline.until(WakeWordDetected, since, TURN_LIMIT_S)
    await stage.timeline.until(PlaybackFinished, since, TURN_LIMIT_S)
    stage.check("“turn on the light” in one breath: the relay is on", stage.relays().get("light") is True)


async def follow_up(stage: Stage) -> None:
    """A question without the wake word, on the same session."""
    await asyncio.sleep(BREATH_S)
    since = time.monotonic()
    await stage.say("what time is it")
    await stage.timeline.until(PlaybackFinished, since, TURN_LIMIT_S)
    ran = [call.name for call in stage.timeline.all(RunTool, since)]
    stage.check("the follow-up needed no wake word: get_time ran", ran == ["get_time"], str(ran))
    stage.check("it used the session that was open", not stage.timeline.all(OpenSession, since))


async def barge_in(stage: Stage) -> None:
    """A long answer that the person interrupts."""
    await asyncio.sleep(BREATH_S)
    since = time.monotonic()
    await stage.say("tell me a story")
    await stage.timeline.until(PlaybackStarted, since, TURN_LIMIT_S)
    await asyncio.sleep(STORY_S)
    interrupted = time.monotonic()
    await stage.say("turn off the light")
    cut = await stage.timeline.until(TruncateItem, interrupted, TURN_LIMIT_S)
    await stage.timeline.until(PlaybackFinished, interrupted, TURN_LIMIT_S)
    heard = f"{cut.played:.0f} ms were heard"
    stage.check("the voice over the story stopped it", STORY_S * 500 < cut.played < STORY_S * 1000 + 3_000, heard)
    stage.check("“turn off the light” over the story: the relay is off", stage.relays().get("light") is False)


async def push_to_talk(stage: Stage) -> None:
    """The button is held while the person speaks."""
    await stage.timeline.until_phase(Phase.IDLE, TURN_LIMIT_S)
    since = time.monotonic()
    stage.press()
    await stage.timeline.until(ButtonHeld, since, TURN_LIMIT_S)
    await stage.say("set the volume to fifty")
    await asyncio.sleep(BREATH_S / 2)
    stage.release()
    await stage.timeline.until(PlaybackFinished, since, TURN_LIMIT_S)
    volume = stage.volume()
    stage.check("push-to-talk: the volume is 50 percent", abs(volume - 0.5) < 0.005, f"{volume:.2f}")
    stage.check("it needed no wake word", not stage.timeline.all(WakeWordDetected, since))


async def silence(stage: Stage) -> None:
    """The person says nothing more: the conversation ends by itself."""
    await stage.timeline.until_phase(Phase.IDLE, TURN_LIMIT_S)
    stage.check("the conversation ended by itself", not stage.timeline.entries[-1].status.gate_open)


def sound_was_heard(pcm: bytes, rate: Hz) -> Check:
    """Check a recording of the loudspeaker (s16le mono): the four answers must have sounded."""
    blocks = envelope(pcm, rate)
    seconds = float((blocks > AUDIBLE).sum()) * 0.01
    return Check("the answers were really heard at the loudspeaker", seconds > 5.0, f"{seconds:.1f} s of sound")


def failed(checks: list[Check]) -> HearthsideError | None:
    """Return an error that names the failed checks, or None."""
    names = [check.name for check in checks if not check.passed]
    return ScenarioError(f"not as expected: {'; '.join(names)}") if names else None


def _errors(journal: Journal) -> str:
    return "; ".join(str(entry.event.get("error")) for entry in journal.sent("error"))


def _is_private(stage: Stage) -> bool:
    """Tell whether no audio was sent before the first wake word, nor before the session.updated of its session."""
    appended = stage.journal.received("input_audio_buffer.append")
    wakes = [entry.at for entry in stage.timeline.entries if isinstance(entry.what, WakeWordDetected)]
    if not appended or not wakes or appended[0].at < wakes[0]:
        return False
    ready: dict[str, float] = {}
    for entry in stage.journal.sent("session.updated"):
        ready.setdefault(entry.session, entry.at)
    return all(entry.session in ready and entry.at >= ready[entry.session] for entry in appended)
