"""What this device publishes and does, with a link and a desk that do as they are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.core import events as ev
from device.core.status import Phase, Status
from device.errors import ChoiceError, ToolError
from device.kit.threads import Threads
from device.ports.desk import LateDesk, NotDoneError
from device.tools.mqtt.presence import presence as module
from device.tools.mqtt.presence.commands import COMMANDS, MOST_TALK
from device.tools.mqtt.presence.presence import MOST_AT_ONCE, Presence
from device.tools.mqtt.settings import Mqtt
from device.units import Samples
from tests.tools.mqtt.brokers import FakeLink
from tests.waiting import until

BASE = "hearthside/kitchen"
CONFIG = "homeassistant/device/kitchen/config"
THREADS = Threads("test")


class FakeDesk:
    """Does what it is asked, and notes it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.muted = False
        self.held = ""
        self.percent = 40
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.set_timers: list[dict[str, Any]] = []
        self.broken = False
        self.muting = asyncio.Event()
        self.muting.set()

    def status(self) -> dict[str, Any]:
        """See Desk."""
        if self.broken:
            raise LookupError
        return {
            "state": "listening", "why": "", "what_to_do": "", "phase": "idle", "parts": [], "muted": self.muted,
            "ringing": False, "announcing": False, "words": ["hey_jarvis"], "buttons": ["button"], "cost_usd": 0.5,
        }  # fmt: skip

    async def mute(self) -> None:
        """See Desk."""
        self.done.append("mute")
        await self.muting.wait()
        self.muted = True

    def unmute(self) -> None:
        """See Desk."""
        if self.held:
            raise NotDoneError(self.held)
        self.done.append("unmute")
        self.muted = False

    def stop(self) -> None:
        """See Desk."""
        self.done.append("stop")

    async def volume(self) -> int | None:
        """See Desk."""
        return self.percent

    async def set_volume(self, percent: int) -> int:
        """See Desk."""
        self.percent = percent
        return percent

    async def say(self, text: str, urgent: bool = False, by_provider: bool = False) -> bool:
        """See Desk."""
        self.done.append(f"say {text}{' urgently' * urgent}")
        return True

    async def ask(self, text: str, urgent: bool = False) -> str:
        """See Desk."""
        self.done.append(f"ask {text}")
        return await asyncio.shield(self.answer)

    async def timers(self) -> list[dict[str, Any]]:
        """See Desk."""
        return self.set_timers

    async def cancel_timer(self, name: str) -> str:
        """See Desk."""
        if name != "pasta":
            raise ToolError("nothing like that is set")
        self.done.append(f"cancel {name}")
        return "Cancelled"


