"""Checks run side by side, each within its limit, and none keeps the others from theirs."""

from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import AudioError, ConfigError
from device.house import configuration
from device.setup.doctor.check import Check, examine
from device.setup.doctor.finding import Finding, Grade, exit_code, hint, skipped, well, wrong
from device.setup.doctor.patient import Patient

PATIENT = Patient(configuration.parse({}), None, "", None, {})


async def run(*checks: Check[str]) -> list[Finding]:
    """Return what they find."""
    found: list[Finding] = []
    await examine([checks], PATIENT, found.append)
    return found


def check(name: str, error: Exception | None = None, seconds: float = 0.0, limit_s: float = 5.0) -> Check[str]:
    """Return one that takes so long, and then finds all well or raises."""

    async def gather(patient: Patient) -> str:
        await asyncio.sleep(seconds)
        if error is not None:
            raise error
        return name

    return Check(name, gather, lambda facts: [well(facts, "fine")], limit_s, "restart it")


async def test_findings_come_in_the_order_of_the_checks() -> None:
    """Whichever is done first."""
    found = await run(check("slow", seconds=0.05), check("quick"))
    assert [finding.check for finding in found] == ["slow", "quick"]


async def test_a_check_that_hangs_is_a_finding_and_keeps_nobody() -> None:
    """Its limit of time holds, and it says what to do."""
    hanging, quick = await run(check("hanging", seconds=3_600, limit_s=0.01), check("quick"))
    assert (hanging.grade, hanging.fix) == (Grade.WRONG, "restart it")
    assert "0.01 s" in hanging.text
    assert quick.grade is Grade.WELL


@pytest.mark.parametrize(
    ("error", "text", "fix", "misconfigured"),
    [
        (AudioError("it is broken; mend it"), "it is broken", "mend it", False),
        (ConfigError("wrong; correct it; or not"), "wrong", "correct it; or not", True),
        (ConfigError("wrong"), "wrong", "do what it says, then run the doctor again", True),
        (PermissionError(13, "Permission denied"), "cannot be looked at: Permission denied", "restart it", False),
    ],
)
async def test_what_a_check_raises_is_a_finding(error: Exception, text: str, fix: str, misconfigured: bool) -> None:
    """With what is wrong and what to do; and the others are told all the same."""
    found, after = await run(check("broken", error), check("after"))
    assert found == wrong("broken", text, fix, misconfigured=misconfigured)
    assert after.grade is Grade.WELL


FINDINGS = st.one_of(
    st.just(well("a", "b")),
    st.just(hint("a", "b", "c")),
    st.just(skipped("a", "b")),
    st.booleans().map(lambda configured: wrong("a", "b", "c", misconfigured=configured)),
)


@given(st.lists(FINDINGS))
def test_the_exit_code_tells_whether_something_is_wrong(findings: list[Finding]) -> None:
    """A wrong configuration is told apart; hints and what was left out are no failures."""
    ill = [finding for finding in findings if finding.grade is Grade.WRONG]
    expected = os.EX_CONFIG if any(finding.misconfigured for finding in ill) else 1 if ill else 0
    assert exit_code(findings) == expected
