"""How the tests wait, and which of them may run again."""

from __future__ import annotations

import pytest

from tests import quiet
from tests.waiting import block_until, until


async def test_who_waits_looks_until_it_is_so() -> None:
    """With an event loop and without."""
    looks = iter([False, False, True, False, True])
    await until(lambda: next(looks))
    block_until(lambda: next(looks))
    assert next(looks, None) is None


async def test_what_does_not_come_about_is_said() -> None:
    """As a failed assertion, with the limit."""
    with pytest.raises(AssertionError, match=r"rain did not come about within 0\.01 s"):
        await until(lambda: False, "rain", 0.01)
    with pytest.raises(AssertionError, match=r"snow did not come about within 0\.01 s"):
        block_until(lambda: False, "snow", 0.01)


def test_a_busy_machine_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is quiet; not for ever: then the test is skipped, with the reason."""
    shares = iter([0.3, 0.5, 0.95, 0.3, 0.3])
    monkeypatch.setattr(quiet, "_share_of_a_core", lambda: next(shares))
    monkeypatch.setattr(quiet, "PAUSE_S", 0.0)
    quiet.wait_for_quiet()
    monkeypatch.setattr(quiet, "WAITS_S", 0.0)
    with pytest.raises(pytest.skip.Exception, match=r"cannot be judged: .* the machine was busy \(30% of a core\)"):
        quiet.wait_for_quiet()


def test_only_what_runs_on_a_card_runs_again(request: pytest.FixtureRequest) -> None:
    """What needs none fails when it fails."""
    items = request.session.items
    assert all(bool(item.get_closest_marker("card")) == bool(item.get_closest_marker("flaky")) for item in items)
