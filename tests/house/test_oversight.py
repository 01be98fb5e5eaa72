"""The health file and the control socket of a whole house."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device import __version__
from device.core import events as ev
from device.core.events import Device, DeviceFailed, DeviceRecovered
from device.core.status import Phase
from device.house import app
from device.ports.desk import LateDesk, NotDoneError
from tests.control.house import Client, connected, short_folder
from tests.conversation.mutings import counting_server, tapped
from tests.house.cardless import CardlessHouse, open_cardless
from tests.ports import free_port
from tests.service.metrics.test_endpoint import fetch
from tests.waiting import LIMIT_S, until

Files = dict[str, Any]


@asynccontextmanager
async def controlled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> AsyncIterator[tuple[CardlessHouse, Client, Path]]:
    """A house with a runtime directory, a client of its socket, and the directory."""
    with short_folder() as folder:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
        async with open_cardless(tmp_path, monkeypatch, **more) as house, connected(folder) as client:
            yield house, client, folder


def health(folder: Path) -> Files:
    """Return what the health file says; nothing while there is none."""
    file = folder / "health.json"
    table: Files = json.loads(file.read_bytes()) if file.exists() else {}
    return table


async def test_the_health_file_says_how_the_house_is_doing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its start to its end, every change of it; and it is gone with the house."""
    async with controlled(tmp_path, monkeypatch) as (house, _, folder):
        await until(lambda: health(folder).get("state") == "starting", "a start")
        house.hear(1.0)
        house.app.controller.post(ev.VoiceConfirmed())
        await until(lambda: health(folder)["scored_frames"] > 10, "scored sound")
        await until(lambda: health(folder)["state"] == "listening", "a house that listens")
        told = health(folder)
        assert (told["version"], told["pid"], told["phase"]) == (__version__, os.getpid(), "idle")
        assert abs(told["since"] - time.time()) < 60
        assert abs(told["written"] - time.time()) < 60
        assert {"microphone", "provider", "echo canceller"} <= {part["part"] for part in told["parts"]}
        assert all(part["ok"] for part in told["parts"])
        house.app.controller.post(DeviceFailed(Device.MICROPHONE, "unplugged"))
        await until(lambda: health(folder)["state"] == "deaf", "a deaf house")
        assert health(folder)["why"] == "microphone: unplugged"
        assert "audio.input" in health(folder)["what_to_do"]
        house.app.controller.post(DeviceRecovered(Device.MICROPHONE))
        await until(lambda: health(folder)["state"] == "listening", "a house that listens again")
    assert not (folder / "health.json").exists()


async def test_without_a_place_for_them_there_is_neither_file_nor_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing runs that would look after them."""
    async with open_cardless(tmp_path, monkeypatch) as house:
        assert not house.app.oversight.observers
        assert "standing" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_features_find_the_desk_though_nobody_else_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a control socket, too; it is made for the first of them, and is told then what happens."""
    async with open_cardless(tmp_path, monkeypatch) as house:
        desk = house.app.oversight.desk()
        assert house.app.oversight.desk() is desk
        assert desk.status()["words"] == house.app.settings.wake.words
        assert await desk.timers() == []
        await desk.mute()
        assert house.app.controller.status.muted
        with pytest.raises(NotDoneError, match="muted"):
            await asyncio.wait_for(desk.ask("Shall I?"), LIMIT_S)
        desk.unmute()
        assert not desk.status()["muted"]


def test_a_house_that_starts_has_no_desk_yet() -> None:
    """Features may ask too early."""
    with pytest.raises(NotDoneError, match="still starting"):
        LateDesk()()


