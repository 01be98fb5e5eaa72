"""The composition root: what the configuration becomes, and in which order the house is taken down."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.audio.mouth.player import Player
from device.audio.volume import Volume
from device.conversation.openai.conversation import RealtimeConversation
from device.core.actions import TurnEnd
from device.core.events import ButtonHeld, ButtonLongPressed, ShutdownRequested
from device.errors import ConfigError, DeviceNotFoundError
from device.foreign.gpio import MockBoard
from device.house import app, configuration, policy
from device.house.configuration import Config, Effective
from device.house.layers import Layer
from device.secrets import Secret
from device.sim.devices.soundcard import VirtualSoundCard
from device.units import Samples

pytestmark = pytest.mark.patient

LED, RELAY = 18, 17
KEY = {"OPENAI_API_KEY": Secret("sk-of-nobody")}


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """A Pi's pins."""
    board = MockBoard()
    yield board
    board.close()


def settings(folder: Path, **more: Any) -> Config:
    """Return a configuration for the virtual card with a LED and a relay."""
    return effective(folder, **more).config


def effective(folder: Path, **more: Any) -> Effective:
    """Return it with what it was made of."""
    table = {
        "audio": {"input": "hearthside_mic", "output": "hearthside_speaker"},
        "conversation": {"openai": {"url": "ws://127.0.0.1:9/v1/realtime"}},
        "hardware": {"profile": "virtual", "led": {"pin": LED}},
        "tools": {"relays": {"light": {"pin": RELAY}}},
        "service": {"state_dir": str(folder)},
    }
    return configuration.effective([Layer("here", {**table, **more})])


def test_the_machine_gets_what_the_file_says() -> None:
    """In its own units."""
    talk = {"follow_up_s": 2.5, "listen_s": 3, "think_s": 4, "turn_taking": "local", "barge_in": "off"}
    table = {"conversation": {**talk, "openai": {"connect_timeout_s": 5}}, "audio": {"wake_cue": True}}
    machine = policy.machine_settings(configuration.parse(table))
    assert (machine.follow_up, machine.listen, machine.think) == (2_500, 3_000, 4_000)
    assert machine.turn_end is TurnEnd.DEVICE
    assert machine.barge_in == "off"
    assert machine.wake_cue
    assert machine.connect > 5_000, "the session's own time limit comes first: it knows why"


@pytest.mark.parametrize(
    ("talk", "before_ms", "after_ms"),
    [
        ({"turn_taking": "local"}, 500, 0),
        ({"openai": {"silence_duration_ms": 700}}, 500, 1_200),
        ({"openai": {"prefix_padding_ms": 800}}, 800, 1_000),
        ({"openai": {"vad": "semantic_vad", "eagerness": "low"}}, 500, 8_500),
        ({"openai": {"vad": "semantic_vad"}}, 500, 4_500),
    ],
)
def test_a_voice_is_padded_with_what_the_detector_that_ends_the_turn_needs(
    talk: dict[str, Any], before_ms: int, after_ms: int
) -> None:
    """Silence enough to find the end in, where that is the provider's."""
    padding = policy.padding(configuration.parse({"conversation": talk}))
    assert (padding.before, padding.after) == (before_ms * 16, after_ms * 16)


