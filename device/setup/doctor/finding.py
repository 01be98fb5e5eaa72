"""What a check has found, and what all findings together amount to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

# sysexits.h's EX_CONFIG.
_MISCONFIGURED = 78


class Grade(Enum):
    """How it is; the value is the word that people read."""

    WELL = "ok"
    HINT = "hint"
    """It works, and could be better."""
    WRONG = "WRONG"
    SKIPPED = "-"
    """Not looked at, which is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One of the four below. What is wrong, and a hint, always names the fix."""

    check: str
    grade: Grade
    text: str
    fix: str = ""
    misconfigured: bool = False
    """The configuration, a secret or a model is what is wrong: the exit code of a wrong configuration."""


def well(check: str, text: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(check, Grade.WELL, text)


def hint(check: str, text: str, fix: str) -> Finding:
    """Return what could be better, and how."""
    return Finding(check, Grade.HINT, text, fix)


def wrong(check: str, text: str, fix: str, *, misconfigured: bool = False) -> Finding:
    """Return what is wrong, and what to do."""
    return Finding(check, Grade.WRONG, text, fix, misconfigured)


def skipped(check: str, why: str) -> Finding:
    """Return that something was not looked at, and why."""
    return Finding(check, Grade.SKIPPED, why)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 when nothing is wrong, 78 when it is the configuration, 1 otherwise."""
    ill = [finding for finding in findings if finding.grade is Grade.WRONG]
    if any(finding.misconfigured for finding in ill):
        return _MISCONFIGURED
    return 1 if ill else 0
