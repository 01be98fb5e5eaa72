"""The commands that speak to a running house: status, mute, unmute, stop, volume, events."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.cli.remote.events import line
from device.cli.remote.status import lines
from device.core import events as ev
from tests.control.house import short_folder
from tests.house.cardless import CardlessHouse, open_cardless
from tests.waiting import until

COMMAND = Path(sys.executable).with_name("hearthside")
NO_HOUSE = "hearthside: hearthside is not running (nobody answers at "


async def run(*arguments: str) -> tuple[int, str, str]:
    """Run a command; return its exit code, and what it wrote."""
    process = await asyncio.create_subprocess_exec(COMMAND, *arguments, stdout=-1, stderr=-1)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def living(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, personas: dict[str, Any] | None = None
) -> AsyncIterator[CardlessHouse]:
    """A house that the commands find."""
    with short_folder() as folder:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
        async with open_cardless(tmp_path, monkeypatch, personas=personas) as house:
            house.hear(1.0)
            await until(lambda: house.app.wake.scored_samples, "scored sound")
            yield house


async def test_the_commands_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a whole house."""
    async with living(tmp_path, monkeypatch) as house:
        status = house.app.controller.status
        assert await run("mute") == (0, "muted: the microphone is closed\n", "")
        assert house.microphone.is_closed
        code, out, _ = await run("status")
        assert (code, out.splitlines()[0].partition(" since ")[0]) == (0, "muted")
        assert "what to do: unmute: hold the button, or `hearthside unmute`" in out
        assert await run("unmute") == (0, "unmuted\n", "")
        assert not house.app.controller.status.muted
        assert await run("volume") == (0, "80 %\n", "")
        assert await run("volume", "30") == (0, "30 %\n", "")
        assert await run("volume", "+5") == (0, "35 %\n", "")
        assert await run("volume", "-10") == (0, "25 %\n", "")
        house.app.controller.post(ev.WakeWordDetected("hey_jarvis", 1.0, house.app.frontend.position))
        assert await run("stop") == (0, "stopped\n", "")
        assert house.app.controller.status.phase is status.phase
        code, out, _ = await run("status", "--json")
        assert (code, json.loads(out)["volume"]) == (0, 25)


async def test_personas_and_wake_words_are_listed_and_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And shown in the status; a name may have several words."""
    personas = {"butler": {"voice": "cedar"}, "old pirate": {}}
    async with living(tmp_path, monkeypatch, personas=personas) as house:
        assert await run("persona") == (0, "* default\n  butler\n  old pirate\n", "")
        assert await run("persona", "old", "pirate") == (0, "  default\n  butler\n* old pirate\n", "")
        assert house.app.controller.status.persona == "old pirate"
        assert await run("wake-word") == (0, "* all\n  hey_jarvis\n", "")
        assert await run("wake-word", "hey_jarvis") == (0, "  all\n* hey_jarvis\n", "")
        code, out, _ = await run("status")
        assert code == 0
        assert "\nwake word: hey_jarvis only, of hey_jarvis (" in out
        assert "\npersona: old pirate\n" in out
        code, _, err = await run("wake-word", "hey_jervis")
        assert code == 1
        assert 'did you mean "hey_jarvis"?' in err


async def test_events_are_printed_as_they_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the end of the house is the end of them."""
    async with living(tmp_path, monkeypatch) as house:
        process = await asyncio.create_subprocess_exec(COMMAND, "events", "--json", stdout=-1, stderr=-1)
        people = await asyncio.create_subprocess_exec(COMMAND, "events", stdout=-1, stderr=-1)
        servers = house.app.oversight._servers
        await until(lambda: sum(len(server._subscribers) for server in servers) == 2, "subscriptions")
        house.app.controller.post(ev.MuteRequested())
        assert process.stdout is not None
        event: dict[str, Any] = {}
        while event.get("event") != "indication":
            event = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert event == {"event": "indication", "indication": "muted"}
    for listener in (process, people):
        out, err = await asyncio.wait_for(listener.communicate(), 20)
        assert listener.returncode == 1
        assert err.decode() == "hearthside: hearthside has ended\n"
    assert " indication: muted\n" in out.decode()


