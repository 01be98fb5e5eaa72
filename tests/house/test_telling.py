"""What a whole house sends of its tools stays within the budget, and people are told what is not sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from device.core.events import WakeWordDetected
from device.sim.home.homeassistant import Entity, SimulatedHome
from device.sim.realtime import SimulatedRealtime
from tests.house import cardless
from tests.house.cardless import CardlessHouse, open_cardless
from tests.tools.own.test_own import write
from tests.waiting import until


async def sent(house: CardlessHouse, server: SimulatedRealtime) -> list[dict[str, Any]]:
    """Have a session opened; return its tools."""
    house.app.controller.post(WakeWordDetected("hey_jarvis", 1.0, house.app.frontend.position))
    await until(lambda: server.journal.received("session.update"), "a session")
    session: dict[str, Any] = dict(server.journal.received("session.update")[0].event)["session"]
    tools: list[dict[str, Any]] = session["tools"]
    return tools


@pytest.mark.parametrize("budget", [6_500, 30_000])
async def test_what_a_session_is_sent_stays_within_the_budget(
    budget: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With the overview where there is room; without the last ones of one's own tools where there is not."""
    folder = tmp_path / "tools.d"
    for number in range(9):
        write(folder, f"own_{number}", "/bin/true", more=f"# {'x' * number}\n")
    table = {"own": {"folder": str(folder)}, "budget_bytes": budget}
    home = SimulatedHome({"light.a": Entity("Ceiling", area="kitchen")}, {"kitchen": "Kitchen"})
    async with SimulatedRealtime(key=cardless.KEY["OPENAI_API_KEY"].reveal()) as server, home:
        monkeypatch.setattr(cardless, "KEY", {**cardless.KEY, "HOME_ASSISTANT_TOKEN": cardless.Secret(home.token)})
        tools = {**table, "home_assistant": {"url": home.url}}
        async with open_cardless(tmp_path / "state", monkeypatch, server.url, tools=tools) as house:
            source = next(one.home for one in house.app.oversight._parts.home.fitted if one.home is not None)
            await until(lambda: source.is_connected and bool(list(source.things)), "the home")
            told = await sent(house, server)
            (health,) = [fact for fact in house.app.health.facts if fact.part == "tools"]
    names = [tool["name"] for tool in told]
    described = {tool["name"]: tool["description"] for tool in told}
    assert {"home_find", "home_control", "get_time", "set_timer", "set_volume"} <= set(names)
    warnings = [record for record in caplog.records if "is not told of everything" in record.getMessage()]
    if budget == 30_000:
        assert "«Kitchen: Ceiling»" in described["home_control"]
        assert "own_8" in names
        assert (health.ok, warnings) == (True, [])
        return
    assert len(msgspec.json.encode(told)) <= budget
    assert "own_0" in names
    assert "own_8" not in names
    assert not health.ok
    assert "own_8" in health.why
    assert 1 <= len(warnings) <= 2, "once, and once more when the home was there"
