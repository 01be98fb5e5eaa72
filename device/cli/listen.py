"""hearthside listen: what the microphone and the wake words make of the room, live. Nothing leaves it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import Any

from device.cli.run import add_configuration
from device.core.events import Event
from device.house import configuration
from device.house.configuration import Config
from device.kit import signals
from device.kit.threads import Threads
from device.service import journal

REFRESH_S = 0.08


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("listen", help="show microphone level and wake-word scores, live; Ctrl-C ends it")
    add_configuration(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    settings = configuration.load(options.config, options.overrides)
    journal.start("warning")
    with signals.importing(interrupted=0, told=0):
        import device.audio.cards.portaudio
        import device.wake.openwakeword.engine  # noqa: F401  all that takes long, while nothing is open
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_until_told(settings))
    return 0


async def _until_told(settings: Config) -> None:
    stop = asyncio.Event()
    with signals.told(stop.set):
        await _listen(settings, stop)


async def _listen(settings: Config, stop: asyncio.Event) -> None:
    from device.audio.cards.microphone import AlsaMicrophone
    from device.audio.cards.portaudio import SoundCards
    from device.audio.frames import level_dbfs
    from device.cli.meters import Meters
    from device.wake.engines import load_engine
    from device.wake.worker import WakeWorker

    engine = await Threads("loading").call(load_engine, settings.wake)
    meters = Meters(engine.rules, sys.stdout, stop.set)
    # No doze: whoever looks at the scores wants those of now.
    worker = WakeWorker(
        engine, meters.show_detection, meters.show_fact, meters.note_scores, on_near_miss=meters.show_near_miss
    )

    def on_frame(pcm: bytes, moment: float) -> None:
        worker.feed(pcm)
        meters.note_level(level_dbfs(pcm))

    def show(fact: Event) -> None:
        # Until the microphone is open a failure ends the command, which prints it then.
        if opened:
            meters.show_fact(fact)

    opened = False
    cards = SoundCards(settings.audio, show)
    try:
        microphone = AlsaMicrophone(cards, on_frame, on_gap=worker.reset)
        await microphone.open()
        opened = True
        worker.start()
        words = f"for {', '.join(engine.words)}; Ctrl-C ends it"
        telling = asyncio.create_task(_say_listening(meters, microphone, words))
        await _refresh(meters, stop)
        telling.cancel()
        meters.end()
    finally:
        worker.close()
        await cards.close()


async def _say_listening(meters: Any, microphone: Any, words: str) -> None:
    """As soon as sound comes; where none does, its failure has been told."""
    if await microphone.settle():
        meters.say("listening", words)


async def _refresh(meters: Any, stop: asyncio.Event) -> None:
    while not stop.is_set():
        meters.draw()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), REFRESH_S if meters.live else None)
