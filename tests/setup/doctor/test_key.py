"""What is made of a key: that it is there, who may read it, and what its provider says."""

from __future__ import annotations

import pytest

from device.ports.provider import KeyTrial, KeyVerdict
from device.secrets import Secret
from device.setup.credentials import Kept
from device.setup.doctor.finding import Finding, Grade
from device.setup.doctor.key import KeyFacts, judge_keys
from device.units import Ms

KEY = Secret("sk-proj-planted-7461686c")
TAKEN = KeyTrial(KeyVerdict.TAKEN, Ms(300), server_time=1_000.0)


def judged(kept: Kept, trial: KeyTrial | None = None, now: float = 1_000.0) -> dict[str, Finding]:
    """Return what is found, by the name of the check."""
    return {finding.check: finding for finding in judge_keys([KeyFacts("OPENAI_API_KEY", kept, trial, now)])}


def test_a_key_that_is_taken_is_well() -> None:
    """And is not shown."""
    found = judged(Kept(KEY, "/etc/credstore/openai_api_key"), TAKEN)
    assert found["key"].grade is Grade.WELL
    assert KEY.reveal() not in found["key"].text


@pytest.mark.parametrize(
    ("verdict", "grade", "misconfigured"),
    [(KeyVerdict.REFUSED, Grade.WRONG, True), (KeyVerdict.UNKNOWN, Grade.HINT, False)],
)
def test_a_key_that_is_not_taken_is_told(verdict: KeyVerdict, grade: Grade, misconfigured: bool) -> None:
    """Refused is wrong; that the provider has other troubles says nothing of it."""
    found = judged(Kept(KEY, "somewhere"), KeyTrial(verdict, Ms(1), "because", "do this"))
    assert (found["key"].grade, found["key"].misconfigured) == (grade, misconfigured)
    assert "because" in found["key"].text
    assert found["key"].fix == "do this"


def test_a_missing_key_is_wrong_and_a_hidden_one_is_not_looked_at() -> None:
    """Whoever is not root hears how to find out."""
    assert judged(Kept(None, problem="it is missing"))["key"].misconfigured
    hidden = judged(Kept(None, "/etc/credstore", "only root may look into it", forbidden=True))["key"]
    assert (hidden.grade, "sudo" in hidden.text) == (Grade.SKIPPED, True)


def test_a_key_that_others_may_read_is_wrong_even_if_it_is_good() -> None:
    """With the command that closes the file."""
    found = judged(Kept(KEY, "/etc/credstore/openai_api_key", mode=0o640), TAKEN)
    assert found["key"].grade is Grade.WELL
    assert found["key file"].fix == "sudo chmod 600 /etc/credstore/openai_api_key"


@pytest.mark.parametrize(("now", "way"), [(1_000.0, ""), (1_059.0, ""), (1_100.0, "ahead of"), (900.0, "behind")])
def test_the_providers_clock_is_compared(now: float, way: str) -> None:
    """It comes for nothing with the answer."""
    found = judged(Kept(KEY, "somewhere"), TAKEN, now)
    assert ("clock" in found) is bool(way)
    assert not way or way in found["clock"].text


def test_a_slow_provider_is_a_hint() -> None:
    """It works."""
    slow = KeyTrial(KeyVerdict.TAKEN, Ms(4_000))
    assert judged(Kept(KEY, "somewhere"), slow)["key"].grade is Grade.HINT


def test_a_provider_without_keys_has_none_to_try() -> None:
    """As one in the house may be; nor has a device that gets its keys from a broker one of its own."""
    [told] = judge_keys([])
    assert (told.grade, told.text) == (Grade.SKIPPED, "this device needs none of its own")