class FakeChoices:
    """Two personas, and two words."""

    personas = ("default", "butler")
    wake_words = ("all", "hey_jarvis", "alexa")
    persona = "default"
    wake_word = "all"

    async def choose_persona(self, name: str) -> None:
        """See Choices."""
        if name not in self.personas:
            raise ChoiceError(f"nobody is called {name}")
        self.persona = name

    async def choose_wake_word(self, word: str) -> None:
        """See Choices."""
        self.wake_word = word


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks again at once."""
    monkeypatch.setattr(module, "_SETTLE_S", 0.0)
    monkeypatch.setattr(module, "LOOK_S", 0.01)


@asynccontextmanager
async def present(**more: Any) -> AsyncIterator[tuple[FakeLink, FakeDesk, Presence]]:
    """Have a device that is connected, and has told all of it."""
    link, late, desk = FakeLink(is_connected=False), LateDesk(), FakeDesk()
    presence = Presence(msgspec.convert({"host": "broker", **more}, Mqtt), link, late, FakeChoices(), THREADS)
    running = asyncio.create_task(presence.run())
    link.connect()
    late.put(lambda: desk)
    try:
        await until(lambda: link.last(f"{BASE}/timers"), "all that is told")
        yield link, desk, presence
    finally:
        presence.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_all_of_it_is_told_once() -> None:
    """Kept by the broker, so that whoever comes later knows it, too."""
    async with present() as (link, _, _):
        assert link.last(f"{BASE}/state") == "idle"
        assert link.last(f"{BASE}/mute") == "OFF"
        assert link.last(f"{BASE}/volume") == "40"
        assert json.loads(link.last(f"{BASE}/health") or "")["problem"] == "OFF"
        assert json.loads(link.last(f"{BASE}/timers") or "")["next"] is None
        assert json.loads(link.last(f"{BASE}/diagnostics") or "")["cost_usd"] == 0.5
        assert json.loads(link.last(CONFIG) or "")["device"]["identifiers"] == ["hearthside_kitchen"]
        assert all(retained for _, _, retained in link.published)
        count = len(link.published)
        await asyncio.sleep(0.1)
        assert len(link.published) == count


async def test_it_is_told_anew_after_a_loss_and_when_home_assistant_has_started() -> None:
    """The broker may have forgotten it; but not as often as somebody may ask for it."""
    async with present() as (link, _, _):
        for again in (link.connect, lambda: link.deliver("homeassistant/status", "online", retained=True)):
            link.published.clear()
            again()
            await until(lambda: link.last(CONFIG) and link.last(f"{BASE}/timers"), "all that is told")
        link.published.clear()
        link.deliver("homeassistant/status", "offline")
        link.deliver("homeassistant/status", b"\xff" * 1_000)
        await asyncio.sleep(0.05)
        assert link.published == []
        for _ in range(100):
            link.deliver("homeassistant/status", "online")
            await asyncio.sleep(0.002)
        assert [topic for topic, _, _ in link.published].count(CONFIG) < 10


async def test_turned_off_it_takes_back_what_was_told() -> None:
    """And only where something was."""
    async with present(discovery=False) as (link, _, _):
        assert link.last(CONFIG) is None
        link.deliver(CONFIG, "")
        assert link.last(CONFIG) is None
        link.deliver(CONFIG, '{"device": {}}', retained=True)
        assert link.published[-1] == (CONFIG, b"", True)


async def test_what_happens_is_told_as_it_happens() -> None:
    """Wake words and buttons as events, which nobody keeps; the rest as states."""
    async with present() as (link, desk, presence):
        presence.observe(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(0)), Status(Phase.WAKING))
        assert link.published[-2:] == [
            (f"{BASE}/wake_word", b'{"event_type":"hey_jarvis","score":0.9}', False),
            (f"{BASE}/state", b"waking", True),
        ]
        presence.observe(ev.ButtonClicked(Samples(0)), Status(muted=True))
        assert link.last(f"{BASE}/button") == '{"event_type":"click"}'
        assert link.last(f"{BASE}/mute") == "ON"
        presence.note_volume(70)
        assert link.last(f"{BASE}/volume") == "70"
        desk.set_timers = [{"id": 1, "state": "waiting", "due": 1_800_000_000.0}]
        await until(lambda: '"count":1' in (link.last(f"{BASE}/timers") or ""), "the timer")
        count = len(link.published)
        link.is_connected = False
        presence.observe(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(0)), Status(Phase.WAKING))
        assert len(link.published) == count


async def test_it_does_what_it_is_asked() -> None:
    """All that the desk does."""
    async with present() as (link, desk, _):
        link.deliver(f"{BASE}/say", "The washing is done")
        link.deliver(f"{BASE}/say", '{"text": "Fire!", "urgent": true}')
        link.deliver(f"{BASE}/stop", "PRESS")
        link.deliver(f"{BASE}/timers/cancel", "pasta")
        link.deliver(f"{BASE}/volume/set", "65")
        await until(lambda: len(desk.done) == 4, "all of it")
        assert desk.done == ["say The washing is done", "say Fire! urgently", "stop", "cancel pasta"]
        await until(lambda: link.last(f"{BASE}/volume") == "65", "the volume")
        link.deliver(f"{BASE}/timers/cancel", "tea")
        await until(lambda: link.last(f"{BASE}/refused"), "the refusal")
        assert json.loads(link.last(f"{BASE}/refused") or "") == {
            "command": "timers/cancel",
            "why": "nothing like that is set",
        }


async def test_an_answer_is_published_with_its_question() -> None:
    """And why there is none, where there is none."""
    async with present() as (link, desk, _):
        link.deliver(f"{BASE}/ask", "Shall I close the blinds?")
        await until(lambda: desk.done, "the question")
        desk.answer.set_result("Yes, please")
        await until(lambda: link.last(f"{BASE}/answer"), "the answer")
        assert json.loads(link.last(f"{BASE}/answer") or "") == {
            "event_type": "answered",
            "question": "Shall I close the blinds?",
            "answer": "Yes, please",
        }
        desk.answer = asyncio.get_running_loop().create_future()
        desk.answer.set_exception(NotDoneError("nobody answered"))
        link.deliver(f"{BASE}/ask", "Hello?")
        await until(lambda: "nobody answered" in (link.last(f"{BASE}/answer") or ""), "the answer")
        assert json.loads(link.last(f"{BASE}/answer") or "")["event_type"] == "unanswered"


async def test_it_can_be_chosen_who_answers_and_what_wakes() -> None:
    """What is none of the choices is refused, and what holds is told again."""
    async with present() as (link, _, _):
        assert (link.last(f"{BASE}/persona"), link.last(f"{BASE}/wakes_on")) == ("default", "all")
        link.deliver(f"{BASE}/persona/set", "butler")
        link.deliver(f"{BASE}/wakes_on/set", "alexa")
        await until(lambda: link.last(f"{BASE}/persona") == "butler", "the persona")
        await until(lambda: link.last(f"{BASE}/wakes_on") == "alexa", "the word")
        link.published.clear()
        link.deliver(f"{BASE}/persona/set", "nobody")
        await until(lambda: link.last(f"{BASE}/persona") == "butler", "what holds")
        assert "nobody is called nobody" in (link.last(f"{BASE}/refused") or "")


async def test_mute_is_sovereign() -> None:
    """From here it begins, and does not end; and the switch goes back to where it belongs."""
    async with present() as (link, desk, _):
        link.deliver(f"{BASE}/mute/set", "ON")
        await until(lambda: link.last(f"{BASE}/mute") == "ON", "the mute")
        link.published.clear()
        link.deliver(f"{BASE}/mute/set", "OFF")
        await until(lambda: link.last(f"{BASE}/mute"), "what the switch is told")
        assert link.last(f"{BASE}/mute") == "ON"
        assert "at the device only" in (link.last(f"{BASE}/refused") or "")
        assert desk.muted
        assert desk.done == ["mute"]


async def test_who_allows_it_may_unmute_from_afar() -> None:
    """But not against what holds it."""
    async with present(may_unmute=True) as (link, desk, _):
        link.deliver(f"{BASE}/mute/set", "ON")
        await until(lambda: link.last(f"{BASE}/mute") == "ON", "the mute")
        desk.held = "still muted: its mute switch says so"
        link.published.clear()
        link.deliver(f"{BASE}/mute/set", "OFF")
        await until(lambda: link.last(f"{BASE}/mute") == "ON", "what the switch is told")
        assert "its mute switch" in (link.last(f"{BASE}/refused") or "")
        desk.held = ""
        link.deliver(f"{BASE}/mute/set", "OFF")
        await until(lambda: link.last(f"{BASE}/mute") == "OFF", "the end of the mute")


async def test_a_mute_that_takes_long_is_one() -> None:
    """However often it is asked for meanwhile; and nothing else keeps it from beginning."""
    async with present() as (link, desk, _):
        for _ in range(MOST_AT_ONCE + 2):
            link.deliver(f"{BASE}/ask", "x")
        desk.muting.clear()
        for _ in range(100):
            link.deliver(f"{BASE}/mute/set", "ON")
        await until(lambda: "mute" in desk.done, "the mute")
        desk.muting.set()
        await until(lambda: link.last(f"{BASE}/mute") == "ON", "the mute")
        assert desk.done.count("mute") == 1
        assert desk.done.count("ask x") == MOST_AT_ONCE
        assert "too much is asked at once" in (link.last(f"{BASE}/answer") or "")


async def test_stop_is_done_whatever_else_is_asked() -> None:
    """Else what waits to be said could not be ended until it has been."""
    async with present() as (link, desk, _):
        for _ in range(MOST_AT_ONCE + 2):
            link.deliver(f"{BASE}/ask", "x")
        link.deliver(f"{BASE}/stop", "PRESS")
        await until(lambda: "stop" in desk.done, "the stop")


async def test_a_flood_does_not_make_it_talk_for_ever() -> None:
    """Who asked too often is told so."""
    async with present() as (link, desk, _):
        for _ in range(100):
            link.deliver(f"{BASE}/say", "spam")
            await asyncio.sleep(0)
        await until(lambda: len(desk.done) == MOST_TALK, "what is said")
        await asyncio.sleep(0.02)
        assert len(desk.done) == MOST_TALK
        assert "too often" in (link.last(f"{BASE}/refused") or "")


async def test_what_the_broker_kept_is_not_asked_now() -> None:
    """It would be done with every connection."""
    async with present() as (link, desk, _):
        for name in COMMANDS:
            link.deliver(f"{BASE}/{name}", "ON", retained=True)
        await asyncio.sleep(0.02)
        assert desk.done == []


async def test_an_error_that_nobody_foresaw_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and what comes later is done."""
    async with present() as (link, desk, _):
        desk.broken = True
        link.deliver(f"{BASE}/mute/set", "ON")
        await until(lambda: "this failed" in (link.last(f"{BASE}/refused") or ""), "the refusal")
        await until(lambda: "cannot be told" in caplog.text, "the log")
        desk.broken = False
        link.deliver(f"{BASE}/mute/set", "ON")
        await until(lambda: link.last(f"{BASE}/mute") == "ON", "the mute")


HOSTILE = st.binary(max_size=100) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["text", "urgent", "x"]), inner),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())
HOSTILE = HOSTILE.filter(lambda payload: payload.strip().upper() != b"ON")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["mute/set", "volume/set", "timers/cancel", "x"]), HOSTILE), max_size=20))
def test_hostile_payloads_change_nothing(payloads: list[tuple[str, bytes]]) -> None:
    """Where a value is wanted, only that value does anything; and what is told stays right."""

    async def live() -> None:
        async with present() as (link, desk, _):
            for name, payload in payloads:
                link.deliver(f"{BASE}/{name}", payload)
            link.deliver(f"{BASE}/stop", "PRESS")
            await until(lambda: "stop" in desk.done, "what comes after it")
            assert not desk.muted
            assert set(desk.done) <= {"stop"}
            assert 0 <= desk.percent <= 100

    asyncio.run(live())
