"""hearthside setup: the wizard. Asks, lets things be tried, and writes the configuration and the key."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import ConfigError, HearthsideError
from device.house import sources
from device.house.catalogue import PROVIDERS
from device.kit import signals
from device.kit.textfiles import unreadable
from device.service import journal

if TYPE_CHECKING:
    from device.secrets import Secret
    from device.setup.credentials import Kept
    from device.setup.wizard.draft import Outcome
    from device.setup.wizard.facts import Facts

_DESCRIPTION = (
    "Asks for board, microphone, loudspeaker, wake word and key, lets each be tried, and writes the configuration: "
    "only what differs from the defaults; what else stood there stays. Nothing is written before the end: Ctrl-C "
    "leaves everything as it was."
)

Say = Callable[[str], object]


class SetupError(HearthsideError):
    """There is nobody to ask."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("setup", help="choose sound card, board, wake word and key", description=_DESCRIPTION)
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"default: {sources.DEFAULT_PATH}")
    answers = parser.add_mutually_exclusive_group()
    answers.add_argument("--answers", type=Path, metavar="FILE", help="for scripts: TOML with the answers")
    answers.add_argument("--key", action="store_true", help="ask for the key only")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    journal.start("error")
    path = options.config or sources.DEFAULT_PATH
    with signals.importing():
        from device.setup.credentials import take_given
        from device.setup.wizard import screen, service, writing
        from device.setup.wizard.answers import answered
        from device.setup.wizard.finding import find_facts
    if not options.key:
        writing.check_writable(path)
    given = take_given(name for provider in PROVIDERS for name in provider.secrets)
    if options.answers is None:
        if not screen.is_terminal():
            raise SetupError("there is no terminal to ask questions at; give the answers in a file: --answers FILE")
        return _ask(path, find_facts(path), given, options.key)
    facts = find_facts(path)
    if why := unreadable(options.answers):
        raise ConfigError(f"--answers: {why}; name another file")
    outcome, doubt = answered(facts, str(path), sources.read_table(options.answers))
    if doubt:
        print(f"The key: {doubt}")
    code = _write(path, facts, outcome, print)
    if service.runs():
        print("Hearthside runs with what held before: sudo systemctl restart hearthside")
    return code


def _ask(path: Path, facts: Facts, given: Mapping[str, Kept], only_key: bool) -> int:
    """Hold the dialogue, and write what comes of it."""
    from device.setup.wizard import service
    from device.setup.wizard.dialogue import Dialogue
    from device.setup.wizard.draft import text
    from device.setup.wizard.screen import Screen

    screen = Screen()
    screen.say("Nothing is written before the end; Ctrl-C leaves everything as it is.")
    try:
        outcome = Dialogue(screen, facts, str(path), given).hold(only_key)
        if outcome.table != facts.own:
            screen.title(f"{path} will be:")
            screen.show(text(outcome.table))
        if not outcome.keys and outcome.table == facts.own and path.exists():
            screen.say("Nothing is to be changed.")
            return 0
        if not screen.confirm("Write it?"):
            raise KeyboardInterrupt
    except (KeyboardInterrupt, EOFError):
        screen.say("\nNothing was changed.")
        return signals.INTERRUPTED
    code = _write(path, facts, outcome, screen.say)
    if service.runs() and screen.confirm("Restart Hearthside, so that it holds?"):
        screen.say(service.order("restart") or "It is restarted.")
    return code


def _write(path: Path, facts: Facts, outcome: Outcome, say: Say) -> int:
    """Write all of it; return the exit code."""
    from device.setup.wizard import writing
    from device.setup.wizard.draft import text

    if outcome.table != facts.own or not path.exists():
        backup = writing.write_configuration(path, text(outcome.table), time.strftime("%Y-%m-%dT%H-%M-%S"))
        say(f"{path} is written." + (f" The old one is {backup}." if backup else ""))
    stored = [_store(name, key, say) for name, key in outcome.keys.items()]
    say("See whether all is well: sudo hearthside doctor")
    return 0 if all(stored) else 1


def _store(name: str, key: Secret, say: Say) -> bool:
    from device.setup.wizard import writing

    try:
        say(f"The key is stored in {writing.store_key(name, key)}, for root only.")
    except writing.WriteError as error:
        say(f"{error}; run by hand, give it in the environment variable {name}")
        return False
    return True