async def test_a_second_house_in_one_place_goes_on_without_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first keeps its own; the second says so, and does everything else."""
    async with controlled(tmp_path, monkeypatch) as (_, client, folder):
        async with open_cardless(tmp_path, monkeypatch) as second:
            second.hear(0.1)
            assert second.app.oversight.observers == []
            assert "no control socket" in caplog.text
            assert "another hearthside is running" in caplog.text
        assert (await client.ask("status"))["ok"]
        assert (folder / "health.json").exists()


async def test_who_asks_a_house_that_is_starting_is_answered_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file says meanwhile that it starts, and goes on saying so however long it takes."""
    monkeypatch.setattr("device.service.standing.LONGEST_S", 0.01)
    reached, go_on = asyncio.Event(), asyncio.Event()
    open_wake = app.open_wake

    async def wait(*arguments: Any) -> Any:
        reached.set()
        await go_on.wait()
        return await open_wake(*arguments)

    monkeypatch.setattr(app, "open_wake", wait)
    with short_folder() as folder:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))

        async def live() -> None:
            async with open_cardless(tmp_path, monkeypatch):
                await done.wait()

        done = asyncio.Event()
        living = asyncio.create_task(live())
        await reached.wait()
        await until(lambda: health(folder).get("state") == "starting", "a house that starts")
        first = await asyncio.to_thread((folder / "health.json").stat)
        await until(lambda: (folder / "health.json").stat().st_ino != first.st_ino, "a newer file")
        async with connected(folder) as client:
            asking = asyncio.create_task(client.ask("status"))
            await asyncio.sleep(0.05)
            assert not asking.done()
            go_on.set()
            assert (await asking)["result"]["state"] == "starting"
        done.set()
        await living


async def test_the_status_tells_what_the_file_does_and_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this moment."""
    async with controlled(tmp_path, monkeypatch) as (house, client, _):
        house.hear(1.0)
        await until(lambda: house.app.wake.scored_samples, "scored sound")
        status = (await client.ask("status"))["result"]
        assert status["state"] == "listening"
        assert status["muted"] is False
        assert (status["words"], status["provider"], status["volume"]) == (["hey_jarvis"], "openai", 80)
        assert status["indication"] == "idle"
        assert (await client.ask("volume", to=30))["result"] == {"volume": 30}
        assert (await client.ask("volume", by=-50))["result"] == {"volume": 0}


async def test_the_level_of_the_microphone_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise, what is too loud, and zeros; of a muted one nothing is known."""
    async with controlled(tmp_path, monkeypatch) as (house, client, _):
        house.hear(2.0, loudness=3_000)
        levels = (await client.ask("levels"))["result"]
        assert levels["of_ms"] == 1_000
        assert -27 < levels["rms_dbfs"] < -24
        assert -21 < levels["peak_dbfs"] < -20
        assert (levels["clipped"], levels["digital_silence"], levels["muted"]) == (0, False, False)
        house.hear(2.0, loudness=32_767)
        assert (await client.ask("levels"))["result"]["clipped"] > 10
        house.hear_nothing(2.0)
        levels = (await client.ask("levels"))["result"]
        assert (levels["rms_dbfs"], levels["digital_silence"]) == (None, True)
        await client.ask("mute")
        levels = (await client.ask("levels"))["result"]
        assert (levels["of_ms"], levels["digital_silence"], levels["muted"]) == (0, False, True)


async def test_what_happens_is_told_to_subscribers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Phases, turns, indications; and not what was said."""
    async with counting_server() as server, controlled(tmp_path, monkeypatch, url=server.url) as (house, client, _):
        await converse(house, client)
        told = await until_muted(client)
        assert {"event": "wake_word", "word": "hey_jarvis", "score": 0.9} in told
        assert {"event": "turn", "turn": 1} in told
        phases = [event["phase"] for event in told if event["event"] == "phase"]
        assert phases == ["waking", "listening", "idle"]
        shown = [event["indication"] for event in told if event["event"] == "indication"]
        assert shown == ["waking", "listening", "muted"]
        assert [event["state"] for event in told if event["event"] == "state"][-1:] in ([], ["muted"])
        assert "wish" not in str(told)


async def test_what_was_said_is_told_only_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever may write the configuration."""
    more = {"control": {"transcripts": True}}
    async with (
        counting_server() as server,
        controlled(tmp_path, monkeypatch, url=server.url, **more) as (house, client, _),
    ):
        await converse(house, client)
        told = await until_muted(client)
        assert {"event": "heard", "turn": 1, "text": "my wish"} in told
        assert {"event": "said", "turn": 1, "text": "your wish"} in told


