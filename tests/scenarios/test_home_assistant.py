"""Home Assistant, from the spoken words to the light."""

from __future__ import annotations

import pytest

from device.sim.home.homeassistant import TOKEN, ServiceCall
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Call, Reply, Script, tone
from device.tools.homeassistant.feature import TOKEN as FEATURE_TOKEN
from device.tools.homeassistant.link import Link
from tests.scenarios.conftest import Open
from tests.scenarios.test_faults import outputs
from tests.tools.homeassistant.homes import a_house
from tests.waiting import until

pytestmark = pytest.mark.patient


async def test_spoken_words_switch_a_light(
    open_house: Open, server: SimulatedRealtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wake word, the model's call with the person's own words, the service and the thing's new state."""
    monkeypatch.setenv(FEATURE_TOKEN, TOKEN)
    calls = Reply(calls=(Call("home_control", '{"what": "kitchin lights", "action": "on"}'),))
    server.script = Script(answer=lambda text: Reply("Done.", audio=tone(200)) if "Done" in text else calls)
    async with a_house() as home, open_house(f"tools.home_assistant.url={home.url}") as house:
        link = house.app.oversight._parts.home.part(Link)
        await until(lambda: link.is_connected, "Home Assistant")
        await house.converse("turn on the kitchen lights")
        assert outputs(server) == ["Done: Kitchen Ceiling (light, Kitchen), Counter (light, Kitchen)"]
        assert home.calls == [ServiceCall("light.turn_on", ("light.kitchen_ceiling", "light.kitchen_counter"), {})]
        assert home.entities["light.kitchen_counter"].state == "on"