@pytest.mark.parametrize(
    "arguments", [["status"], ["status", "--json"], ["mute"], ["unmute"], ["stop"], ["volume", "5"], ["events"]]
)
def test_without_a_house_each_says_so(arguments: list[str], tmp_path: Path) -> None:
    """With exit code 1, and nothing for a program to misread."""
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(tmp_path)}
    done = subprocess.run([COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(NO_HOUSE + str(tmp_path))
    assert done.stderr.endswith("sudo systemctl start hearthside\n")


@pytest.mark.parametrize("wrong", ["loud", "101", "-101", "+1000", "1.5", ""])
def test_a_volume_that_is_none_is_a_wrong_argument(wrong: str) -> None:
    """Found before the house is asked."""
    done = subprocess.run([COMMAND, "volume", wrong], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "argument N|+N|-N: give percent: 0 to 100, or +N or -N" in done.stderr


def test_a_status_tells_people_what_is_not_well() -> None:
    """Each part with what to do; without one, what time has told."""
    told: dict[str, Any] = {
        "state": "fault",
        "since": 1e9,
        "why": "light: dark (and 1 more)",
        "what_to_do": "look",
        "phase": "speaking",
        "ringing": True,
        "announcing": False,
        "confirming": False,
        "parts": [
            {"part": "light", "ok": False, "since": 1e9, "why": "dark", "what_to_do": "look at its wires"},
            {"part": "disk", "ok": False, "since": 1e9, "why": "full", "what_to_do": ""},
            {"part": "speaker", "ok": True, "since": 1e9, "why": "", "what_to_do": ""},
        ],
        "words": ["a", "b"],
        "volume": None,
        "provider": "openai",
        "version": "1.0",
    }
    shown = "\n".join(lines(told))
    assert shown.startswith("fault since 200")
    assert shown.splitlines()[0].endswith(": it hears you, but something does not work (speaking, ringing)")
    assert "light: dark (since " in shown
    assert shown.count("what to do") == 1
    assert "speaker" not in shown
    assert shown.endswith("wake words: a, b\nvolume: unknown; provider: openai; version: 1.0")
    well = {**told, "parts": [], "state": "listening", "why": "", "ringing": False}
    assert next(lines({**well, "phase": "idle"})).endswith(": all is well, it waits for its wake word")
    assert next(lines({**well, "phase": "listening"})).endswith(": all is well (listening to you)")
    told.update(parts=[], state="deaf", why="no sound has been scored for 11 s", what_to_do="restart")
    assert "  no sound has been scored for 11 s\n  what to do: restart\n" in "\n".join(lines(told))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"event": "phase", "phase": "listening", "turn": 0}, "phase: listening, turn 0"),
        ({"event": "wake_word", "word": "hey_jarvis", "score": 0.0}, "wake word: word hey_jarvis, score 0.0"),
        ({"event": "conditions", "muted": True, "ringing": True, "announcing": False}, "conditions: muted, ringing"),
        ({"event": "conditions", "muted": False, "ringing": False}, "conditions: none"),
    ],
)
def test_an_event_is_told_in_a_line(event: dict[str, Any], said: str) -> None:
    """What holds, and nothing of what does not."""
    assert line(event)[9:] == said


@pytest.mark.parametrize("name", ["status", "mute", "volume", "events"])
def test_a_command_that_only_speaks_to_the_house_loads_nothing_of_it(name: str) -> None:
    """It starts in a fifth of the time that the whole program takes."""
    program = f"import sys; from device.cli import main; main(['{name}']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "msgspec", "numpy", "device.house", "device.core", "rich"} & set(loaded)
