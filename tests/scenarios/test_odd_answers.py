"""Providers that answer otherwise than they should: the whole device tells the person, and the conversation goes on."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from device.core import failures
from device.core.actions import Announce, ReadAloud, RunTool, SendToolResult
from device.core.events import Failure, PlaybackFinished, PlaybackStarted, Shortfall
from device.core.status import Phase
from device.foreign.gpio import MockBoard
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.realtime.script import tone
from device.units import Ms
from tests.conversation.scripted_server import Peer, scripted_server
from tests.scenarios.house import House, opened
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

Script = Callable[[Peer], Awaitable[None]]
IDS = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
TEXT = "It is five o'clock."
SPOKEN_MS = 300
"""Every sentence lasts longer."""


async def ask(peer: Peer) -> None:
    """Open the session and hear a question."""
    await peer.accept()
    await frames(peer, 5)
    await peer.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
    await frames(peer, 5)
    await peer.say("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=500)
    await peer.say("input_audio_buffer.committed", item_id="u", previous_item_id=None)


async def frames(peer: Peer, count: int) -> None:
    """Hear so many pieces of the room."""
    for _ in range(count):
        await peer.hear_until("input_audio_buffer.append")


async def begin(peer: Peer) -> None:
    """Hear a question and begin to answer."""
    await ask(peer)
    await peer.say("response.created", response={"id": "r", "status": "in_progress", "output": []})


async def done(peer: Peer, status: str = "completed", output: tuple[Any, ...] = (), **more: Any) -> None:
    """End the response."""
    await peer.say("response.done", response={"id": "r", "status": status, "output": list(output), **more})


async def sound(peer: Peer, text: str | None = None, **changes: Any) -> None:
    """Send 900 ms of sound, or what stands for it."""
    delta = base64.b64encode(tone(900)).decode() if text is None else text
    await peer.say("response.output_audio.delta", **{**IDS, "delta": delta, **changes})


async def text_only(peer: Peer) -> None:
    await begin(peer)
    await peer.say("response.output_text.delta", **IDS, delta=TEXT)
    await peer.say("response.output_text.done", **IDS, text=TEXT)
    await done(peer)


async def text_of_the_beta(peer: Peer) -> None:
    await begin(peer)
    await peer.say("response.text.delta", **IDS, delta=TEXT)
    await done(peer)


async def text_in_the_end_only(peer: Peer) -> None:
    await begin(peer)
    content = [{"type": "output_text", "text": TEXT}]
    await done(peer, output=({"id": "i", "type": "message", "content": content},))


async def text_behind_the_end(peer: Peer) -> None:
    await begin(peer)
    await done(peer)
    await peer.say("response.output_text.done", **IDS, text=TEXT)


async def nothing(peer: Peer) -> None:
    await begin(peer)
    await done(peer)


async def filtered(peer: Peer) -> None:
    await begin(peer)
    await done(peer, "incomplete", status_details={"type": "incomplete", "reason": "content_filter"})


async def cut_off(peer: Peer) -> None:
    await begin(peer)
    await sound(peer)
    await done(peer, "incomplete", status_details={"type": "incomplete", "reason": "max_output_tokens"})


async def garbled(peer: Peer) -> None:
    await begin(peer)
    await sound(peer, "not base64!")
    await done(peer)


async def in_lines_and_nameless(peer: Peer) -> None:
    await begin(peer)
    text = base64.encodebytes(tone(900)).decode().replace("+", "-").replace("/", "_").rstrip("=\n")
    await sound(peer, text, item_id=None, content_index=None)
    await peer.say("response.output_audio_transcript.done", **IDS, transcript=TEXT)
    await done(peer)


async def without_an_end(peer: Peer) -> None:
    await begin(peer)
    await sound(peer)
    await peer.say("response.output_audio.done", **IDS)


async def text_without_an_end(peer: Peer) -> None:
    await begin(peer)
    await peer.say("response.output_text.done", **IDS, text=TEXT)


async def broken_off(peer: Peer) -> None:
    await begin(peer)
    await sound(peer)


async def error(peer: Peer, kind: str, code: str | None, **more: Any) -> None:
    """Report an error."""
    await peer.say("error", error={"type": kind, "code": code, "message": "Scripted.", **more})


async def server_error(peer: Peer) -> None:
    await ask(peer)
    await error(peer, "server_error", None)


async def rate_limit(peer: Peer) -> None:
    await ask(peer)
    await error(peer, "tokens", "rate_limit_exceeded")


async def unheard_of(peer: Peer) -> None:
    await ask(peer)
    await error(peer, "strange_error", "never_heard_of")


async def harmless_errors(peer: Peer) -> None:
    await begin(peer)
    await error(peer, "invalid_request_error", "item_truncate_invalid_item_id")
    await error(peer, "invalid_request_error", "never_heard_of", event_id="truncate_1")
    await error(peer, "invalid_request_error", "never_heard_of")
    await asyncio.sleep(6.0)  # longer than an answer stays in doubt
    await sound(peer)
    await done(peer)


@dataclass(frozen=True)
class Tale:
    """How the provider answers, and what the house must say of its own: the provider's words and a sentence."""

    script: Script
    text: str = ""
    note: str = ""
    within_s: float = 4.0
    plays: bool = False
    """Sound of the provider's is heard."""


