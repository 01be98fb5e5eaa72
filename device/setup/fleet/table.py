"""What happened, as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from device.setup.fleet.remote import Answer

_HEADER = ("device", "release", "changed", "state", "took")


def lines(answers: Iterable[Answer]) -> list[str]:
    """Return a line for each device, what is wrong behind it, and a line that counts."""
    given = list(answers)
    rows = [_HEADER, *map(_row, given)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    shown = [_padded(row, widths) for row in rows]
    shown[1:] = [f"{line}  {answer.problem}".rstrip() for line, answer in zip(shown[1:], given)]
    failed = sum(not answer.is_well for answer in given)
    return [*shown, f"{len(given) - failed} of {len(given)} work" + (f", {failed} do not" if failed else "")]


def _row(answer: Answer) -> Sequence[str]:
    changed = ", ".join(dict.fromkeys(answer.changed)) or ("nothing" if answer.code == 0 else "-")
    return (answer.host, answer.release or "-", changed, answer.state or "failed", f"{answer.took_s:.0f} s")


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
