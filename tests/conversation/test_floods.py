"""Servers that send too much: bounded, told, and never at the expense of everything else."""

from __future__ import annotations

import asyncio
import json
import tracemalloc

import pytest

from device.audio.resample import StreamResampler
from device.conversation.openai import backlog
from device.conversation.openai.backlog import LONGEST_S, Backlog
from device.conversation.openai.protocol.facts import AnswerAudio
from device.conversation.openai.settings import OpenAI
from device.core import events as ev
from device.core.actions import TurnEnd
from device.core.events import Failure
from device.units import Hz
from tests.conversation.scripted_server import Peer, scripted_server
from tests.conversation.talk import base64_of, milliseconds
from tests.conversation.test_session import House

LONG = base64_of(milliseconds(30_000))


async def answer(peer: Peer, pieces: int) -> None:
    """Send half minutes of sound, as fast as they are taken."""
    await peer.say("response.created", response={"id": "r"})
    for _ in range(pieces):
        await peer.say("response.output_audio.delta", response_id="r", item_id="i", delta=LONG)
    await peer.say("response.output_audio.done", response_id="r", item_id="i")
    await peer.say("response.done", response={"id": "r", "status": "completed"})


async def test_a_flood_of_sound_ends_the_session() -> None:
    """Ten minutes wait to be heard; the next second is one too many."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await answer(peer, 40)
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        sizes: list[int] = []
        house.conversation._on_audio = lambda turn, item, pcm: sizes.append(len(pcm))
        began = asyncio.get_running_loop().time()
        house.conversation.open(1, TurnEnd.PROVIDER)
        failed = await house.event(ev.SessionFailed)
        took_s = asyncio.get_running_loop().time() - began
        await house.conversation.aclose()
    assert failed.failure is Failure.PROTOCOL
    assert "10 minutes" in failed.message
    assert LONGEST_S - 1 <= sum(sizes) / 48_000 <= LONGEST_S + took_s + 1


async def test_the_loop_turns_between_the_pieces_of_a_long_sound() -> None:
    """Half a minute in one message; what follows it is told after it."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await answer(peer, 1)
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        turns: list[int] = []
        told: list[tuple[int, int]] = []

        def turn() -> None:
            turns.append(0)
            asyncio.get_running_loop().call_soon(turn)

        turn()
        hear = house.conversation._on_audio
        house.conversation._on_audio = lambda *sound: (hear(*sound), told.append((len(turns), len(sound[2]))))[0]
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.ResponseFinished)
        await house.conversation.aclose()
    assert len(house.audio) == 30 * 48_000
    assert max(size for _, size in told) <= 200 * 48
    assert len({at for at, _ in told}) == len(told)
    assert house.ended == ["i"]


async def test_a_failure_does_not_wait_behind_a_long_sound() -> None:
    """Nobody would hear the rest of it."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await answer(peer, 1)
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)

        def fail_soon(turn: int, item: str, pcm: bytes) -> None:
            house.audio += pcm
            for _ in range(31):
                house.conversation.send_audio(milliseconds(1_000))

        house.conversation._on_audio = fail_soon
        house.conversation.open(1, TurnEnd.PROVIDER)
        failed = await house.event(ev.SessionFailed)
        await house.conversation.aclose()
    assert failed.failure is Failure.DROPPED
    assert len(house.audio) == 200 * 48
    assert not any(isinstance(event, ev.ResponseFinished) for event in house.events)


def test_an_answer_at_the_pace_of_speech_may_be_as_long_as_it_likes() -> None:
    """Half an hour in pieces of 100 ms, with pauses; a new turn begins anew."""
    sent = Backlog()
    now = 100.0
    for _ in range(18_000):
        now += 0.1
        assert sent.add_sound(AnswerAudio(1, "i", milliseconds(100)), now) < 2
        assert not sent.add_message(now)
    now += 60
    assert sent.add_sound(AnswerAudio(1, "i", milliseconds(30_000)), now) == pytest.approx(30)
    assert sent.add_sound(AnswerAudio(1, "i", milliseconds(30_000)), now) == pytest.approx(60)
    assert sent.add_sound(AnswerAudio(2, "j", milliseconds(1_000)), now) == pytest.approx(2)


def test_items_without_end_are_a_flood_too() -> None:
    """Each of them is something to keep, however short it is."""
    sent = Backlog()
    waits_s = [sent.add_sound(AnswerAudio(1, f"i{number}", b"\0\0"), 1.0) for number in range(700)]
    assert waits_s[500] < LONGEST_S < waits_s[-1]


async def test_messages_without_end_end_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """They leave traces: names, responses, items. Here with a hundredth of the number, as a busy machine is slow."""
    monkeypatch.setattr(backlog, "MOST_MESSAGES", 300)
    monkeypatch.setattr(backlog, "_MESSAGES_PER_S", 0.001)

    async def script(peer: Peer) -> None:
        await peer.accept()
        for number in range(600):
            await peer.connection.send(f'{{"type": "response.created", "response": {{"id": "r{number}"}}}}')
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        failed = await house.event(ev.SessionFailed)
        await house.conversation.aclose()
    assert failed.failure is Failure.PROTOCOL
    assert "floods" in failed.message
    assert 290 < len(house.events) <= 301


def test_a_long_sound_is_resampled_in_little_memory() -> None:
    """Half a minute took half a GB, and as it was taken in one go the event loop stood still."""
    pcm = milliseconds(30_000)
    whole = StreamResampler(Hz(24_000), Hz(48_000))
    tracemalloc.start()
    resampled = whole.process(pcm)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000
    pieces = StreamResampler(Hz(24_000), Hz(48_000))
    assert resampled == b"".join(pieces.process(pcm[at : at + 9_600]) for at in range(0, len(pcm), 9_600))


async def test_no_more_than_a_few_messages_wait_for_the_reader() -> None:
    """Each may be large; the network holds the rest back."""
    async with scripted_server(lambda peer: peer.accept()) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        session = house.conversation._session
        assert session is not None
        assert session._link is not None
        assert session._link._connection.max_queue_high == 4
        await house.conversation.aclose()


def test_the_size_of_a_message_is_enough_for_half_a_minute() -> None:
    """Some servers send the sound of an answer in one piece."""
    message = json.dumps({"type": "response.output_audio.delta", "item_id": "i", "delta": LONG})
    assert len(message) < OpenAI().max_message_bytes