GOES_ON = {
    "text only": Tale(text_only, TEXT),
    "text under its old name": Tale(text_of_the_beta, TEXT),
    "text in the end only": Tale(text_in_the_end_only, TEXT),
    "text behind the end": Tale(text_behind_the_end, TEXT),
    "nothing": Tale(nothing, note=failures.NO_SOUND),
    "filtered": Tale(filtered, note=failures.OF_ANSWER[Shortfall.FILTERED]),
    "cut off": Tale(cut_off, note=failures.OF_REST[Shortfall.TOO_LONG], plays=True),
    "garbled": Tale(garbled, note=failures.OF_ANSWER[Shortfall.GARBLED]),
    "in lines and nameless": Tale(in_lines_and_nameless, plays=True),
    "without an end": Tale(without_an_end, within_s=9.0, plays=True),
    "text without an end": Tale(text_without_an_end, TEXT, within_s=9.0),
    "broken off": Tale(broken_off, note=failures.OF_REST[Shortfall.NO_END], within_s=9.0, plays=True),
    "harmless errors": Tale(harmless_errors, within_s=10.0, plays=True),
}
ENDS = {
    "server error": Tale(server_error, note=failures.OF_CONVERSATION[Failure.BUSY]),
    "rate limit": Tale(rate_limit, note=failures.OF_CONVERSATION[Failure.BUSY]),
    "unheard of": Tale(unheard_of, note=failures.OF_CONVERSATION[Failure.REFUSED], within_s=8.0),
}
SPARE_S = 6.0
"""What a busy machine may take more."""


@asynccontextmanager
async def told(card: VirtualSoundCard, board: MockBoard, folder: Path, tales: dict[str, Tale]) -> AsyncIterator[House]:
    """A house whose provider tells the tales, one a session."""
    waiting = iter(tales.values())

    async def script(peer: Peer) -> None:
        await next(waiting).script(peer)
        await peer.listen()

    async with scripted_server(script) as server:
        at: Any = SimpleNamespace(url=server.url, key="sk-scripted")
        patience = ("conversation.think_s=60", "conversation.follow_up_s=20", "conversation.listen_s=20")
        async with opened(card, at, board, folder, patience) as house:
            yield house


