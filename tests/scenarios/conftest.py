"""A server that watches the rules of the wire in every scenario, a board, and a house to open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from device.foreign.gpio import MockBoard
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.understanding import Understanding
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.journal import Entry
from device.tools.clock import clock_tool
from device.tools.pins.settings import Relay
from device.tools.pins.switches import Relays, relay_tools
from device.tools.registry import Registry
from tests.conversation.openai_types import CLIENT, SERVER, check_client_event, check_server_event
from tests.scenarios.house import RELAY, House, opened

Open = Callable[..., AbstractAsyncContextManager[House]]

# What a healthy conversation may be told: a cancel can cross the end of the response on the wire.
BENIGN = {"response_cancel_not_active"}
SCRIPTED = {"session_expired", "model_not_found"}


class WireRules:
    """Collects what breaks the API's rules: unknown fields, wrong types, audio before the configuration."""

    def __init__(self, server: SimulatedRealtime) -> None:
        self.problems: list[str] = []
        self._server = server
        self._ready: set[str] = set()
        server.journal.hooks.append(self.note)

    def note(self, entry: Entry) -> None:
        """Judge an event. A hook of the server's journal."""
        if entry.direction == "received":
            self._judge_client(entry)
        elif entry.type == "session.updated":
            self._ready.add(entry.session)
        elif entry.type == "error":
            self._judge_error(entry)
        self._judge_server(entry)

    def _judge_client(self, entry: Entry) -> None:
        if entry.type not in CLIENT:
            self.problems.append(f"the API knows no {entry.type}")
            return
        if entry.type == "input_audio_buffer.append" and entry.session not in self._ready:
            self.problems.append("audio came before session.updated")
        try:
            check_client_event(dict(entry.event))
        except ValueError as error:
            self.problems.append(str(error))

    def _judge_server(self, entry: Entry) -> None:
        if entry.direction != "sent" or entry.type not in SERVER or self._server.script.beta_names:
            return
        try:
            check_server_event(dict(entry.event))
        except ValueError as error:
            self.problems.append(str(error))

    def _judge_error(self, entry: Entry) -> None:
        error = entry.event["error"]
        if error["message"] != "Scripted." and error["code"] not in BENIGN | SCRIPTED:
            self.problems.append(f"the server refused something: {error}")


@pytest.fixture(scope="session")
def understanding() -> Understanding:
    """What the server understands; it takes a while to load."""
    board = MockBoard()
    with Relays({"light": Relay(pin=RELAY)}) as relays:
        specs = Registry([clock_tool(), *relay_tools(relays)], 1.0).specs
    board.close()
    return Understanding(specs)


@pytest.fixture
async def server(understanding: Understanding) -> AsyncIterator[SimulatedRealtime]:
    """A simulated server; whatever breaks the rules on its wires fails the test."""
    async with SimulatedRealtime(understanding=understanding) as server:
        rules = WireRules(server)
        yield server
    assert rules.problems == []


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """A Pi's pins."""
    board = MockBoard()
    yield board
    board.close()


@pytest.fixture
def open_house(virtual_card: VirtualSoundCard, server: SimulatedRealtime, board: MockBoard, tmp_path: Path) -> Open:
    """Return what opens a house; it takes overrides as after --set."""
    return lambda *overrides: opened(virtual_card, server, board, tmp_path, overrides)
