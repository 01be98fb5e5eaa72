"""hearthside demo: a whole conversation on a machine with no microphone, speaker, pins, key or network."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from device.foreign import plot
from device.house import configuration
from device.house.catalogue import secret_names
from device.house.configuration import Config
from device.kit import signals
from device.secrets import withhold
from device.service import journal

LED, BUTTON, RELAY = 18, 23, 17
THRESHOLD = 0.5


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("demo", help="a conversation on simulated hardware with a simulated person and server")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what happened (.png, .svg or .pdf)")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="error")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    journal.start(options.log_level)
    # The demo has a server of its own; the person's key is none of its children's business.
    for name in secret_names(configuration.parse({})):
        withhold(name)
    if options.plot:
        plot.check_path(options.plot)
    # Late, for the sake of `hearthside run`: the simulation needs more than the device does.
    from device.sim import packages

    with signals.importing(), packages.needed():
        import device.house.app
        import device.sim.realtime.server  # noqa: F401  all that takes long, while nothing is open
        from device.sim.stage import scenario

    checks = asyncio.run(_demo(options.plot))
    print()
    for check in checks:
        print(f"  {'ok  ' if check.passed else 'FAIL'}  {check.name}{f' ({check.detail})' if check.detail else ''}")
    if error := scenario.failed(checks):
        raise error
    print(f"\nEverything happened as expected: {len(checks)} of {len(checks)}.")
    return 0


async def _demo(drawing: Path | None) -> list[Any]:
    from device.foreign.gpio import MockBoard
    from device.sim.devices.soundcard import VirtualSoundCard
    from device.sim.realtime.server import SimulatedRealtime

    board = MockBoard()
    try:
        with tempfile.TemporaryDirectory(prefix="hearthside-demo-") as folder:
            async with VirtualSoundCard() as card, SimulatedRealtime() as server:
                # Before PortAudio is initialised: it reads these once.
                os.environ.update(card.env())
                return await _perform(drawing, board, card, server, demo_settings(server.url, folder))
    finally:
        board.close()


def demo_settings(url: str, folder: str) -> Config:
    """Return the configuration of the demo: everything simulated, everything else as shipped."""
    return configuration.parse(
        {
            "audio": {"input": "hearthside_mic", "output": "hearthside_speaker"},
            "wake": {"threshold": THRESHOLD},
            "conversation": {
                "follow_up_s": 3.0,
                "openai": {"url": url, "transcription_model": "gpt-transcribe"},
            },
            "hardware": {
                "profile": "virtual",
                "led": {"pin": LED},
                "button": {"pin": BUTTON},
            },
            "tools": {"relays": {"light": {"pin": RELAY}}},
            "service": {"state_dir": folder},
        }
    )


async def _perform(drawing: Path | None, board: Any, card: Any, server: Any, settings: Config) -> list[Any]:
    from device.house.app import open_app
    from device.secrets import Secret
    from device.sim.person.voice import Person
    from device.sim.stage import picture, scenario
    from device.sim.stage.timeline import Timeline
    from device.sim.stage.view import Gauges, View

    async with open_app(settings, dict.fromkeys(secret_names(settings), Secret(server.key))) as app:
        server.learn(app.registry.specs)
        timeline = Timeline()
        view = View(timeline, Gauges(lambda: board.level(LED), lambda: app.relays.states), sys.stdout)
        timeline.listeners.append(view.show)
        app.controller.observers.append(timeline.observe)
        app.frontend.on_level = view.note_level
        app.wake._on_score = timeline.note_scores
        stage = scenario.Stage(
            timeline=timeline,
            person=Person(card.play_into_room),
            journal=server.journal,
            press=lambda: board.press(BUTTON),
            release=lambda: board.release(BUTTON),
            relays=lambda: app.relays.states,
            volume=lambda: app.player.volume,
            tell=view.say,
        )
        with card.record_room() as room, card.record_speaker() as speaker:
            refreshing = asyncio.create_task(view.refresh())
            checks = await scenario.play(stage)
            refreshing.cancel()
        checks.append(scenario.sound_was_heard(speaker.pcm, speaker.rate))
    if drawing:
        near, far = (picture.RecordedSound(sound.pcm, sound.rate, sound.start) for sound in (room, speaker))
        await asyncio.to_thread(picture.draw, timeline, near, far, THRESHOLD, drawing)
    return checks