async def converse(house: CardlessHouse, client: Client) -> None:
    """Subscribe, say the wake word, and have a word with the provider."""
    house.hear(1.0)
    assert (await client.ask("subscribe"))["ok"]
    controller = house.app.controller
    controller.post(ev.WakeWordDetected("hey_jarvis", 0.9, house.app.frontend.position))
    await until(lambda: controller.status.phase is Phase.LISTENING, "the person's turn")
    controller.post(ev.Heard(1, "my wish"))
    controller.post(ev.Said(1, "your wish"))


async def until_muted(client: Client) -> list[dict[str, Any]]:
    """Mute; return the events until then."""
    client.send(b'{"id": "last", "do": "mute"}\n')
    told = [await client.next()]
    while told[-1].get("id") != "last":
        told.append(await client.next())
    return told[:-1]


async def test_a_mute_over_the_socket_closes_the_microphone_and_survives_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a conversation: nothing is handed to the network from then on."""
    with tapped() as tap:
        async with (
            counting_server() as server,
            controlled(tmp_path, monkeypatch, url=server.url) as (house, client, folder),
        ):
            await converse(house, client)
            await until_muted(client)
            assert house.microphone.is_closed
            handed, frames = tap.handed, house.app.frontend.position
            house.hear(1.0)
            house.app.controller.post(ev.WakeWordDetected("hey_jarvis", 0.9, house.app.frontend.position))
            await asyncio.sleep(0.3)  # in which what is on its way would be sent
            assert tap.handed == handed
            assert house.app.frontend.position == frames
            assert (len(server.sessions), server.goodbyes) == (1, 0)
            await until(lambda: health(folder)["state"] == "muted", "a muted house")
    async with controlled(tmp_path, monkeypatch) as (house, client, _):
        status = (await client.ask("status"))["result"]
        assert (status["muted"], status["state"]) == (True, "muted")
        assert house.microphone.is_closed
        assert (await client.ask("mute"))["result"] == {"muted": True}
        assert (await client.ask("unmute"))["result"] == {"muted": False}
        await until(lambda: not house.microphone.is_closed, "an open microphone")
    async with controlled(tmp_path, monkeypatch) as (_, client, _):
        assert (await client.ask("status"))["result"]["muted"] is False


async def test_stop_ends_a_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the house listens for its word again."""
    async with counting_server() as server, controlled(tmp_path, monkeypatch, url=server.url) as (house, client, _):
        await converse(house, client)
        client.send(b'{"id": "last", "do": "stop"}\n')
        await until(lambda: house.app.controller.status.phase is Phase.IDLE, "the end of it")
        assert not house.microphone.is_closed


async def test_figures_are_served_where_they_are_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a runtime directory, too: nothing else is needed for them."""
    port = free_port()
    service = {"state_dir": str(tmp_path), "metrics": {"port": port}}
    async with open_cardless(tmp_path, monkeypatch, service=service) as house:
        house.hear(1.0)
        await until(lambda: house.app.wake.scored_samples, "scored sound")
        house.app.controller.post(ev.WakeWordDetected("hey_jarvis", 0.9, house.app.frontend.position))
        page = (await fetch(port, b"GET /metrics HTTP/1.1\r\n\r\n")).decode()
        assert 'hearthside_wake_words_total{word="hey_jarvis"} 1.0' in page
        assert 'hearthside_state{state="listening"} 1.0' in page
        assert 'hearthside_lost_sound_total{direction="playback"} 0.0' in page
        assert "hearthside_turns_total 1.0" in page


def test_who_configures_no_figures_does_not_pay_for_them() -> None:
    """What keeps them is not even loaded."""
    program = "import sys, device.house.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "device.house.oversight" in loaded
    assert not {"prometheus_client", "device.service.metrics.tally", "aiohttp"} & set(loaded)
