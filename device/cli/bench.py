"""hearthside bench: how fast this machine does the work, in tables for a report. Opens no sound card, sends nothing."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

from device.cli.run import add_configuration, seconds
from device.house import configuration
from device.kit import signals
from device.service import heap, journal

if TYPE_CHECKING:
    from device.house.configuration import Config
    from device.ports.wake import WakeWord
    from device.setup.bench.figures import Missing, PartSpeed, Rehearsal

_USUAL_S = 5.0

_DESCRIPTION = (
    "Measures for about a minute how fast this machine does the device's work: wake word, echo canceller, resamplers, "
    "voice detector, and how late the event loop gets. Prints tables in Markdown, to be pasted into a report. It "
    "opens no sound card, needs no network, and works while the service runs, which it slows down meanwhile."
)


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("bench", help="measure how fast this machine is", description=_DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="for programs: the same as JSON")
    usual = f"how long each measurement takes (default: {_USUAL_S:g})"
    parser.add_argument("--seconds", type=seconds(most=600), default=_USUAL_S, metavar="S", help=usual)
    add_configuration(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    settings = configuration.load(options.config, options.overrides)
    journal.start("error")
    # As the daemon does: it is to be as fast here as there.
    heap.share_one_heap()
    with signals.importing():
        from device.setup.bench import rehearsal, report
        from device.setup.bench.machine import look_at_machine, look_at_rest
        from device.setup.bench.parts import yardsticks
        from device.wake.engines import load_engine
    machine, engine = look_at_machine(), load_engine(settings.wake)
    measured = _measure_parts(settings, engine, options.seconds)
    _say(rehearsal.TALK)
    rehearsals = [asyncio.run(rehearsal.listen_to_talk(settings, engine, options.seconds))]
    rehearsals += _rehearse_answer(settings, engine, options.seconds)
    _say("yardsticks")
    simple = yardsticks(options.seconds)
    show = report.as_json if options.json else report.report
    print(show(machine, asyncio.run(look_at_rest()), measured, rehearsals, simple))
    return 0


def _measure_parts(settings: Config, engine: WakeWord, seconds: float) -> list[PartSpeed | Missing]:
    from device.setup.bench.parts import Part, measure, parts

    measured: list[PartSpeed | Missing] = []
    for one in parts(settings, engine):
        _say(one.part if not isinstance(one, Part) else one.name)
        measured.append(measure(one, seconds) if isinstance(one, Part) else one)
    return measured


def _rehearse_answer(settings: Config, engine: WakeWord, seconds: float) -> list[Rehearsal]:
    """Return nothing where there is no echo canceller, which the parts have told."""
    from device.errors import AudioError
    from device.setup.bench import rehearsal

    _say(rehearsal.ANSWER)
    try:
        return [asyncio.run(rehearsal.speak_and_listen(settings, engine, seconds))]
    except AudioError:
        return []


def _say(what: str) -> None:
    """Tell whoever waits what is being measured; not in the report."""
    print(f"measuring: {what}", file=sys.stderr, flush=True)
