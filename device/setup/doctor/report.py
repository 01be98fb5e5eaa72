"""What was found, as lines for people (readable without colour) and as JSON for programs. Pure."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Sequence

from device.setup.doctor.finding import Finding, Grade, exit_code

_GRADE, _NAME = 5, 13
_MARGIN = " " * (_GRADE + _NAME + 4)
_NARROWEST = 60


def lines(finding: Finding, width: int) -> list[str]:
    """Return a finding as lines of at most `width` characters; the fix on lines of its own."""
    head = f"{finding.grade.value:<{_GRADE}}  {finding.check:<{_NAME}}  "
    found = _wrapped(finding.text, head, _MARGIN, width)
    return [*found, *_wrapped(finding.fix, f"{_MARGIN}-> ", f"{_MARGIN}   ", width)] if finding.fix else found


def summary(findings: Sequence[Finding]) -> str:
    """Return how it all looks in one sentence."""
    counts = Counter(finding.grade for finding in findings)
    ill, hints, left = counts[Grade.WRONG], counts[Grade.HINT], counts[Grade.SKIPPED]
    verdict = "All is well" if not ill else "1 thing is wrong" if ill == 1 else f"{ill} things are wrong"
    more = [_several(hints, "hint"), f"{left} not looked at" if left else ""]
    return ", ".join([verdict, *filter(None, more)]) + "."


def as_json(findings: Sequence[Finding], version: str) -> str:
    """Return all of it for a program."""
    table = {
        "version": version,
        "well": exit_code(findings) == 0,
        "findings": [
            {"check": one.check, "grade": one.grade.name.lower(), "text": one.text, "fix": one.fix} for one in findings
        ],
    }
    return json.dumps(table, indent=2, ensure_ascii=False)


def _several(count: int, noun: str) -> str:
    return "" if not count else f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _wrapped(text: str, first: str, later: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, _NARROWEST),
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
