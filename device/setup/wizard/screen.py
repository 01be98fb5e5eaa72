"""The wizard's terminal: the only file that imports rich. Readable without colour."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from device.setup.wizard.facts import Choice

_METER = 40
_YES, _NO = ("y", "yes"), ("n", "no")


class Screen:
    """Asks, and shows."""

    def __init__(self, console: Console | None = None) -> None:
        """`console`: another one than the terminal."""
        self._console = console or Console(highlight=False)

    def title(self, text: str) -> None:
        """Begin something new."""
        self._console.print(f"\n[bold]{escape(text)}[/bold]")

    def say(self, text: str) -> None:
        """Say something."""
        self._console.print(escape(text))

    def complain(self, text: str) -> None:
        """Say what is wrong."""
        self._console.print(f"[bold red]![/bold red] {escape(text)}")

    def show(self, text: str) -> None:
        """Show a text as it is."""
        self._console.print(Text(text), soft_wrap=True)

    def choose(self, choices: Sequence[Choice], usual: str, takes_others: bool) -> str:
        """Return the value of what is chosen, by its number or by name; nothing where only Enter was pressed."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for number, choice in enumerate(choices, 1):
            mark = "*" if choice.value == usual else ""
            table.add_row(f"{mark:>2}{number:>3}", escape(choice.value), escape(_beside(choice)))
        self._console.print(table)
        others = ", or something else" if takes_others else ""
        given = self._ask(f"Number or name{others} (Enter: {usual})").strip()
        if given.isdecimal() and 0 < int(given) <= len(choices):
            return choices[int(given) - 1].value
        return given

    def confirm(self, text: str, usual: bool = True) -> bool:
        """Return whether a person says yes."""
        while True:
            given = self._ask(f"{text} ({'Y/n' if usual else 'y/N'})").strip().lower()
            if not given or given in (*_YES, *_NO):
                return given in _YES if given else usual
            self.complain("y or n")

    def secret(self, text: str) -> str:
        """Return what is typed, which is not shown."""
        return self._console.input(f"{escape(text)}: ", password=True).strip()

    @contextlib.contextmanager
    def meter(self, text: str) -> Iterator[tuple[Callable[[float, str], None], Callable[[], bool]]]:
        """Show a meter, until Enter is pressed: what fills it, and whether that has happened."""
        self._console.print(f"{escape(text)} Enter goes on.")
        with Live(console=self._console, auto_refresh=False, transient=True) as live:

            def show(filled: float, beside: str) -> None:
                cells = round(filled * _METER)
                live.update(Text(f"  {'#' * cells}{'-' * (_METER - cells)}  {beside}"), refresh=True)

            yield show, _enter_was_pressed

    def _ask(self, text: str) -> str:
        return self._console.input(f"{escape(text)}: ")


def is_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _beside(choice: Choice) -> str:
    return "" if choice.label == choice.value else choice.label


def _enter_was_pressed() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    if not ready:
        return False
    # Not by sys.stdin, which would keep what comes after the line from `select`.
    if not os.read(sys.stdin.fileno(), 1_024):
        raise KeyboardInterrupt
    return True
