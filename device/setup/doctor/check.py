"""Runs checks: each gathers its facts within its limit of time, and judges them. None keeps the others from theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from device.errors import ConfigError, HearthsideError
from device.setup.doctor.finding import Finding, wrong
from device.setup.doctor.patient import Patient

Facts = TypeVar("Facts")

Findings = Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Check(Generic[Facts]):
    """One thing to look at."""

    name: str
    gather: Callable[[Patient], Awaitable[Facts]]
    """Find the facts. Raise HearthsideError or OSError when that is not possible, which counts as a finding."""
    judge: Callable[[Facts], Findings]
    """Say what they mean. Pure."""
    limit_s: float
    """How long gathering may take."""
    when_stuck: str
    """What to do when it takes longer."""


async def examine(groups: Iterable[Sequence[Check[Any]]], patient: Patient, tell: Callable[[Finding], None]) -> None:
    """Run every check, those of a group side by side, and tell what is found in the order in which they stand."""
    for group in groups:
        running = [asyncio.create_task(_run(check, patient), name=check.name) for check in group]
        try:
            for one in running:
                for finding in await one:
                    tell(finding)
        finally:
            for one in running:
                one.cancel()


async def _run(check: Check[Any], patient: Patient) -> Findings:
    try:
        async with asyncio.timeout(check.limit_s):
            facts = await check.gather(patient)
    except TimeoutError:
        return [wrong(check.name, f"did not come to an end within {check.limit_s:g} s", check.when_stuck)]
    except ConfigError as error:
        return [wrong(check.name, *_parted(str(error)), misconfigured=True)]
    except HearthsideError as error:
        return [wrong(check.name, *_parted(str(error)))]
    except OSError as error:
        return [wrong(check.name, f"cannot be looked at: {error.strerror or error}", check.when_stuck)]
    return check.judge(facts)


def _parted(message: str) -> tuple[str, str]:
    """Return what is wrong and what to do: the house's own errors have a semicolon between the two."""
    text, semicolon, fix = message.partition("; ")
    return (text, fix) if semicolon else (message, "do what it says, then run the doctor again")
