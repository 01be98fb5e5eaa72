"""A whole house on the virtual sound card: the real program, a simulated person, server and board."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from device.core.actions import Announce, OpenSession
from device.core.events import (
    ButtonHeld,
    ButtonLongPressed,
    ButtonReleased,
    PlaybackFinished,
    PlaybackStarted,
    WakeWordDetected,
)
from device.core.status import Phase, Status
from device.foreign.gpio import MockBoard
from device.house import configuration
from device.house.app import App, open_app
from device.house.catalogue import secret_names
from device.secrets import Secret
from device.sim.devices.soundcard import Recording, VirtualSoundCard
from device.sim.person.voice import Person, Utterance
from device.sim.realtime import SimulatedRealtime
from device.sim.stage.timeline import ScenarioError, Timeline
from device.units import BYTES_PER_SAMPLE
from tests.waiting import LIMIT_S, until

LED, BUTTON, RELAY = 18, 23, 17
WAKE_WORD = "hey jarvis"
PATIENCE = 3
SLOW_TO_SPEAK = "hardware.button.long_press_s=20"
"""For who holds the button and speaks: on a busy machine the person begins so late that silence is held for long."""
AUDIBLE = 0.01
"""A peak of -40 dBFS; the virtual card's silence is digital."""

Samples = npt.NDArray[np.float64]


def config_text(url: str, state_dir: Path) -> str:
    """Return a configuration for the virtual card: a quick server VAD, no follow-up, short patience."""
    return f"""
[audio]
input = "hearthside_mic"
output = "hearthside_speaker"
[conversation]
follow_up_s = 0
listen_s = 4
think_s = 5
[conversation.openai]
url = "{url}"
silence_duration_ms = 250
connect_timeout_s = 5
[hardware]
profile = "virtual"
led.pin = {LED}
button = {{ pin = {BUTTON}, hold_s = 0.2, long_press_s = 0.6 }}
[tools.relays.light]
pin = {RELAY}
[service]
state_dir = "{state_dir}"
"""


@dataclass(frozen=True)
class House:
    """A running program and everything around it."""

    app: App
    server: SimulatedRealtime
    card: VirtualSoundCard
    board: MockBoard
    person: Person
    timeline: Timeline
    speaker: Recording

    @property
    def status(self) -> Status:
        """Where the machine stands."""
        return self.app.controller.status

    async def wake(self, command: str = "hello") -> Utterance:
        """Say the wake word and a command in one breath, as often as a patient person does.

        On a busy machine the simulated person stutters at times, and then is not understood.
        """
        for _ in range(PATIENCE):
            since = time.monotonic()
            said = await self.person.say(command, WAKE_WORD)
            with contextlib.suppress(ScenarioError):
                await self.timeline.until(WakeWordDetected, since, 1.0)
                return said
        raise ScenarioError("the wake word was not heard")

    async def answered(self, since: float) -> None:
        """Wait until an answer of after `since` has been heard to its end."""
        await self.timeline.until(PlaybackStarted, since, LIMIT_S)
        await self.timeline.until(PlaybackFinished, since, LIMIT_S)

    async def phase(self, wanted: Phase) -> None:
        """Wait for a phase."""
        await until(lambda: self.status.phase is wanted, f"phase {wanted.value}")

    async def converse(self, command: str = "hello") -> float:
        """Have a whole turn that must be answered; return when it began."""
        began = time.monotonic()
        await self.wake(command)
        await self.answered(began)
        return began

    async def click(self) -> None:
        """Press the button and let go at once; not on the event loop, which may be busy for longer than that."""
        await asyncio.to_thread(self._click)

    def _click(self) -> None:
        self.board.press(BUTTON)
        time.sleep(0.06)  # longer than bounces, shorter than a hold: a finger
        self.board.release(BUTTON)

    async def ask_by_click(self) -> float:
        """Click for the word, and return when; while the house is saying something the first click only silences it.

        On a busy machine the finger may stay too long, and a click become a hold: then once more.
        """
        for _ in range(PATIENCE):
            since = time.monotonic()
            await self.click()
            with contextlib.suppress(ScenarioError):
                await self.timeline.until(OpenSession, since, 1.0)
                if not self.timeline.all(ButtonHeld, since):
                    return since
                await self.phase(Phase.IDLE)
        raise ScenarioError("a click opened no session")

    async def hold(self) -> None:
        """Press the button and keep it down until that counts as push-to-talk."""
        since = time.monotonic()
        self.board.press(BUTTON)
        await self.timeline.until(ButtonHeld, since, LIMIT_S)

    def release(self) -> None:
        """Let the button go."""
        self.board.release(BUTTON)

    async def long_press(self) -> None:
        """Press the button until it mutes or unmutes."""
        since = time.monotonic()
        self.board.press(BUTTON)
        await self.timeline.until(ButtonLongPressed, since, LIMIT_S)
        self.board.release(BUTTON)
        await self.timeline.until(ButtonReleased, since, LIMIT_S)

    async def announced(self, since: float) -> str:
        """Wait until the house says a sentence of its own, and the beginning of it has been heard; return it."""
        said = await self.timeline.until(Announce, since, LIMIT_S)
        # The cue before it lasts 250 ms.
        await until(lambda: self.heard_ms(since) > 500, "an announcement at the loudspeaker")
        return said.text

    def heard(self, since: float, until: float | None = None) -> Samples:
        """Return what left the loudspeaker between two moments, 1.0 = full scale."""
        first = max(0, self.speaker.position(since))
        end = None if until is None else max(0, self.speaker.position(until)) * BYTES_PER_SAMPLE
        # Whoever waits looks often, and a recording becomes long: only what is asked for is made numbers.
        return pcm_samples(self.speaker.pcm[first * BYTES_PER_SAMPLE : end])

    def heard_ms(self, since: float, until: float | None = None) -> float:
        """Return for how long the loudspeaker was audible between two moments."""
        block = self.speaker.rate // 100
        sound = self.heard(since, until)
        blocks = np.abs(sound[: len(sound) // block * block]).reshape(-1, block)
        return float((blocks.max(axis=1, initial=0.0) > AUDIBLE).sum() * 10)


@asynccontextmanager
async def opened(
    card: VirtualSoundCard, server: SimulatedRealtime, board: MockBoard, folder: Path, overrides: Sequence[str] = ()
) -> AsyncIterator[House]:
    """Start the program in this process; `overrides` as after --set."""
    file = write_config(folder, server.url, has_led=not any(one.startswith("hardware.led.") for one in overrides))
    settings = configuration.load(file, overrides)
    timeline = Timeline()
    with card.record_speaker() as speaker:
        given = {name: Secret(os.environ[name]) for name in secret_names(settings) if name in os.environ}
        async with open_app(settings, {**given, "OPENAI_API_KEY": Secret(server.key)}) as app:
            app.controller.observers.append(timeline.observe)
            yield House(app, server, card, board, Person(card.play_into_room), timeline, speaker)


def write_config(folder: Path, url: str, has_led: bool = True) -> Path:
    """Write the configuration into `folder`, which also keeps the state. `has_led`: False for other lights."""
    file = folder / "config.toml"
    text = config_text(url, folder / "state")
    file.write_text(text if has_led else text.replace(f"led.pin = {LED}\n", ""))
    return file


def pcm_samples(pcm: bytes) -> Samples:
    """Return s16le PCM as numbers, 1.0 = full scale."""
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2") / 32768.0
