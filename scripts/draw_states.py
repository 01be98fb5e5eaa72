#!/usr/bin/env python3
"""Draw the state diagram of the documentation from the transition table.

scripts/draw_states.py          rewrites docs/states.md
scripts/draw_states.py --check  exits with 1 when docs/states.md is stale
"""

from __future__ import annotations

import re
import sys

import drawing

from device.core import guards
from device.core.memory import Timer
from device.core.status import Phase
from device.core.transitions import ROWS, Row

HEAD = """# The state machine

Drawn from `device/core/transitions.py` by `scripts/draw_states.py`; do not edit. A test fails when this page is stale.

The diagram shows what changes the phase. The tables below show all rows, in the order in which they are tried: the
first row whose condition holds applies, and a fact without a row changes nothing. Beside the phase the machine keeps
conditions (muted, online, faults, gate, ...). The gate and the deadlines follow from the phase
(see `device/core/gating.py` and `device/core/memory.py`).
"""


def words(name: str) -> str:
    """Turn a class or function name into words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()


def trigger(row: Row) -> str:
    """Name what sets the row off."""
    if isinstance(row.trigger, Timer):
        return f"timer: {row.trigger.value}"
    return words(row.trigger.__name__)


def condition(row: Row) -> str:
    """Name the guard, or nothing when there is none."""
    return "" if row.guard is guards.always else words(row.guard.__name__)


def diagram() -> str:
    """Return the Mermaid state diagram."""
    edges: dict[tuple[Phase, Phase], list[str]] = {}
    for row in ROWS:
        if row.phase is not row.target:
            label = trigger(row) + (f" [{condition(row)}]" if condition(row) else "")
            edges.setdefault((row.phase, row.target), []).append(label)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> idle"]
    for (source, target), labels in edges.items():
        lines.append(f"    {source.value} --> {target.value}: {'<br/>'.join(labels).replace(':', ' -')}")
    return "\n".join([*lines, "```"])


def table(phase: Phase) -> str:
    """Return the rows of one phase as a Markdown table."""
    lines = [f"## {phase.value}", "", "| fact | condition | what is done | then |", "| --- | --- | --- | --- |"]
    for row in ROWS:
        if row.phase is phase:
            lines.append(f"| {trigger(row)} | {condition(row)} | {words(row.effect.__name__)} | {row.target.value} |")
    return "\n".join(lines)


def page() -> str:
    """Return the whole page."""
    return "\n\n".join([HEAD.rstrip(), diagram(), *(table(phase) for phase in Phase)]) + "\n"


if __name__ == "__main__":
    sys.exit(drawing.main(__doc__ or "", "states.md", page))