async def test_the_person_is_told_and_may_go_on(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Read, or said; then the follow-up window, as after any answer."""
    caplog.set_level("INFO")
    async with told(virtual_card, board, tmp_path, GOES_ON) as house:
        # What is lost in the middle of its sound is waited for longer; how long is no matter here.
        memory = house.app.controller._machine._memory
        memory.settings = replace(memory.settings, stalled=memory.settings.ran_out)
        for name, tale in GOES_ON.items():
            caplog.clear()
            began = time.monotonic()
            await house.ask_by_click()
            await house.timeline.until(PlaybackFinished, began, tale.within_s + LIMIT_S)
            assert house.status.phase is Phase.LISTENING, name
            read = [(" ".join(said.text), said.note) for said in house.timeline.all(ReadAloud, began)]
            assert read == ([(tale.text, tale.note)] if tale.text or tale.note else []), name
            assert house.heard_ms(began) > SPOKEN_MS * bool(read) + 800 * tale.plays, name
            assert time.monotonic() - began < tale.within_s + SPARE_S, name
            assert not house.timeline.all(Announce, began), name
            assert TEXT not in caplog.text, name
            why = [line for line in caplog.messages if line.startswith("the answer is not whole")]
            assert bool(why) == (bool(read) or tale.script is without_an_end), name
            await house.click()
            await house.phase(Phase.IDLE)


async def test_an_error_after_the_question_ends_the_turn_aloud(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path
) -> None:
    """The room is not sent for half a minute to a provider that will not answer."""
    async with told(virtual_card, board, tmp_path, ENDS) as house:
        for name, tale in ENDS.items():
            began = time.monotonic()
            await house.ask_by_click()
            assert await house.announced(began) == tale.note, name
            assert house.status.phase is Phase.IDLE, name
            assert not house.status.gate_open, name
            assert time.monotonic() - began < tale.within_s + SPARE_S, name
            assert not house.timeline.all(PlaybackStarted, began), name


async def hear_for_ever(peer: Peer) -> None:
    """A server that says again and again that it hears somebody."""
    await peer.accept()
    while True:
        await frames(peer, 1)
        await peer.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)


async def hear_sentences_for_ever(peer: Peer) -> None:
    """A radio, and answers that are given up because it goes on."""
    await peer.accept()
    while True:
        await frames(peer, 3)
        await peer.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        await frames(peer, 3)
        await peer.say("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=500)


@pytest.mark.parametrize(
    ("script", "limits", "told_of"),
    [
        (hear_for_ever, {"utterance": Ms(2_000)}, failures.NO_END_OF_SPEECH),
        (hear_sentences_for_ever, {"longest_turn": Ms(3_000)}, ""),
        (hear_sentences_for_ever, {"longest_session": Ms(3_000)}, failures.OF_CONVERSATION[Failure.EXPIRED]),
    ],
    ids=["speech-started", "radio", "session"],
)
async def test_nothing_that_a_provider_says_keeps_the_room_open(
    virtual_card: VirtualSoundCard,
    board: MockBoard,
    tmp_path: Path,
    script: Script,
    limits: dict[str, Any],
    told_of: str,
) -> None:
    """With shorter limits, so that nobody waits for half an hour."""
    async with told(virtual_card, board, tmp_path, {"": Tale(script)}) as house:
        memory = house.app.controller._machine._memory
        memory.settings = replace(memory.settings, **limits)
        began = time.monotonic()
        await house.ask_by_click()
        said = await house.announced(began)
        assert said == told_of or (not told_of and said in (failures.NO_END_OF_SPEECH, failures.TOO_SLOW))
        assert house.status.phase is Phase.IDLE
        assert not house.status.gate_open


async def call_for_ever(peer: Peer) -> None:
    """A model that calls a tool whatever it is told."""
    await ask(peer)
    for number in range(1_000):
        ids = {"response_id": f"r{number}", "item_id": f"i{number}", "output_index": 0, "call_id": f"c{number}"}
        await peer.say("response.created", response={"id": f"r{number}", "status": "in_progress", "output": []})
        done = {"id": f"r{number}", "status": "completed", "output": []}
        await peer.say("response.function_call_arguments.done", **ids, name="get_time", arguments="{}")
        await peer.say("response.done", response=done)
        await peer.hear_until("response.create")


async def call_a_thousand(peer: Peer) -> None:
    """A model that asks for everything at once, one call with a wrong name and broken arguments."""
    await begin(peer)
    calls = [("get_time", "{}") for _ in range(999)] + [("set_switch", '{"name": "lamp", "on":tru')]
    items = [
        {"type": "function_call", "id": f"i{n}", "call_id": f"c{n}", "name": name, "arguments": text}
        for n, (name, text) in enumerate(calls)
    ]
    await done(peer, output=tuple(items[::-1]))
    await peer.hear_until("response.create")
    await peer.say("response.created", response={"id": "r", "status": "in_progress", "output": []})
    await sound(peer)
    await done(peer)


async def test_a_model_that_calls_tools_for_ever_is_stopped_aloud(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path
) -> None:
    """After ten rounds, and not 149 in 15 s."""
    async with told(virtual_card, board, tmp_path, {"": Tale(call_for_ever)}) as house:
        began = time.monotonic()
        await house.ask_by_click()
        assert await house.announced(began) == failures.NO_END_OF_TOOLS
        assert house.status.phase is Phase.IDLE
        assert len(house.timeline.all(RunTool, began)) == 11


async def test_a_thousand_calls_at_once_are_all_answered(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path
) -> None:
    """32 are run; then the answer is heard."""
    async with told(virtual_card, board, tmp_path, {"": Tale(call_a_thousand)}) as house:
        began = time.monotonic()
        await house.ask_by_click()
        await house.answered(began)
        results = {result.call_id: result.output for result in house.timeline.all(SendToolResult, began)}
        assert len(results) == 1_000
        assert "not valid JSON" in results["c999"]
        assert len(house.timeline.all(RunTool, began)) == 32
        await until(lambda: house.status.phase is Phase.LISTENING, "the follow-up window")