@pytest.mark.parametrize(
    ("profile", "installed", "wanted", "barge_in"),
    [
        ("generic", True, None, "voice"),
        ("generic", False, None, "wake_word"),
        ("generic", False, "voice", "wake_word"),
        ("generic", False, "off", "off"),
        ("generic", True, "wake_word", "wake_word"),
        ("usb_speakerphone", False, None, "voice"),
    ],
)
def test_barge_in_by_voice_needs_echo_cancellation(
    profile: str,
    installed: bool,
    wanted: str | None,
    barge_in: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By the board or by the library; without either it falls back, and says so."""
    monkeypatch.setattr(policy.apm, "is_installed", lambda: installed)
    talk = {} if wanted is None else {"barge_in": wanted}
    settings = configuration.parse({"hardware": {"profile": profile}, "conversation": talk})
    chosen = policy.choose_barge_in(settings)
    assert policy.machine_settings(chosen).barge_in == barge_in
    assert ("no echo cancellation" in caplog.text) == (barge_in == "wake_word" and wanted != "wake_word")


@pytest.mark.parametrize(
    ("installed", "tables", "words", "over_answers"),
    [
        (True, {}, ("stop",), True),
        (True, {"conversation": {"barge_in": "wake_word"}}, ("stop",), False),
        (True, {"conversation": {"barge_in": "off"}}, ("stop",), False),
        (True, {"conversation": {"barge_in": "off"}, "wake": {"stop_words": ["stop"]}}, ("stop",), True),
        (True, {"wake": {"stop_words": []}}, (), True),
        (False, {}, (), False),
        (False, {"wake": {"stop_words": ["stop"]}}, ("stop",), True),
    ],
)
def test_stop_counts_where_nobody_has_said_otherwise(
    installed: bool, tables: dict[str, Any], words: tuple[str, ...], over_answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But only over rings, where a voice may not interrupt answers; and not where it would hear itself."""
    monkeypatch.setattr(policy.apm, "is_installed", lambda: installed)
    settings = policy.choose_barge_in(configuration.parse(tables))
    assert policy.stop_words(settings) == words
    assert policy.machine_settings(settings).stops_answers == over_answers


async def test_the_relay_and_the_light_go_first_whatever_hangs_behind_them(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session, a player and a sound card that never close delay the end, but not the relay."""
    closings: list[tuple[str, float]] = []

    async def hang(self: object) -> None:
        closings.append((type(self).__name__, board.level(RELAY)))
        await asyncio.sleep(60)

    monkeypatch.setattr(RealtimeConversation, "aclose", hang)
    monkeypatch.setattr(Player, "close", hang)
    async with app.open_app(settings(tmp_path), KEY) as house:
        house.relays.set("light", True)
        assert board.level(RELAY) == 1
        asked = time.monotonic()
    assert time.monotonic() - asked < 2.0
    assert closings == [("RealtimeConversation", 0.0), ("Player", 0.0)]
    assert board.level(LED) == 0


async def test_a_start_that_fails_leaves_no_relay_on(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path
) -> None:
    """The pins are let go, and the same configuration without the mistake starts afterwards."""
    wrong = settings(tmp_path, conversation={"openai": {"url": "ws://"}})
    with pytest.raises(ConfigError, match=r"conversation\.openai\.url"):
        await opened(wrong)
    assert not board.is_output(RELAY)
    await opened(settings(tmp_path))


async def test_a_sound_device_that_is_not_there_is_an_error_of_the_configuration(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path
) -> None:
    """Found before anything is opened."""
    with pytest.raises(DeviceNotFoundError, match="hearthside_mic"):
        await opened(settings(tmp_path, audio={"input": "Banana", "output": "hearthside_speaker"}))
    assert not board.is_output(RELAY)


async def test_a_house_can_be_opened_again_and_again_in_one_process(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path
) -> None:
    """Nothing is left behind: no thread of our own, no task."""
    # What other tests of this process have left is theirs.
    before = {thread.name for thread in threading.enumerate()}
    await opened(settings(tmp_path))
    tasks = len(asyncio.all_tasks())
    for _ in range(3):
        await opened(settings(tmp_path))
    assert len(asyncio.all_tasks()) <= tasks
    # Those that make calls which may hang are waited for by nobody; they keep no process from ending (kit/threads.py).
    # The filter of what libraries write to stderr belongs to the process.
    calling = {"link", "loading", "loudspeaker", "portaudio", "stop word", "timers"}
    names = {thread.name for thread in threading.enumerate()} - before - calling - {"stderr"}
    assert not {name for name in names if not name.startswith("asyncio_")}


async def opened(chosen: Config) -> None:
    """Open a house and leave it."""
    async with app.open_app(chosen, KEY):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT], ids=lambda n: n.name)
async def test_a_signal_while_the_house_is_being_built_takes_it_down_in_order(
    virtual_card: VirtualSoundCard,
    board: MockBoard,
    tmp_path: Path,
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The relay's pin is open by then, and amixer hangs."""
    reached = asyncio.Event()

    async def hang(self: object) -> None:
        reached.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(Volume, "start", hang)
    serving = asyncio.create_task(app.serve(effective(tmp_path), KEY))
    await asyncio.wait_for(reached.wait(), 20)
    assert board.is_output(RELAY)
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    await asyncio.wait_for(serving, 20)
    assert not board.is_output(RELAY)


async def test_a_mute_in_the_last_moment_is_remembered(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path
) -> None:
    """Told to stop right after it: the disk is waited for."""
    async with app.open_app(settings(tmp_path), KEY) as house:
        for fact in (ButtonHeld(Samples(1)), ButtonLongPressed(), ShutdownRequested()):
            house.controller.post(fact)
        await house.controller.run()
    assert (tmp_path / "muted").exists()
